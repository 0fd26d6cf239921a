"""Discrimination of every method for every label, on unseen patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinical.errors import ConfigError
from pipelines.folds.compare import CrossValidation
from pipelines.folds.cross_validate import OutOfFold
from pipelines.folds.methods import OURS
from pipelines.statistics.average_precision import weighted_average_precisions
from pipelines.statistics.delong import delong_interval
from pipelines.statistics.metrics import Interval, areas_of, bootstrap_weights, interval

Values = NDArray[np.float64]
MOST_POINTS = 200


def discrimination(
    tested: OutOfFold, result: CrossValidation, methods: Sequence[str], samples: int, seed: int
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Macro figures of every method, and those of every label and method.

    AUROC is that of `pipelines.folds.compare`, and average precision is made alike: the mean over
    repeats within every bootstrap sample. DeLong's interval and the ROC curve are of the first
    repeat.

    Args:
        tested, result: of the cross-validation.
        methods: to be judged.
        samples, seed: of the patient bootstrap.
    """
    diagnoses, rows = tested.dataset.diagnoses, tested_rows(tested)
    patients = [tested.dataset.patients[i] for i in rows]
    weights = bootstrap_weights(patients, samples, seed)
    macro: dict[str, Any] = {}
    labels: dict[str, dict[str, Any]] = {name: {} for name in diagnoses}
    for method in methods:
        scores, outcomes = tested.scores[method][:, rows], tested.dataset.labels[rows]
        found = areas_of(scores, outcomes, weights, weighted_average_precisions)
        defined = ~np.isnan(found.value)
        value = float(found.value[defined].mean()) if defined.any() else float("nan")
        drawn = found.samples[:, defined].mean(axis=1) if defined.any() else found.samples[:, 0]
        macro[method] = {
            "auroc": asdict(result.macro[method]),
            "average_precision": asdict(interval(value, drawn)),
        }
        for column, name in enumerate(diagnoses):
            first, known = scores[0, :, column], outcomes[:, column]
            area = result.auroc[method][name]
            own = interval(
                float(found.value[column]), found.samples[:, column], area.cases, area.positives
            )
            labels[name][method] = {
                "auroc": asdict(area),
                "delong": asdict(_delong(first, known, patients)),
                "average_precision": asdict(own),
                "roc": roc(first, known),
            }
    return macro, labels


def tested_rows(tested: OutOfFold) -> NDArray[np.intp]:
    """Indices of the cases that were tested; only a given split leaves others."""
    return np.flatnonzero(~np.isnan(tested.scores[OURS][0]).all(axis=1))


def _delong(scores: Values, labels: Values, patients: Sequence[str]) -> Interval:
    """Not defined where patients have several cases, whom DeLong takes for strangers."""
    try:
        return delong_interval(scores, labels, patients)
    except ConfigError:
        known = ~(np.isnan(scores) | np.isnan(labels))
        return Interval(None, None, None, int(known.sum()), int(labels[known].sum()))


def roc(scores: Values, labels: Values, most: int = MOST_POINTS) -> list[list[float]]:
    """Points of the ROC curve as [1 - specificity, sensitivity], from (0, 0) to (1, 1).

    Args:
        scores, labels: [cases]; a case that is NaN in either is left out.
        most: points; of more, every so many are kept.

    Returns:
        Empty if only one outcome is present.
    """
    known = ~(np.isnan(scores) | np.isnan(labels))
    x, y = scores[known], labels[known]
    if not 0 < y.sum() < len(y):
        return []
    order = np.argsort(-x, kind="stable")
    last = np.flatnonzero(np.append(np.diff(x[order]) != 0, True))
    true = np.append(0, np.cumsum(y[order])[last]) / y.sum()
    false = np.append(0, np.cumsum(1 - y[order])[last]) / (1 - y).sum()
    rows = np.unique(np.linspace(0, len(true) - 1, min(most, len(true))).round().astype(int))
    return [[round(float(false[i]), 5), round(float(true[i]), 5)] for i in rows]
