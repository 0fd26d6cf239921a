"""Two readers of one case: each alone, then compared; where they differ, a third decides."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from clinical.audit.verify import verify
from clinical.errors import ReviewError
from clinical.review import adjudication, decisions, progress, protocol, signature
from clinical.review.protocol import Protocol

pytestmark = pytest.mark.both_databases

BOTH = Protocol(second_share=1.0)


def test_the_share_of_double_read_cases_is_drawn_from_their_names() -> None:
    names = [f"case-{number}" for number in range(2000)]
    quarter = {name for name in names if Protocol(second_share=0.25).readers(name) == 2}
    half = {name for name in names if Protocol(second_share=0.5).readers(name) == 2}

    assert quarter < half
    assert len(quarter) / 2000 == pytest.approx(0.25, abs=0.03)
    assert all(Protocol(second_share=1.0).readers(name) == 2 for name in names)
    assert all(Protocol().readers(name) == 1 for name in names)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_share_is_from_0_to_1(ward: Any, share: float) -> None:
    with pytest.raises(ReviewError, match="from 0 to 1"):
        ward.protocol(second_share=share)


def test_the_protocol_is_an_event_and_only_a_change_is_recorded(ward: Any) -> None:
    assert protocol.set_protocol(ward.engine, Protocol(), "dr.chief") is None
    assert protocol.set_protocol(ward.engine, BOTH, "dr.chief") is not None
    assert protocol.set_protocol(ward.engine, BOTH, "dr.chief") is None
    with ward.engine.connect() as connection:
        assert protocol.in_force(connection) == BOTH


def test_each_reads_without_the_others_decisions_until_they_sign(ward: Any) -> None:
    ward.protocol(second_share=1.0)
    ward.open("dr.bob")
    ward.accept("dr.ada")
    ward.sign("dr.ada")
    assert ward.status() == "second_read"

    def seen(name: str, role: str = "reader") -> list[str]:
        events = progress.visible(ward.past(), name, role, BOTH, "case-1")
        return [e.kind for e in events if e.actor == "dr.ada"]

    assert seen("dr.bob") == ["OPENED"]
    assert "DECIDED" in seen("dr.eve", "auditor")
    ward.reject("dr.bob")
    assert seen("dr.bob") == ["OPENED"]
    ward.sign("dr.bob")
    assert seen("dr.bob") == ["OPENED", "DECIDED", "SIGNED", "TIMED"]
    assert ward.status() == "disputed"


def test_where_one_signature_is_enough_readers_see_each_other(ward: Any) -> None:
    ward.open("dr.bob")
    ward.accept("dr.ada")
    events = progress.visible(ward.past(), "dr.bob", "reader", Protocol(), "case-1")
    assert list(events) == ward.past()


def test_readings_agree_when_they_hold_the_same_diagnoses(ward: Any) -> None:
    """A replaced suggestion and an added diagnosis come to the same."""
    ward.protocol(second_share=1.0)
    ward.open("dr.bob")
    ward.decide("dr.ada", action="modify", reason="lab_explains", replacement="ICD-10:J93.9")
    ward.reject("dr.bob")
    ward.add("dr.bob", "ICD-10:J93.9")
    ward.sign("dr.ada", "dr.bob")
    assert ward.status() == "complete"


def disputed(ward: Any) -> None:
    """dr.ada holds pneumonia and an effusion, dr.bob the effusion alone."""
    ward.protocol(second_share=1.0)
    ward.open("dr.bob")
    ward.accept("dr.ada")
    ward.add("dr.ada", "ICD-10:J90")
    ward.reject("dr.bob")
    ward.add("dr.bob", "ICD-10:J90")
    ward.sign("dr.ada", "dr.bob")


@pytest.mark.parametrize("present", [{"ICD-10:J90"}, {"ICD-10:J90", "bacterial_pneumonia"}])
def test_an_adjudicator_settles_what_they_differ_on(ward: Any, present: set[str]) -> None:
    disputed(ward)
    assert adjudication.agreed(ward.progress()) == {"ICD-10:J90"}
    assert adjudication.disputed(ward.progress()) == ["bacterial_pneumonia"]
    wish = ward.adjudication(present, comment="Seen on the lateral film.")
    assert adjudication.can_adjudicate(wish, ward.past())
    adjudication.adjudicate(ward.engine, wish)

    assert ward.status() == "adjudicated"
    last = ward.progress().adjudicated
    assert (last.adjudicator, set(last.present)) == ("dr.chief", present)
    assert len(ward.progress().signed) == 2, "both readings stay"
    with ward.engine.connect() as connection:
        assert verify(connection).intact
    for act in (ward.accept, ward.sign):
        with pytest.raises(ReviewError, match="adjudicated this case"):
            act("dr.ada")
    with pytest.raises(ReviewError, match="adjudicated this case"):
        signature.amend(ward.engine, ward.amendment("dr.ada"))


REFUSED: list[tuple[set[str], dict[str, Any], str]] = [
    ({"ICD-10:J90"}, {"role": "reader"}, "may not adjudicate"),
    ({"ICD-10:J90"}, {"role": "auditor"}, "may not adjudicate"),
    ({"ICD-10:J90"}, {"adjudicator": "dr.ada"}, "one of the readers"),
    ({"ICD-10:J90"}, {"signatures": (1, 2)}, "since the readings were compared"),
    (set(), {}, "readers agree on 1"),
    ({"ICD-10:J90", "Mrs Smith"}, {}, "or a code"),
]


@pytest.mark.parametrize(
    ("present", "changes", "rule"), REFUSED, ids=[rule for *_, rule in REFUSED]
)
def test_refused_adjudications(
    ward: Any, present: set[str], changes: dict[str, Any], rule: str
) -> None:
    disputed(ward)
    wish = ward.adjudication(present, **changes)
    before = ward.past()
    assert not adjudication.can_adjudicate(wish, before)
    with pytest.raises(ReviewError, match=rule):
        adjudication.adjudicate(ward.engine, wish)
    assert ward.past() == before


def test_there_is_nothing_to_adjudicate_before_two_readings_differ(ward: Any) -> None:
    ward.accept("dr.ada")
    ward.sign("dr.ada")
    with pytest.raises(ReviewError, match="not have two signed readings"):
        adjudication.adjudicate(ward.engine, ward.adjudication(set()))


def test_an_amendment_takes_the_case_back_from_the_adjudicator(ward: Any) -> None:
    disputed(ward)
    late = ward.adjudication({"ICD-10:J90"})
    signature.amend(ward.engine, ward.amendment("dr.bob"))
    assert ward.status() == "in_review"
    with pytest.raises(ReviewError, match="not have two signed readings"):
        adjudication.adjudicate(ward.engine, late)


def test_two_readers_at_once_lose_no_decision(ward: Any) -> None:
    """Both write as fast as they can; every decision is in the ledger, and each reader's stands."""
    readers = ("dr.ada", "dr.bob")
    ward.open("dr.bob")
    start = threading.Barrier(2)
    failed: list[BaseException] = []

    def read(name: str) -> None:
        try:
            start.wait()
            for number in range(15):
                act = ward.accept if (number + len(name)) % 2 else ward.reject
                act(name)
        except BaseException as error:  # noqa: BLE001  (told to the test, which fails)
            failed.append(error)

    threads = [threading.Thread(target=read, args=(name,)) for name in readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    decided = [event.actor for event in ward.past() if event.kind == "DECIDED"]
    assert sorted(decided) == ["dr.ada"] * 15 + ["dr.bob"] * 15
    assert {d.reader for d in decisions.standing(ward.past())} == set(readers)
    with ward.engine.connect() as connection:
        assert verify(connection).intact
