"""The model beside its baselines, trained and tested on the same folds, seed after seed.

A task is one training (of the model, of the model without one modality, or of the baselines) on one
fold. Every task leaves one file, so that a killed run goes on where it was; tasks share nothing
else, so that they can run side by side. What the scores say is for `pipelines.yardstick`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from clinical import calibration, canonical
from clinical.calibration import Pattern
from clinical.config import EvaluationConfig, StudyConfig
from clinical.model import Model
from pipelines import baselines, posteriors
from pipelines.features import Dataset
from pipelines.fit import PreparedCase, predict, predict_patterns
from pipelines.fold_records import (
    Validated,
    kept,
    plain,
    read_validation,
    validation_record,
    write,
)
from pipelines.metrics import macro_auroc
from pipelines.splits import Fold, Indices, given_fold, hold_out, patient_folds, site_folds
from pipelines.train import THREADS, Targets, calibrated, prepare_cached, train_model, training_key
from pipelines.vectors import Vectors, vectors
from pipelines.workers import side_by_side

OURS = "triptych"
BASELINES = "baselines"
SEED_STEP = 1000

Values = NDArray[np.float64]
Report = Callable[[str, int, int], None]
AS_THEY_ARE = "as they are"
"""Cases with the modalities that they have, where others are judged under one pattern."""


def alone(modality: str) -> str:
    """Name of the model that sees one modality only."""
    return f"{OURS}: {modality} alone"


def hidden(modality: str) -> str:
    """Name of the full model from which one modality is hidden."""
    return f"{OURS}: {modality} hidden"


def untaught(modality: str) -> str:
    """Name of the model that was trained without one modality."""
    return f"{OURS}: trained without {modality}"


def dedicated(modality: str) -> str:
    """Name of the baseline that was made for one modality."""
    return f"{modality}: own model"


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
        validation: what the model of each fold says of the patients that it was calibrated on;
            empty where a record of an earlier version had none and nobody asked for it.
    """

    dataset: Dataset
    folds: tuple[tuple[Fold, ...], ...]
    scores: Mapping[str, Values]
    single: Mapping[str, float]
    in_set: Mapping[str, Values]
    seconds: Mapping[str, float]
    validation: tuple[Validated, ...] = ()


@dataclass(frozen=True, eq=False)
class _Bench:
    """Everything that tasks read."""

    dataset: Dataset
    study: StudyConfig
    vectors: Vectors
    targets: Targets | None = None


@dataclass(frozen=True)
class _Task:
    """One training on one fold; `what` is OURS, BASELINES, or `untaught` with its modality."""

    repeat: int
    number: int
    fold: Fold = field(compare=False)
    what: str = OURS
    modality: str = ""

    @property
    def file(self) -> str:
        kind = f"without-{self.modality}" if self.modality else self.what
        return f"{kind}-{self.repeat}-{self.number}.json"


def folds_of(dataset: Dataset, settings: EvaluationConfig, seed: int) -> tuple[Fold, ...]:
    """The folds of a split.

    Raises:
        CohortError: if the cohort cannot be split so.
    """
    if settings.split == "site":
        return site_folds(dataset.sites, dataset.patients, settings.folds)
    if settings.split == "given":
        return given_fold(dataset.splits, dataset.patients)
    return patient_folds(dataset.patients, dataset.labels, settings.folds, seed)


def cross_validate(
    dataset: Dataset,
    study: StudyConfig,
    folder: Path,
    report: Report,
    *,
    jobs: int = 1,
    oracle: Mapping[str, Values] | None = None,
    thresholds: bool = False,
) -> OutOfFold:
    """Train and test on every fold; finished tasks are kept on disk and not repeated.

    Args:
        dataset, study: what to learn from, and how.
        folder: where finished tasks are kept.
        report: called after each finished task with a line, the number done and that of all.
        jobs: tasks at a time; the results do not depend on it.
        oracle: evidence to posteriors [cases, diagnoses], judged beside the other methods, and
            learnt from only where the study asks for soft targets.
        thresholds: they are to be chosen later, so that finished tasks without the scores of their
            validation patients are done again.
    """
    settings = study.evaluation
    seeds = [study.seed + SEED_STEP * repeat for repeat in range(settings.repeats)]
    folds = tuple(folds_of(dataset, settings, seed) for seed in seeds)
    soft = study.training.soft_targets and oracle is not None
    bench = _Bench(
        dataset,
        study,
        vectors(dataset.cases, tuple(study.model.modalities)),
        posteriors.soft_targets(dataset.labels, oracle) if soft and oracle else None,
    )
    tasks = _tasks(bench, folds)
    folder.mkdir(parents=True, exist_ok=True)
    keys = {task: _key(bench, task) for task in tasks}

    def found(task: _Task) -> dict[str, Any] | None:
        parts = ("validation",) if thresholds and task.what == OURS else ()
        return kept(folder / task.file, keys[task], parts)

    done = {task: record for task in tasks if (record := found(task))}
    for number, task in enumerate(done):
        line = f"{_words(task, settings)}: kept from an earlier run"
        report(line, number + 1, len(tasks))

    def work(task: _Task) -> None:
        write(folder / task.file, {"key": keys[task], **_run(bench, task)})

    left = [task for task in tasks if task not in done]
    for number, task in enumerate(side_by_side(work, left, jobs)):
        report(_words(task, settings), len(done) + number + 1, len(tasks))
    records = {task: done.get(task) or found(task) for task in tasks}
    return _gathered(bench, folds, {t: r for t, r in records.items() if r}, oracle or {})


