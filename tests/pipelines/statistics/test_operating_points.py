"""A threshold from validation patients, judged on test patients."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from clinical.errors import ConfigError
from pipelines.statistics.operating_points import at_sensitivity, given, judge


def draw(cases: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    generator = np.random.default_rng(seed)
    labels = (generator.random(cases) < 0.3).astype(float)
    scores = (generator.normal(size=cases) + 1.5 * labels).round(2)
    return scores, labels, [str(i) for i in range(cases)]


def test_the_highest_threshold_that_reaches_the_target() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.95])
    labels = np.array([1.0] * 10 + [0.0])
    found = at_sensitivity(scores, labels, 0.9)
    assert found is not None
    assert (found.value, found.cases, found.positives) == (0.15, 11, 10)


@pytest.mark.parametrize("target", [0.5, 0.8, 0.9, 0.95, 1.0])
def test_no_higher_score_would_reach_the_target(target: float) -> None:
    scores, labels, _ = draw(300)
    found = at_sensitivity(scores, labels, target)
    assert found is not None
    positive = scores[labels == 1]
    assert (positive >= found.value).mean() >= target
    higher = scores[scores > found.value].min(initial=np.inf)
    assert (positive >= higher).mean() < target


def test_shares_are_those_of_the_confusion_matrix() -> None:
    scores, labels, people = draw(400)
    point = judge(given(0.7), scores, labels, people, samples=200)
    tn, fp, fn, tp = confusion_matrix(labels, scores >= 0.7).ravel()
    assert point.sensitivity.value == pytest.approx(tp / (tp + fn))
    assert point.specificity.value == pytest.approx(tn / (tn + fp))
    assert point.ppv.value == pytest.approx(tp / (tp + fp))
    assert point.npv.value == pytest.approx(tn / (tn + fn))
    assert point.alerts.value == pytest.approx(100 * (tp + fp) / 400)
    for found in (point.sensitivity, point.specificity, point.ppv, point.npv, point.alerts):
        assert found.low < found.value < found.high  # type: ignore[operator]


def test_alerts_are_per_patient_and_need_no_outcome() -> None:
    scores = np.array([0.9, 0.9, 0.1, 0.9, np.nan])
    labels = np.array([1.0, 1.0, 0.0, np.nan, 1.0])
    point = judge(given(0.5), scores, labels, ["a", "a", "b", "c", "d"], samples=50)
    assert point.alerts.value == pytest.approx(100)
    assert point.sensitivity.cases == 2


def test_repeats_of_a_patient_do_not_narrow_an_interval() -> None:
    scores, labels, people = draw(60)
    once = judge(given(0.7), scores, labels, people)
    often = judge(given(0.7), np.tile(scores, 5), np.tile(labels, 5), people * 5)
    first, second = once.specificity, often.specificity
    assert (second.value, second.low, second.high) == (first.value, first.low, first.high)
    assert second.cases == 5 * first.cases


def test_what_cannot_be_chosen_or_judged_is_not_defined() -> None:
    ones, scores = np.ones(4), np.arange(4.0)
    assert at_sensitivity(scores, 0 * ones, 0.9) is None
    point = judge(given(9), scores, ones, list("abcd"), samples=20)
    assert point.specificity.value is None
    assert point.ppv.value is None
    assert point.sensitivity.value == 0
    assert judge(given(9), scores * np.nan, ones, list("abcd")).alerts.value is None


@pytest.mark.parametrize("target", [0.0, 1.2, float("nan")])
def test_an_impossible_target_is_refused(target: float) -> None:
    with pytest.raises(ConfigError, match="above 0 and at most 1"):
        at_sensitivity(np.arange(2.0), np.ones(2), target)
