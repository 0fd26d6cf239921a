"""A fold says that it is disjoint only when it is."""

from __future__ import annotations

import numpy as np
import pytest

from clinical.errors import CohortError
from pipelines.folds.splits import Fold, patient_folds, site_folds
from pipelines.study.checks import check_folds, check_parts

PATIENTS = ["a", "a", "b", "c", "d"]


def at(*rows: int) -> np.ndarray:
    return np.array(rows, dtype=np.intp)


def test_the_sentence_counts_cases_and_patients_of_every_part() -> None:
    parts = {"training": at(0, 1, 2), "validation": at(3), "test": at(4)}
    assert check_parts("fold 1", parts, PATIENTS) == (
        "fold 1: training 3 cases of 2 patients, validation 1 case of 1 patient,"
        " test 1 case of 1 patient; no patient is in two of them."
    )


def test_a_patient_on_both_sides_is_an_error_with_counts_and_no_name() -> None:
    parts = {"training": at(0, 2), "validation": at(3), "test": at(1, 4)}
    with pytest.raises(CohortError) as caught:
        check_parts("fold 1", parts, ["secret", "secret", "b", "c", "d"])
    assert caught.value.message == (
        "fold 1: 1 patient in both training and test (1 case of test; the first is number 2 of"
        " the cohort)."
    )
    assert caught.value.remedy


def test_validation_is_compared_too() -> None:
    parts = {"training": at(0), "validation": at(1), "test": at(4)}
    with pytest.raises(CohortError, match="1 patient in both training and validation"):
        check_parts("fold 1", parts, PATIENTS)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (at(), "test is empty"),
        (at(4, 4), "holds a case twice"),
        (at(5), "names a case that is not in the cohort"),
        (at(-1), "names a case that is not in the cohort"),
    ],
)
def test_indices_that_cannot_be_right(rows: np.ndarray, message: str) -> None:
    with pytest.raises(CohortError, match=message):
        check_parts("fold 1", {"training": at(0), "test": rows}, PATIENTS)


def test_the_folds_of_the_house_pass() -> None:
    generator = np.random.default_rng(0)
    patients = [f"p{n}" for n in generator.integers(0, 60, 100)]
    labels = (generator.random((100, 1)) < 0.3).astype(float)
    sentences = check_folds(patient_folds(patients, labels, 4, 0), patients)
    assert len(sentences) == 5
    assert sentences[-1] == (
        "4 folds: 100 of 100 cases tested, each once; no patient is on both sides of any fold."
    )
    sites = [f"s{n}" for n in generator.integers(0, 3, 100)]
    assert check_folds(site_folds(sites, patients), patients)[-1].startswith("3 folds: 100 of 100")


def test_a_fold_that_was_tampered_with_does_not_pass() -> None:
    good, other = Fold("fold 1", at(2, 3, 4), at(0, 1)), Fold("fold 2", at(0, 1, 2), at(3, 4))
    assert check_folds([good, other], PATIENTS)[-1].startswith("2 folds: 4 of 5 cases tested")
    with pytest.raises(CohortError, match="fold 2: 1 patient in both training and test"):
        check_folds([good, Fold("fold 2", at(0, 2), at(1, 3))], PATIENTS)
    with pytest.raises(CohortError, match="2 cases are tested in more than one fold"):
        check_folds([good, Fold("fold 2", at(3, 4), at(0, 1))], PATIENTS)