def _tasks(bench: _Bench, folds: Sequence[Sequence[Fold]]) -> list[_Task]:
    settings = bench.study.evaluation
    names = bench.vectors.modalities if settings.removal else ()
    tasks = []
    for repeat, row in enumerate(folds):
        for number, fold in enumerate(row):
            tasks.append(_Task(repeat, number, fold))
            tasks.extend(
                _Task(repeat, number, fold, untaught(name), name)
                for name in names
                if len(bench.vectors.modalities) > 1
            )
            # Baselines do not depend on the training seed: once is enough where folds stay.
            if repeat == 0 or settings.split == "patient":
                tasks.append(_Task(repeat, number, fold, BASELINES))
    return tasks


def _words(task: _Task, settings: EvaluationConfig) -> str:
    return f"seed {task.repeat + 1} of {settings.repeats}, {task.fold.name}, {task.what}"


def _key(bench: _Bench, task: _Task) -> str:
    """Digest of all that decides a task's result; intervals and margins are not part of it."""
    # Only the training counts here: how it is judged later, and in how many folds, does not.
    study = replace(bench.study, evaluation=EvaluationConfig())
    fold = training_key(bench.dataset, task.fold.train, task.fold.test, study, bench.targets)
    return canonical.digest([fold, task.repeat, task.what])


def _run(bench: _Bench, task: _Task) -> dict[str, Any]:
    with threadpool_limits(THREADS):
        if task.what == BASELINES:
            return _baselines(bench, task)
        return _model(bench, task)


def _model(bench: _Bench, task: _Task) -> dict[str, Any]:
    dataset, study = bench.dataset, bench.study
    seed = study.seed + SEED_STEP * task.repeat
    study = replace(study, seed=seed)
    if task.modality:
        dataset, study = _without(dataset, study, task.modality)
    train, test = task.fold.train, task.fold.test
    inner, validation = hold_out(
        [dataset.patients[i] for i in train], dataset.labels[train], study.training.validation, seed
    )
    started = time.perf_counter()
    model = train_model(dataset, train[inner], train[validation], study, targets=bench.targets)
    trained = time.perf_counter()
    record: dict[str, Any] = {"facts": {k: model.facts[k] for k in ("epochs", "best_epoch")}}
    prepared, used = _prepared(model, dataset, test)
    logits = _logits(model, prepared)
    scores = _model_scores(model, logits, used)
    if task.modality:
        record["scores"] = {task.what: plain(scores[OURS])}
    else:
        record["scores"] = {name: plain(values) for name, values in scores.items()}
        record["single"] = {alone(name): _validated(model, name) for name in model.specs}
        record["in_set"] = {name: plain(sets) for name, sets in _sets(model, logits, used).items()}
        shown = _shown(model, dataset, train[validation])
        record["validation"] = validation_record(validation, shown)
    part = "training without one modality" if task.modality else "training"
    tested = time.perf_counter()
    return {**record, "seconds": {part: trained - started, "testing": tested - trained}}


def _without(dataset: Dataset, study: StudyConfig, name: str) -> tuple[Dataset, StudyConfig]:
    cases = tuple(
        replace(
            cached,
            case=cached.case.without(name),
            images={other: copies for other, copies in cached.images.items() if other != name},
        )
        for cached in dataset.cases
    )
    left = {other: kind for other, kind in study.model.modalities.items() if other != name}
    model = replace(study.model, modalities=MappingProxyType(left))
    return replace(dataset, cases=cases), replace(study, model=model)


def _prepared(
    model: Model, dataset: Dataset, rows: Indices
) -> tuple[list[PreparedCase], list[Pattern]]:
    """Cases as the network takes them, and the modalities that each has."""
    prepared: list[PreparedCase] = [prepare_cached(dataset.cases[i], model.specs)[0] for i in rows]
    return prepared, [tuple(name for name in case if case[name].sources) for case in prepared]


def _shown(model: Model, dataset: Dataset, rows: Indices) -> Values:
    """Calibrated probabilities of cases as they are [rows, diagnoses]."""
    prepared, used = _prepared(model, dataset, rows)
    return calibrated(model.support, model.diagnoses, predict(model.network, prepared), used)


def _logits(model: Model, prepared: Sequence[PreparedCase]) -> dict[Pattern, Values]:
    """Every availability pattern, and none at all, to logits [cases, diagnoses]; encodes once."""
    shown = [(), *calibration.patterns(model.specs)]
    return dict(zip(shown, predict_patterns(model.network, prepared, shown), strict=True))


