"""Which honest cases a page would mark, and what a model without rules is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinical.errors import ModelError
from clinical.model import model as models
from clinical.model.model import Model
from pipelines.explanations import conflicts


def test_the_rarest_input_marks_a_case_and_each_has_an_equal_part_of_the_rate() -> None:
    values = {
        "image": {0: 0.02, 1: 0.03, 2: 0.2},
        "notes": {0: 0.9, 1: 0.9, 3: 0.04},
    }
    # 5% for one input, 2.5% each for two.
    assert conflicts._marks(values) == {0: True, 1: False, 2: False, 3: True}


def test_shares_are_given_group_by_group() -> None:
    marks = {0: True, 1: False, 2: False}
    assert conflicts._grouped(marks, {0: "A", 1: "A", 2: "B"}) == {"A": (2, 0.5), "B": (1, 0.0)}


def test_a_model_without_rules_is_not_measured(model_of_two: Model, tmp_path: Path) -> None:
    models.save(model_of_two, tmp_path / "model")
    with pytest.raises(ModelError, match="no rules for inputs that disagree"):
        conflicts.measure(tmp_path, tmp_path / "model", tmp_path / "out")
