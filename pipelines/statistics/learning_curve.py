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
        gain: AUROC at twice the largest n minus that at the largest n, both of the curve.
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


def learning_curve(sizes: Sequence[int], areas: Values, draws: Values) -> LearningCurve:
    """Fit the curve, each point weighted by one over its variance.

    Args:
        sizes: training patients, one for each point; repeats are welcome.
        areas: AUROC of each point [points]; NaN where not defined, which leaves the point out.
        draws: their bootstrap samples [samples, points], of the same patients in each row, so that
            what the points share is kept.

    Raises:
        ConfigError: if a size is not above 0.
    """
    points = _points(sizes, areas, draws)
    largest = points.largest
    if points.because:
        return _none(largest, points.because)
    best, drawn = _fits(points)
    why = _not_falling(points, best) or _vague(drawn)
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
        gain=interval(float(_gain(best, 2.0)[0]), _gain(drawn, 2.0), len(points.n)),
        because="",
    )


def one_step(
    sizes: Sequence[int], areas: Values, draws: Values, *, further: int
) -> tuple[Interval, str]:
    """The gain of a few more patients than the largest size, and why it is not known, or "".

    Unlike the asymptote, it needs no single rate: where several fit the points about as well, the
    interval holds what each of them says.

    Args:
        sizes, areas, draws: as for `learning_curve`.
        further: patients beyond the largest size.

    Raises:
        ConfigError: if a size is not above 0.
    """
    points = _points(sizes, areas, draws)
    nothing = Interval(None, None, None, 0, 0)
    if points.because:
        return nothing, points.because
    best, drawn = _fits(points)
    if why := _not_falling(points, best):
        return nothing, why
    multiple = (points.largest + further) / points.largest
    value, others = float(_gain(best, multiple)[0]), _gain(drawn, multiple)
    low, high = np.quantile(others, [0.025, 0.975])
    ends = min(value, float(low)), max(value, float(high))
    return Interval(value, *ends, len(points.n), 0), ""


@dataclass(frozen=True, eq=False)
class _Points:
    """The points that can be used; `n` is the sizes over the largest, `because` why there are none.

    Attributes:
        error: 1 minus what was measured [points].
        rows: the same of every bootstrap sample [samples, points].
    """

    n: Values
    error: Values
    rows: Values
    largest: int
    because: str

    @property
    def weights(self) -> Values:
        """One over the variance of each point."""
        return np.asarray(1 / np.maximum(self.rows.std(axis=0, ddof=1), _SMALLEST_ERROR) ** 2)


def _points(sizes: Sequence[int], areas: Values, draws: Values) -> _Points:
    if min(sizes, default=1) <= 0:
        raise ConfigError("A model cannot be trained on no patients.", remedy="state sizes above 0")
    known = np.isfinite(areas) & (np.isfinite(draws).sum(axis=0) > 1)
    n, error = np.asarray(sizes, dtype=np.float64)[known], 1 - areas[known]
    rows = 1 - draws[:, known]
    rows = rows[np.isfinite(rows).all(axis=1)]
    largest = int(n.max()) if len(n) else 0
    because = ""
    if len(np.unique(n)) < LEAST_SIZES:
        because = f"{len(np.unique(n))} sizes, {LEAST_SIZES} are needed"
    elif len(rows) < 2:
        because = "the bootstrap has no sample in which every AUROC is defined"
    return _Points(n / max(largest, 1), error, rows, largest, because)


def _fits(points: _Points) -> tuple[_Fits, _Fits]:
    """The best curve, and that of every bootstrap sample."""
    best = _fit(points.n, points.error[None], points.weights)
    return best, _fit(points.n, _spread(points, best), points.weights)


def _spread(points: _Points, best: _Fits) -> Values:
    """Bootstrap samples, wider where the points are further from the curve than their own error:
    then they vary from training to training as well.
    """
    excess = max(1.0, float(best.misfit[0]) / max(1, len(points.n) - 3))
    return np.asarray(points.error + (points.rows - points.error) * np.sqrt(excess))


def _gain(fits: _Fits, multiple: float) -> Values:
    """At a multiple of the largest size, which is 1 here."""
    return np.asarray(fits.scale * (1 - multiple**-fits.rate))


def _not_falling(points: _Points, best: _Fits) -> str:
    slopes = _slopes(points.n ** -best.rate[0], _spread(points, best), points.weights)
    if best.scale[0] <= 0 or (slopes <= 0).mean() >= 0.025:
        return "the error does not fall with size by more than the points vary"
    return ""


def _vague(drawn: _Fits) -> str:
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
