"""Stress curves: how discrimination falls when inputs go missing, up to all of them.

A modality is hidden from a growing share of the patients, the same ones at every larger share; or
every single measured value is lost with a growing probability. Macro AUROC on tested patients of
the first repeat, the same bootstrap samples at every point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.folds import stress
from pipelines.folds.cross_validate import OutOfFold
from pipelines.folds.stress import luck_of
from pipelines.statistics.metrics import areas_of, bootstrap_weights, macro_of
from pipelines.study.discrimination import tested_rows

Values = NDArray[np.float64]
MODALITY, ITEMS = "modality", "items"
SINGLE_VALUES = "single measured values"


def stress_curves(
    tested: OutOfFold, methods: Sequence[str], *, samples: int, seed: int
) -> list[dict[str, Any]]:
    """One entry for each kind of loss and method, with a point for each share from 0 to 1.

    Args:
        tested: out of fold, with `stressed` scores; without them there are no curves.
        methods: to be judged; one that was not asked has no curve.
        samples, seed: of the patient bootstrap; the seed also chooses who loses an input.
    """
    rows = tested_rows(tested)
    patients = [tested.dataset.patients[i] for i in rows]
    labels, weights = tested.dataset.labels[rows], bootstrap_weights(patients, samples, seed)
    curves = []
    for what, kind in _losses(tested):
        luck = _luck(tested.dataset.patients, what, seed)
        for method in methods:
            shown = {
                share: values[rows]
                for share in (0.0, *stress.SHARES)
                if (values := _scores(tested, method, what, kind, share, luck)) is not None
            }
            if len(shown) > 1:
                points = [
                    {"share": share, "auroc": asdict(macro_of(areas_of(v[None], labels, weights)))}
                    for share, v in shown.items()
                ]
                curves.append({"what": what, "kind": kind, "method": method, "points": points})
    return curves


def _losses(tested: OutOfFold) -> list[tuple[str, str]]:
    names = tested.dataset.modalities
    found = [(name, MODALITY) for name in names if stress.hides(name) in tested.stressed]
    values = any(stress.thins(share) in tested.stressed for share in stress.SHARES)
    return [*found, *([(SINGLE_VALUES, ITEMS)] if values else [])]


def _scores(
    tested: OutOfFold, method: str, what: str, kind: str, share: float, luck: Values
) -> Values | None:
    """Probabilities of all cases [cases, diagnoses] at one share, or None if nobody was asked."""
    whole: Values = tested.scores[method][0]
    if not share:
        return whole
    variant = stress.hides(what) if kind == MODALITY else stress.thins(share)
    lost = tested.stressed[variant].get(method)
    if lost is None or kind == ITEMS:
        return lost
    return np.where((luck < share)[:, None], lost, whole)


def _luck(patients: Sequence[str], what: str, seed: int) -> Values:
    """Who loses it first [cases], from 0 to 1; all cases of a patient alike."""
    own = {person: luck_of(person, what, 1, seed)[0] for person in set(patients)}
    return np.array([own[person] for person in patients])
