"""Calibration and clinical usefulness, per label, on unseen patients.

Of the first repeat. The model is judged as it is shown and recalibrated, beside the simpler models
that it is compared with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.folds.cross_validate import OutOfFold
from pipelines.folds.methods import OURS
from pipelines.statistics.brier import brier_of_prevalence, brier_score
from pipelines.statistics.decision_curve import decision_curve
from pipelines.statistics.metrics import (
    bootstrap_weights,
    calibration_error_floor,
    interval,
    with_all,
)
from pipelines.statistics.proportions import weighted_shares
from pipelines.statistics.reliability import (
    calibration_error_interval,
    reliability_curve,
    weak_calibration,
)
from pipelines.study import recalibration
from pipelines.study.discrimination import tested_rows
from pipelines.study.thresholds import Chosen, operating_point

Values = NDArray[np.float64]
RECALIBRATED = f"{OURS}, recalibrated"
FIGURES = ("sensitivity", "specificity", "ppv", "npv")


def probabilities(
    tested: OutOfFold, chosen: Sequence[Chosen], rivals: Sequence[str], column: int
) -> dict[str, Values]:
    """Method to probabilities of one label [cases]: the model, recalibrated, and its rivals.

    Recalibrated only where maps were chosen; a model that already existed has none.
    """
    mended = {RECALIBRATED: chosen[column].recalibrated} if chosen[column].maps else {}
    return {
        OURS: tested.scores[OURS][0][:, column],
        **mended,
        **{name: tested.scores[name][0][:, column] for name in rivals},
    }


def usefulness(
    shown: Mapping[str, Values],
    labels: Values,
    patients: Sequence[str],
    thresholds: Sequence[float],
    *,
    samples: int,
    seed: int,
) -> dict[str, Any]:
    """Calibration and decision curve of every method, for one label.

    Args:
        shown: method to probabilities [cases].
        labels: [cases]; NaN for unknown.
        patients: of every case.
        thresholds: probabilities at which somebody might act.
        samples, seed: of the patient bootstrap.
    """
    found: dict[str, Any] = {}
    for method, p in shown.items():
        known = ~(np.isnan(p) | np.isnan(labels))
        drawn: dict[str, int] = {"samples": samples, "seed": seed}
        found[method] = {
            "brier": asdict(brier_score(p, labels, patients, **drawn)),
            "brier_of_prevalence": brier_of_prevalence(labels[known]),
            "weak": asdict(weak_calibration(p, labels, patients, **drawn)),
            "error": asdict(calibration_error_interval(p, labels, patients, **drawn)),
            "error_floor": calibration_error_floor(p[known], seed=seed),
            "reliability": [asdict(one) for one in reliability_curve(p, labels)],
            "decision_curve": [
                asdict(one)
                for one in decision_curve(p, labels, patients, thresholds=thresholds, **drawn)
            ],
        }
    return found


def operating(
    tested: OutOfFold, method: str, chosen: Chosen, column: int, samples: int, seed: int
) -> dict[str, Any]:
    """The operating point of a method for one label, with the thresholds and maps of every fold."""
    found = asdict(operating_point(tested, method, column, chosen, samples=samples, seed=seed))
    found["thresholds"] = {name: asdict(one) for name, one in chosen.thresholds.items()}
    found["cases_without_threshold"] = chosen.without
    found["maps"] = {
        name: {**asdict(one), "chosen": recalibration.to_json(one.chosen)}
        for name, one in chosen.maps.items()
    }
    return found


def macro_operating(
    tested: OutOfFold, chosen: Sequence[Chosen], samples: int, seed: int
) -> dict[str, Any]:
    """Mean over labels of sensitivity, specificity and predictive values, of the defined ones."""
    rows = tested_rows(tested)
    patients = [tested.dataset.patients[i] for i in rows]
    weights = with_all(bootstrap_weights(patients, samples, seed))
    shares: dict[str, list[Values]] = {name: [] for name in FIGURES}
    for column, one in enumerate(chosen):
        y = tested.dataset.labels[rows, column]
        distance = tested.scores[OURS][0][rows, column] - one.cuts[rows]
        known = ~(np.isnan(distance) | np.isnan(y))
        alert, true = distance >= 0, y == 1
        held = {
            "sensitivity": (alert, known & true),
            "specificity": (~alert, known & ~true),
            "ppv": (true, known & alert),
            "npv": (~true, known & ~alert),
        }
        for name, (which, among) in held.items():
            if among.any():
                shares[name].append(weighted_shares(which, among, weights))
    means = {name: np.mean(found, axis=0) for name, found in shares.items() if found}
    return {name: asdict(interval(float(row[0]), row[1:])) for name, row in means.items()}
