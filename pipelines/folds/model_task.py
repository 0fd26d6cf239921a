"""The model on one fold: trained, calibrated, and applied to the patients of the fold.

With nested folds (`evaluation.inner`) every patient to learn from is a validation patient of one of
several trainings: their mean probability is what is tested, and thresholds and calibration maps see
every patient out of fold. A label is in the prediction set if it is in most of theirs (Gasparin and
Ramdas 2024, arXiv 2401.09379).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinical.config import StudyConfig
from clinical.errors import CohortError
from clinical.model.model import Model
from pipelines.folds import stress, teachers
from pipelines.folds.model_scores import patterns_of, scores_and_sets, validated
from pipelines.folds.records import plain
from pipelines.folds.splits import Indices, grouped_folds, hold_out
from pipelines.folds.tasks import SEED_STEP, STRESSED, VALIDATED, Bench, Task
from pipelines.statistics.metrics import known_mean
from pipelines.training.calibrated import calibrated
from pipelines.training.dataset import CachedCase, Dataset
from pipelines.training.fit import PreparedCase, predict
from pipelines.training.train import prepare_cached, train_model

_FACTS = ("epochs", "best_epoch", "attending")
Values = NDArray[np.float64]
Scores = dict[str, Values]


def run(bench: Bench, task: Task) -> dict[str, Any]:
    """The record of a task that trains the model."""
    dataset, study = bench.dataset, bench.study
    study = replace(study, seed=study.seed + SEED_STEP * task.repeat)
    if task.modality:
        dataset, study = without(dataset, study, task.modality)
    try:
        cuts = inner_cuts(dataset, task.fold.train, study)
    except CohortError as error:
        if task.share == 1:
            raise
        # A point of the learning curve may be too small to learn from; the others stand.
        return {"because": error.message, "scores": {}, "seconds": {}}
    vectors = bench.vectors.without(task.modality)
    bench = replace(bench, dataset=dataset, study=study, vectors=vectors)
    return _joined([_member(bench, task, *cut) for cut in cuts])


def inner_cuts(
    dataset: Dataset, train: Indices, study: StudyConfig
) -> list[tuple[Indices, Indices]]:
    """Places among `train` to train on and to validate on: one pair, or nested."""
    patients, labels = [dataset.patients[i] for i in train], dataset.labels[train]
    if study.evaluation.inner:
        return list(grouped_folds(patients, labels, study.evaluation.inner, study.seed))
    return [hold_out(patients, labels, study.training.validation, study.seed)]


def without(dataset: Dataset, study: StudyConfig, name: str) -> tuple[Dataset, StudyConfig]:
    """Dataset and study as if a modality had never been recorded."""
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


def _member(bench: Bench, task: Task, inner: Indices, held: Indices) -> dict[str, Any]:
    """What one training says; arrays are still arrays."""
    dataset, study, train = bench.dataset, bench.study, task.fold.train
    started = time.perf_counter()
    learnt = train[inner]
    taught = (
        None
        if bench.targets
        else teachers.teach(dataset, bench.vectors, learnt, train[held], study)
    )
    trained = train_model(
        dataset,
        learnt,
        train[held],
        study,
        targets=taught.targets if taught else bench.targets,
        plain=taught.plain if taught else None,
    )
    model = trained.model
    finished = time.perf_counter()
    record: dict[str, Any] = {"facts": {k: model.facts[k] for k in _FACTS if k in model.facts}}
    prepared = _prepared(model, [dataset.cases[i] for i in task.fold.test])
    part = "training"
    if task.modality or task.share < 1:
        part = "training without one modality" if task.modality else "training on fewer patients"
        record["scores"] = {task.what: _shown(model, prepared)}
    else:
        record |= _tested(bench, task, model, prepared)
        own = _prepared(model, [dataset.cases[i] for i in train[held]])
        record[VALIDATED] = (held, scores_and_sets(trained.judged, own)[0])
    record["seconds"] = {part: finished - started, "testing": time.perf_counter() - finished}
    return record


def _tested(
    bench: Bench,
    task: Task,
    model: Model,
    prepared: Sequence[PreparedCase],
) -> dict[str, Any]:
    scores, in_set = scores_and_sets(model, prepared)
    cases = [bench.dataset.cases[i] for i in task.fold.test]
    asked = STRESSED in task.parts(bench.asks)
    return {
        "scores": scores,
        "single": validated(model),
        "in_set": in_set,
        **({STRESSED: _stressed(model, cases, bench.study.seed)} if asked else {}),
    }


def _stressed(model: Model, cases: Sequence[CachedCase], seed: int) -> Scores:
    """Scores of cases that lose single values; without a whole modality they are `hidden`."""
    found = {}
    for share in stress.SHARES:
        prepared = _prepared(model, [stress.thinned(case, share, seed) for case in cases])
        found[stress.thins(share)] = _shown(model, prepared)
    return found


def _joined(members: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The record of several trainings on one fold: means, and everybody's validation patients."""
    first = members[0]
    record: dict[str, Any] = {"facts": [member["facts"] for member in members]}
    for part in ("scores", "in_set", STRESSED):
        if part in first:
            record[part] = {
                name: known_mean(np.stack([member[part][name] for member in members], axis=-1))
                for name in first[part]
            }
    if "in_set" in record:
        most = {name: np.where(np.isnan(v), v, v >= 0.5) for name, v in record["in_set"].items()}
        record["in_set"] = {name: plain(rows) for name, rows in most.items()}
    for part in ("scores", STRESSED):
        if part in record:
            record[part] = {name: plain(rows) for name, rows in record[part].items()}
    if "single" in first:
        single = [member["single"] for member in members]
        record["single"] = {
            name: float(np.mean([own[name] for own in single if name in own]))
            for name in {name: None for own in single for name in own}
        }
    if VALIDATED in first:
        record[VALIDATED] = {
            "places": np.concatenate([member[VALIDATED][0] for member in members]).tolist(),
            "scores": {
                name: plain(np.concatenate([member[VALIDATED][1][name] for member in members]))
                for name in first[VALIDATED][1]
            },
        }
    parts = first["seconds"]
    record["seconds"] = {part: sum(m["seconds"][part] for m in members) for part in parts}
    return record


def _prepared(model: Model, cases: Sequence[CachedCase]) -> list[PreparedCase]:
    """Cases as the network takes them."""
    return [prepare_cached(case, model.specs)[0] for case in cases]


def _shown(model: Model, prepared: Sequence[PreparedCase]) -> Values:
    """Calibrated probabilities of cases as they are [cases, diagnoses]."""
    logits = predict(model.network, prepared)
    return calibrated(model.support, model.diagnoses, logits, patterns_of(prepared))
