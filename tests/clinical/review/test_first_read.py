"""The blinded first read: what has to come before the machine's suggestions, and what is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from clinical.audit.verify import verify
from clinical.errors import ReviewError
from clinical.review import first_read, intake, progress
from clinical.review import protocol as protocol_rules
from clinical.review.progress import Ranked
from clinical.workspace.database import writing

pytestmark = pytest.mark.both_databases

ALLOWED: list[tuple[str, ...]] = [
    (),
    ("pneumothorax",),
    ("heart_failure", "ICD-10:J18.9"),
    ("pulmonary_embolism", "SNOMED:233604007", "ICD-11:CA40.0"),
]

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"differential": (Ranked("gout", "low"),)}, "from the list, or codes"),
    ({"differential": (Ranked("Mrs Smith has asthma", "low"),)}, "from the list, or codes"),
    ({"differential": (Ranked("pneumothorax", "sure"),)}, "confidence"),
    ({"differential": (Ranked("pneumothorax", "low"),) * 2}, "appears twice"),
    (
        {"differential": tuple(Ranked(f"ICD-10:J1{n}", "low") for n in range(11))},
        "at most 10",
    ),
    ({"reader": "dr.eve"}, "has not opened"),
]


@pytest.mark.parametrize("names", ALLOWED, ids=str)
def test_allowed(ward: Any, names: tuple[str, ...]) -> None:
    ward.protocol(first_read=True)
    ward.open("dr.bob")
    read = ward.first_read("dr.bob", *names)
    assert first_read.can_commit(read, ward.assessment, ward.past())
    first_read.commit_first_read(ward.engine, read)

    assert ward.kinds()[-2:] == ["FIRST_READ", "SHOWN"]
    mine = ward.progress().of("dr.bob")
    assert mine.shown
    assert [item.diagnosis for item in mine.first_read] == list(names)
    with ward.engine.connect() as connection:
        assert verify(connection).intact


@pytest.mark.parametrize(("changes", "rule"), REFUSED, ids=lambda value: str(value)[:40])
def test_refused(ward: Any, changes: dict[str, Any], rule: str) -> None:
    ward.protocol(first_read=True)
    ward.open("dr.bob")
    read = replace(ward.first_read("dr.bob"), **changes)
    before = ward.past()
    assert not first_read.can_commit(read, ward.assessment, before)
    with pytest.raises(ReviewError, match=rule):
        first_read.commit_first_read(ward.engine, read)
    assert ward.past() == before


def test_a_new_assessment_asks_for_a_new_first_read(ward: Any) -> None:
    ward.protocol(first_read=True)
    ward.open("dr.bob")
    late = ward.first_read("dr.bob", "pneumothorax")
    with writing(ward.engine) as connection:
        again = replace(ward.assessment, conflicts=())
        intake.record_assessment(connection, ward.example.case(), again, "system")
    with pytest.raises(ReviewError, match="assessed again"):
        first_read.commit_first_read(ward.engine, late)


def test_nothing_is_decided_before_it(ward: Any) -> None:
    ward.protocol(first_read=True)
    ward.open("dr.bob")
    with pytest.raises(ReviewError, match="your own reading"):
        ward.accept("dr.bob")
    first_read.commit_first_read(ward.engine, ward.first_read("dr.bob"))
    ward.accept("dr.bob")


def test_it_comes_once_and_not_after_the_machine_was_shown(ward: Any) -> None:
    ward.protocol(first_read=True)
    ward.open("dr.bob")
    first_read.commit_first_read(ward.engine, ward.first_read("dr.bob", "pneumothorax"))
    with pytest.raises(ReviewError, match="already seen"):
        first_read.commit_first_read(ward.engine, ward.first_read("dr.bob", "heart_failure"))
    with pytest.raises(ReviewError, match="already seen"):  # opened before the protocol
        first_read.commit_first_read(ward.engine, ward.first_read("dr.ada"))


def test_who_is_blinded(ward: Any) -> None:
    """dr.ada saw the case before the protocol; an auditor never decides, so may look."""
    ward.protocol(first_read=True)
    protocol = protocol_rules.Protocol(first_read=True)

    def blinded(name: str, role: str) -> bool:
        return progress.withheld(ward.progress(), name, role, protocol, "case-1")

    assert blinded("dr.bob", "reader")
    assert blinded("dr.bob", "adjudicator")
    assert not blinded("dr.ada", "reader")
    assert not blinded("dr.eve", "auditor")
    ward.accept("dr.ada")
    ward.sign("dr.ada")
    assert not blinded("dr.bob", "reader"), "the case has the signature that it needs"


def test_what_a_reader_was_shown_is_known_of_all_cases_at_once(ward: Any) -> None:
    def shown(name: str) -> set[str]:
        with ward.engine.connect() as connection:
            return progress.shown_cases(connection, name)

    ward.protocol(first_read=True)
    assert shown("dr.ada") == {"case-1"}
    ward.open("dr.bob")
    assert shown("dr.bob") == set()
    first_read.commit_first_read(ward.engine, ward.first_read("dr.bob"))
    assert shown("dr.bob") == {"case-1"}
