"""The model beside its comparators, trained and tested on the same folds, seed after seed.

Every task (`pipelines.folds.tasks`) leaves one file, so that a killed run resumes where it stopped;
tasks share nothing else, so that they can run side by side. What the scores say is for
`pipelines.folds.compare`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from clinical.config import StudyConfig
from clinical.evaluation import EvaluationConfig
from pipelines.folds import comparators_task, model_task, stress
from pipelines.folds.methods import OURS, hidden
from pipelines.folds.records import Validated, kept, read_validated, write
from pipelines.folds.splits import Fold, given_fold, patient_folds, site_folds
from pipelines.folds.tabular import vectors
from pipelines.folds.tasks import SEED_STEP, STRESSED, Asks, Bench, Task, key_of, tasks_of, words
from pipelines.folds.temporal import day, day_of_share, temporal_split
from pipelines.jobs.executors import Died, Workers
from pipelines.training import soft_targets
from pipelines.training.dataset import Dataset
from pipelines.training.train import THREADS

Values = NDArray[np.float64]
Report = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Taught:
    """What models say that learnt from a share of the patients of every fold.

    Attributes:
        share: of the patients.
        patients: that they learnt from, stopped and calibrated on; one number a fold.
        scores: probabilities [cases, diagnoses]; NaN in folds whose share was too small.
        because: why, where it was.
    """

    share: float
    patients: tuple[int, ...]
    scores: Values
    because: str = ""


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Out-of-fold scores of every method.

    Attributes:
        dataset: what was tested.
        folds: of each repeat.
        scores: method to probabilities [repeats, cases, diagnoses], one repeat where a method does
            not depend on the seed; NaN where a case was not tested or the method cannot say.
        single: methods that see one modality only, to their mean validation macro AUROC.
        in_set: AS_THEY_ARE, and every availability pattern with other modalities hidden, to
            membership of the prediction set [repeats, cases, diagnoses]; 1, 0, or NaN where there
            is none.
        seconds: part of the work to its time, summed over tasks.
        validation: what the methods of each fold say of its validation patients; where it was not
            asked for, it may be there or not.
        stressed: variant (`pipelines.folds.stress`) to method to probabilities of the first repeat
            [cases, diagnoses], where asked for.
        taught: smaller trainings of the first repeat, where asked for, by share.
    """

    dataset: Dataset
    folds: tuple[tuple[Fold, ...], ...]
    scores: Mapping[str, Values]
    single: Mapping[str, float]
    in_set: Mapping[str, Values]
    seconds: Mapping[str, float]
    validation: tuple[Validated, ...] = ()
    stressed: Mapping[str, Mapping[str, Values]] = field(default_factory=dict)
    taught: tuple[Taught, ...] = ()


def folds_of(dataset: Dataset, settings: EvaluationConfig, seed: int) -> tuple[Fold, ...]:
    """The folds of a split.

    Raises:
        CohortError: if the cohort cannot be split so.
    """
    if settings.split == "site":
        return site_folds(dataset.sites, dataset.patients, settings.folds)
    if settings.split == "given":
        return given_fold(dataset.splits, dataset.patients)
    if settings.split == "time":
        days = [day(cached.case) for cached in dataset.cases]
        cut = (
            date.fromisoformat(settings.tested_from)
            if settings.tested_from
            else day_of_share(days, dataset.patients, settings.train_fraction)
        )
        return (temporal_split(days, dataset.patients, cut).fold,)
    return patient_folds(dataset.patients, dataset.labels, settings.folds, seed)


def cross_validate(
    dataset: Dataset,
    study: StudyConfig,
    folder: Path,
    report: Report,
    *,
    workers: Workers | None = None,
    oracle: Mapping[str, Values] | None = None,
    asks: Asks | None = None,
) -> OutOfFold:
    """Train and test on every fold; finished tasks are kept on disk and not repeated.

    Args:
        dataset, study: what to learn from, and how.
        folder: where finished tasks are kept.
        report: called after each finished task with a line, the number done and that of all.
        workers: who does the tasks; the results do not depend on it.
        oracle: evidence to posteriors [cases, diagnoses], judged beside the other methods, and
            used for training only where the study asks for soft targets.
        asks: what is wanted beyond scores; finished tasks without it are done again.

    Raises:
        CohortError: if the cohort cannot be split so, or a fold cannot be trained on.
        RuntimeError: if a task ended otherwise; after all others were done.
    """
    settings, asks = study.evaluation, asks or Asks()
    seeds = [study.seed + SEED_STEP * repeat for repeat in range(settings.repeats)]
    folds = tuple(folds_of(dataset, settings, seed) for seed in seeds)
    soft = study.training.soft_targets and oracle is not None
    bench = Bench(
        dataset,
        study,
        vectors(dataset.cases, tuple(study.model.modalities)),
        soft_targets.soft_targets(dataset.labels, oracle) if soft and oracle else None,
        asks,
    )
    tasks = tasks_of(bench, folds)
    folder.mkdir(parents=True, exist_ok=True)
    keys = {task: key_of(bench, task) for task in tasks}

    def found(task: Task) -> dict[str, Any] | None:
        return kept(folder / task.file, keys[task], task.parts(asks))

    done = {task: record for task in tasks if (record := found(task))}
    for number, task in enumerate(done):
        report(f"{words(task, settings)}: kept from an earlier run", number + 1, len(tasks))

    left = [task for task in tasks if task not in done]
    failed = []
    for number, (task, made) in enumerate((workers or Workers()).run(_run, bench, left)):
        if isinstance(made, Died):
            failed.append(f"{words(task, settings)}: {made.reason}")
        else:
            write(folder / task.file, {"key": keys[task], **made})
        report(words(task, settings), len(done) + number + 1, len(tasks))
    if failed:
        raise RuntimeError(f"{len(failed)} of {len(tasks)} tasks failed; {failed[0]}")
    # Read back, so that a run that was resumed sees the very same numbers.
    records = {task: done.get(task) or found(task) for task in tasks}
    return _gathered(bench, folds, {t: r for t, r in records.items() if r}, oracle or {})


