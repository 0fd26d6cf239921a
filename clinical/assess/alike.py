"""Cases like this one, by what one model makes of them: no pixels, no torch, nothing but numbers.

Each case is a list of probabilities, one for each diagnosis. Two cases are as far apart as their
log odds differ, over the diagnoses that are shown of both; what is withheld of a case is never
compared. How good that is was measured on patients that the model had not seen, beside the shared
space (`clinical.assess.similar`): the figures are in a file beside the checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clinical.model import beside_checkpoint

BESIDE = "similar_cases.json"
FLOOR = 0.01
"""Probabilities below it, and above one minus it, count as that: how small is noise."""

Profile = Mapping[str, float]
"""Diagnosis to probability, of those that are shown."""


@dataclass(frozen=True)
class Found:
    """A case and how far it is: root mean square of the difference in log odds; 0 is the same."""

    case_id: str
    distance: float


def nearest(query: Profile, others: Mapping[str, Profile]) -> list[Found]:
    """The cases that show at least half of the diagnoses that `query` does, nearest first.

    Of equally near ones the first by case_id; none where `query` shows nothing.
    """
    names = sorted(query)
    ids = sorted(others)
    if not names or not ids:
        return []
    rows = np.array([[others[i].get(name, np.nan) for name in names] for i in ids])
    differences = _log_odds(rows) - _log_odds(np.array([query[name] for name in names]))
    shown = ~np.isnan(differences)
    enough = 2 * shown.sum(axis=1) >= len(names)
    squares = np.where(shown, differences**2, 0.0).sum(axis=1)
    far = np.sqrt(squares / np.maximum(shown.sum(axis=1), 1))
    order = np.argsort(far, kind="stable")
    return [Found(ids[place], float(far[place])) for place in order if enough[place]]


def _log_odds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(probabilities, FLOOR, 1 - FLOOR)
    odds: NDArray[np.float64] = np.log(inside / (1 - inside))
    return odds


@dataclass(frozen=True)
class Measured:
    """How well a model's cases find each other, among patients that it had not seen.

    Attributes:
        patients: that were asked about, with one case each; another one has the same diagnoses.
        cohort: where they come from.
        first: so many nearest cases were looked at.
        share, low, high: how many of these have the same set of true diagnoses, on average, and the
            95% interval.
        chance: what a blind draw would give.
        space: the same by the shared space, or None where the model has none.
    """

    patients: int
    cohort: str
    first: int
    share: float
    low: float
    high: float
    chance: float
    space: float | None


def measured(folder: Path, digest: str) -> Measured | None:
    """What was measured of the checkpoint in `folder`, or None where nobody did.

    Raises:
        ModelError: if the file beside it is of another checkpoint, or holds no figures.
    """
    return beside_checkpoint.read(
        folder / BESIDE, digest, lambda data: Measured(**data["measured"]), "holds no figures"
    )
