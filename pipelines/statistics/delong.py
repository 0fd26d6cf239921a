"""DeLong's variance of AUROCs, where every patient has one case.

DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44:837-845, by the fast algorithm of Sun and Xu
2014, IEEE Signal Processing Letters 21:1389-1393. It takes cases as independent. Where patients
have several, `pipelines.statistics.metrics.auroc_interval` is the one to use, and `delong_interval`
refuses.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from clinical.errors import ConfigError
from pipelines.statistics.metrics import Interval, both

Values = NDArray[np.float64]
_Z = 1.959963984540054


def delong(scores: Values, labels: Values) -> tuple[Values, Values]:
    """AUROCs and their covariance.

    Args:
        scores: [methods, cases], all known.
        labels: [cases], 1 or 0, at least two of either.

    Returns:
        AUROCs [methods] and covariance [methods, methods].
    """
    positive, negative = scores[:, labels == 1], scores[:, labels == 0]
    m, n = positive.shape[1], negative.shape[1]
    ranks = rankdata(np.concatenate([positive, negative], axis=1), axis=1)
    # A midrank among all less the midrank among one's own kind counts the other kind below.
    above = (ranks[:, :m] - rankdata(positive, axis=1)) / n
    below = 1 - (ranks[:, m:] - rankdata(negative, axis=1)) / m
    areas = above.mean(axis=1)
    covariance = np.atleast_2d(np.cov(above)) / m + np.atleast_2d(np.cov(below)) / n
    return np.asarray(areas), np.asarray(covariance)


def delong_interval(scores: Values, labels: Values, patients: Sequence[str]) -> Interval:
    """AUROC with DeLong's 95% interval, cut at 0 and 1.

    Scores that separate the outcomes without error have no variance, and the interval [1, 1] then
    says nothing about the next patients.

    Args:
        scores, labels: [cases]; a case that is NaN in either is left out.
        patients: of every case, each once.

    Raises:
        ConfigError: if a patient has several cases.
    """
    x, y = _known(scores[None], labels, patients)
    if not both(y):
        return Interval(None, None, None, len(y), int(y.sum()))
    areas, covariance = delong(x, y)
    half = _Z * float(np.sqrt(covariance[0, 0]))
    area = float(areas[0])
    return Interval(area, max(0.0, area - half), min(1.0, area + half), len(y), int(y.sum()))


def _known(scores: Values, labels: Values, patients: Sequence[str]) -> tuple[Values, Values]:
    known = ~(np.isnan(scores).any(axis=0) | np.isnan(labels))
    people = np.asarray(patients)[known]
    repeated = len(people) - len(np.unique(people))
    if repeated:
        raise ConfigError(
            f"{repeated} cases are further cases of a patient; DeLong's variance takes every case"
            " as independent.",
            remedy="use the patient bootstrap, or keep one case per patient",
        )
    return scores[:, known], labels[known]
