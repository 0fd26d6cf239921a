"""Marks are recorded with a decision, where they changed, and hidden as notes are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from clinical.audit import ledger, retention, verify
from clinical.case.shapes import Array
from clinical.review import decisions, marking, marks, progress, signature
from clinical.review.marking import Told
from clinical.review.protocol import Protocol
from clinical.workspace.database import writing
from clinical.workspace.layout import COMMENTS

FILM = Array(np.zeros((8, 8), np.float32))
IMAGES = {"frontal": FILM, "lateral": FILM}


def told(*words: str, image: str = "frontal") -> Told:
    listed = [
        {"kind": "text", "frame": 1, "points": [[1, 1]], "text": text, "window": None}
        for text in words
    ]
    found = marks.read({image: listed}, IMAGES)
    assert found is not None
    return found


def decide(ward: Any, reader: str, marked: Told | None, diagnosis: str = "heart_failure") -> None:
    decision = ward.example.decision(
        ward.digest,
        reader=reader,
        time=ward.now(),
        action="reject",
        reason="lab_explains",
        diagnosis=diagnosis,
    )
    decisions.decide(ward.engine, decision, marked=marked)


def words(ward: Any, reader: str) -> list[str]:
    with ward.engine.connect() as connection:
        past = ledger.events(connection, case_id="case-1")
        found = marking.marks_of(connection, marking.standing(past).get(reader))
    return [f"{mark.image}: {mark.text}" for mark in found]


def test_they_are_recorded_with_a_decision_before_it_and_only_where_they_changed(ward: Any) -> None:
    ward.open("dr.ada")
    decide(ward, "dr.ada", told("here"))
    assert ward.kinds()[-2:] == ["MARKED", "DECIDED"]
    decide(ward, "dr.ada", told("here"))
    decide(ward, "dr.ada", None)
    assert ward.kinds()[-3:] == ["DECIDED", "DECIDED", "DECIDED"]
    decide(ward, "dr.ada", told())
    assert ward.kinds().count("MARKED") == 2
    assert words(ward, "dr.ada") == []


def test_marks_on_an_image_that_was_not_shown_stay(ward: Any) -> None:
    ward.open("dr.ada")
    decide(ward, "dr.ada", told("one"))
    decide(ward, "dr.ada", told("two", image="lateral"))
    assert words(ward, "dr.ada") == ["frontal: one", "lateral: two"]


def test_a_signature_records_what_was_marked_since(ward: Any) -> None:
    ward.open("dr.ada")
    ward.accept("dr.ada")
    signature.sign(ward.engine, ward.signature("dr.ada"), marked=told("here"))
    assert ward.kinds()[-3:] == ["MARKED", "SIGNED", "TIMED"]


def test_what_is_marked_is_not_in_the_ledger_and_goes_with_the_case(ward: Any) -> None:
    ward.open("dr.ada")
    decide(ward, "dr.ada", told("Mrs Example's nodule"))
    assert "Example" not in str([event.payload for event in ward.past()])
    with writing(ward.engine) as connection:
        assert verify.verify(connection).intact
        kept = connection.execute(select(COMMENTS.c.text)).scalars().all()
    assert any("Example" in text for text in kept)
    retention.purge(ward.engine, ["case-1"], actor="boss", because="erasure")
    with writing(ward.engine) as connection:
        assert not connection.execute(select(COMMENTS.c.text)).scalars().all()
        assert verify.verify(connection).intact
    assert words(ward, "dr.ada") == []


@pytest.mark.parametrize(("blind", "seen"), [(True, False), (False, True)])
def test_who_reads_blind_does_not_see_the_marks_of_others(
    ward: Any, *, blind: bool, seen: bool
) -> None:
    ward.open("dr.ada")
    decide(ward, "dr.ada", told("here"))
    found = progress.visible(ward.past(), "dr.bo", "reader", Protocol(first_read=blind), "case-1")
    assert ("MARKED" in [event.kind for event in found]) is seen