def _run(bench: Bench, task: Task) -> dict[str, Any]:
    with threadpool_limits(THREADS):
        return comparators_task.run(bench, task) if task.simpler else model_task.run(bench, task)


def _gathered(
    bench: Bench,
    folds: tuple[tuple[Fold, ...], ...],
    records: Mapping[Task, Mapping[str, Any]],
    oracle: Mapping[str, Values],
) -> OutOfFold:
    shape = bench.dataset.labels.shape
    scores: dict[str, Values] = {}
    in_set: dict[str, Values] = {}
    validated: dict[str, list[float]] = {}
    seconds: dict[str, float] = {}
    validation: list[Validated] = []
    for task, record in records.items():
        for part, took in record["seconds"].items():
            seconds[part] = seconds.get(part, 0.0) + took
        if task.share < 1:
            continue
        fixed = task.simpler and bench.study.evaluation.split != "patient"
        for method, rows in record["scores"].items():
            empty = np.full((1 if fixed else len(folds), *shape), np.nan)
            values = scores.setdefault(method, empty)
            values[task.repeat, task.fold.test] = np.array(rows, dtype=np.float64)
        for pattern, rows in record.get("in_set", {}).items():
            members = in_set.setdefault(pattern, np.full((len(folds), *shape), np.nan))
            members[task.repeat, task.fold.test] = np.array(rows, dtype=np.float64)
        for method, value in record.get("single", {}).items():
            validated.setdefault(method, []).extend([] if value is None else [value])
        if shown := read_validated(record, task.repeat, task.number, task.fold.train):
            validation.append(shown)
    tested = ~np.isnan(scores[OURS][0]).all(axis=1)
    for evidence, values in oracle.items():
        scores[f"oracle: {evidence}"] = np.where(tested[:, None], values, np.nan)[None]
    return OutOfFold(
        bench.dataset,
        folds,
        scores,
        {method: float(np.mean(values)) for method, values in validated.items() if values},
        in_set,
        seconds,
        tuple(validation),
        _stressed(bench, records, scores) if bench.asks.stress else {},
        _taught(bench, records),
    )


def _stressed(
    bench: Bench, records: Mapping[Task, Mapping[str, Any]], scores: Mapping[str, Values]
) -> dict[str, dict[str, Values]]:
    """Variant to method to scores of the first repeat."""
    found: dict[str, dict[str, Values]] = {}
    for name in bench.vectors.modalities:
        found[stress.hides(name)] = {OURS: scores[hidden(name)][0]}
    for task, record in records.items():
        for variant, own in record.get(STRESSED, {}).items():
            # The model itself keeps no name beside each variant.
            for method, rows in ({OURS: own} if task.what == OURS else own).items():
                empty = np.full(bench.dataset.labels.shape, np.nan)
                values = found.setdefault(variant, {}).setdefault(method, empty)
                values[task.fold.test] = np.array(rows, dtype=np.float64)
    return found


def _taught(bench: Bench, records: Mapping[Task, Mapping[str, Any]]) -> tuple[Taught, ...]:
    found = []
    patients = bench.dataset.patients
    for share in bench.asks.shares:
        scores = np.full(bench.dataset.labels.shape, np.nan)
        numbers, because = [], ""
        for task, record in records.items():
            if task.share == share:
                numbers.append(len({patients[i] for i in task.fold.train}))
                for rows in record["scores"].values():
                    scores[task.fold.test] = np.array(rows, dtype=np.float64)
                because = because or record.get("because", "")
        found.append(Taught(share, tuple(numbers), scores, because))
    return tuple(found)
