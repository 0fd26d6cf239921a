"""The results of a cross-validation, each figure with a paired patient-bootstrap interval.

Macro AUROC is the mean over diagnoses within each bootstrap sample. With several seeds, a figure is
the mean of the figures of single models (what one who trains once may expect), not that of their
ensemble, which is given beside it. Two methods are compared on the cases that both can judge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinical.config import StudyConfig
from pipelines.folds.comparators.boosting import BOOSTING
from pipelines.folds.comparators.late_fusion import LATE_FUSION
from pipelines.folds.comparators.ridge_regression import RIDGE
from pipelines.folds.cross_validate import OutOfFold
from pipelines.folds.methods import AUTOML, OURS, hidden, untaught
from pipelines.statistics.coverage import covered
from pipelines.statistics.metrics import (
    Areas,
    Interval,
    Weights,
    areas_of,
    bootstrap_weights,
    calibration_error_floor,
    expected_calibration_error,
    interval,
    known_mean,
    log_loss,
    macro_auroc,
    macro_of,
)
from pipelines.statistics.proportions import share

ORACLE = "oracle: all"
REMOVAL_MARGIN = 0.01

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Seeds:
    """Macro AUROC of each seed's model, their mean and standard deviation."""

    values: tuple[float, ...]
    mean: float
    spread: float


@dataclass(frozen=True)
class Comparison:
    """One method minus another, on the cases that both can judge.

    Attributes:
        first, second: names of the methods.
        macro: difference in macro AUROC.
        labels: diagnosis to difference in AUROC.
        margin: what counts as equally good.
        verdict: in plain words.
    """

    first: str
    second: str
    macro: Interval
    labels: Mapping[str, Interval]
    margin: float
    verdict: str


@dataclass(frozen=True)
class Calibration:
    """Expected calibration error (15 bins), and what perfect calibration would show at this n."""

    error: float
    floor: float


@dataclass(frozen=True)
class Coverage:
    """How often all true diagnoses of a case are in its prediction set, and the mean set's size.

    Attributes:
        share: of the cases that have a diagnosis, which is what is promised.
        size: diagnoses in a set, on average.
        everyone: of all cases; one without any diagnosis has nothing that its set could miss.
    """

    share: Interval
    size: float
    everyone: Interval


@dataclass(frozen=True)
class JudgedFold:
    """One fold of the first repeat; `macro` are AUROCs within it, averaged over seeds."""

    name: str
    learnt: int
    tested: int
    removed: int
    macro: Mapping[str, float | None]


@dataclass(frozen=True)
class CrossValidation:
    """Everything that a cross-validation found.

    Attributes:
        cases, patients: tested.
        folds: what was left out in turn.
        auroc: method to diagnosis to AUROC.
        macro: method to macro AUROC.
        seeds: method to what single seeds gave; only methods that depend on the seed.
        ensemble: macro AUROC of the mean probability of all seeds.
        best_single: the single-modality method with the best macro AUROC on validation patients.
        validated: every single-modality method to that macro AUROC.
        comparisons: the model against its comparators.
        gap_closed: share of the way from the best single modality to the oracle.
        removal: modality to the model with it hidden from half the patients, against a model that
            was trained without it for that half.
        log_loss: method to diagnosis to mean negative log likelihood.
        calibration: diagnosis to calibration error of the model.
        coverage: cases as they are, then availability patterns (others hidden), to the coverage of
            prediction sets.
    """

    cases: int
    patients: int
    folds: tuple[JudgedFold, ...]
    auroc: Mapping[str, Mapping[str, Interval]]
    macro: Mapping[str, Interval]
    seeds: Mapping[str, Seeds]
    ensemble: Interval
    best_single: str | None
    validated: Mapping[str, float]
    comparisons: tuple[Comparison, ...]
    gap_closed: Interval | None
    removal: Mapping[str, Comparison]
    log_loss: Mapping[str, Mapping[str, float]]
    calibration: Mapping[str, Calibration]
    coverage: Mapping[str, Coverage]


