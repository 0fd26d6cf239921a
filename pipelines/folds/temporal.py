"""Train on the past and test on what came later, as a model meets it in use.

A patient with cases on both sides is tested: the later cases stay in the test, and the earlier ones
are not used for training. Moving the earlier ones to the test would test on the past; leaving the
later ones out would test on new patients only, and a clinic has returning patients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np

from clinical.case.case import Case
from clinical.errors import CohortError
from clinical.tables.clock import OFFSET_EPOCH
from pipelines.folds.splits import Fold

REMEDY = "choose a day within the period of the cohort, or another split"


@dataclass(frozen=True, eq=False)
class TemporalSplit:
    """A fold that is cut by date.

    Attributes:
        fold: `removed` counts the earlier cases of patients who are tested.
        cut: the first day that is tested.
        undated: cases without a decision date; neither trained on nor tested.
    """

    fold: Fold
    cut: date
    undated: int

    def __str__(self) -> str:
        text = (
            f"{len(self.fold.train)} cases decided before {self.cut.isoformat()} are for training,"
            f" {len(self.fold.test)} decided from then on are tested."
        )
        if self.fold.removed:
            text += (
                f" {self.fold.removed} earlier cases of tested patients are not used for training."
            )
        if self.undated:
            text += f" {self.undated} cases without a decision date are left out."
        return text


def decided(case: Case) -> datetime | None:
    """When a case was decided, with a zone (UTC where it has none); None if that is not known.

    Sources that give only days before the decision put `OFFSET_EPOCH` in its place, which is no
    date.
    """
    moment = case.decision_time
    if moment is None:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None if aware == OFFSET_EPOCH else aware


def day(case: Case) -> date | None:
    """Calendar day of the decision by the clock of the case's own place, or None."""
    moment = decided(case)
    return moment.date() if moment else None


def temporal_split(
    days: Sequence[date | None], patients: Sequence[str], cut: date
) -> TemporalSplit:
    """Train on cases decided before `cut`, test on those decided on that day or later.

    Args:
        days: of every case (`day`); None for unknown.
        patients: patient of every case.
        cut: first day that is tested.

    Raises:
        CohortError: if either side would be empty.
    """
    tested = np.array([when is not None and when >= cut for when in days], dtype=bool)
    earlier = np.array([when is not None and when < cut for when in days], dtype=bool)
    people = {patient for patient, late in zip(patients, tested, strict=True) if late}
    known = np.array([patient in people for patient in patients], dtype=bool)
    train, test = np.flatnonzero(earlier & ~known), np.flatnonzero(tested)
    name = f"decided from {cut.isoformat()} on"
    if not len(test):
        raise CohortError(f"{name}: no case is left to test.", remedy=REMEDY)
    if not len(train):
        raise CohortError(f"{name}: no patient is left to train on.", remedy=REMEDY)
    removed = int((earlier & known).sum())
    return TemporalSplit(Fold(name, train, test, removed), cut, sum(when is None for when in days))


def day_of_share(days: Sequence[date | None], patients: Sequence[str], share: float) -> date:
    """First test day such that about `share` of the patients, those seen last earliest, are learnt.

    Patients are put in order by the day of their last case, because a patient with a later case is
    tested. All patients of one day are on the same side, so the share may differ a little.

    Args:
        days: of every case; None for unknown.
        patients: patient of every case.
        share: of dated patients to learn from; above 0 and below 1.

    Raises:
        CohortError: if no case has a date, or all patients were last seen on one day.
        ValueError: if `share` is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"a share of {share} leaves one side empty")
    last: dict[str, date] = {}
    for patient, when in zip(patients, days, strict=True):
        if when is not None:
            last[patient] = max(when, last.get(patient, when))
    order = sorted(last.values())
    if not order or order[0] == order[-1]:
        raise CohortError(
            f"{len(order)} patients with a decision date cannot be split by date.",
            remedy="fill in decision_time in the table of cases, or choose another split",
        )
    # Never the first day of all, which nothing precedes.
    later = [when for when in order[round(share * len(order)) :] if when > order[0]]
    return later[0] if later else order[-1]
