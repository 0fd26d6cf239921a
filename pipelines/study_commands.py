"""`triptych study ...`: a retrospective study from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.options import Jobs, OtherCohort, Out, StudyFile, screen

study_app = typer.Typer(
    help="A retrospective study: splits, comparators, intervals, guards, verdict and report.",
    no_args_is_help=True,
)


@study_app.command()
def run(
    study_file: StudyFile,
    out: Out,
    cohort: OtherCohort = None,
    jobs: Jobs = 1,
) -> None:
    """Select, train, test, judge and report; the same command goes on where it was stopped."""
    from pipelines.study.run import run_study

    sentence = run_study(study_file, out, cohort, jobs=jobs)
    screen.print(sentence)
    screen.print(f"report: {out / 'report.html'}; figures as numbers: {out / 'metrics.json'}")


@study_app.command()
def report(
    results: Annotated[Path, typer.Argument(metavar="DIR", help="What `study run --out` wrote.")],
) -> None:
    """Write report, checklists and model card again, from metrics.json and manifest.json alone."""
    from pipelines.study import report as pages
    from pipelines.study.run import derived, read_manifest, read_metrics, write_files

    metrics, manifest = read_metrics(results), read_manifest(results)
    write_files(results, {**pages.files(metrics), **derived(metrics, manifest)})
    screen.print(f"report: {results / 'report.html'}; lists: {results / 'checklists.html'}")
