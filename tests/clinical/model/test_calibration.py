"""Calibration, thresholds and what the inputs can support."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from clinical.model import calibration
from clinical.model.calibration import SetRule, Support


def draw(slope: float, intercept: float, cases: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    logits = generator.normal(size=cases) * 2
    labels = (generator.random(cases) < expit(slope * logits + intercept)).astype(float)
    return logits, labels


def test_platt_finds_the_map_that_made_the_labels() -> None:
    slope, intercept = calibration.platt(*draw(0.5, -1.0))
    assert slope == pytest.approx(0.5, abs=0.03)
    assert intercept == pytest.approx(-1.0, abs=0.05)


def test_few_cases_cannot_turn_the_map_over() -> None:
    logits = np.array([3.0, 2.0, -2.0, -3.0])
    slope, intercept = calibration.platt(logits, np.array([1.0, 0.0, 1.0, 0.0]))
    assert 0.2 < slope < 1.5
    assert abs(intercept) < 1
    slope, _ = calibration.platt(logits, np.array([0.0, 0.0, 1.0, 1.0]))
    assert slope >= 0


def test_auroc_is_scikit_learns_ties_included() -> None:
    generator = np.random.default_rng(1)
    scores = generator.integers(0, 8, 300).astype(float)
    labels = (generator.random(300) < 0.3).astype(float)
    assert calibration.auroc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))


def test_hanley_and_mcneils_example() -> None:
    # Their table II: area 0.893, 51 abnormal and 58 normal cases, standard error 0.032.
    assert calibration.hanley_mcneil_error(0.893, 51, 58) == pytest.approx(0.032, abs=0.001)


def test_unknown_labels_are_left_out() -> None:
    logits, labels = draw(1.0, 0.0, 400)
    whole = calibration.fit_support(logits[:200], labels[:200])
    labels[200:] = np.nan
    assert calibration.fit_support(logits, labels) == whole


@pytest.mark.parametrize(
    ("support", "expected"),
    [
        (None, "knows none"),
        (Support(positives=3, negatives=90), "too few validation cases"),
        (Support(1, 0, 0.60, 0.49, 40, 60), "did not tell it apart"),
        (Support(1, 0, 0.80, 0.71, 40, 60), None),
    ],
)
def test_why_a_suggestion_is_withheld(support: Support | None, expected: str | None) -> None:
    reason = calibration.withheld(support, ("history",), 0.1)
    assert (
        reason is None if expected is None else reason is not None and expected in reason.sentence
    )


def test_youden_threshold_parts_what_can_be_parted() -> None:
    probabilities = np.array([0.1, 0.2, 0.3, 0.6, 0.8])
    labels = np.array([0, 0, 0, 1, 1.0])
    assert calibration.youden_threshold(probabilities, labels) == 0.6
    assert calibration.youden_threshold(np.full(4, 0.5), np.array([0, 1, 0, 1.0])) == 0.5


def test_patterns_are_all_subsets() -> None:
    assert calibration.patterns(["b", "a"]) == [("a",), ("b",), ("a", "b")]
    assert calibration.pattern_key(("notes", "image")) == "image+notes"


def clinic(cases: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities of a common and a rare diagnosis, and what was true."""
    generator = np.random.default_rng(seed)
    probabilities = expit(generator.normal(size=(cases, 2)) * 2 - np.array([0.5, 2.5]))
    return probabilities, (generator.random((cases, 2)) < probabilities).astype(float)


USUAL = {"common": 0.4, "rare": 0.15}


def covered(rule: SetRule, probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    inside = probabilities >= np.array(list(rule.cuts.values()))
    return np.asarray((inside | (labels != 1)).all(axis=1))


def test_the_limit_is_the_finite_sample_quantile() -> None:
    scores = np.arange(1.0, 20.0)  # 19 scores: the 18th smallest covers ceil(20 * 0.9) / 20
    assert calibration.conformal_quantile(scores, 0.9) == 18
    assert calibration.conformal_quantile(scores[:8], 0.9) == np.inf


def test_sets_hold_all_true_diagnoses_as_often_as_promised() -> None:
    shares = []
    for seed in range(40):
        rule = calibration.fit_set_rules({"notes": clinic(300, seed)}, USUAL)["notes"]
        probabilities, labels = clinic(2000, 1000 + seed)
        ill = labels.any(axis=1)
        shares.append(covered(rule, probabilities[ill], labels[ill]).mean())
    assert np.mean(shares) == pytest.approx(0.9, abs=0.01)


def test_a_surer_promise_makes_larger_sets() -> None:
    likely = calibration.fit_set_rules({"notes": clinic(300, 0)}, USUAL)["notes"]
    surer = calibration.fit_set_rules({"notes": clinic(300, 0)}, USUAL, coverage=0.99)["notes"]
    assert all(surer.cuts[name] < likely.cuts[name] for name in USUAL)


def test_a_pattern_with_too_few_cases_takes_the_limit_of_all_and_says_so() -> None:
    rules = calibration.fit_set_rules({"notes": clinic(300, 0), "image": clinic(20, 1)}, USUAL)
    assert not rules["notes"].pooled
    assert rules["image"].pooled
    assert rules["image"].cases > rules["notes"].cases
    assert calibration.fit_set_rules({"image": clinic(20, 1)}, USUAL) == {}


def test_cases_without_a_true_diagnosis_do_not_loosen_the_promise() -> None:
    probabilities, labels = clinic(300, 0)
    ill = labels.any(axis=1)
    both = calibration.fit_set_rules({"notes": (probabilities, labels)}, USUAL)
    only_ill = calibration.fit_set_rules({"notes": (probabilities[ill], labels[ill])}, USUAL)
    assert both == only_ill
    labels[~ill] = np.nan
    assert calibration.fit_set_rules({"notes": (probabilities, labels)}, USUAL) == both


def test_log_odds_that_more_patients_calibrated_are_mostly_left_as_they_are() -> None:
    luck = np.random.default_rng(6)
    left = 0
    for _ in range(40):
        true = luck.normal(size=60) * 2
        labels = (luck.random(60) < 1 / (1 + np.exp(-true))).astype(float)
        found = calibration.fit_support(true, labels, steady=True)
        left += (found.slope, found.intercept) == (1.0, 0.0)
        assert calibration.fit_support(true, labels).slope != 1.0
    # One standard error is passed by chance in about one of six.
    assert left >= 30


def test_but_not_where_they_are_plainly_wrong() -> None:
    luck = np.random.default_rng(6)
    true = luck.normal(size=600) * 2
    labels = (luck.random(600) < 1 / (1 + np.exp(-true))).astype(float)
    found = calibration.fit_support(true * 4 + 2, labels, steady=True)
    assert found.slope == pytest.approx(0.25, abs=0.05)