def _sets(
    model: Model, logits: Mapping[Pattern, Values], used: Sequence[Pattern]
) -> dict[str, Values]:
    """Membership of the prediction sets [cases, diagnoses]: of cases as they are and, for every
    availability pattern, of those that have its modalities, with the others hidden."""
    sets = {AS_THEY_ARE: _members(model, logits[tuple(sorted(model.specs))], used)}
    for pattern in calibration.patterns(model.specs):
        left = [pattern if set(pattern) <= set(names) else () for names in used]
        sets[calibration.pattern_key(pattern)] = _members(model, logits[pattern], left)
    return sets


def _members(model: Model, logits: Values, used: Sequence[Pattern]) -> Values:
    """1 or 0; NaN where the modalities that were shown have no rule."""
    probabilities = calibrated(model.support, model.diagnoses, logits, used)
    members = np.full_like(probabilities, np.nan)
    for row, names in enumerate(used):
        rule = model.set_rules.get(calibration.pattern_key(names))
        if rule is not None:
            cuts = [rule.cuts[name] for name in model.diagnoses]
            members[row] = probabilities[row] >= cuts
    return members


def _model_scores(
    model: Model, logits: Mapping[Pattern, Values], used: Sequence[Pattern]
) -> dict[str, Values]:
    """Calibrated probabilities: all inputs, each alone (NaN where absent), each one hidden."""
    names = tuple(model.specs)
    others = [tuple(other for other in names if other != name) for name in names]
    shown = [names, *((name,) for name in names), *others]
    methods = [OURS, *map(alone, names), *map(hidden, names)]
    scores = {}
    for method, pattern in zip(methods, shown, strict=True):
        left = [tuple(name for name in case if name in pattern) for case in used]
        scores[method] = calibrated(
            model.support, model.diagnoses, logits[tuple(sorted(pattern))], left
        )
        if len(pattern) == 1 and method == alone(pattern[0]):
            scores[method][[not names for names in left]] = np.nan
    return scores


def _validated(model: Model, name: str) -> float | None:
    areas = [row.auroc for row in model.support[name].values() if row.auroc is not None]
    return float(np.mean(areas)) if areas else None


def _baselines(bench: _Bench, task: _Task) -> dict[str, Any]:
    labels, patients = bench.dataset.labels, bench.dataset.patients
    train, test, seed = task.fold.train, task.fold.test, bench.study.seed
    started = time.perf_counter()
    reduced = baselines.components(bench.vectors, train, seed)
    cut = baselines.Cut(bench.vectors, reduced, labels, tuple(patients), train, test, seed)
    singles = baselines.single_models(cut)
    alone_done = time.perf_counter()
    scores = {dedicated(name): found.test for name, found in singles.items()}
    scores[baselines.LATE_FUSION] = baselines.late_fusion(singles, labels[train])
    scores[baselines.BOOSTING] = baselines.boosting(cut)
    done = time.perf_counter()
    return {
        "scores": {name: plain(values) for name, values in scores.items()},
        "single": {
            dedicated(name): macro_auroc(found.inside, labels[train])
            for name, found in singles.items()
        },
        "seconds": {
            "baselines of one modality, late fusion": alone_done - started,
            "boosting": done - alone_done,
        },
    }


def _gathered(
    bench: _Bench,
    folds: tuple[tuple[Fold, ...], ...],
    records: Mapping[_Task, Mapping[str, Any]],
    oracle: Mapping[str, Values],
) -> OutOfFold:
    shape = bench.dataset.labels.shape
    scores: dict[str, Values] = {}
    in_set: dict[str, Values] = {}
    validated: dict[str, list[float]] = {}
    seconds: dict[str, float] = {}
    validation: list[Validated] = []
    for task, record in records.items():
        fixed = task.what == BASELINES and bench.study.evaluation.split != "patient"
        for method, rows in record["scores"].items():
            empty = np.full((1 if fixed else len(folds), *shape), np.nan)
            values = scores.setdefault(method, empty)
            values[task.repeat, task.fold.test] = np.array(rows, dtype=np.float64)
        for pattern, rows in record.get("in_set", {}).items():
            members = in_set.setdefault(pattern, np.full((len(folds), *shape), np.nan))
            members[task.repeat, task.fold.test] = np.array(rows, dtype=np.float64)
        for method, value in record.get("single", {}).items():
            validated.setdefault(method, []).extend([] if value is None else [value])
        if shown := read_validation(record, task.repeat, task.number, task.fold.train):
            validation.append(shown)
        for part, took in record["seconds"].items():
            seconds[part] = seconds.get(part, 0.0) + took
    tested = ~np.isnan(scores[OURS][0]).all(axis=1)
    for evidence, values in oracle.items():
        scores[f"oracle: {evidence}"] = np.where(tested[:, None], values, np.nan)[None]
    means = {method: float(np.mean(values)) for method, values in validated.items() if values}
    return OutOfFold(bench.dataset, folds, scores, means, in_set, seconds, tuple(validation))
