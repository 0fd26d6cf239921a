"""A whole cohort and a model: train it, have it assess every case, and ask how good it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import (
    AskedModel,
    Jobs,
    Keys,
    Model,
    OtherCohort,
    Out,
    Samples,
    Source,
    StudyFile,
    screen,
)

WITHOUT_SOME = 3
"""Exit code of `assess`: done, but for cases that ended the process that assessed them."""


def train(
    study_file: StudyFile,
    out: Out,
    cohort: OtherCohort = None,
    jobs: Annotated[
        int,
        typer.Option("--jobs", min=1, help="Processes that read films, where fine_tune asks."),
    ] = 1,
) -> None:
    """Train a model on a whole cohort; to test one by folds or sites: `study run`."""
    from pipelines.commands.train import train_study

    train_study(study_file, out, cohort, jobs)


def assess(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Folder of the cohort.")],
    out: Out,
    source: Source = "folder",
    model: AskedModel = None,
    workspace: Annotated[
        str | None,
        typer.Option(
            "--workspace",
            help="Also store cases and assessments in this workspace for review: a folder, or"
            " postgresql+psycopg://...",
        ),
    ] = None,
    jobs: Jobs = 1,
    limit: Annotated[
        int,
        typer.Option("--limit", metavar="N", min=0, help="Only the first N cases (0 = no limit)."),
    ] = 0,
    keys: Keys = None,
) -> None:
    """Assess every case of a cohort. Outcomes are never read.

    Exit code 3: done, but some cases ended the process that assessed them (skipped.csv).
    """
    from clinical.workspace.place import place_of
    from pipelines.assessing import batch
    from pipelines.commands import summary
    from pipelines.jobs.executors import Workers

    kept = place_of(workspace, keys) if workspace is not None else None
    workers = Workers(jobs=jobs)
    counts = batch.assess_cohort(batch.Run(path, source, model, out, kept, workers, limit))
    summary.show_notes(screen, source, path)
    summary.show_counts(screen, counts, out)
    if counts.ended_worker:
        raise typer.Exit(WITHOUT_SOME)


def evaluate(
    results: Annotated[
        Path, typer.Argument(metavar="RESULTS", help="Folder written by `assess --out`.")
    ],
    cohort: Annotated[Path, typer.Option("--cohort", help="Folder of the same cohort.")],
    source: Source = "folder",
    samples: Samples = 1000,
) -> None:
    """Compare assessments with outcomes: AUROC of each modality alone and combined.

    For a report with thresholds, subgroups and guards, run `triptych study run` on a checkpoint.
    """
    from clinical.cohorts.sources import source as find
    from pipelines.commands import summary
    from pipelines.study import judged_assessments

    found = judged_assessments.evaluate(results, find(source), cohort, samples=samples)
    file = results / "evaluation.json"
    content = json.dumps(judged_assessments.to_json(found), indent=2)
    file.write_text(content + "\n", encoding="utf-8")
    summary.show_evaluation(screen, found)
    screen.print(f"with all intervals: {file}")


def check_explanations(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="COHORT", help="Folder of a simulated cohort that the model was not trained on."
        ),
    ],
    out: Out,
    model: Model = None,
    prior: Annotated[
        Path | None,
        typer.Option("--prior", help="Training cohort, whose mean masks are added as a baseline."),
    ] = None,
    samples: Samples = 1000,
) -> None:
    """Test whether explanations point at the findings and are faithful to the model."""
    from clinical.model.card import SHIPPED_MODEL
    from pipelines.commands import summary
    from pipelines.explanations import report

    judged = report.judge(path, model or SHIPPED_MODEL, out, prior, samples=samples)
    summary.show_pointing(screen, judged)


def check_conflicts(
    path: Annotated[
        Path,
        typer.Argument(metavar="COHORT", help="Folder of a cohort that the model has not seen."),
    ],
    out: Out,
    model: Model = None,
    learn: Annotated[
        bool,
        typer.Option(
            "--learn", help="Make the model's rules from this cohort, for a file beside it."
        ),
    ] = False,
    samples: Samples = 1000,
) -> None:
    """Exchange inputs of patients, and measure whether a model finds that out.

    Rules are made on one cohort and measured on another. A model trained by this version has its
    own, from its validation patients.
    """
    from pipelines.commands import summary
    from pipelines.explanations import conflicts

    if learn:
        screen.print(f"copy beside the checkpoint: {conflicts.learn(path, model, out)}")
        return
    summary.show_conflicts(screen, conflicts.measure(path, model, out, samples=samples))
    screen.print(f"written to: {out / conflicts.REPORT}")


def check_domain(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Folder of the cohort.")],
    source: Source = "folder",
    model: Model = None,
    limit: Annotated[
        int,
        typer.Option(
            "--limit", metavar="N", min=0, help="Only N evenly spaced cases (0 = no limit)."
        ),
    ] = 100,
    files: Annotated[
        Path | None,
        typer.Option(
            "--files", help="Also count every image file under this folder, by DICOM modality."
        ),
    ] = None,
) -> None:
    """Count images that a model flags as out of distribution, intact and degraded."""
    from clinical.assess.assess import load_assessor
    from clinical.cohorts.sources import source as find
    from pipelines.assessing import domain_check

    known = load_assessor(model).model
    rows = domain_check.check_cohort(known, find(source), path, limit=limit)
    if files is not None:
        rows += domain_check.check_files(known, files)
    screen.print(domain_check.table(rows), end="")
