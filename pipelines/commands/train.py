"""`triptych train`: one study file to a checkpoint."""

from __future__ import annotations

from pathlib import Path

import torch

from clinical.cohorts.sources import source
from clinical.config import StudyConfig, load_study, with_cohort_path
from clinical.errors import ConfigError
from clinical.modalities.radiograph.encoder import OFF
from clinical.model import model as models
from pipelines.assessing.unread import READING_THREADS, report_dataset
from pipelines.fine_tuning import processes
from pipelines.fine_tuning.fine_tuned import fine_tuned, for_readers, layers_asked
from pipelines.folds import teachers
from pipelines.folds.splits import hold_out
from pipelines.folds.tabular import vectors
from pipelines.jobs import resume
from pipelines.jobs.progress import bar, console
from pipelines.training import soft_targets
from pipelines.training.dataset import Dataset, read_dataset
from pipelines.training.model_card import model_card
from pipelines.training.train import Targets, train_model


def train_study(study_file: Path, out: Path, cohort: Path | None = None, jobs: int = 1) -> None:
    """Train a model on a whole cohort and write it into `out`.

    Args:
        study_file: the study.
        out: folder for the results; a killed run resumes from what it holds.
        cohort: folder of the cohort, if not as in the study.
        jobs: processes that read films while a backbone is taught further.

    Raises:
        ConfigError: if the study cannot be read, or tests somebody, or torchrun has started several
            processes and there is nothing to share.
        CohortError: if its cohort cannot be read, or has nothing to learn from.
    """
    study = load_study(study_file)
    if study.evaluation.judges:
        raise ConfigError(
            f"{study_file.name}: [evaluation] tests patients by folds or another split, and a"
            " training on the whole cohort leaves none to test.",
            remedy="run `triptych study run`, or remove split and folds from [evaluation]",
        )
    if cohort is not None:
        study = with_cohort_path(study, str(cohort))
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(READING_THREADS)
    mine, taught = _backbone(study, out, jobs)
    if mine is None:
        return
    study = mine
    dataset = read_dataset(
        source(study.cohort.source),
        Path(study.cohort.path),
        study,
        out / "features",
        study.training.augmentations,
    )
    report_dataset(dataset, out)
    targets = None
    if study.training.soft_targets:
        posteriors = soft_targets.posteriors_of(dataset, study)
        targets = soft_targets.soft_targets(dataset.labels, posteriors)
    _train(dataset, study, out, targets, taught)


def _backbone(
    study: StudyConfig, out: Path, jobs: int
) -> tuple[StudyConfig | None, frozenset[str]]:
    """The study with a backbone that is taught as it asks, and who taught it.

    None for the study in all processes but the first: the rest is for one alone.
    """
    if layers_asked(study) == OFF:
        if processes.launched() > 1:
            raise ConfigError(
                "torchrun has started several processes, and only fine-tuning a backbone is shared"
                " among them.",
                remedy='start `triptych train` without torchrun, or write fine_tune = "last" under'
                " [model.radiograph]",
            )
        return study, frozenset()
    with processes.joined(study.training.device) as together, bar() as progress:
        task = progress.add_task(
            "fine-tune", total=study.training.fine_tuning.epochs, visible=together.first, note=""
        )

        def report(epoch: int, loss: float, held_out_loss: float) -> None:
            note = f"loss {loss:.4f}, held out {held_out_loss:.4f}"
            progress.update(task, completed=epoch, note=note)

        found, taught = fine_tuned(
            study,
            source(study.cohort.source),
            out,
            together,
            readers=jobs if jobs > 1 else 0,
            report=report,
        )
        return (found if together.first else None), taught


def _train(
    dataset: Dataset,
    study: StudyConfig,
    out: Path,
    targets: Targets | None,
    taught_backbone: frozenset[str],
) -> None:
    training, validation = hold_out(
        dataset.patients, dataset.labels, study.training.validation, study.seed
    )
    dataset, training = for_readers(dataset, training, taught_backbone)
    taught = None
    if targets is None:
        rows = vectors(dataset.cases, tuple(study.model.modalities))
        taught = teachers.teach(dataset, rows, training, validation, study)
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
            targets=taught.targets if taught else targets,
            plain=taught.plain if taught else None,
            folder=out / "unfinished",
            report=report,
        ).model
    models.save(model, out / "model")
    (out / "model" / "MODEL_CARD.md").write_text(model_card(model), encoding="utf-8")
    resume.discard(out / "unfinished")
    console.print(
        f"model {model.identity.digest[:12]} in {out / 'model'}"
        f" (best epoch {model.facts['best_epoch']})"
    )
