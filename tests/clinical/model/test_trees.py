"""Trees say the same as the library that grew them, and what they say adds up over columns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import logit

from clinical.model.trees import ALL_TABLES, Trees, no_trees, together
from pipelines.folds.comparators.fitting import CANDIDATES, BoostedTrees, boosted
from pipelines.folds.plain_readers import packed

LUCK = np.random.default_rng(5)


def rows_and_labels(cases: int = 300) -> tuple[np.ndarray, np.ndarray]:
    rows = LUCK.normal(size=(cases, 4))
    labels = (rows[:, 0] * rows[:, 1] + rows[:, 2] + LUCK.normal(size=cases) > 0).astype(float)
    rows[LUCK.random(rows.shape) < 0.2] = np.nan
    return rows, labels


def grown(number: int) -> BoostedTrees:
    model = boosted(CANDIDATES[number], seed=0)(*rows_and_labels())
    assert isinstance(model, BoostedTrees)
    return model


def asked(trees: Trees, cases: int) -> torch.Tensor:
    return torch.ones(cases, len(trees.label), dtype=torch.bool)


@pytest.mark.parametrize("number", range(len(CANDIDATES)))
def test_they_say_what_the_library_says(number: int) -> None:
    model, (rows, _) = grown(number), rows_and_labels(50)
    trees = packed((0, model), ALL_TABLES, 0)
    roots, added = trees.walk(torch.from_numpy(rows), asked(trees, 50), diagnoses=1)
    said = model.base + roots[:, 0] + added[:, 0].sum(dim=1)
    np.testing.assert_allclose(said.numpy(), logit(model(rows)), atol=1e-9)


def test_trees_of_several_labels_and_sizes_keep_to_their_own() -> None:
    large, small = grown(0), grown(2)
    rows, _ = rows_and_labels(30)
    both = together([packed((1, large), ALL_TABLES, 0), packed((0, small), 3, 0)])
    roots, added = both.walk(torch.from_numpy(rows), asked(both, 30), diagnoses=2)
    said = (roots + added.sum(dim=2)).numpy()
    np.testing.assert_allclose(small.base + said[:, 0], logit(small(rows)), atol=1e-9)
    np.testing.assert_allclose(large.base + said[:, 1], logit(large(rows)), atol=1e-9)


def test_a_column_that_no_tree_asks_about_adds_nothing() -> None:
    rows, labels = rows_and_labels()
    rows[:, 3] = 1.0
    model = boosted(CANDIDATES[1], seed=0)(rows, labels)
    assert isinstance(model, BoostedTrees)
    trees = packed((0, model), ALL_TABLES, 0)
    _, added = trees.walk(torch.from_numpy(rows), asked(trees, len(rows)), diagnoses=1)
    assert float(added[:, 0, 3].abs().max()) == 0
    assert float(added[:, 0, :3].abs().max()) > 0


def test_who_is_not_asked_says_nothing_and_neither_do_no_trees() -> None:
    rows, _ = rows_and_labels(5)
    table = torch.from_numpy(rows)
    trees = packed((0, grown(1)), ALL_TABLES, 0)
    for some in (trees, no_trees()):
        silent = torch.zeros(5, len(some.label), dtype=torch.bool)
        roots, added = some.walk(table, silent, diagnoses=1)
        assert not roots.any()
        assert not added.any()
