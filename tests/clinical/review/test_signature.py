"""Signing: what it needs, what it holds, and that nothing changes after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DatabaseError

from clinical import canonical
from clinical.audit.verify import verify
from clinical.errors import ReviewError
from clinical.review import intake, progress, signature
from clinical.review.times import begun, noticed
from clinical.workspace import comments
from clinical.workspace.database import writing

pytestmark = pytest.mark.both_databases

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"role": "auditor"}, "may not sign"),
    ({"role": "administrator"}, "may not sign"),
    ({"meaning": "seen"}, "needs a meaning"),
    ({"assessment_digest": "0" * 64}, "assessed again"),
    ({"reader": "dr.eve"}, "has not opened"),
    ({"decisions": "0" * 64}, "changed in another window"),
]


def test_a_signature_says_who_when_what_and_over_which_decisions(ward: Any) -> None:
    decided = ward.accept("dr.ada")
    wish = ward.signature("dr.ada")
    assert signature.can_sign(wish, ward.past())
    event = signature.sign(ward.engine, wish)
    assert event.time == decided.time, "not before the decision that it covers, whatever was asked"

    assert ward.kinds()[-2:] == ["SIGNED", "TIMED"]
    assert event.actor == "dr.ada"
    assert event.payload == {
        "assessment": ward.digest,
        "name": "dr.ada",
        "role": "reader",
        "meaning": "reviewed",
        "identity": "session",
        "decisions": [decided.sequence],
        "digest": canonical.digest([decided.hash]),
    }
    assert signature.holds(ward.progress().of("dr.ada"))
    assert ward.status() == "complete"


@pytest.mark.parametrize(("changes", "rule"), REFUSED, ids=lambda value: str(value)[:40])
def test_refused(ward: Any, changes: dict[str, Any], rule: str) -> None:
    ward.accept("dr.ada")
    wish = ward.signature("dr.ada", **changes)
    before = ward.past()
    assert not signature.can_sign(wish, before)
    with pytest.raises(ReviewError, match=rule):
        signature.sign(ward.engine, wish)
    assert ward.past() == before


def test_every_suggestion_over_its_threshold_needs_a_decision_first(ward: Any) -> None:
    assert signature.left_to_decide(ward.progress(), "dr.ada") == ["bacterial_pneumonia"]
    with pytest.raises(ReviewError, match="1 of the suggestions"):
        ward.sign("dr.ada")
    ward.accept("dr.ada")
    ward.sign("dr.ada")


def test_a_signature_over_other_decisions_does_not_hold(ward: Any) -> None:
    """As if the decision of another case, or an earlier one, had been put under the signature."""
    ward.reject("dr.ada")
    ward.accept("dr.ada")
    ward.sign("dr.ada")
    past = ward.past()
    (rejected, accepted) = (event for event in past if event.kind == "DECIDED")
    forged = [event for event in past if event != accepted]
    assert signature.holds(progress.progress(past).of("dr.ada"))
    assert not signature.holds(progress.progress(forged).of("dr.ada"))
    swapped = [replace(e, hash=rejected.hash) if e == accepted else e for e in past]
    assert not signature.holds(progress.progress(swapped).of("dr.ada"))


def test_nothing_changes_after_signing(ward: Any) -> None:
    ward.accept("dr.ada")
    ward.sign("dr.ada")
    for act in (ward.accept, ward.reject, ward.sign, lambda name: ward.add(name, "ICD-10:J90")):
        before = ward.past()
        with pytest.raises(ReviewError, match="You signed"):
            act("dr.ada")
        assert ward.past() == before


def test_a_new_assessment_asks_for_a_new_reading(ward: Any) -> None:
    ward.accept("dr.ada")
    ward.sign("dr.ada")
    with writing(ward.engine) as connection:
        again = replace(ward.assessment, conflicts=())
        intake.record_assessment(connection, ward.example.case(), again, "system")
    assert ward.status() == "unread"
    assert ward.progress().signed == []


def test_the_identity_is_asked_where_there_are_accounts(ward: Any) -> None:
    ward.accept("dr.ada")
    before = ward.past()
    with pytest.raises(ReviewError, match="password"):
        signature.sign(ward.engine, ward.signature("dr.ada"), identify=lambda: False)
    assert ward.past() == before
    event = signature.sign(ward.engine, ward.signature("dr.ada"), identify=lambda: True)
    assert event.payload["identity"] == "password"
    assert ward.status() == "complete"


def test_an_amendment_reopens_with_a_reason_and_keeps_both(ward: Any) -> None:
    ward.accept("dr.ada")
    with pytest.raises(ReviewError, match="no signature to amend"):
        signature.amend(ward.engine, ward.amendment("dr.ada"))
    ward.sign("dr.ada")
    for reason, comment, rule in (
        ("", "", "coded reasons"),
        ("because", "", "coded reasons"),
        ("other", " ", "needs a comment"),
    ):
        wish = ward.amendment("dr.ada", reason, comment)
        assert not signature.can_amend(wish, ward.past())
        with pytest.raises(ReviewError, match=rule):
            signature.amend(ward.engine, wish)
    event = signature.amend(ward.engine, ward.amendment("dr.ada", "other", "Mrs Smith rang."))
    assert ward.status() == "in_review"
    assert "Smith" not in str(event.payload)
    ward.reject("dr.ada")
    ward.sign("dr.ada")
    assert ward.kinds().count("SIGNED") == 2
    with ward.engine.connect() as connection:
        assert comments.get(connection, event.payload["comment"]) == "Mrs Smith rang."
        assert verify(connection).intact


def test_verification_finds_a_changed_comment_of_any_kind_of_event(ward: Any) -> None:
    ward.accept("dr.ada")
    ward.sign("dr.ada")
    event = signature.amend(ward.engine, ward.amendment("dr.ada", "mistake", "The other film."))
    spoil = "UPDATE comments SET text = 'This film.'"
    if ward.engine.dialect.name == "postgresql":
        with writing(ward.engine) as connection, pytest.raises(DatabaseError, match="denied"):
            connection.exec_driver_sql(spoil)
        return
    with writing(ward.engine) as connection:
        connection.exec_driver_sql(spoil)
    with ward.engine.connect() as connection:
        verdict = verify(connection)
    assert (verdict.intact, verdict.first_broken) == (False, event.sequence)


def test_times_are_kept_with_the_signature(ward: Any) -> None:
    start = ward.now()
    attention = begun(start)
    for seconds in (10, 40, 400):
        attention = noticed(attention, start + timedelta(seconds=seconds))
    ward.accept("dr.ada")
    signature.sign(ward.engine, ward.signature("dr.ada"), attention=attention)
    payload = ward.past()[-1].payload
    assert payload["active_seconds"] == 40
    assert payload["idle_seconds"] == 360
    assert payload["first_interaction"] == (start + timedelta(seconds=10)).isoformat(
        timespec="microseconds"
    )
    assert payload["opened"] <= payload["machine_shown"] <= payload["decided"] <= payload["signed"]
