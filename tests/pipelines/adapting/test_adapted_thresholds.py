"""Thresholds with an aim, and sets whose limits move with the calibration."""

from __future__ import annotations

import numpy as np
import pytest
from made_told import make_told

from clinical.errors import ConfigError
from clinical.model.calibration import SetRule
from pipelines.adapting.change import INTERCEPT, fit, unchanged
from pipelines.adapting.thresholds import (
    Goal,
    at_alert_rate,
    set_rules,
    threshold,
    true_cases,
)

KEPT = unchanged(2)


def test_an_alert_rate_is_not_exceeded_and_nearly_used() -> None:
    probabilities = np.random.default_rng(0).random(200)
    cut = at_alert_rate(probabilities, 0.1)
    assert (probabilities >= cut).sum() == 20


def test_ties_at_the_top_never_exceed_a_rate() -> None:
    assert not (np.full(10, 0.7) >= at_alert_rate(np.full(10, 0.7), 0.5)).any()


def test_a_sensitivity_is_reached_on_the_cases_it_is_chosen_on() -> None:
    probabilities, labels = np.linspace(0.01, 0.99, 60), np.tile([0.0, 1.0], 30)
    found = threshold(Goal(sensitivity=0.9), 0.5, KEPT, probabilities, labels)
    assert found.aimed
    assert (probabilities[labels == 1] >= found.value).mean() == pytest.approx(0.9)


def test_too_few_positives_leave_the_threshold_and_say_so() -> None:
    labels = np.array([1.0] * 9 + [0.0] * 50)
    found = threshold(Goal(sensitivity=0.9), 0.3, KEPT, np.full(59, 0.2), labels)
    assert (found.value, found.aimed) == (0.3, False)
    assert found.rule == "as it was (9 local cases with it, 10 are needed)"


def test_without_an_aim_the_same_cases_are_alerts() -> None:
    found, labels, _ = make_told(400, shift=1.5)
    moved = fit(INTERCEPT, found, labels)
    shown = 1 / (1 + np.exp(-moved.logits(found)))
    cut = threshold(Goal(), 0.4, moved, shown, labels).value
    assert ((shown >= cut) == (found.logits >= np.log(0.4 / 0.6))).all()


@pytest.mark.parametrize(
    "goal", [Goal(sensitivity=1.5), Goal(alert_rate=0.0), Goal(sensitivity=0.9, alert_rate=0.1)]
)
def test_an_aim_that_cannot_be_is_refused(goal: Goal) -> None:
    with pytest.raises(ConfigError):
        goal.check()


def test_few_cases_keep_what_the_sets_hold() -> None:
    found, labels, _ = make_told(400, shift=1.5)
    moved = fit(INTERCEPT, found, labels)
    before = {"a": SetRule({"x": 0.2}, 80)}
    rules, local = set_rules(before, {"x": moved}, {}, {"x": 0.3}, true=49)
    cut = rules["a"].cuts["x"]
    shown = 1 / (1 + np.exp(-moved.logits(found)))
    assert not local
    assert ((shown >= cut) == (found.logits >= np.log(0.2 / 0.8))).all()


def test_fifty_local_cases_choose_the_limits_anew() -> None:
    probabilities = np.linspace(0.1, 0.9, 60)[:, None]
    judged = {"a": (probabilities, np.ones((60, 1)))}
    before = {"a": SetRule({"x": 0.5}, 80)}
    rules, local = set_rules(before, {"x": KEPT}, judged, {"x": 0.3}, true=60)
    assert local
    assert (probabilities >= rules["a"].cuts["x"]).mean() == pytest.approx(0.9, abs=0.03)


def test_a_diagnosis_without_outcomes_leaves_the_sets_alone() -> None:
    labels = np.ones((60, 2))
    assert true_cases(labels) == 60
    labels[:, 1] = np.nan
    assert true_cases(labels) == 0
