"""AUROC and log loss of what the oracle wrote, against the outcomes of the cohort."""

from __future__ import annotations

from math import log
from pathlib import Path

import pytest

from clinical.errors import ConfigError
from pipelines.laboratory.oracle.score import markdown, score

SAID = {"a": 0.9, "b": 0.6, "c": 0.5, "d": 0.2}
TRUE = {"a": 1, "b": 0, "c": 1, "d": 0}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    cases = "".join(f"{name},p{name}\n" for name in SAID)
    (tmp_path / "cases.csv").write_text(f"case_id,patient_id\n{cases}", encoding="utf-8")
    outcomes = "".join(f"{name},flu,{value}\n" for name, value in TRUE.items())
    (tmp_path / "outcomes.csv").write_text(f"case_id,diagnosis,value\n{outcomes}", encoding="utf-8")
    rows = "".join(f"{name},notes,flu,{value},0\n" for name, value in SAID.items())
    head = "case_id,evidence,diagnosis,probability,standard_error\n"
    (tmp_path / "oracle.csv").write_text(head + rows, encoding="utf-8")
    return tmp_path


def test_area_and_loss_by_hand(written: Path) -> None:
    (found,) = score(written / "oracle.csv", written, samples=50)
    # Of the four pairs of one with and one without, b before c is the only wrong one.
    assert found.auroc.value == pytest.approx(0.75)
    assert found.log_loss == pytest.approx(-(log(0.9) + log(0.4) + log(0.5) + log(0.8)) / 4)
    table = markdown((found,))
    assert "| flu | 0.750 [" in table
    assert "| mean | 0.750 |" in table


def test_a_case_without_outcome_is_an_error(written: Path) -> None:
    (written / "outcomes.csv").write_text("case_id,diagnosis,value\na,flu,1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="do not belong together"):
        score(written / "oracle.csv", written)
