"""Values later than the decision, and values that may be because their time is unknown.

A case never holds what is later than its decision, so the later values are those that the reader
set aside and reported. A value without a time was not set aside and may be later. Events of the
history are counted and never fire: an onset is often not known, and the event is old all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath

import numpy as np

from clinical.case.case import Problem
from clinical.modalities.kit import Kit, read_by
from pipelines.statistics.metrics import Interval, bootstrap_weights, interval
from pipelines.statistics.proportions import share_of_all, weighted_ratios
from pipelines.study.guards.guard import Finding, GuardResult, Skipped, clears
from pipelines.study.guards.out_of_fold import Judging, Values
from pipelines.training.dataset import CachedCase, Dataset

NAME = "afterwards"
LATER = "values later than the decision"
UNTIMED_SHARE, SURELY_UNTIMED = 0.1, 0.05

_LATE = ("after the decision", "is later than")
"""How readers say it (`clinical.tables.clock`, `hannover`)."""

_OFFSET = "_offset"


def afterwards(dataset: Dataset, judging: Judging | None = None) -> tuple[Finding, ...]:
    """What was set aside as later, then each modality's share of values without any time.

    Fires where more than 0.1 of a modality's measurements or notes have no time.
    """
    judging = judging or Judging()
    read = {name: kit for cached in dataset.cases for kit, name, _ in read_by(cached.case)}
    untimed = (_untimed(dataset.cases, name, read[name], judging) for name in sorted(read))
    return _set_aside(dataset, judging), *untimed


def is_late(problem: Problem) -> bool:
    """Whether a reader set something aside because it is later than the decision."""
    return any(words in problem.reason for words in _LATE)


def _set_aside(dataset: Dataset, judging: Judging) -> Finding:
    if not dataset.cases:
        return Skipped(NAME, LATER, "there are no cases")
    late = [problem for problem in dataset.problems if is_late(problem)]
    late += [skip.problem for skip in dataset.skipped if is_late(skip.problem)]
    owners = {problem.case_id for problem in late}
    held = np.array([cached.case.case_id in owners for cached in dataset.cases], dtype=bool)
    share = share_of_all(held, dataset.patients, samples=judging.samples, seed=judging.seed)
    counts = Counter(_table(problem) for problem in late)
    sentence = (
        f"{len(late)} values or files are later than the decision; the reader set them aside, and"
        " no model sees them."
    )
    return GuardResult(
        NAME,
        LATER,
        "share of cases with any",
        share,
        None,
        False,
        sentence,
        counts={"set aside": len(late), **dict(sorted(counts.items()))},
    )


def _table(problem: Problem) -> str:
    """The file, which is a modality's own, and where one file holds all of them the item too."""
    stem = PurePath(problem.file).stem
    item = problem.column.removesuffix(_OFFSET)
    return stem if item == problem.column else f"{stem}: {item}"


def _untimed(cases: Sequence[CachedCase], modality: str, kit: Kit, judging: Judging) -> Finding:
    given = [cached.case.inputs.get(modality) for cached in cases]
    times = [[] if value is None else list(kit.times(value)) for value in given]
    number = np.array([len(found) for found in times], dtype=np.float64)
    without = np.array([found.count(None) for found in times], dtype=np.float64)
    if not number.any():
        return Skipped(NAME, modality, "no case has an item of it")
    patients = [cached.case.patient_id for cached in cases]
    share = _share(without, number, patients, judging)
    fires = kit.dated and clears(share, UNTIMED_SHARE, SURELY_UNTIMED)
    sentence = f"{int(without.sum())} of {int(number.sum())} items of {modality} have no time"
    sentence += (
        ": they may be later than the decision, and nothing can show that they are not."
        if fires
        else "."
    )
    counts = {"items": int(number.sum()), "without a time": int(without.sum())}
    limit = UNTIMED_SHARE if kit.dated else None
    return GuardResult(
        NAME,
        modality,
        "share of items without a time",
        share,
        limit,
        fires,
        sentence,
        counts=counts,
    )


def _share(without: Values, number: Values, patients: Sequence[str], judging: Judging) -> Interval:
    weights = bootstrap_weights(patients, judging.samples, judging.seed)
    shares = weighted_ratios(without, number, weights)
    return interval(float(without.sum() / number.sum()), shares, len(number), int(without.sum()))
