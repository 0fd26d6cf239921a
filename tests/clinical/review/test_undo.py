"""Taking decisions back, and diagnoses that a reader adds."""

from __future__ import annotations

from typing import Any

import pytest

from clinical.errors import ReviewError
from clinical.review import decisions, undo

pytestmark = pytest.mark.both_databases

ADDED: list[tuple[str, str | None]] = [
    ("ICD-10:J18.9", None),
    ("ICD-11:CA40.0", None),
    ("SNOMED:233604007", None),
    ("pulmonary_embolism", None),  # withheld, so the reader may add it as their own
    ("bacterial_pneumonia", "among the suggestions"),
    ("gout", "needs its code"),
    ("Mrs Smith says asthma", "needs its code"),
    ("", "needs its code"),
]


@pytest.mark.parametrize(("diagnosis", "rule"), ADDED, ids=str)
def test_what_may_be_added(ward: Any, diagnosis: str, rule: str | None) -> None:
    if rule is None:
        ward.add("dr.ada", diagnosis)
        assert decisions.decisions(ward.past())[diagnosis].action == "add"
        return
    with pytest.raises(ReviewError, match=rule):
        ward.add("dr.ada", diagnosis)


def test_confidence_is_one_of_three_or_left_open(ward: Any) -> None:
    ward.decide("dr.ada", confidence="high")
    assert decisions.decisions(ward.past())["bacterial_pneumonia"].confidence == "high"
    ward.decide("dr.ada")
    assert decisions.decisions(ward.past())["bacterial_pneumonia"].confidence is None
    with pytest.raises(ReviewError, match="no such confidence"):
        ward.decide("dr.ada", confidence="rather")


def test_undo_walks_back_and_what_was_superseded_stands_again(ward: Any) -> None:
    first = ward.accept("dr.ada")
    second = ward.reject("dr.ada")
    ward.add("dr.ada", "ICD-10:J93.9")

    def standing() -> dict[str, str]:
        return {name: d.action for name, d in decisions.decisions(ward.past()).items()}

    assert standing() == {"bacterial_pneumonia": "reject", "ICD-10:J93.9": "add"}
    undo.undo(ward.engine, "case-1", "dr.ada")
    assert standing() == {"bacterial_pneumonia": "reject"}
    event = undo.undo(ward.engine, "case-1", "dr.ada")
    assert event.payload["takes_back"] == second.sequence
    assert standing() == {"bacterial_pneumonia": "accept"}
    assert ward.status() == "reviewed"
    assert undo.undo(ward.engine, "case-1", "dr.ada").payload["takes_back"] == first.sequence
    assert standing() == {}
    assert ward.status() == "opened"
    assert len(decisions.history(ward.past())) == 3, "nothing is lost"
    assert not undo.can_undo(ward.past(), "dr.ada")
    with pytest.raises(ReviewError, match="no decision to take back"):
        undo.undo(ward.engine, "case-1", "dr.ada")


def test_one_decision_in_the_middle_can_be_named(ward: Any) -> None:
    added = ward.add("dr.ada", "ICD-10:J93.9")
    ward.accept("dr.ada")
    undo.undo(ward.engine, "case-1", "dr.ada", added.sequence)
    assert list(decisions.decisions(ward.past())) == ["bacterial_pneumonia"]


def test_nobody_takes_back_for_somebody_else_or_after_signing(ward: Any) -> None:
    ward.open("dr.bob")
    theirs = ward.accept("dr.bob")
    with pytest.raises(ReviewError, match="no decision to take back"):
        undo.undo(ward.engine, "case-1", "dr.ada", theirs.sequence)
    ward.sign("dr.bob")
    with pytest.raises(ReviewError, match="You signed"):
        undo.undo(ward.engine, "case-1", "dr.bob")
