"""Everything is judged out of fold by patient; what is not there to be found is not found."""

from __future__ import annotations

import numpy as np
import pytest
from clinic_of_shortcuts import QUICK, labels_of
from sklearn.metrics import roc_auc_score

from pipelines.statistics.metrics import Interval
from pipelines.study.guards.guard import clears, told_from
from pipelines.study.guards.out_of_fold import (
    group_auroc,
    group_scores,
    label_auroc,
    table_scores,
    text_scores,
    too_few,
)


def people(cases: int, each: int = 1) -> list[str]:
    return [f"p{i // each}" for i in range(cases)]


def test_a_column_that_tells_is_found_as_well_as_it_tells() -> None:
    labels = labels_of(600)
    generator = np.random.default_rng(1)
    rows = np.stack([labels + generator.normal(size=600), generator.normal(size=600)], axis=1)
    patients = people(600)
    found = label_auroc(table_scores(rows, labels, patients, QUICK), labels, patients, QUICK)
    assert found.value == pytest.approx(roc_auc_score(labels, rows[:, 0]), abs=0.02)


def test_noise_in_many_columns_is_neither_found_nor_found_upside_down() -> None:
    generator = np.random.default_rng(2)
    areas = []
    for seed in range(8):
        labels = labels_of(200, seed)
        scores = table_scores(generator.normal(size=(200, 50)), labels, people(200), QUICK)
        areas.append(roc_auc_score(labels, scores))
    assert np.mean(areas) == pytest.approx(0.5, abs=0.05)


def test_a_patient_is_not_remembered() -> None:
    # Eight cases a patient with one label and one fingerprint: random folds would find it.
    names = np.repeat(np.arange(40), 8)
    labels = (np.arange(40) % 2)[names].astype(float)
    prints = np.random.default_rng(3).normal(size=(40, 60))[names]
    patients = [str(n) for n in names]
    scores = table_scores(prints, labels, patients, QUICK)
    assert roc_auc_score(labels, scores) < 0.7


def test_a_gap_by_itself_tells_nothing() -> None:
    labels = labels_of(300)
    rows = np.where(labels[:, None] == 1, np.nan, np.random.default_rng(0).normal(size=(300, 1)))
    scores = table_scores(rows, labels, people(300), QUICK)
    assert roc_auc_score(labels, scores) == pytest.approx(0.5, abs=0.08)


def test_a_case_without_a_label_has_no_score() -> None:
    labels = labels_of(100)
    labels[:7] = np.nan
    scores = table_scores(np.ones((100, 1)), labels, people(100), QUICK)
    np.testing.assert_array_equal(np.isnan(scores), np.isnan(labels))


def test_words_are_found_and_notes_without_words_tell_nothing() -> None:
    labels = labels_of(200)
    texts = ["swollen toe" if label else "sore throat" for label in labels]
    scores = text_scores(texts, labels, people(200), QUICK)
    assert roc_auc_score(labels, scores) == 1
    assert (text_scores([""] * 200, labels, people(200), QUICK) == 0).all()


@pytest.mark.parametrize("number", [2, 4])
def test_groups_are_told_apart(number: int) -> None:
    generator = np.random.default_rng(4)
    member = np.arange(160) % number
    rows = np.eye(number)[member] * 5 + generator.normal(size=(160, number))
    patients = people(160)
    scores, belongs = group_scores(rows, [f"g{m}" for m in member], patients, QUICK)
    assert group_auroc(scores, belongs, patients, QUICK).value == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(scores.sum(axis=1), 1)
    mixed = generator.permutation(scores)
    assert group_auroc(mixed, belongs, patients, QUICK).value == pytest.approx(0.5, abs=0.08)


def test_the_auroc_of_groups_is_the_mean_of_each_against_the_rest() -> None:
    generator = np.random.default_rng(5)
    scores, belongs = generator.random((90, 3)), np.eye(3)[np.arange(90) % 3]
    expected = roc_auc_score(
        np.arange(90) % 3, scores / scores.sum(1, keepdims=True), multi_class="ovr"
    )
    found = group_auroc(scores / scores.sum(1, keepdims=True), belongs, people(90), QUICK)
    assert found.value == pytest.approx(expected)


def test_too_few_cases_or_patients_are_named() -> None:
    labels = np.zeros(100)
    labels[:9] = 1
    assert "9 cases of 9 patients are with it" in too_few(labels, people(100), QUICK)
    labels[:40] = 1
    assert too_few(labels, people(100), QUICK) == ""
    assert "40 cases of 2 patients are with it" in too_few(labels, people(100, each=20), QUICK)


def test_a_sentence_does_not_call_uncertain_what_is_absent_or_the_reverse() -> None:
    words = [
        told_from("gout", "the clock", Interval(value, low, 0.9, 90, 40), 0.65, fires, "late")
        for value, low, fires in [(0.8, 0.7, True), (0.8, 0.5, False), (0.55, 0.5, False)]
    ]
    assert words == [
        "gout can be predicted from the clock: late.",
        "gout can perhaps be predicted from the clock, but the cases are too few to be sure.",
        "gout can hardly be predicted from the clock.",
    ]


def test_an_estimate_clears_a_threshold_only_surely() -> None:
    assert clears(Interval(0.7, 0.61, 0.8, 90, 40), 0.65, 0.6)
    assert not clears(Interval(0.7, 0.59, 0.8, 90, 40), 0.65, 0.6)
    assert not clears(Interval(0.64, 0.61, 0.8, 90, 40), 0.65, 0.6)
    assert not clears(Interval(None, None, None, 90, 1), 0.65, 0.6)
