"""The table that baselines read, and that they learn what is there."""

from __future__ import annotations

import numpy as np
from clinic_of_two import make_dataset

from clinical.calibration import auroc
from pipelines.baselines import histogram_boosting, image_regression, table


def test_the_table_keeps_what_is_missing_missing() -> None:
    cases = [cached.case for cached in make_dataset(20).cases]
    values, names = table([cases[0], cases[1].without("measurements")])
    column = names.index("measurements:1988-5")
    assert values[0, column] > 0
    assert np.isnan(values[1, column])
    again, same = table(cases[:3], names)
    assert same == names
    assert again.shape == (3, len(names))


def test_boosting_learns_the_planted_label() -> None:
    dataset = make_dataset(200)
    scores = histogram_boosting(
        dataset.cases[:150], dataset.labels[:150, 0], dataset.cases[150:], 0
    )
    assert auroc(scores, dataset.labels[150:, 0]) > 0.9


def test_a_cohort_without_images_has_no_image_baseline() -> None:
    dataset = make_dataset(40)
    scores = image_regression(dataset.cases, dataset.labels[:, 0], dataset.cases, 0)
    assert np.isnan(scores).all()
