"""Thresholds and calibration maps, chosen on validation patients, one per fold and label.

Each fold has its own model, so each has its own threshold and map, from patients that its weights
have not seen and that it is not tested on. The same patients stopped the training and calibrated
its probabilities, so a map has little left to mend and a threshold is a little too hopeful; test
patients show by how much. Comparators choose on out-of-fold scores of the patients that they learnt
from.

Where a study has several repeats, this is about the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipelines.folds.cross_validate import OutOfFold
from pipelines.folds.methods import OURS
from pipelines.folds.splits import Indices
from pipelines.statistics import operating_points
from pipelines.statistics.operating_points import OperatingPoint, Threshold
from pipelines.study import recalibration
from pipelines.study.recalibration import Choice

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Chosen:
    """What was chosen for one method and label.

    Attributes:
        thresholds: fold to its threshold; a fold without a positive validation case has none.
        without: tested cases of folds that have no threshold.
        cuts: threshold of every case's fold [cases]; NaN where a case has none.
        maps: fold to the calibration map that was chosen; only of the model.
        recalibrated: probabilities after the map of the case's fold [cases].
    """

    thresholds: Mapping[str, Threshold]
    without: int
    cuts: Values
    maps: Mapping[str, Choice]
    recalibrated: Values


def choose(tested: OutOfFold, sensitivity: float, seed: int) -> tuple[Chosen, ...]:
    """Thresholds and maps of the model for every label.

    Args:
        tested: with the scores of validation patients.
        sensitivity: that thresholds aim at.
        seed: of the folds in which maps are compared.
    """
    columns = range(len(tested.dataset.diagnoses))
    return tuple(
        _mapped(tested, _thresholds(tested, OURS, column, sensitivity), column, seed)
        for column in columns
    )


def comparators(
    tested: OutOfFold, methods: Sequence[str], sensitivity: float, column: int
) -> dict[str, Chosen]:
    """Method to its thresholds for one label; only those that were asked about validation cases."""
    asked = {name for one in tested.validation for name in one.scores}
    return {
        method: _thresholds(tested, method, column, sensitivity)
        for method in methods
        if method in asked
    }


def _validation(tested: OutOfFold, method: str, column: int) -> dict[int, tuple[Indices, Values]]:
    """Fold of the first repeat to its validation cases and what a method says of them."""
    return {
        one.fold: (one.rows, one.scores[method][:, column])
        for one in tested.validation
        if one.repeat == 0 and method in one.scores
    }


def _thresholds(tested: OutOfFold, method: str, column: int, sensitivity: float) -> Chosen:
    labels = tested.dataset.labels[:, column]
    held = _validation(tested, method, column)
    cuts = np.full(len(labels), np.nan)
    thresholds: dict[str, Threshold] = {}
    without = 0
    for number, fold in enumerate(tested.folds[0]):
        rows, scores = held[number]
        threshold = operating_points.at_sensitivity(scores, labels[rows], sensitivity)
        if threshold is None:
            without += len(fold.test)
        else:
            thresholds[fold.name] = threshold
            cuts[fold.test] = threshold.value
    return Chosen(thresholds, without, cuts, {}, np.full(len(labels), np.nan))


def _mapped(tested: OutOfFold, chosen: Chosen, column: int, seed: int) -> Chosen:
    labels, patients = tested.dataset.labels[:, column], tested.dataset.patients
    scores = tested.scores[OURS][0][:, column]
    held = _validation(tested, OURS, column)
    maps: dict[str, Choice] = {}
    mended = np.full(len(labels), np.nan)
    for number, fold in enumerate(tested.folds[0]):
        rows, p = held[number]
        people = [patients[i] for i in rows]
        maps[fold.name] = recalibration.choose(p, labels[rows], people, seed=seed)
        mended[fold.test] = recalibration.apply(maps[fold.name].chosen, scores[fold.test])
    return replace(chosen, maps=maps, recalibrated=mended)


def operating_point(
    tested: OutOfFold, method: str, column: int, chosen: Chosen, *, samples: int, seed: int
) -> OperatingPoint:
    """What the thresholds of all folds together do to the cases that were tested.

    A case is an alert if it is at or above the threshold of its own fold, which is to say if its
    distance from it is 0 or more.
    """
    distances = tested.scores[method][0][:, column] - chosen.cuts
    rules = sorted({threshold.rule for threshold in chosen.thresholds.values()})
    cases = sum(threshold.cases for threshold in chosen.thresholds.values())
    positives = sum(threshold.positives for threshold in chosen.thresholds.values())
    zero = Threshold(0.0, f"{', '.join(rules)}; one for each fold", cases, positives)
    labels, patients = tested.dataset.labels[:, column], tested.dataset.patients
    return operating_points.judge(zero, distances, labels, patients, samples=samples, seed=seed)
