"""`triptych train`: one study file to a checkpoint, or to a cross-validation beside baselines."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch
from rich.console import Console

from clinical import model as models
from clinical.cohorts.sources import source
from clinical.config import StudyConfig, load_study, with_cohort_path
from clinical.errors import CohortError
from pipelines import checkpoint, crossvalidate, results, summary
from pipelines.features import Dataset, read_dataset
from pipelines.model_card import model_card
from pipelines.progress import bar, console
from pipelines.splits import hold_out
from pipelines.train import THREADS, train_model


def run_study(study_file: Path, out: Path, cohort: Path | None = None) -> None:
    """Train or cross-validate as the study says, and write into `out`.

    Raises:
        ConfigError: if the study cannot be read.
        CohortError: if its cohort cannot be read, or has nothing to learn from.
    """
    study = load_study(study_file)
    if cohort is not None:
        study = with_cohort_path(study, str(cohort))
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(THREADS)
    dataset = read_dataset(
        source(study.cohort.source),
        Path(study.cohort.path),
        study,
        out / "features",
        study.training.augmentations,
    )
    _report_dataset(dataset, out)
    if study.evaluation.folds:
        _cross_validate(dataset, study, out)
    else:
        _train(dataset, study, out)


def _report_dataset(dataset: Dataset, out: Path) -> None:
    skipped = [{**asdict(s.problem), "case_id": s.case_id} for s in dataset.skipped]
    results.write_table(out / "skipped.csv", results.SKIPPED, skipped)
    problems = [asdict(problem) for problem in dataset.problems]
    results.write_table(out / "problems.csv", results.PROBLEMS, problems)
    if not dataset.cases:
        raise CohortError("No case of the cohort can be used.", remedy=f"see the reasons in {out}")
    console.print(
        f"{len(dataset.cases)} cases of {len(set(dataset.patients))} patients,"
        f" {len(dataset.skipped)} skipped, {len(dataset.problems)} rows or files set aside"
        f" (reasons in {out})"
    )


def _train(dataset: Dataset, study: StudyConfig, out: Path) -> None:
    training, validation = hold_out(
        dataset.patients, dataset.labels, study.training.validation, study.seed
    )
    with bar() as progress:
        task = progress.add_task("train", total=study.training.epochs, note="")

        def report(epoch: int, loss: float, validation_loss: float) -> None:
            note = f"loss {loss:.4f}, validation {validation_loss:.4f}"
            progress.update(task, completed=epoch, note=note)

        model = train_model(
            dataset, training, validation, study, folder=out / "unfinished", report=report
        )
    models.save(model, out / "model")
    (out / "model" / "MODEL_CARD.md").write_text(model_card(model), encoding="utf-8")
    checkpoint.discard(out / "unfinished")
    console.print(
        f"model {model.identity.digest[:12]} in {out / 'model'}"
        f" (best epoch {model.facts['best_epoch']})"
    )


def _cross_validate(dataset: Dataset, study: StudyConfig, out: Path) -> None:
    total = study.evaluation.folds * study.evaluation.repeats
    with bar() as progress:
        task = progress.add_task("cross-validate", total=total, note="")

        def report(line: str) -> None:
            progress.update(task, advance=1, note=line)

        result = crossvalidate.cross_validate(dataset, study, out / "folds", report)
    file = out / "cross_validation.json"
    text = json.dumps(crossvalidate.to_json(result), indent=2)
    file.write_text(text + "\n", encoding="utf-8")
    summary.show_cross_validation(Console(markup=False, highlight=False), result)
    console.print(f"written to {file}")
