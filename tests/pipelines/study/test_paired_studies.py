"""Two studies of one cohort, compared case by case."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from clinical.errors import ConfigError
from pipelines.cli import app
from pipelines.study.paired_studies import compare

RNG = np.random.default_rng(4)
CASES = [f"c{i:03d}" for i in range(200)]
TRUTH = RNG.random(200) < 0.4
SKILFUL = np.where(TRUTH, 1.5, 0.0) + RNG.normal(size=200)
CLUMSY = np.where(TRUTH, 0.3, 0.0) + RNG.normal(size=200)


def study(folder: Path, scores: np.ndarray, *, truth: np.ndarray = TRUTH, cases: int = 200) -> Path:
    """A folder as `study run` leaves it: two labels, the second known for half the cases."""
    rows = []
    for i in range(cases):
        for label, known in (("pneumonia", True), ("embolism", i % 2 == 0)):
            rows.append(
                {
                    "case_id": CASES[i],
                    "patient_id": f"p{i // 2}",
                    "label": label,
                    "method": "triptych",
                    "repeat": 0,
                    "boolean_value": bool(truth[i]) if known else None,
                    "predicted_boolean_probability": float(scores[i]),
                }
            )
    folder.mkdir()
    pd.DataFrame(rows).to_parquet(folder / "predictions.parquet")
    return folder


def test_what_adds_something_is_shown_to(tmp_path: Path) -> None:
    found = compare(study(tmp_path / "with", SKILFUL), study(tmp_path / "without", CLUMSY))
    (pair,) = found.methods
    assert (found.cases, found.patients) == (200, 100)
    assert pair.difference.verdict == "better"
    macro = pair.difference.macro
    assert macro.value == pytest.approx((pair.first or 0) - (pair.second or 0))
    assert (macro.value or 0) > 0.1
    assert pair.difference.labels["pneumonia"].cases == 200
    assert pair.difference.labels["embolism"].cases == 100


def test_a_study_differs_from_itself_by_nothing(tmp_path: Path) -> None:
    one, same = study(tmp_path / "one", SKILFUL), study(tmp_path / "same", SKILFUL)
    macro = compare(one, same).methods[0].difference.macro
    assert (macro.value, macro.low, macro.high) == (0, 0, 0)


def test_the_turned_comparison_is_the_turned_difference(tmp_path: Path) -> None:
    one, two = study(tmp_path / "one", SKILFUL), study(tmp_path / "two", CLUMSY)
    there = compare(one, two).methods[0].difference.macro
    back = compare(two, one).methods[0].difference.macro
    assert there.value == pytest.approx(-(back.value or 0))
    assert there.high == pytest.approx(-(back.low or 0))


def test_only_cases_of_both_count(tmp_path: Path) -> None:
    whole, part = study(tmp_path / "whole", SKILFUL), study(tmp_path / "part", SKILFUL, cases=120)
    found = compare(whole, part)
    assert (found.cases, found.only_first, found.only_second) == (120, 80, 0)


def test_other_outcomes_are_another_cohort(tmp_path: Path) -> None:
    one, two = study(tmp_path / "one", SKILFUL), study(tmp_path / "two", SKILFUL, truth=~TRUTH)
    with pytest.raises(ConfigError, match="different outcomes"):
        compare(one, two)


def test_a_folder_without_predictions_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds no predictions\.parquet"):
        compare(tmp_path, tmp_path)


def test_the_command(tmp_path: Path) -> None:
    one, two = study(tmp_path / "with-ecg", SKILFUL), study(tmp_path / "without-ecg", CLUMSY)
    out = tmp_path / "difference.json"
    result = CliRunner().invoke(app, ["study", "compare", str(one), str(two), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "with-ecg is better" in result.output
    assert json.loads(out.read_text())["methods"][0]["difference"]["verdict"] == "better"
