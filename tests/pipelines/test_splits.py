"""No patient is ever on both sides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.errors import CohortError
from pipelines.splits import grouped_folds, hold_out


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
