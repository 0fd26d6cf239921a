"""What a reader study found: figures under each condition, help and harm, time, the next study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.reader_study.ratings import Crossed
from pipelines.statistics import obuchowski_rockette as crossed_study
from pipelines.statistics.obuchowski_rockette import Figure, ReaderStudy, Truth, Values
from pipelines.statistics.reader_study_size import Size, cases_needed

AREA, SENSITIVITY, SPECIFICITY = "area", "sensitivity", "specificity"
MISLED, UNMISLED, SECONDS = "right where it errs", "right where it does not err", "seconds"
LEAST_DIFFERENCE = 0.05
READERS_NEXT = (4, 6, 8, 10, 15, 20)
_LEAST = 2


@dataclass(frozen=True)
class Changes:
    """Calls of one reader under a condition beside the same reader's under the first one.

    Attributes:
        reader: whose.
        helped: wrong under the first, right under this.
        harmed: right under the first, wrong under this.
        cases: compared.
    """

    reader: str
    helped: int
    harmed: int
    cases: int


@dataclass(frozen=True)
class Found:
    """All figures of a study.

    Attributes:
        study: what was read.
        figures: name to analysis; those that the readings do not allow are not there. Seconds are
            compared as logarithms, so that a difference is a ratio.
        changes: condition to every reader's changes against the first condition.
        next: readers to the cases that the next study needs to find LEAST_DIFFERENCE of the area.
    """

    study: Crossed
    figures: Mapping[str, ReaderStudy]
    changes: Mapping[str, tuple[Changes, ...]]
    next: tuple[Size, ...]


def find(study: Crossed) -> Found:
    """Analyse readings that are all there."""
    figures: dict[str, ReaderStudy] = {
        AREA: crossed_study.analyse(study.ratings, study.truth),
    }
    changes: dict[str, tuple[Changes, ...]] = {}
    if study.calls is not None:
        truth, calls = study.truth, study.calls
        figures[SENSITIVITY] = crossed_study.analyse(calls, truth, crossed_study.sensitivities)
        figures[SPECIFICITY] = crossed_study.analyse(calls, truth, crossed_study.specificities)
        right = (calls == truth).astype(np.float64)
        for name, of in ((MISLED, study.mistake), (UNMISLED, ~study.mistake)):
            if study.mistake.any() and of.sum() >= _LEAST:
                figures[name] = _shares(right[..., of])
        changes = {
            condition: _changes(study.readers, right[0], right[place])
            for place, condition in enumerate(study.conditions)
            if place
        }
    if study.seconds is not None:
        figures[SECONDS] = _shares(np.log(study.seconds))
    components = figures[AREA].components
    sizes = tuple(cases_needed(components, LEAST_DIFFERENCE, n) for n in READERS_NEXT)
    return Found(study, figures, changes, sizes)


def _shares(values: Values) -> ReaderStudy:
    """Compare means over cases; truth plays no part."""
    everyone: Truth = np.ones(values.shape[-1], dtype=np.bool_)
    figure: Figure = _mean
    return crossed_study.analyse(values, everyone, figure)


def _mean(values: Values, _truth: Truth) -> Values:
    return np.asarray(values.mean(axis=-1), dtype=np.float64)


def _changes(
    readers: tuple[str, ...], before: NDArray[np.float64], after: NDArray[np.float64]
) -> tuple[Changes, ...]:
    """Right (1) or wrong (0) calls, [readers, cases], under the first condition and another."""
    return tuple(
        Changes(
            reader,
            int(((before[j] == 0) & (after[j] == 1)).sum()),
            int(((before[j] == 1) & (after[j] == 0)).sum()),
            before.shape[1],
        )
        for j, reader in enumerate(readers)
    )
