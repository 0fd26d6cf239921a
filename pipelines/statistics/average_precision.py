"""Average precision (area under the precision-recall curve) of bootstrap samples.

Step-wise as in scikit-learn, without interpolation (Davis and Goadrich 2006, ICML): the mean over
positive cases of the precision at their own score. A random order gives about the prevalence, so
it can be compared between methods on the same cases, but not between cohorts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipelines.statistics.metrics import Weights

Values = NDArray[np.float64]


def weighted_average_precisions(scores: Values, labels: Values, weights: Weights) -> Values:
    """Average precision of each bootstrap sample [samples]; NaN where it has no positive case.

    Args:
        scores, labels: [cases], all known.
        weights: [samples, cases] from `pipelines.statistics.metrics.bootstrap_weights`.
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
