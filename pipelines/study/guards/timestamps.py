"""Can the label be predicted from time stamps, without a single value?

Hour, weekday and month of the decision, and how many hours before it the first and the last
measurement and note were written. Times of an event of the history are left out: when an illness
began is a finding. Gaps are filled with the mean, so that what is missing tells nothing here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np

from clinical.case.case import Case
from clinical.modalities.kit import read_by
from pipelines.study.guards.alone import told_alone
from pipelines.study.guards.guard import Finding
from pipelines.study.guards.out_of_fold import Judging, Values
from pipelines.training.dataset import Dataset

NAME = "timestamps"
_WEEKDAYS = 7


def timestamps(dataset: Dataset, judging: Judging | None = None) -> tuple[Finding, ...]:
    """One finding for each diagnosis: its AUROC from time stamps alone."""
    rows, _ = stamps([cached.case for cached in dataset.cases])
    return told_alone(
        NAME,
        dataset,
        rows,
        judging or Judging(),
        what="time stamps",
        worry="the label may have been known, or suspected, when the decision time was set",
    )


def stamps(cases: Sequence[Case]) -> tuple[Values, list[str]]:
    """Time stamps [cases, columns], NaN where there is none, and the columns' names, sorted.

    Hours of the day and months are points on a circle (cosine and sine); weekdays are one column
    each; hours before the decision are log(1 + hours), since minutes matter near it.
    """
    found = [dict(_stamps(case)) for case in cases]
    names = sorted({name for row in found for name in row})
    rows = [[row.get(name, math.nan) for name in names] for row in found]
    return np.array(rows, dtype=np.float64).reshape(len(cases), len(names)), names


def _stamps(case: Case) -> Iterator[tuple[str, float]]:
    decided = case.decision_time
    if decided is None:
        return
    day = decided.hour + decided.minute / 60
    for name, turn in (("hour", day / 24), ("month", (decided.month - 1) / 12)):
        yield f"{name}, cosine", math.cos(2 * math.pi * turn)
        yield f"{name}, sine", math.sin(2 * math.pi * turn)
    for number in range(_WEEKDAYS):
        yield f"weekday {number + 1}", float(decided.weekday() == number)
    for modality, times in _times(case):
        yield f"{modality}, first", _before(decided, min(times))
        yield f"{modality}, last", _before(decided, max(times))


def _times(case: Case) -> Iterator[tuple[str, list[datetime]]]:
    for kit, modality, value in read_by(case):
        if kit.dated:
            times = [time for time in kit.times(value) if time is not None]
            if times:
                yield modality, times


def _before(decided: datetime, time: datetime) -> float:
    return math.log1p(max((decided - time).total_seconds() / 3600, 0.0))
