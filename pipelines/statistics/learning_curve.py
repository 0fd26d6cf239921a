"""The benefit of more patients: a power law through the AUROC at several training sizes.

1 - AUROC = a + b * n^-c, with an asymptote a, after Cortes, Jackel, Solla, Vapnik and Denker 1993,
NIPS, and Figueroa, Zeng-Treitler, Kandula and Ngo 2012, BMC Med Inform Decis Mak 12:8. A few noisy
points often fit many such curves; then none is given, and the reason is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical.errors import ConfigError
from pipelines.statistics.metrics import Interval, interval

Values = NDArray[np.float64]

LEAST_SIZES = 4
"""Three would always fit three numbers."""

VAGUE = 10
"""Where the 95% of rates span more than this factor, nothing is learnt about the shape."""

_RATES = np.geomspace(0.05, 2.0, 150)
_SMALLEST_ERROR = 1e-6


@dataclass(frozen=True)
class LearningCurve:
    """A fitted curve, or why there is none.

    Attributes:
        asymptote: a, the error that no number of patients takes away.
        scale: b.
        rate: c, between 0.05 and 2.
        rate_low, rate_high: 95% of the bootstrap's; at an end of that range the rate is open on
            that side, and the asymptote is little more than a guess.
        largest: the largest n.
        gain: AUROC at a multiple of the largest n (twice, unless another is asked for) minus that
            at the largest n, both of the curve.
        because: why the curve is not identified; empty if it is. All figures are None then.
    """

    asymptote: float | None
    scale: float | None
    rate: float | None
    rate_low: float | None
    rate_high: float | None
    largest: int
    gain: Interval
    because: str


@dataclass(frozen=True, eq=False)
class _Fits:
    """The best curve of every row, arrays [rows]; `misfit` is the sum of weighted squares."""

    asymptote: Values
    scale: Values
    rate: Values
    misfit: Values


def learning_curve(
    sizes: Sequence[int], areas: Values, draws: Values, *, multiple: float = 2.0
) -> LearningCurve:
    """Fit the curve, each point weighted by one over its variance.

    Args:
        sizes: training patients, one for each point; repeats are welcome.
        areas: AUROC of each point [points]; NaN where not defined, which leaves the point out.
        draws: their bootstrap samples [samples, points], of the same patients in each row, so that
            what the points share is kept.
        multiple: of the largest size, at which `gain` is taken.

    Raises:
        ConfigError: if a size is not above 0.
    """
    if min(sizes, default=1) <= 0:
        raise ConfigError("A model cannot be trained on no patients.", remedy="state sizes above 0")
    known = np.isfinite(areas) & (np.isfinite(draws).sum(axis=0) > 1)
    n, error = np.asarray(sizes, dtype=np.float64)[known], 1 - areas[known]
    rows = 1 - draws[:, known]
    rows = rows[np.isfinite(rows).all(axis=1)]
    largest = int(n.max()) if len(n) else 0
    if len(np.unique(n)) < LEAST_SIZES:
        return _none(largest, f"{len(np.unique(n))} sizes, {LEAST_SIZES} are needed")
    if len(rows) < 2:
        return _none(largest, "the bootstrap has no sample in which every AUROC is defined")
    weights = 1 / np.maximum(rows.std(axis=0, ddof=1), _SMALLEST_ERROR) ** 2
    best = _fit(n / largest, error[None], weights)
    # Points further from the curve than their own error vary from training to training as well.
    excess = max(1.0, float(best.misfit[0]) / max(1, len(n) - 3))
    rows = error + (rows - error) * np.sqrt(excess)
    drawn = _fit(n / largest, rows, weights)
    why = _not_identified(n / largest, best, drawn, rows, weights)
    if why:
        return _none(largest, why)
    rate = float(best.rate[0])
    low, high = np.quantile(drawn.rate, [0.025, 0.975])
    return LearningCurve(
        asymptote=float(best.asymptote[0]),
        # Sizes were divided by the largest, lest n^-c be tiny.
        scale=float(best.scale[0]) * largest**rate,
        rate=rate,
        rate_low=float(low),
        rate_high=float(high),
        largest=largest,
        gain=interval(float(_gain(best, multiple)[0]), _gain(drawn, multiple), len(n)),
        because="",
    )


def _gain(fits: _Fits, multiple: float) -> Values:
    """At a multiple of the largest size, which is 1 here."""
    return np.asarray(fits.scale * (1 - multiple**-fits.rate))


def _not_identified(n: Values, best: _Fits, drawn: _Fits, rows: Values, weights: Values) -> str:
    slopes = _slopes(n ** -best.rate[0], rows, weights)
    if best.scale[0] <= 0 or (slopes <= 0).mean() >= 0.025:
        return "the error does not fall with size by more than the points vary"
    low, high = np.quantile(drawn.rate, [0.025, 0.975])
    if high > VAGUE * low:
        return f"rates from {low:.2f} to {high:.2f} fit the points about as well"
    return ""


def _slopes(x: Values, errors: Values, weights: Values) -> Values:
    """Weighted least-squares slope of every row of `errors` on x."""
    apart = weights * (x - weights @ x / weights.sum())
    return np.asarray(errors @ apart / (apart @ x))


def _fit(n: Values, errors: Values, weights: Values) -> _Fits:
    """For each rate the best asymptote and scale, neither below 0; then the best rate."""
    shape = (len(errors), len(_RATES))
    asymptote, scale, misfit = np.empty(shape), np.empty(shape), np.empty(shape)
    total = weights.sum()
    mean = errors @ weights / total
    for j, rate in enumerate(_RATES):
        x = n**-rate
        b = np.maximum(_slopes(x, errors, weights), 0)
        a = mean - b * float(weights @ x / total)
        through_zero = errors @ (weights * x) / (weights @ x**2)
        b = np.where(a < 0, through_zero, b)
        a = np.maximum(a, 0)
        asymptote[:, j], scale[:, j] = a, b
        misfit[:, j] = ((errors - a[:, None] - b[:, None] * x) ** 2) @ weights
    best = np.argmin(misfit, axis=1)
    row = np.arange(len(errors))
    return _Fits(asymptote[row, best], scale[row, best], _RATES[best], misfit[row, best])


def _none(largest: int, because: str) -> LearningCurve:
    nothing = Interval(None, None, None, 0, 0)
    return LearningCurve(None, None, None, None, None, largest, nothing, because)