@dataclass(frozen=True, eq=False)
class _Judge:
    """OutOfFold cases only: their labels, bootstrap weights and scores."""

    diagnoses: tuple[str, ...]
    labels: Values
    patients: tuple[str, ...]
    weights: Weights
    scores: Mapping[str, Values]

    def areas(self, *methods: Values) -> list[Areas]:
        """AUROCs of methods on the cases that all of them can judge."""
        gaps = np.logical_or.reduce([np.isnan(m).any(axis=0) for m in methods])
        return [areas_of(np.where(gaps, np.nan, m), self.labels, self.weights) for m in methods]

    def interval(self, samples: NDArray[np.float64], value: float, column: int) -> Interval:
        """An interval of one diagnosis, with the tested cases and positives it rests on."""
        known = self.labels[~np.isnan(self.labels[:, column]), column]
        return interval(value, samples, len(known), int(known.sum()))


def judge(tested: OutOfFold, study: StudyConfig) -> CrossValidation:
    """Every figure of a cross-validation."""
    rows = np.flatnonzero(~np.isnan(tested.scores[OURS][0]).all(axis=1))
    patients = tuple(tested.dataset.patients[i] for i in rows)
    weights = bootstrap_weights(patients, study.evaluation.bootstrap, study.seed)
    scores = {method: values[:, rows] for method, values in tested.scores.items()}
    court = _Judge(tested.dataset.diagnoses, tested.dataset.labels[rows], patients, weights, scores)
    modalities = tested.dataset.modalities
    inner = {name(modality) for modality in modalities for name in (hidden, untaught)}
    shown = {method: values for method, values in scores.items() if method not in inner}
    areas = {method: court.areas(values)[0] for method, values in shown.items()}
    single = {method: tested.single[method] for method in tested.single if method in shown}
    best = max(single, key=lambda method: single[method]) if single else None
    return CrossValidation(
        cases=len(rows),
        patients=len(set(patients)),
        folds=tuple(_folds(tested, tuple(shown))),
        auroc={method: _by_label(court, found) for method, found in areas.items()},
        macro={method: macro_of(found) for method, found in areas.items()},
        seeds={method: _seeds(court, v) for method, v in shown.items() if len(v) > 1},
        ensemble=macro_of(court.areas(scores[OURS].mean(axis=0)[None])[0]),
        best_single=best,
        validated=single,
        comparisons=_comparisons(court, best, study.evaluation.margin),
        gap_closed=_gap_closed(court, best),
        removal={
            name: _removal(court, name, study.seed)
            for name in modalities
            if untaught(name) in scores
        },
        log_loss={method: _losses(court, values) for method, values in shown.items()},
        calibration=_calibration(court, study.seed),
        coverage=_coverage(court, tested, rows),
    )


def _by_label(court: _Judge, areas: Areas) -> dict[str, Interval]:
    return {
        name: court.interval(areas.samples[:, column], areas.value[column], column)
        for column, name in enumerate(court.diagnoses)
    }


def _seeds(court: _Judge, scores: Values) -> Seeds:
    found = [macro_auroc(row, court.labels) for row in scores]
    values = tuple(value for value in found if value is not None)
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return Seeds(values, float(np.mean(values)) if values else float("nan"), spread)


def _folds(tested: OutOfFold, methods: Sequence[str]) -> list[JudgedFold]:
    labels = tested.dataset.labels
    found = []
    for fold in tested.folds[0]:
        macro = {}
        for method in methods:
            rows = [macro_auroc(s[fold.test], labels[fold.test]) for s in tested.scores[method]]
            known = [value for value in rows if value is not None]
            macro[method] = float(np.mean(known)) if known else None
        found.append(JudgedFold(fold.name, len(fold.train), len(fold.test), fold.removed, macro))
    # With repeated patient folds the later ones cut elsewhere: per fold nothing could be averaged.
    return found


def _compare(
    court: _Judge, names: tuple[str, str], first: Values, second: Values, margin: float
) -> Comparison:
    one, two = court.areas(first, second)
    gains = Areas(one.value - two.value, one.samples - two.samples)
    macro = macro_of(gains)
    return Comparison(*names, macro, _by_label(court, gains), margin, verdict(macro, margin))


