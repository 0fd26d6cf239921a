"""Replay: the same bits of the same inputs, and what is said where they are not the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clinic_of_two import make_case
from sqlalchemy import Engine, delete, select, update

from clinical import canonical
from clinical.assess.assess import Assessor
from clinical.audit import ledger, retention
from clinical.audit.replay import Machine, Replayed, assessed, replay
from clinical.case.assessment import Assessment, as_json
from clinical.case.case import Case
from clinical.case.shapes import Array, Arrays
from clinical.errors import LedgerError
from clinical.model.model import Model
from clinical.review.intake import record_assessment
from clinical.workspace import store
from clinical.workspace.database import open_workspace, writing
from clinical.workspace.layout import ASSESSMENTS, CASES, PIXELS, WORKLIST
from pipelines.commands.replay import line, machines


@pytest.fixture(scope="module")
def assessor(model_of_two: Model) -> Assessor:
    return Assessor(model_of_two)


def sick() -> Case:
    plain = make_case(1, True, False, np.random.default_rng(0))
    image = Array(np.arange(12.0, dtype=np.float32).reshape(3, 4))
    return replace(plain, inputs={**plain.inputs, "image": Arrays((image,))})


@pytest.fixture
def ward(tmp_path: Path, assessor: Assessor) -> Iterator[Engine]:
    """A workspace with one assessed case, whose event is the first."""
    engine = open_workspace(tmp_path / "workspace", create=True)
    with writing(engine) as connection:
        case = sick()
        record_assessment(
            connection, case, assessor.assess(case), "system", conditions=assessor.conditions
        )
    yield engine
    engine.dispose()


def replayed(engine: Engine, *machine: Assessor | Machine, event: int = 1) -> Replayed:
    ready = {
        m.digest: m
        for one in machine
        for m in (machines([one]).values() if isinstance(one, Assessor) else [one])
    }
    with engine.connect() as connection:
        return replay(connection, assessed(connection, event), ready)


def test_the_same_bits_of_stored_inputs(ward: Engine, assessor: Assessor) -> None:
    found = replayed(ward, assessor)
    assert (found.result, found.differs, found.conditions) == ("identical", (), ())
    assert line(found) == f"event 1, case {sick().case_id}: identical"


def test_a_record_of_an_older_schema_is_replayed_in_it(tmp_path: Path, assessor: Assessor) -> None:
    engine = open_workspace(tmp_path / "old", create=True)
    with writing(engine) as connection:
        old = replace(assessor.assess(sick()), schema_version="1.0")
        record_assessment(connection, sick(), old, "system")
    found = replayed(engine, assessor)
    engine.dispose()
    assert found.result == "identical"
    assert found.conditions == ("the event does not say under what it was computed",)


def test_a_probability_changed_in_the_store_is_named_with_its_size(
    ward: Engine, assessor: Assessor
) -> None:
    with writing(ward) as connection:
        record = json.loads(connection.execute(select(ASSESSMENTS.c.record)).scalar_one())
        record["suggestions"][0]["probability"] -= 0.25
        connection.execute(update(ASSESSMENTS).values(record=canonical.dumps(record).decode()))
    found = replayed(ward, assessor)
    name = record["suggestions"][0]["diagnosis"]
    assert (found.result, found.differs) == ("different", (f"suggestions.{name}.probability",))
    assert found.largest == pytest.approx(0.25)
    assert "was changed after it was recorded" in line(found)


def test_a_false_record_under_an_honest_digest_is_found(tmp_path: Path, assessor: Assessor) -> None:
    """Somebody wrote what the model never said, and the ledger of it is whole."""

    def false(case: Case) -> Assessment:
        made = assessor.assess(case)
        first, *rest = made.suggestions
        return replace(made, suggestions=(replace(first, probability=0.5), *rest))

    engine = open_workspace(tmp_path / "false", create=True)
    with writing(engine) as connection:
        record_assessment(connection, sick(), false(sick()), "system")
    found = replayed(engine, assessor)
    engine.dispose()
    assert found.result == "different"
    assert found.why == ""
    assert found.largest == pytest.approx(assessor.assess(sick()).suggestions[0].probability - 0.5)


def test_another_order_of_suggestions_is_a_difference(ward: Engine, assessor: Assessor) -> None:
    def turned(case: Case) -> Assessment:
        made = assessor.assess(case)
        return replace(made, suggestions=made.suggestions[::-1])

    digest = assessor.model.identity.digest
    found = replayed(ward, Machine(digest, assessor.conditions, turned))
    assert (found.differs, found.largest) == (("suggestions.order",), 0.0)


def test_what_else_differs_is_said_and_it_is_tried_all_the_same(
    ward: Engine, assessor: Assessor
) -> None:
    libraries = {**assessor.conditions.libraries, "torch": "9.9"}
    later = replace(assessor.conditions, libraries=libraries, code="f" * 64)
    found = replayed(ward, Machine(assessor.model.identity.digest, later, assessor.assess))
    assert found.result == "identical"
    code, torch = found.conditions
    assert code == f"code was {assessor.conditions.code[:12]}, is ffffffffffff"
    assert torch.startswith("libraries torch was")
    assert torch.endswith("is 9.9")


def test_without_its_model_it_is_impossible(ward: Engine) -> None:
    found = replayed(ward)
    assert found.result == "impossible"
    assert "is not here" in found.why


@pytest.mark.parametrize(
    ("table", "why"),
    [(PIXELS, "no pixels"), (CASES, "no case"), (ASSESSMENTS, "no assessment")],
)
def test_what_is_missing_is_named(ward: Engine, assessor: Assessor, table: Any, why: str) -> None:
    with writing(ward) as connection:
        connection.execute(delete(WORKLIST))
        connection.execute(delete(table))
    found = replayed(ward, assessor)
    assert found.result == "impossible"
    assert why in found.why


def test_changed_inputs_are_not_replayed_as_if_they_were_the_recorded_ones(
    ward: Engine, assessor: Assessor
) -> None:
    with writing(ward) as connection:
        record = json.loads(connection.execute(select(CASES.c.record)).scalar_one())
        record["inputs"]["history"]["age_years"] = 20.0
        connection.execute(update(CASES).values(record=canonical.dumps(record).decode()))
    found = replayed(ward, assessor)
    assert (found.result, "are not the ones" in found.why) == ("impossible", True)


def test_a_purged_case_is_said_to_be_purged(ward: Engine, assessor: Assessor) -> None:
    retention.purge(ward, [sick().case_id], because="erasure", actor="system")
    found = replayed(ward, assessor)
    assert (found.result, found.why) == ("purged", "purged by event 2")


@pytest.mark.parametrize("number", [2, 3])
def test_only_an_assessment_can_be_replayed(ward: Engine, number: int) -> None:
    with writing(ward) as connection:
        ledger.append(connection, "SIGNED_IN", actor="dr.ada", payload={})
    with ward.connect() as connection, pytest.raises(LedgerError, match=f"number {number}"):
        assessed(connection, number)


def test_the_event_pins_parts_of_the_model_code_and_libraries(
    ward: Engine, assessor: Assessor
) -> None:
    with ward.connect() as connection:
        payload = assessed(connection, 1).payload
        _, made = store.require_assessment(connection, sick().case_id)
    pinned = payload["conditions"]
    assert {"weights", "preprocessing", "calibration", "thresholds"} <= set(pinned["parts"])
    assert {"torch", "numpy"} <= set(pinned["libraries"])
    assert (pinned["device"], pinned["threads"], pinned["seed"]) == ("cpu", 1, None)
    assert payload["explanation"]["digest"] == canonical.digest(as_json(made)["explanations"])
    assert all(s.logit is not None for s in made.suggestions)
