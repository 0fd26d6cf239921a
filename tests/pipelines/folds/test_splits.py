"""No patient is ever on both sides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.errors import CohortError
from pipelines.folds.splits import NO_SITE, given_fold, grouped_folds, hold_out, site_folds


@settings(max_examples=30, deadline=None)
@given(st.integers(10, 80), st.integers(2, 5), st.integers(0, 1000))
def test_folds_are_disjoint_by_patient_and_cover_everyone(
    cases: int, folds: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    patients = [f"p{n}" for n in generator.integers(0, cases, cases)]
    labels = (generator.random((cases, 2)) < 0.3).astype(float)
    if len(set(patients)) < folds:
        return
    tested: list[int] = []
    for train, test in grouped_folds(patients, labels, folds, seed):
        assert not {patients[i] for i in train} & {patients[i] for i in test}
        tested.extend(test.tolist())
    assert sorted(tested) == list(range(cases))


def test_the_held_out_share_is_about_what_was_asked() -> None:
    patients = [f"p{n // 3}" for n in range(600)]
    train, held = hold_out(patients, np.zeros((600, 1)), 0.2, seed=1)
    assert len(held) == pytest.approx(120, abs=12)
    assert len(train) + len(held) == 600


def test_too_few_patients_are_an_error() -> None:
    with pytest.raises(CohortError, match="2 patients cannot make 5 folds"):
        list(grouped_folds(["a", "a", "b"], np.zeros((3, 1)), 5, 0))


def test_each_site_is_left_out_with_its_patients() -> None:
    sites = ["A", "A", "B", "B", "C", ""]
    patients = ["p1", "p2", "p2", "p3", "p4", "p5"]
    folds = site_folds(sites, patients)
    assert [fold.name for fold in folds] == [f"site {name}" for name in (NO_SITE, "A", "B", "C")]
    for fold in folds:
        assert not {patients[i] for i in fold.train} & {patients[i] for i in fold.test}
    # Patient p2 was seen at A and at B: at the other site the case is not learnt from.
    a = folds[1]
    assert (a.test.tolist(), a.train.tolist(), a.removed) == ([0, 1], [3, 4, 5], 1)


def test_whole_sites_are_grouped_into_folds_of_about_equal_size() -> None:
    sites = ["A"] * 10 + ["B"] * 6 + ["C"] * 3 + ["D"] * 2
    folds = site_folds(sites, [str(n) for n in range(21)], folds=2)
    assert sorted(len(fold.test) for fold in folds) == [10, 11]
    for fold in folds:
        assert not {sites[i] for i in fold.train} & {sites[i] for i in fold.test}


def test_one_site_cannot_be_left_out() -> None:
    with pytest.raises(CohortError, match="1 sites cannot make 2 folds"):
        site_folds(["A", "A"], ["p", "q"])


def test_a_given_split_leaves_out_patients_on_both_sides() -> None:
    (fold,) = given_fold(["train", "Test", "train", ""], ["p", "q", "q", "r"])
    assert (fold.test.tolist(), fold.train.tolist(), fold.removed) == ([1], [0, 3], 1)
    with pytest.raises(CohortError, match="0 of 2 cases are marked test"):
        given_fold(["", "train"], ["p", "q"])
