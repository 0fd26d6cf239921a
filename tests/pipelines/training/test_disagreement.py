"""Rules for inputs that disagree, learnt from cases that are mixed up on purpose."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from clinical.model.conflict import Side
from pipelines.training import disagreement
from pipelines.training.disagreement import LEAST, Sides

NAMES = ("image", "notes")
HALF = np.array([0.5, 0.5])


def told(diagnosis: int, generator: np.random.Generator) -> Side:
    """An input that is fairly sure of one of two diagnoses."""
    sure = generator.uniform(0.7, 0.95)
    return Side(np.array([sure, 1 - sure] if diagnosis == 0 else [1 - sure, sure]), {})


def cohort(cases: int, seed: int = 0) -> tuple[Sides, NDArray[np.float64], list[str]]:
    """Two visits of each patient; both inputs of a visit speak for what is true."""
    generator = np.random.default_rng(seed)
    true = generator.integers(0, 2, cases)
    labels = np.stack([true == 0, true == 1], axis=1).astype(float)
    rows = [(told(t, generator), told(t, generator)) for t in true]
    found = Sides(tuple(range(cases)), *(tuple(side) for side in zip(*rows, strict=True)))
    return found, labels, [f"p{number // 2}" for number in range(cases)]


def test_a_mixed_up_case_is_rarer_than_an_honest_one() -> None:
    found, labels, patients = cohort(4 * LEAST)
    rules = disagreement.fit_rules({"image": found}, labels, patients, HALF, "a clinic")
    assert rules is not None
    rule = rules.rules["image"]
    assert len(rule.honest) == 4 * LEAST
    unseen, labels, patients = cohort(400, seed=1)
    honest = disagreement.honest_features(unseen, HALF, ("image",))
    mixed, _ = disagreement.mixed_features(unseen, labels, patients, HALF, ("image",), seed=2)
    assert np.mean([rule.p_value(row) <= 0.05 for row in mixed]) > 0.95
    assert np.mean([rule.p_value(row) <= 0.05 for row in honest]) < 0.1


def test_what_is_put_in_is_of_another_patient_with_other_diagnoses() -> None:
    found, labels, patients = cohort(40)
    rows, pairs = disagreement.mixed_features(found, labels, patients, HALF, NAMES, seed=3)
    assert len(rows) == len(pairs) > 40
    for host, guest in pairs:
        assert patients[host] != patients[guest]
        assert labels[host].tolist() != labels[guest].tolist()


def test_the_same_seed_gives_the_same_rule() -> None:
    found, labels, patients = cohort(LEAST)
    first, again = (
        disagreement.fit_rules({"image": found}, labels, patients, HALF, "") for _ in range(2)
    )
    assert first == again


@pytest.mark.parametrize("cases", [0, LEAST - 1])
def test_too_few_honest_cases_give_no_rule(cases: int) -> None:
    if cases:
        found, labels, patients = cohort(cases)
    else:
        found, labels, patients = Sides((), (), ()), np.zeros((0, 2)), []
    assert disagreement.fit_rules({"image": found}, labels, patients, HALF, "") is None


def test_where_all_have_the_same_diagnoses_nothing_can_be_mixed_up() -> None:
    found, labels, patients = cohort(LEAST)
    labels[:] = [1.0, 0.0]
    assert disagreement.fit_rules({"image": found}, labels, patients, HALF, "") is None
