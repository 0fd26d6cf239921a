"""Sets that are empty or large are no answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from clinic_of_two import make_dataset

from pipelines.folds.cross_validate import OutOfFold
from pipelines.folds.methods import AS_THEY_ARE, OURS
from pipelines.study.abstention import abstention


def out_of_fold(labels: list[list[float]], members: list[list[float]]) -> OutOfFold:
    dataset = replace(make_dataset(len(labels)), labels=np.array(labels))
    scores = {OURS: np.full((1, len(labels), 2), 0.5)}
    return OutOfFold(dataset, ((),), scores, {}, {AS_THEY_ARE: np.array([members])}, {})


def test_only_small_sets_are_answers() -> None:
    nan = float("nan")
    found = abstention(
        out_of_fold(
            [[1, 0], [1, 1], [0, 1], [0, 0], [1, 0], [1, 0]],
            # right; half of it; wrong; nobody is ill; empty; no rule for these inputs
            [[1, 0], [1, 0], [1, 0], [0, 1], [0, 0], [nan, nan]],
        ),
        samples=50,
        seed=0,
    )
    one, two = found
    assert (one["most"], two["most"]) == (1, 2)
    assert one["answered"]["value"] == pytest.approx(4 / 5)
    assert one["covered"]["value"] == pytest.approx(1 / 3)
    assert one["held"]["value"] == pytest.approx(2 / 4)


def test_larger_sets_are_answers_only_where_more_is_allowed() -> None:
    found = abstention(out_of_fold([[1, 1], [1, 0]], [[1, 1], [1, 0]]), samples=20, seed=0)
    assert [one["answered"]["value"] for one in found] == [0.5, 1.0]
    assert found[1]["covered"]["value"] == 1


def test_without_sets_there_is_nothing_to_say() -> None:
    nan = float("nan")
    assert abstention(out_of_fold([[1, 0]], [[nan, nan]]), samples=20, seed=0) == []
    bare = replace(out_of_fold([[1, 0]], [[1, 0]]), in_set={})
    assert abstention(bare, samples=20, seed=0) == []
