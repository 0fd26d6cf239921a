"""The learning curve of a study: macro AUROC against the number of training patients."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from pipelines.folds.cross_validate import OutOfFold, Taught
from pipelines.folds.methods import OURS
from pipelines.statistics.learning_curve import learning_curve
from pipelines.statistics.metrics import (
    areas_of,
    bootstrap_weights,
    interval,
    known_mean,
    macro_auroc,
)
from pipelines.study.discrimination import tested_rows


def sizes_and_fit(tested: OutOfFold, *, samples: int, seed: int) -> dict[str, Any] | None:
    """Points, sizes and the fitted curve, as JSON-compatible values; None if nobody asked.

    A size is the mean over folds of the patients used for training, early stopping and
    calibration. All sizes are tested on the same patients, so bootstrap samples are shared and
    the fit accounts for what the points have in common. From the first repeat.

    Args:
        tested: out of fold, with `taught` models.
        samples, seed: of the patient bootstrap.
    """
    if not tested.taught:
        return None
    rows = tested_rows(tested)
    labels = tested.dataset.labels
    people = tested.dataset.patients
    weights = bootstrap_weights([people[i] for i in rows], samples, seed)
    whole = tuple(len({people[i] for i in fold.train}) for fold in tested.folds[0])
    full = Taught(1.0, whole, tested.scores[OURS][0])
    points: list[dict[str, Any]] = []
    sizes: list[dict[str, Any]] = []
    areas: list[float] = []
    draws = []
    for one in sorted((*tested.taught, full), key=lambda one: one.share):
        share, patients, scores = one.share, one.patients, one.scores
        for fold, number in zip(tested.folds[0], patients, strict=True):
            area = macro_auroc(scores[fold.test], labels[fold.test])
            points.append({"fold": fold.name, "share": share, "patients": number, "auroc": area})
        found = areas_of(scores[rows][None], labels[rows], weights)
        size, drawn = round(float(np.mean(patients))), known_mean(found.samples)
        # Where a fold could not be learnt, those of the others are not the same patients.
        area = float("nan") if one.because else float(known_mean(found.value))
        sizes.append({"patients": size, "auroc": asdict(interval(area, drawn))})
        areas.append(area)
        draws.append(drawn)
    numbers = [one["patients"] for one in sizes]
    fit = learning_curve(numbers, np.array(areas), np.stack(draws, axis=1))
    because = next((one.because for one in tested.taught if one.because), "")
    return {"points": points, "sizes": sizes, "fit": asdict(fit), "too_small": because}
