"""The clock must not tell the label by itself."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from clinic_of_shortcuts import CASES, NOW, QUICK, dataset_of, labels_of, labs, measured, note

from clinical.case.case import Case
from pipelines.study.guards.guard import GuardResult, Skipped
from pipelines.study.guards.timestamps import stamps, timestamps
from pipelines.training.dataset import Dataset


def hourly(labels: np.ndarray, sick_at: int, spread: float = 1.5) -> Dataset:
    """Decisions of the well around noon, those of the sick around another hour."""
    hours = np.random.default_rng(9).normal(np.where(labels == 1, sick_at, 12), spread)
    start = NOW.replace(hour=0)
    return dataset_of(labels, times=[start + timedelta(hours=float(h)) for h in hours])


def delayed(labels: np.ndarray, sick: float, well: float) -> Dataset:
    """The last value of the sick is so many hours old, that of the well so many."""
    ages = np.random.default_rng(10).lognormal(np.log(np.where(labels == 1, sick, well)), 0.4)
    return dataset_of(labels, inputs=[{"labs": labs(measured("crp", 1.0, age))} for age in ages])


@pytest.mark.parametrize(
    "dataset", [hourly(labels_of(), sick_at=21), delayed(labels_of(), sick=2, well=12)]
)
def test_a_clock_that_tells_fires(dataset: Dataset) -> None:
    (found,) = timestamps(dataset, QUICK)
    assert isinstance(found, GuardResult)
    assert (found.estimate.value or 0) > 0.9
    assert found.fires


@pytest.mark.parametrize(
    "dataset", [hourly(labels_of(), sick_at=12, spread=6), delayed(labels_of(), sick=5, well=5)]
)
def test_a_clock_that_does_not_tell_is_silent(dataset: Dataset) -> None:
    (found,) = timestamps(dataset, QUICK)
    assert isinstance(found, GuardResult)
    assert not found.fires
    assert found.sentence == "gout can hardly be predicted from time stamps alone."


def test_a_time_that_only_the_sick_have_is_left_to_the_guard_of_missingness() -> None:
    labels = labels_of()
    inputs = [
        {"notes": note("Seen.", NOW - timedelta(hours=1 + n % 5))} if label else {}
        for n, label in enumerate(labels)
    ]
    (found,) = timestamps(dataset_of(labels, inputs=inputs), QUICK)
    assert isinstance(found, GuardResult)
    assert not found.fires


def test_stamps_by_hand() -> None:
    inputs = {"labs": labs(measured("crp", 1.0, 3.0), measured("tnt", 2.0, 0.0))}
    rows, names = stamps(
        [Case("a", "p", NOW.replace(month=1, hour=6), {}), Case("b", "p", NOW, inputs)]
    )
    table = dict(zip(names, rows.T, strict=True))
    np.testing.assert_allclose(table["hour, sine"], [1, 0], atol=1e-12)
    np.testing.assert_allclose(table["hour, cosine"], [0, -1], atol=1e-12)
    np.testing.assert_allclose(table["month, cosine"], [1, 0.5])
    np.testing.assert_array_equal(table["weekday 3"], [0, 1])
    np.testing.assert_allclose(table["labs, first"], [np.nan, np.log(4)])
    np.testing.assert_allclose(table["labs, last"], [np.nan, 0])


def test_a_cohort_without_times_is_skipped() -> None:
    still = dataset_of(labels_of(), inputs=[{"notes": note("Well.")}] * CASES)
    timeless = Case("a", "p", None, {"notes": note("Well.")})
    assert stamps([timeless])[1] == []
    (found,) = timestamps(still, QUICK)
    assert found == Skipped("timestamps", "gout", "cases do not differ in time stamps")
