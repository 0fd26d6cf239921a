"""What a fusion model has to stand beside, on the same folds.

- histogram boosting (scikit-learn) on a table: last value of each measurement, events, age, sex;
  missing stays missing;
- ridge logistic regression on principal components of the mean frozen image features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from clinical.case import Case, Events, Measurements
from pipelines.features import CachedCase

Baseline = Callable[
    [Sequence[CachedCase], NDArray[np.float64], Sequence[CachedCase], int], NDArray[np.float64]
]
"""(training cases, labels [cases], test cases, seed) -> scores [test cases]; NaN = cannot say."""


def table(
    cases: Sequence[Case], columns: Sequence[str] | None = None
) -> tuple[NDArray[np.float64], list[str]]:
    """Cases as a table [cases, columns] with NaN for what is missing, and the column names."""
    rows = [_row(case) for case in cases]
    names = list(columns) if columns is not None else sorted({name for row in rows for name in row})
    place = {name: number for number, name in enumerate(names)}
    values = np.full((len(rows), len(names)), np.nan)
    for number, row in enumerate(rows):
        for name, value in row.items():
            if name in place:
                values[number, place[name]] = value
    return values, names


def _row(case: Case) -> dict[str, float]:
    row: dict[str, float] = {}
    for modality, shape in case.inputs.items():
        if isinstance(shape, Measurements):
            timed = sorted(shape.items, key=lambda m: (m.time is not None, m.time))
            row |= {f"{modality}:{m.code}": m.value for m in timed if m.value is not None}
        elif isinstance(shape, Events):
            row |= {f"{modality}:{e.code}": float(e.present) for e in shape.items}
            if shape.age_years is not None:
                row[f"{modality}:age"] = shape.age_years
            if shape.sex is not None:
                row[f"{modality}:female"] = float(shape.sex == "female")
    return row


def histogram_boosting(
    training: Sequence[CachedCase],
    labels: NDArray[np.float64],
    test: Sequence[CachedCase],
    seed: int,
) -> NDArray[np.float64]:
    """Histogram gradient boosting on the table, scikit-learn's defaults but for early stopping."""
    known = ~np.isnan(labels)
    values, names = table([cached.case for cached, k in zip(training, known, strict=True) if k])
    if not names:
        return np.full(len(test), np.nan)
    model = HistGradientBoostingClassifier(random_state=seed, early_stopping=False)
    model.fit(values, labels[known])
    scores: NDArray[np.float64] = model.predict_proba(
        table([cached.case for cached in test], names)[0]
    )[:, 1]
    return scores


def image_regression(
    training: Sequence[CachedCase],
    labels: NDArray[np.float64],
    test: Sequence[CachedCase],
    seed: int,
) -> NDArray[np.float64]:
    """Ridge logistic regression on 32 components of the mean frozen image features."""
    usable = [i for i, cached in enumerate(training) if cached.images and not np.isnan(labels[i])]
    scores = np.full(len(test), np.nan)
    if len(usable) < 10 or len(set(labels[usable])) < 2:
        return scores
    values = np.stack([_mean_features(training[i]) for i in usable])
    model = make_pipeline(
        StandardScaler(),
        PCA(min(32, len(usable) - 1), random_state=seed),
        LogisticRegression(C=0.1, max_iter=2000),
    )
    model.fit(values, labels[usable])
    for number, cached in enumerate(test):
        if cached.images:
            scores[number] = model.predict_proba(_mean_features(cached)[None])[0, 1]
    return scores


def _mean_features(cached: CachedCase) -> NDArray[np.float64]:
    name = sorted(cached.images)[0]
    patches = cached.images[name][0].features["patch"].astype(np.float64)
    return np.asarray(patches.mean(axis=0))


BASELINES: dict[str, Baseline] = {
    "histogram boosting on the table": histogram_boosting,
    "logistic regression on image features": image_regression,
}
