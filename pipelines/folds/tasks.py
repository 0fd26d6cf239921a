"""The tasks of a cross-validation: one training on one fold each, and what decides its result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from clinical import canonical
from clinical.config import StudyConfig
from clinical.evaluation import EvaluationConfig
from pipelines.folds.methods import AUTOML, COMPARATORS, OURS, taught_on, untaught
from pipelines.folds.splits import Fold, Indices
from pipelines.folds.stress import luck_of
from pipelines.folds.tabular import Vectors
from pipelines.training.dataset import Dataset
from pipelines.training.train import Targets, training_key

SEED_STEP = 1000
VALIDATED, STRESSED = "validated", "stressed"
"""Parts of a record that are there only if they were asked for."""


@dataclass(frozen=True)
class Asks:
    """What is wanted of a cross-validation beyond the scores of tested patients.

    Attributes:
        thresholds: they are to be chosen later, so the scores of validation patients.
        stress: scores of tested patients who lose inputs (`pipelines.folds.stress`), first repeat.
        shares: of the patients, that further models learn from, first repeat.
    """

    thresholds: bool = False
    stress: bool = False
    shares: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Bench:
    """Everything that tasks read."""

    dataset: Dataset
    study: StudyConfig
    vectors: Vectors
    targets: Targets | None = None
    asks: Asks = Asks()


@dataclass(frozen=True)
class Task:
    """One training on one fold.

    Attributes:
        repeat, number: which fold of which repeat.
        fold: its cases; of a learning curve only some of those to learn from.
        what: method that is trained: OURS, COMPARATORS, AUTOML, `untaught` or `taught_on`.
        modality: that is left out, or empty.
        share: of the patients that are used for training.
    """

    repeat: int
    number: int
    fold: Fold = field(compare=False)
    what: str = OURS
    modality: str = ""
    share: float = 1.0

    @property
    def simpler(self) -> bool:
        """Whether it fits comparators, which do not depend on the training seed."""
        return self.what in (COMPARATORS, AUTOML)

    @property
    def file(self) -> str:
        """Name of its record."""
        kind = self.what
        if self.modality:
            kind = f"without-{self.modality}"
        if self.share < 1:
            kind = f"share-{self.share:g}"
        return f"{kind}-{self.repeat}-{self.number}.json"

    def parts(self, asks: Asks) -> tuple[str, ...]:
        """Parts that its record must hold to be of use."""
        if self.modality or self.share < 1:
            return ()
        stress = asks.stress and self.repeat == 0
        return (*((VALIDATED,) if asks.thresholds else ()), *((STRESSED,) if stress else ()))


def tasks_of(bench: Bench, folds: Sequence[Sequence[Fold]]) -> list[Task]:
    """All tasks, fold after fold; the longest trainings of a fold first."""
    return [
        task
        for r, row in enumerate(folds)
        for n in range(len(row))
        for task in _of(bench, r, n, row[n])
    ]


def _of(bench: Bench, repeat: int, number: int, fold: Fold) -> Iterator[Task]:
    settings, names = bench.study.evaluation, bench.vectors.modalities
    yield Task(repeat, number, fold)
    if settings.removal and len(names) > 1:
        for name in names:
            yield Task(repeat, number, fold, untaught(name), name)
    for share in bench.asks.shares if repeat == 0 else ():
        part = replace(fold, train=part_of(fold.train, bench.dataset, share, bench.study.seed))
        yield Task(repeat, number, part, taught_on(share), share=share)
    # Comparators do not depend on the training seed: once is enough where folds stay.
    if repeat == 0 or settings.split == "patient":
        yield Task(repeat, number, fold, COMPARATORS)
        if settings.automl:
            yield Task(repeat, number, fold, AUTOML)


def part_of(train: Indices, dataset: Dataset, share: float, seed: int) -> Indices:
    """The cases of a share of the patients; a smaller share is part of every larger one."""
    patients = dataset.patients
    people = sorted({patients[i] for i in train})
    luck = [float(luck_of(person, "learning curve", 1, seed)[0]) for person in people]
    order = np.argsort(luck, kind="stable")[: max(1, round(share * len(people)))]
    chosen = {people[i] for i in order}
    return train[[patients[i] in chosen for i in train]]


def words(task: Task, settings: EvaluationConfig) -> str:
    """A task in words, for the progress bar."""
    return f"seed {task.repeat + 1} of {settings.repeats}, {task.fold.name}, {task.what}"


def key_of(bench: Bench, task: Task) -> str:
    """Digest of all that decides a task's result; how it is judged later is not part of it."""
    key = training_key(bench.dataset, task.fold.train, task.fold.test, bench.study, bench.targets)
    inner = 0 if task.simpler else bench.study.evaluation.inner
    trials = [bench.study.evaluation.automl] if task.what == AUTOML else []
    return canonical.digest([key, task.repeat, task.what, inner, *trials])