def verdict(difference: Interval, margin: float) -> str:
    """A difference of two methods in plain words, at a margin that counts as equally good."""
    if difference.value is None or difference.low is None or difference.high is None:
        return "cannot be judged: too few cases of either outcome"
    if difference.low > 0:
        return "better"
    if difference.low > -margin:
        words = f"non-inferior at a margin of {margin:g}"
        return words + (", though lower" if difference.high < 0 else "")
    if difference.high < -margin:
        return f"inferior by more than {margin:g}"
    return f"not shown to be non-inferior at a margin of {margin:g}"


def _comparisons(court: _Judge, best: str | None, margin: float) -> tuple[Comparison, ...]:
    wanted = [best, LATE_FUSION, RIDGE, BOOSTING, AUTOML, ORACLE]
    ours = court.scores[OURS]
    return tuple(
        _compare(court, (OURS, method), ours, court.scores[method], margin)
        for method in wanted
        if method is not None and method in court.scores
    )


def _gap_closed(court: _Judge, best: str | None) -> Interval | None:
    """(model - best single) / (oracle - best single), in macro AUROC on the same cases."""
    if best is None or ORACLE not in court.scores:
        return None
    ours, single, oracle = court.areas(*(court.scores[m] for m in (OURS, best, ORACLE)))
    gap = known_mean(oracle.value - single.value)
    if not gap > 0:
        return Interval(None, None, None, 0, 0)
    gaps = known_mean(oracle.samples - single.samples)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(gaps > 0, known_mean(ours.samples - single.samples) / gaps, np.nan)
    return interval(float(known_mean(ours.value - single.value) / gap), shares)


def half_of(patients: Sequence[str], name: str, seed: int) -> NDArray[np.bool_]:
    """A random half of the patients, another one for each modality; which cases are theirs."""
    people = sorted(set(patients))
    generator = np.random.default_rng([seed, *name.encode()])
    chosen = {people[i] for i in generator.permutation(len(people))[: len(people) // 2]}
    return np.array([patient in chosen for patient in patients])


def _removal(court: _Judge, name: str, seed: int) -> Comparison:
    """Hidden from half the patients, against a model that was trained for exactly that."""
    half = half_of(court.patients, name, seed)[:, None]
    ours = np.where(half, court.scores[hidden(name)], court.scores[OURS])
    specialist = np.where(half, court.scores[untaught(name)], court.scores[OURS])
    names = (f"{OURS}, {name} hidden from half", f"one trained without {name} for that half")
    return _compare(court, names, ours, specialist, REMOVAL_MARGIN)


def _losses(court: _Judge, scores: Values) -> dict[str, float]:
    return {
        name: float(np.mean([log_loss(row[:, j], court.labels[:, j]) for row in scores]))
        for j, name in enumerate(court.diagnoses)
    }


def _calibration(court: _Judge, seed: int) -> dict[str, Calibration]:
    found = {}
    for j, name in enumerate(court.diagnoses):
        known = ~np.isnan(court.labels[:, j])
        if known.any():
            rows, y = court.scores[OURS][:, known, j], court.labels[known, j]
            errors = [expected_calibration_error(row, y) for row in rows]
            floors = [calibration_error_floor(row, seed=seed) for row in rows]
            found[name] = Calibration(float(np.mean(errors)), float(np.mean(floors)))
    return found


def _coverage(court: _Judge, tested: OutOfFold, rows: NDArray[np.intp]) -> dict[str, Coverage]:
    """Coverage of prediction sets: of cases as they are, then under every availability pattern."""
    found = {name: _judged(court, sets[:, rows]) for name, sets in tested.in_set.items()}
    return {name: sets for name, sets in found.items() if sets.share.cases}


def _judged(court: _Judge, members: Values) -> Coverage:
    """A case is covered if all its true diagnoses are in its set; one with none is not judged."""
    given = ~np.isnan(members).any(axis=(0, 2))
    true = court.labels == 1
    held = covered(true[None], members == 1).mean(axis=0)
    size = members[:, given].sum(axis=2, dtype=np.float64).mean() if given.any() else np.nan
    judged = given & true.any(axis=1)
    known = np.asarray(given & ~np.isnan(court.labels).all(axis=1))
    return Coverage(
        share(held, judged, court.patients, court.weights),
        float(size),
        share(held, known, court.patients, court.weights),
    )


def to_json(result: CrossValidation) -> dict[str, Any]:
    """A cross-validation as JSON-compatible values."""
    return asdict(result)
