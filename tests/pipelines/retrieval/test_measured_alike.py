"""How well cases find cases of the same diagnoses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from clinic_of_two import write_cohort

from clinical.assess import alike
from clinical.errors import CohortError
from clinical.model import model as models
from clinical.model.model import Model
from pipelines.cli import main
from pipelines.retrieval.alike import agreement, by_profile, by_vector

A, B = frozenset({"a"}), frozenset({"b"})


def test_share_of_the_first_that_agree_without_the_case_itself() -> None:
    line = np.array([0.0, 1.0, 2.0, 10.0, 11.0])
    nearness = -np.abs(line[:, None] - line[None, :])
    found, asked = agreement(nearness, [A, A, B, B, None], first=2)
    # Of the first case, the next one agrees and the third does not; and so on.
    assert asked == 4
    assert found.value == pytest.approx((0.5 + 0.5 + 0.0 + 0.5) / 4)
    assert found.low <= found.value <= found.high
    assert found.chance == pytest.approx(0.25)


def test_nothing_is_asked_where_no_two_agree() -> None:
    with pytest.raises(CohortError, match="No two patients"):
        agreement(np.zeros((2, 2)), [A, B])


def test_what_cannot_be_compared_is_like_nothing() -> None:
    profiles = {"x": {"a": 0.5}, "y": {"a": 0.5}, "z": {"b": 0.5}}
    made = by_profile(profiles, ["x", "y", "z"])
    assert made[0, 1] == 0
    assert made[0, 2] == -np.inf
    cosines = by_vector({"x": np.array([0, 1], np.float32)}, ["x", "y"])
    assert cosines[0, 0] == 1
    assert cosines[0, 1] == -np.inf


def test_the_command_writes_what_the_page_reads(
    model_of_two: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort = write_cohort(tmp_path / "cohort")
    models.save(model_of_two, tmp_path / "model")
    asked = ["retrieval", "evaluate-cases", str(cohort), "--out", str(tmp_path / "out")]
    assert main([*asked, "--model", str(tmp_path / "model"), "--samples", "20"], {}) == 0
    assert "have the same true diagnoses" in capsys.readouterr().out
    digest = json.loads((tmp_path / "model" / "model.json").read_text())["digest"]
    found = alike.measured(tmp_path / "out", digest)
    assert found is not None
    assert 0 <= found.share <= found.first == 5
    assert found.space is not None
