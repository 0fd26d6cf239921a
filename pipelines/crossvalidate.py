"""Patient-grouped cross-validation of the model beside its baselines, on the same folds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinical.config import StudyConfig
from clinical.model import Model
from pipelines.baselines import BASELINES
from pipelines.features import CachedCase, Dataset
from pipelines.fit import predict
from pipelines.metrics import Interval, auroc_difference, auroc_interval
from pipelines.splits import grouped_folds, hold_out
from pipelines.train import calibrated, prepare_cached, train_model, training_key

OURS = "triptych"


@dataclass(frozen=True)
class CrossValidation:
    """Out-of-fold results.

    Attributes:
        cases, patients, folds, repeats: what they rest on.
        auroc: method to diagnosis to interval. "triptych: NAME alone" hides all other modalities.
        difference: baseline to diagnosis to triptych minus baseline, paired.
    """

    cases: int
    patients: int
    folds: int
    repeats: int
    auroc: Mapping[str, Mapping[str, Interval]]
    difference: Mapping[str, Mapping[str, Interval]]


def cross_validate(
    dataset: Dataset, study: StudyConfig, folder: Path, report: Callable[[str], None]
) -> CrossValidation:
    """Train and test on every fold; finished folds are kept on disk and not repeated."""
    settings = study.evaluation
    totals: dict[str, NDArray[np.float64]] = {}
    for repeat in range(settings.repeats):
        scores: dict[str, NDArray[np.float64]] = {}
        folds = grouped_folds(
            dataset.patients, dataset.labels, settings.folds, study.seed + 1000 * repeat
        )
        for number, (train, test) in enumerate(folds):
            name = f"repeat {repeat + 1} of {settings.repeats}, fold {number + 1}"
            done = _fold(
                dataset, study, train, test, folder / f"fold-{repeat}-{number}.json", name, report
            )
            for method, values in done.items():
                column = scores.setdefault(method, np.full(dataset.labels.shape, np.nan))
                column[test] = values
        for method, values in scores.items():
            totals[method] = totals.get(method, 0) + values / settings.repeats
    return _summary(dataset, study, totals)


def _fold(
    dataset: Dataset,
    study: StudyConfig,
    train: NDArray[np.intp],
    test: NDArray[np.intp],
    file: Path,
    name: str,
    report: Callable[[str], None],
) -> dict[str, NDArray[np.float64]]:
    key = training_key(dataset, train, test, study)
    if file.exists():
        kept = json.loads(file.read_text(encoding="utf-8"))
        if kept["key"] == key:
            report(f"{name}: kept from an earlier run")
            return {k: np.array(v, dtype=np.float64) for k, v in kept["scores"].items()}
    inner_train, validation = hold_out(
        [dataset.patients[i] for i in train],
        dataset.labels[train],
        study.training.validation,
        study.seed,
    )
    model = train_model(dataset, train[inner_train], train[validation], study)
    scores = _model_scores(model, [dataset.cases[i] for i in test])
    training_cases = [dataset.cases[i] for i in train]
    for method, baseline in BASELINES.items():
        columns = [
            baseline(
                training_cases,
                dataset.labels[train, column],
                [dataset.cases[i] for i in test],
                study.seed,
            )
            for column in range(len(dataset.diagnoses))
        ]
        scores[method] = np.stack(columns, axis=1)
    report(f"{name}: {model.facts['best_epoch']} epochs")
    plain = {
        k: [[None if np.isnan(x) else float(x) for x in row] for row in v]
        for k, v in scores.items()
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".part")
    unfinished.write_text(json.dumps({"key": key, "scores": plain}), encoding="utf-8")
    unfinished.replace(file)
    return scores


def _model_scores(model: Model, cases: list[CachedCase]) -> dict[str, NDArray[np.float64]]:
    """Calibrated probabilities with all inputs, and from each modality alone (NaN where absent)."""
    prepared = [prepare_cached(case, model.specs)[0] for case in cases]
    used = [tuple(name for name in case if case[name].sources) for case in prepared]
    logits = predict(model.network, prepared)
    scores = {OURS: calibrated(model.support, model.diagnoses, logits, used)}
    for name in model.specs:
        alone = np.full_like(scores[OURS], np.nan)
        rows = [i for i, names in enumerate(used) if name in names]
        if rows:
            logits = predict(model.network, [prepared[i] for i in rows], only=[name])
            alone[rows] = calibrated(model.support, model.diagnoses, logits, [(name,)] * len(rows))
        scores[f"{OURS}: {name} alone"] = alone
    return scores


def _summary(
    dataset: Dataset, study: StudyConfig, totals: Mapping[str, NDArray[np.float64]]
) -> CrossValidation:
    settings, patients = study.evaluation, dataset.patients
    areas = {
        method: {
            name: auroc_interval(
                scores[:, j],
                dataset.labels[:, j],
                patients,
                samples=settings.bootstrap,
                seed=study.seed,
            )
            for j, name in enumerate(dataset.diagnoses)
        }
        for method, scores in totals.items()
    }
    differences = {
        method: {
            name: auroc_difference(
                totals[OURS][:, j],
                totals[method][:, j],
                dataset.labels[:, j],
                patients,
                samples=settings.bootstrap,
                seed=study.seed,
            )
            for j, name in enumerate(dataset.diagnoses)
        }
        for method in BASELINES
    }
    return CrossValidation(
        len(dataset.cases), len(set(patients)), settings.folds, settings.repeats, areas, differences
    )


def to_json(result: CrossValidation) -> dict[str, Any]:
    """A cross-validation as JSON-compatible values."""
    return asdict(result)
