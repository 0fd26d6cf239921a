"""Achieved coverage of prediction sets."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.statistics.coverage import EVERY, set_results


def record(case: int, inside: dict[str, bool | None], used: list[str]) -> dict[str, Any]:
    return {
        "case_id": f"c{case}",
        "patient_id": f"p{case // 2}",
        "modalities": {"used": used},
        "suggestions": [{"diagnosis": name, "in_set": value} for name, value in inside.items()],
        "prediction_set": {"coverage": 0.9},
    }


def test_coverage_counts_cases_whose_true_diagnoses_are_all_inside() -> None:
    records = [
        record(0, {"a": True, "b": True}, ["image"]),  # a and b true: covered
        record(1, {"a": True, "b": False}, ["image"]),  # a and b true: b is missed
        record(2, {"a": False, "b": False}, ["image", "notes"]),  # nothing true: covered
        record(3, {"a": None, "b": None}, ["image"]),  # has no set
        record(4, {"a": False, "b": False}, ["image"]),  # no known outcome
    ]
    truth = {("c0", "a"): 1.0, ("c0", "b"): 1.0, ("c1", "a"): 1.0, ("c1", "b"): 1.0}
    truth |= {("c2", "a"): 0.0, ("c3", "a"): 1.0}
    found = {r.inputs: r for r in set_results(records, truth, samples=100, seed=0)}
    assert set(found) == {EVERY, "image", "image+notes"}
    assert found[EVERY].achieved.value == pytest.approx(2 / 3)
    assert found[EVERY].achieved.cases == 3
    assert found[EVERY].size == 1.0
    assert found[EVERY].empty == pytest.approx(1 / 3)
    assert found["image"].achieved.value == 0.5
    assert found["image+notes"].achieved.value == 1.0


def test_records_of_a_model_without_sets_give_no_result() -> None:
    old = record(0, {"a": True}, ["image"])
    del old["suggestions"][0]["in_set"], old["prediction_set"]
    assert set_results([old], {("c0", "a"): 1.0}, samples=10, seed=0) == ()
