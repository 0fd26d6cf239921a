"""Average precision (area under the precision-recall curve) with intervals that respect patients.

Step-wise as in scikit-learn, without interpolation (Davis and Goadrich 2006, ICML): the mean over
positive cases of the precision at their own score. A random order gives about the prevalence, so
it can be compared between methods on the same cases, but not between cohorts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipelines.metrics import Interval, bootstrap_weights, both, interval

Values = NDArray[np.float64]


def weighted_average_precisions(
    scores: Values, labels: Values, weights: NDArray[np.int32]
) -> Values:
    """Average precision of each bootstrap sample [samples]; NaN where it has no positive case.

    Args:
        scores, labels: [cases], all known.
        weights: [samples, cases] from `pipelines.metrics.bootstrap_weights`.
    """
    if not len(scores):
        return np.full(len(weights), np.nan)
    order = np.argsort(-scores, kind="stable")
    last_of_ties = np.append(np.diff(scores[order]) != 0, True)
    y = labels[order]
    found = np.full(len(weights), np.nan)
    # Sample by sample: all at once would hold a number for every case and sample, several times.
    for sample, row in enumerate(weights):
        drawn = row[order]
        hits = np.cumsum(drawn * y)[last_of_ties]
        alerts = np.cumsum(drawn)[last_of_ties]
        if hits[-1] > 0:
            gained = np.diff(hits, prepend=0)
            found[sample] = (gained * hits / np.maximum(alerts, 1)).sum() / hits[-1]
    return found


def average_precision_interval(
    scores: Values,
    labels: Values,
    patients: Sequence[str],
    *,
    samples: int = 1000,
    seed: int = 0,
) -> Interval:
    """Average precision with a patient-bootstrap 95% interval.

    Args:
        scores, labels: [cases]; a case that is NaN in either is left out.
        patients: of every case.
        samples, seed: of the bootstrap.
    """
    return _judged(scores[None], labels, patients, samples, seed)


def average_precision_difference(
    first: Values,
    second: Values,
    labels: Values,
    patients: Sequence[str],
    *,
    samples: int = 1000,
    seed: int = 0,
) -> Interval:
    """Average precision of `first` minus `second` on the same cases, paired patient bootstrap."""
    return _judged(np.stack([first, second]), labels, patients, samples, seed)


def _judged(
    scores: Values, labels: Values, patients: Sequence[str], samples: int, seed: int
) -> Interval:
    """Of one method, or of the first minus the second; scores [methods, cases]."""
    known = ~(np.isnan(scores).any(axis=0) | np.isnan(labels))
    x, y = scores[:, known], labels[known]
    positives = int(y.sum())
    if not both(y):
        return Interval(None, None, None, len(y), positives)
    drawn = bootstrap_weights(np.asarray(patients)[known].tolist(), samples, seed)
    once = np.ones((1, len(y)), dtype=np.int32)
    values = [weighted_average_precisions(row, y, np.concatenate([once, drawn])) for row in x]
    found = values[0] if len(values) == 1 else values[0] - values[1]
    return interval(float(found[0]), found[1:], len(y), positives)
