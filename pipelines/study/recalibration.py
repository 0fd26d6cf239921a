"""Maps from a model's probabilities to better ones, fitted on validation patients and kept as JSON.

Which map is chosen by log loss in patient-grouped cross-validation inside the validation patients:
the more a map can bend, the better it fits the cases it was fitted on, whatever it does to others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, log_expit, logit
from sklearn.isotonic import IsotonicRegression

from clinical.errors import ModelError
from clinical.model.calibration import platt
from pipelines.folds.splits import grouped_folds
from pipelines.statistics.metrics import log_loss
from pipelines.statistics.reliability import EDGE

Values = NDArray[np.float64]

FORMAT = "triptych.calibration-map/1"
LEAST_FOR_ISOTONIC = 100
"""Validation cases of the rarer outcome from which on steps are tried (Niculescu-Mizil and Caruana
2005, ICML, need about 1,000 cases)."""

LEAST_OF_EACH = 10
"""With fewer validation cases of either outcome no map is fitted."""

_PULL_TO_IDENTITY = 4.0
_LARGEST = 1e300
_LOG_TEMPERATURES = (-3.0, 3.0)


@dataclass(frozen=True)
class CalibrationMap:
    """A fitted map; non-decreasing.

    Attributes:
        kind: a key of MAPS.
        numbers: none: (); temperature: (T,), probability = sigmoid(logit / T); platt: (slope,
            intercept) of the logit; beta: (a, b, c) of sigmoid(a log p - b log(1 - p) + c);
            isotonic: probabilities before, then as many after, linear in between.
    """

    kind: str
    numbers: tuple[float, ...] = ()


@dataclass(frozen=True)
class Choice:
    """The map that was chosen, and why.

    Attributes:
        chosen: fitted on all validation cases.
        losses: kind to cross-validated mean log loss in nats.
        left_out: kind to the reason why it was not tried.
    """

    chosen: CalibrationMap
    losses: Mapping[str, float]
    left_out: Mapping[str, str]


def apply(fitted: CalibrationMap, probabilities: Values) -> Values:
    """Recalibrated probabilities; any shape, NaN stays NaN.

    Args:
        fitted: by `fit`, `choose` or `from_json`.
        probabilities: between 0 and 1, kept EDGE away from both.
    """
    p = np.clip(probabilities, EDGE, 1 - EDGE)
    numbers = fitted.numbers
    if fitted.kind == "temperature":
        return np.asarray(expit(logit(p) / numbers[0]))
    if fitted.kind == "platt":
        return np.asarray(expit(numbers[0] * logit(p) + numbers[1]))
    if fitted.kind == "beta":
        return np.asarray(expit(numbers[0] * np.log(p) - numbers[1] * np.log1p(-p) + numbers[2]))
    if fitted.kind == "isotonic":
        half = len(numbers) // 2
        return np.asarray(np.interp(p, numbers[:half], numbers[half:]))
    return np.asarray(probabilities, dtype=np.float64)


def fit(kind: str, probabilities: Values, labels: Values) -> CalibrationMap:
    """Fit one kind of map.

    Args:
        kind: a key of MAPS.
        probabilities, labels: [cases] of validation; a case that is NaN in either is left out.

    Returns:
        A map of that kind, or of kind none if no outcome is known.
    """
    known = ~(np.isnan(probabilities) | np.isnan(labels))
    if not known.any():
        return CalibrationMap("none")
    p = np.clip(probabilities[known], EDGE, 1 - EDGE)
    return CalibrationMap(kind, MAPS[kind](p, labels[known]))


def _none(_: Values, __: Values) -> tuple[float, ...]:
    return ()


def _temperature(p: Values, y: Values) -> tuple[float, ...]:
    """Guo, Pleiss, Sun and Weinberger 2017, ICML."""
    x = logit(p)

    def loss(log_temperature: float) -> float:
        return _negative_log_likelihood(x / np.exp(log_temperature), y)

    return (float(np.exp(minimize_scalar(loss, bounds=_LOG_TEMPERATURES, method="bounded").x)),)


def _platt(p: Values, y: Values) -> tuple[float, ...]:
    return platt(logit(p), y)


def _beta(p: Values, y: Values) -> tuple[float, ...]:
    """Kull, Silva Filho and Flach 2017, AISTATS, pulled towards the identity as Platt's map is."""
    parts = np.stack([np.log(p), -np.log1p(-p), np.ones_like(p)], axis=1)

    def loss(numbers: Values) -> float:
        pull = (numbers[0] - 1) ** 2 + (numbers[1] - 1) ** 2 + numbers[2] ** 2 / 4
        return _negative_log_likelihood(parts @ numbers, y) + _PULL_TO_IDENTITY * float(pull)

    # Below 0 the map would fall somewhere, and turn the order of cases round.
    bounds = [(0, None), (0, None), (None, None)]
    found = minimize(loss, np.array([1.0, 1.0, 0.0]), method="L-BFGS-B", bounds=bounds).x
    return tuple(float(number) for number in found)


