"""Gaps between groups, permutation and Holm's correction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipelines.statistics.gaps import Figure, Gap, corrected, find_gap, holm, permutations, sizes_of
from pipelines.statistics.metrics import Interval, bootstrap_weights

PEOPLE = [str(i) for i in range(60)]


def frequency(labels: np.ndarray) -> Figure:
    """The share of positives, as a figure of weights."""

    def compute(weights: np.ndarray) -> np.ndarray:
        drawn = weights.sum(axis=1)
        return np.where(drawn > 0, weights @ labels / np.maximum(drawn, 1), np.nan)

    return compute


def gap_of(labels: np.ndarray, groups: list[str], seed: int = 0) -> Gap:
    people = [str(i) for i in range(len(groups))]
    drawn, mixed = bootstrap_weights(people, 200, seed), permutations(groups, people, 200, seed)
    return find_gap("sex", "frequency", frequency(labels), groups, drawn, mixed)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1, 1]
    assert holm([]) == []


def test_the_correction_is_over_all_gaps_that_have_a_p() -> None:
    one = Gap("sex", "auroc", Interval(0.1, 0.0, 0.2, 9, 0), "F", "M", 0.02)
    gaps = corrected([one, replace(one, p=None), replace(one, p=0.03)])
    assert [gap.adjusted for gap in gaps] == [0.04, None, 0.04]


def test_the_gap_is_largest_minus_smallest() -> None:
    labels = np.array([1.0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1])
    found = gap_of(labels, ["a"] * 4 + ["b"] * 4 + ["c"] * 4)
    assert found.size.value == pytest.approx(0.25)
    assert (found.highest, found.lowest) == ("a", "b")


def test_p_against_the_exact_permutation_test() -> None:
    # Six cases in groups of three, all positives in one: 2 of the 20 ways are as far apart.
    people = list("abcdef")
    groups = ["x"] * 3 + ["y"] * 3
    mixed = permutations(groups, people, 5000, 0)
    figure = frequency(np.array([1.0, 1, 1, 0, 0, 0]))
    found = find_gap("g", "f", figure, groups, bootstrap_weights(people, 9, 0), mixed)
    assert found.p == pytest.approx(0.1, abs=0.015)


def test_p_is_fair_where_groups_do_not_differ_and_small_where_they_do() -> None:
    generator = np.random.default_rng(1)
    groups = ["x"] * 40 + ["y"] * 60
    found = [gap_of((generator.random(100) < 0.4) * 1.0, groups, n).p for n in range(100)]
    assert np.mean(np.array(found) <= 0.05) <= 0.1
    assert np.mean(found) == pytest.approx(0.5, abs=0.12)
    differs = gap_of((generator.random(100) < np.repeat([0.1, 0.7], [40, 60])) * 1.0, groups)
    assert differs.p == pytest.approx(1 / 201)
    assert (differs.size.low or 0) > 0.2


def test_labels_of_a_patient_move_together() -> None:
    people = ["a", "a", "a", "b", "c", "c"]
    groups = ["x", "x", "x", "y", "x", "x"]
    mixed = permutations(groups, people, 300, 0)
    for first, others in ((0, (1, 2)), (4, (5,))):
        for other in others:
            np.testing.assert_array_equal(mixed["x"][:, first], mixed["x"][:, other])
    assert (mixed["x"] + mixed["y"] == 1).all()
    patients = mixed["x"][:, [0, 3, 4]]
    assert (patients.sum(axis=1) == 2).all()
    assert patients.mean(axis=0) == pytest.approx(np.full(3, 2 / 3), abs=0.1)


def test_labels_within_a_patient_are_shuffled_and_go_to_patients_of_as_many_cases() -> None:
    people = ["a", "a", "b", "b", "c", "d"]
    groups = ["AP", "PA", "AP", "AP", "PA", "PA"]
    mixed = permutations(groups, people, 400, 0)["AP"]
    pairs = mixed[:, [0, 1]].sum(axis=1) + 3 * mixed[:, [2, 3]].sum(axis=1)
    assert set(pairs.tolist()) == {1 + 3 * 2, 2 + 3 * 1}
    assert mixed[:, 0].mean() == pytest.approx(0.75, abs=0.08)
    assert mixed[:, [4, 5]].sum() == 0


def test_what_is_not_defined_has_no_gap() -> None:
    assert gap_of(np.ones(6), ["a"] * 6).size.value is None
    labels = np.array([1.0, 0, 1, np.nan])
    assert gap_of(labels, ["a", "a", "b", "b"]).p is None


def test_patients_are_counted_once_a_group() -> None:
    assert sizes_of(["x", "x", "y", "y"], ["a", "a", "a", "b"]) == {"x": 1, "y": 2}
