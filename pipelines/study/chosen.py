"""What is chosen on validation patients: thresholds and calibration maps, one per fold and label.

Each fold has its own model, so each has its own threshold and map, from patients that its weights
have not seen and that it is not tested on. The same patients stopped the training and calibrated
its probabilities, so a map has little left to mend and a threshold is a little too hopeful; test
patients show by how much.

Where a study has several repeats, this is about the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.crossvalidate import OURS, OutOfFold
from pipelines.fold_records import Validated
from pipelines.study import operating_points, recalibration
from pipelines.study.operating_points import OperatingPoint, Threshold
from pipelines.study.recalibration import Choice

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Chosen:
    """What was chosen for one label.

    Attributes:
        thresholds: fold to its threshold; a fold without a positive validation case has none.
        without: tested cases of folds that have no threshold.
        cuts: threshold of every case's fold [cases]; NaN where a case has none.
        maps: fold to the calibration map that was chosen.
        recalibrated: probabilities after the map of the case's fold [cases].
    """

    thresholds: Mapping[str, Threshold]
    without: int
    cuts: Values
    maps: Mapping[str, Choice]
    recalibrated: Values


def choose(tested: OutOfFold, sensitivity: float, seed: int) -> tuple[Chosen, ...]:
    """Thresholds and maps for every label.

    Args:
        tested: with the scores of validation patients.
        sensitivity: that thresholds aim at.
        seed: of the folds in which maps are compared.
    """
    shown = {v.fold: v for v in tested.validation if v.repeat == 0}
    columns = range(len(tested.dataset.diagnoses))
    return tuple(_choose(tested, shown, column, sensitivity, seed) for column in columns)


def _choose(
    tested: OutOfFold, shown: Mapping[int, Validated], column: int, sensitivity: float, seed: int
) -> Chosen:
    labels, patients = tested.dataset.labels[:, column], tested.dataset.patients
    scores = tested.scores[OURS][0][:, column]
    cuts, mended = np.full(len(labels), np.nan), np.full(len(labels), np.nan)
    thresholds: dict[str, Threshold] = {}
    maps: dict[str, Choice] = {}
    without = 0
    for number, fold in enumerate(tested.folds[0]):
        held = shown[number]
        p, y = held.scores[:, column], labels[held.rows]
        people = [patients[i] for i in held.rows]
        threshold = operating_points.at_sensitivity(p, y, sensitivity)
        if threshold is None:
            without += len(fold.test)
        else:
            thresholds[fold.name] = threshold
            cuts[fold.test] = threshold.value
        maps[fold.name] = recalibration.choose(p, y, people, seed=seed)
        mended[fold.test] = recalibration.apply(maps[fold.name].chosen, scores[fold.test])
    return Chosen(thresholds, without, cuts, maps, mended)


def operating_point(
    tested: OutOfFold, column: int, chosen: Chosen, *, samples: int, seed: int
) -> OperatingPoint:
    """What the thresholds of all folds together do to the cases that were tested.

    A case is an alert if it is at or above the threshold of its own fold, which is to say if its
    distance from it is 0 or more.
    """
    distances = tested.scores[OURS][0][:, column] - chosen.cuts
    rules = sorted({threshold.rule for threshold in chosen.thresholds.values()})
    cases = sum(threshold.cases for threshold in chosen.thresholds.values())
    positives = sum(threshold.positives for threshold in chosen.thresholds.values())
    zero = Threshold(0.0, f"{', '.join(rules)}; one for each fold", cases, positives)
    labels, patients = tested.dataset.labels[:, column], tested.dataset.patients
    return operating_points.judge(zero, distances, labels, patients, samples=samples, seed=seed)
