"""`triptych train`: one study file to a checkpoint, or to a cross-validation beside comparators."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console

from clinical.cohorts.sources import source
from clinical.config import StudyConfig, load_study, with_cohort_path
from clinical.model import model as models
from pipelines.commands import comparison_table
from pipelines.folds import compare
from pipelines.folds.comparators.automl import require_automl
from pipelines.folds.run import READING_THREADS, cross_validated, oracle_of, report_dataset
from pipelines.folds.splits import hold_out
from pipelines.jobs import resume
from pipelines.jobs.executors import Workers
from pipelines.jobs.progress import bar, console
from pipelines.training import soft_targets
from pipelines.training.dataset import Dataset, read_dataset
from pipelines.training.model_card import model_card
from pipelines.training.train import Targets, train_model


def run_study(
    study_file: Path, out: Path, cohort: Path | None = None, *, workers: Workers | None = None
) -> None:
    """Train or cross-validate as the study says, and write into `out`.

    Args:
        study_file: the study.
        out: folder for the results; a killed run goes on from what it holds.
        cohort: folder of the cohort, if not as in the study.
        workers: who trains the folds; the results do not depend on it.

    Raises:
        ConfigError: if the study cannot be read, or asks for an extra that is not installed.
        CohortError: if its cohort cannot be read, or has nothing to learn from.
    """
    study = load_study(study_file)
    require_automl(study.evaluation.automl)
    if cohort is not None:
        study = with_cohort_path(study, str(cohort))
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(READING_THREADS)
    started = time.perf_counter()
    dataset = read_dataset(
        source(study.cohort.source),
        Path(study.cohort.path),
        study,
        out / "features",
        study.training.augmentations,
    )
    took = time.perf_counter() - started
    report_dataset(dataset, out)
    oracle = oracle_of(dataset, study)
    if study.evaluation.judges:
        _cross_validate(dataset, study, out, workers, oracle, took)
    else:
        soft = study.training.soft_targets
        targets = soft_targets.soft_targets(dataset.labels, oracle) if soft else None
        _train(dataset, study, out, targets)


def _train(dataset: Dataset, study: StudyConfig, out: Path, targets: Targets | None) -> None:
    training, validation = hold_out(
        dataset.patients, dataset.labels, study.training.validation, study.seed
    )
    with bar() as progress:
        task = progress.add_task(
            "train", total=study.training.alone_epochs + study.training.epochs, note=""
        )

        def report(epoch: int, loss: float, validation_loss: float) -> None:
            note = f"loss {loss:.4f}, validation {validation_loss:.4f}"
            progress.update(task, completed=epoch, note=note)

        model = train_model(
            dataset,
            training,
            validation,
            study,
            targets=targets,
            folder=out / "unfinished",
            report=report,
        )
    models.save(model, out / "model")
    (out / "model" / "MODEL_CARD.md").write_text(model_card(model), encoding="utf-8")
    resume.discard(out / "unfinished")
    console.print(
        f"model {model.identity.digest[:12]} in {out / 'model'}"
        f" (best epoch {model.facts['best_epoch']})"
    )


def _cross_validate(
    dataset: Dataset,
    study: StudyConfig,
    out: Path,
    workers: Workers | None,
    oracle: Mapping[str, NDArray[np.float64]],
    reading: float,
) -> None:
    tested = cross_validated(dataset, study, out, workers, oracle)
    started = time.perf_counter()
    result = compare.judge(tested, study)
    times = {
        "reading": round(reading, 1),
        **result.seconds,
        "intervals": round(time.perf_counter() - started, 1),
    }
    result = replace(result, seconds=times)
    file, page = out / "cross_validation.json", out / "cross_validation.md"
    text = json.dumps(compare.to_json(result), indent=2)
    file.write_text(text + "\n", encoding="utf-8")
    page.write_text(comparison_table.markdown(result), encoding="utf-8")
    comparison_table.show(Console(markup=False, highlight=False), result)
    console.print(f"with all intervals: {page}, {file}")
