"""Do prediction sets hold what they promise? Achieved coverage and size, on unseen patients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipelines.statistics.metrics import (
    Interval,
    Weights,
    bootstrap_weights,
    interval,
    weighted_sums,
)


def covered(true: NDArray[np.bool_], members: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether all true diagnoses of a case are in its prediction set; if none is true, they are.

    Args:
        true: [..., diagnoses].
        members: of the set [..., diagnoses].

    Returns:
        [...].
    """
    return np.asarray((~true | members).all(axis=-1))


def share_interval(
    held: NDArray[np.bool_], patients: Sequence[str], *, samples: int, seed: int
) -> Interval:
    """Share of cases of which something holds, with its patient-bootstrap 95% interval."""
    weights = bootstrap_weights(patients, samples, seed)
    return share_of(held, np.ones(len(held), dtype=bool), weights, int(held.sum()))


def share_of(
    held: NDArray[np.bool_] | NDArray[np.float64],
    judged: NDArray[np.bool_],
    weights: Weights,
    positives: int = 0,
) -> Interval:
    """Share of the judged cases of which something holds, not defined where none is judged.

    Args:
        held: [cases]; 0 to 1 where it is a mean over repeats.
        judged: [cases].
        weights: of the patient bootstrap [samples, cases].
        positives: as the interval is to say.
    """
    counted, drawn = held * judged, weighted_sums(weights, judged)
    shares = np.where(drawn > 0, weighted_sums(weights, counted) / np.maximum(drawn, 1), np.nan)
    value = float(counted.sum() / judged.sum()) if judged.any() else float("nan")
    return interval(value, shares, int(judged.sum()), positives)
