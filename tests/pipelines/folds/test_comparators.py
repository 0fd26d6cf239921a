"""The rows that comparators read, and that they learn what is there from training patients only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from clinic_of_two import make_dataset
from cut_of_two import TEST, TRAIN, cut_of, with_images

from clinical.model.calibration import auroc
from pipelines.folds.comparators import fitting
from pipelines.folds.comparators.boosting import boosting
from pipelines.folds.comparators.cut import Cut
from pipelines.folds.comparators.late_fusion import late_fusion
from pipelines.folds.comparators.ridge_regression import ridge_regression
from pipelines.folds.comparators.single import single_models
from pipelines.folds.tabular import table, vectors


@pytest.fixture(scope="module")
def cut() -> Cut:
    return cut_of(with_images(make_dataset(200)))


def test_the_table_keeps_what_is_missing_missing() -> None:
    cases = [cached.case for cached in make_dataset(20).cases]
    values, names = table([cases[0], cases[1].without("measurements")])
    column = names.index("measurements:1988-5")
    assert values[0, column] > 0
    assert np.isnan(values[1, column])
    again, same = table(cases[:3], names)
    assert same == names
    assert again.shape == (3, len(names))


def test_only_wanted_modalities_are_read() -> None:
    cases = with_images(make_dataset(20)).cases
    assert vectors(cases).modalities == ("history", "image", "measurements", "notes")
    rows = vectors(cases, ["image", "history"])
    assert rows.modalities == ("history", "image")
    np.testing.assert_array_equal(rows.present("image"), [bool(n % 3) for n in range(20)])


def test_a_model_of_its_own_for_each_modality_says_nothing_where_it_is_absent(cut: Cut) -> None:
    singles = single_models(cut)
    labels = cut.labels[TEST]
    assert auroc(singles["measurements"].test[:, 0], labels[:, 0]) > 0.95
    assert auroc(singles["history"].test[:, 1], labels[:, 1]) > 0.95
    here = cut.vectors.present("image")[TEST]
    assert np.isnan(singles["image"].test[~here]).all()
    assert auroc(singles["image"].test[here, 1], labels[here, 1]) > 0.8
    inside = singles["measurements"].inside
    assert auroc(inside[:, 0], cut.labels[TRAIN, 0]) > 0.95


def test_late_fusion_and_boosting_know_both_diagnoses(cut: Cut) -> None:
    labels = cut.labels[TEST]
    for scores in (
        late_fusion(single_models(cut), cut).test,
        ridge_regression(cut).test,
        boosting(cut).test,
    ):
        assert not np.isnan(scores).any()
        assert min(auroc(scores[:, j], labels[:, j]) for j in range(2)) > 0.9


def test_nothing_is_learnt_from_test_patients(cut: Cut) -> None:
    spoiled = cut.labels.copy()
    spoiled[TEST] = 1 - spoiled[TEST]
    other = replace(cut, labels=spoiled)
    np.testing.assert_array_equal(boosting(cut).test, boosting(other).test)
    first, second = single_models(cut), single_models(other)
    for name in first:
        np.testing.assert_array_equal(first[name].test, second[name].test)


def test_a_label_with_too_few_cases_gives_its_share() -> None:
    labels = np.zeros(30)
    labels[:2] = 1
    inside, predict = fitting.fit_best((), np.ones((30, 1)), labels, ())
    assert inside == pytest.approx(np.full(30, 3 / 32))
    assert predict(np.ones((4, 1))) == pytest.approx(np.full(4, 3 / 32))


def test_boosting_takes_no_notice_of_a_column_that_is_empty_in_training() -> None:
    generator = np.random.default_rng(0)
    labels = (generator.random(200) < 0.5).astype(float)
    rows = np.stack([labels + generator.normal(size=200), np.full(200, np.nan)], axis=1)
    predict = fitting.boosted(fitting.Trees(leaves=6), 0)(rows, labels)
    measured = rows.copy()
    measured[:, 1] = 7.0
    assert auroc(predict(rows), labels) > 0.8
    np.testing.assert_array_equal(predict(rows), predict(measured))


def test_ridge_reads_gaps_as_the_mean_and_a_flag() -> None:
    generator = np.random.default_rng(0)
    labels = (generator.random(400) < 0.5).astype(float)
    rows = generator.normal(size=(400, 2))
    # That the second column is missing is itself the evidence.
    rows[:, 1] = np.where(generator.random(400) < 0.2 + 0.6 * labels, np.nan, rows[:, 1])
    predict = fitting.ridge(1.0)(rows[:300], labels[:300])
    assert auroc(predict(rows[300:]), labels[300:]) > 0.7


def test_columns_of_a_block_share_one_factor() -> None:
    generator = np.random.default_rng(0)
    labels = (generator.random(300) < 0.5).astype(float)
    noise = generator.normal(size=(300, 60)) * 0.01
    rows = np.concatenate([(labels + generator.normal(size=300))[:, None], noise], axis=1)
    own, together = (
        fitting.ridge(1.0, blocks)(rows[:150], labels[:150])(rows[150:])
        for blocks in ((), [slice(0, 61)])
    )
    # Blown up to one spread each, sixty columns of noise drown the one that tells.
    assert auroc(together, labels[150:]) > auroc(own, labels[150:]) + 0.03
