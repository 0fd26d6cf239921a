"""A changed case keeps what was measured, and asking leaves a record without values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from clinical.assess import hypothetical
from clinical.assess.hypothetical import Change, Changed, LeftOut
from clinical.audit import ledger, verify
from clinical.case.case import Case, input_digest
from clinical.case.shapes import Measurements
from clinical.errors import ReviewError
from clinical.workspace import store


def first_value(case: Case) -> Any:
    shape = case.inputs["measurements"]
    assert isinstance(shape, Measurements)
    return shape.items[0]


@pytest.fixture
def case(example: Any) -> Case:
    made: Case = example.case()
    return made


def test_a_changed_value_keeps_the_raw_value_and_gives_another_digest(case: Case) -> None:
    before = first_value(case)
    made = hypothetical.changed(case, Changed("measurements", 0, before.value + 1))
    after = first_value(made)

    assert after.value == before.value + 1
    assert (after.raw_value, after.raw_unit) == (before.raw_value, before.raw_unit)
    assert input_digest(made) != input_digest(case)
    assert first_value(case) is before


def test_a_bound_is_none_any_more_where_it_is_changed(case: Case) -> None:
    measured = Measurements((replace(first_value(case), bound="<"),))
    bound = replace(case, inputs={**case.inputs, "measurements": measured})

    made = hypothetical.changed(bound, Changed("measurements", 0, 7.0))

    assert (first_value(made).value, first_value(made).bound) == (7.0, "")


def test_an_input_left_out_is_absent(case: Case) -> None:
    made = hypothetical.changed(case, LeftOut("measurements"))
    assert set(made.inputs) == set(case.inputs) - {"measurements"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (LeftOut("hologram"), "no such input"),
        (Changed("measurements", 99, 1.0), "no such measurement"),
        (Changed("notes", 0, 1.0), "no such measurement"),
        (Changed("measurements", 0, 1e9), "cannot have this value"),
        (Changed("measurements", 0, float("nan")), "cannot have this value"),
    ],
)
def test_what_cannot_be_asked(case: Case, change: Change, words: str) -> None:
    with pytest.raises(ReviewError, match=words):
        hypothetical.changed(case, change)


def test_the_last_input_cannot_be_left_out(case: Case) -> None:
    alone = case.without(*(name for name in case.inputs if name != "notes"))
    with pytest.raises(ReviewError, match="would be none left"):
        hypothetical.changed(alone, LeftOut("notes"))


@pytest.mark.parametrize("change", [LeftOut("image"), Changed("measurements", 3, 4.5)])
def test_a_change_survives_its_json(change: Change) -> None:
    assert hypothetical.from_json(hypothetical.as_json(change)) == change


def test_the_record_holds_codes_and_digests_and_no_value(
    workspace: Engine, example: Any, case: Case
) -> None:
    digest, assessment = example.recorded(workspace)
    change = Changed("measurements", 0, 31.25)
    event = hypothetical.record(workspace, case, digest, change, assessment, "dr.test")

    assert event.kind == "HYPOTHETICAL"
    assert event.payload["changed"] == [first_value(case).code]
    assert event.payload["assessment"] == digest
    assert "31.25" not in str(event.payload)
    with workspace.connect() as connection:
        assert verify.verify(connection).intact
        assert store.require_assessment(connection, case.case_id)[0] == digest


def test_an_answer_about_what_is_no_longer_the_assessment_is_not_recorded(
    workspace: Engine, example: Any, case: Case
) -> None:
    digest, assessment = example.recorded(workspace)
    with pytest.raises(ReviewError, match="assessed again"):
        hypothetical.record(workspace, case, "0" * 64, LeftOut("notes"), assessment, "dr.test")
    other = replace(assessment, case_id="case-2")
    with pytest.raises(ReviewError, match="another case"):
        hypothetical.record(workspace, case, digest, LeftOut("notes"), other, "dr.test")
    with workspace.connect() as connection:
        assert not list(ledger.events(connection, kind="HYPOTHETICAL"))