def _isotonic(p: Values, y: Values) -> tuple[float, ...]:
    """Zadrozny and Elkan 2002, KDD; never as sure as 0 or 1, which n cases cannot show."""
    edge = 1 / (len(y) + 2)
    steps = IsotonicRegression(y_min=edge, y_max=1 - edge, out_of_bounds="clip").fit(p, y)
    return (*steps.X_thresholds_.tolist(), *steps.y_thresholds_.tolist())


def _negative_log_likelihood(z: Values, y: Values) -> float:
    return float(-(y * log_expit(z) + (1 - y) * log_expit(-z)).sum())


MAPS: dict[str, Callable[[Values, Values], tuple[float, ...]]] = {
    "none": _none,
    "temperature": _temperature,
    "platt": _platt,
    "beta": _beta,
    "isotonic": _isotonic,
}
"""What is tried, the simplest first; of equally good ones the first is taken."""


def choose(
    probabilities: Values,
    labels: Values,
    patients: Sequence[str],
    *,
    folds: int = 5,
    seed: int = 0,
    least_for_isotonic: int = LEAST_FOR_ISOTONIC,
) -> Choice:
    """The map with the least log loss on validation patients that it was not fitted on.

    Args:
        probabilities, labels: [cases] of validation; a case that is NaN in either is left out.
        patients: of every case.
        folds: of the cross-validation; no patient is on both sides.
        seed: of the folds.
        least_for_isotonic: cases of the rarer outcome from which on isotonic steps are tried.
    """
    known = ~(np.isnan(probabilities) | np.isnan(labels))
    p, y = probabilities[known], labels[known]
    people = np.asarray(patients)[known].tolist()
    left_out = _left_out(y, people, folds, least_for_isotonic)
    tried = [kind for kind in MAPS if kind not in left_out]
    if tried == ["none"]:
        return Choice(CalibrationMap("none"), {}, left_out)
    unseen = {kind: np.full(len(y), np.nan) for kind in tried}
    for train, test in grouped_folds(people, y[:, None], folds, seed):
        for kind in tried:
            unseen[kind][test] = apply(fit(kind, p[train], y[train]), p[test])
    losses = {kind: log_loss(unseen[kind], y) for kind in tried}
    best = min(tried, key=lambda kind: losses[kind])
    return Choice(fit(best, p, y), losses, left_out)


def _left_out(y: Values, people: Sequence[str], folds: int, least: int) -> dict[str, str]:
    rarer = int(min(y.sum(), (1 - y).sum()))
    if rarer < LEAST_OF_EACH:
        why = f"{rarer} validation cases of the rarer outcome, {LEAST_OF_EACH} are needed"
    elif len(set(people)) < folds:
        why = f"{len(set(people))} validation patients cannot make {folds} folds"
    elif rarer < least:
        return {"isotonic": f"{rarer} validation cases of the rarer outcome, {least} are needed"}
    else:
        return {}
    return {kind: why for kind in MAPS if kind != "none"}


def to_json(fitted: CalibrationMap) -> dict[str, Any]:
    """A map as JSON-compatible values, exact."""
    return {"format": FORMAT, **asdict(fitted), "numbers": list(fitted.numbers)}


def from_json(record: Mapping[str, Any]) -> CalibrationMap:
    """A map from its JSON form.

    Raises:
        ModelError: if it is not one that `to_json` wrote.
    """
    kind, numbers = record.get("kind"), record.get("numbers")
    named = isinstance(kind, str) and kind in MAPS
    if record.get("format") != FORMAT or not named or not isinstance(numbers, list):
        raise _unusable(f"not of format {FORMAT}, or of an unknown kind")
    if not all(isinstance(n, int | float) and abs(n) <= _LARGEST for n in numbers):
        raise _unusable("numbers that are not finite numbers")
    fitted = CalibrationMap(str(kind), tuple(float(n) for n in numbers))
    if not _well_formed(fitted):
        raise _unusable(f"numbers that a map of kind {kind} cannot have")
    return fitted


def _well_formed(fitted: CalibrationMap) -> bool:
    numbers, length = fitted.numbers, len(fitted.numbers)
    if fitted.kind == "isotonic":
        before, after = numbers[: length // 2], numbers[length // 2 :]
        rising = all(a <= b for half in (before, after) for a, b in pairwise(half))
        return length > 0 and length % 2 == 0 and rising and min(after) >= 0 and max(after) <= 1
    if length != {"none": 0, "temperature": 1, "platt": 2, "beta": 3}[fitted.kind]:
        return False
    if fitted.kind == "temperature":
        return numbers[0] > 0
    return all(n >= 0 for n in (numbers[:1] if fitted.kind == "platt" else numbers[:2]))


def _unusable(why: str) -> ModelError:
    return ModelError(f"A calibration map cannot be used: {why}.", remedy="fit it again")
