"""`triptych study ...`: a retrospective study from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands import output_file
from pipelines.commands.options import (
    Cohort,
    Executor,
    Jobs,
    OtherCohort,
    Out,
    Samples,
    Source,
    StudyFile,
    screen,
)

study_app = typer.Typer(
    help="Run a retrospective study: splits, comparators, intervals, guards, report.",
    no_args_is_help=True,
)


@study_app.command()
def run(
    study_file: StudyFile,
    out: Out,
    cohort: OtherCohort = None,
    jobs: Jobs = 1,
    executor: Executor = "",
) -> None:
    """Run a whole study, from selection to report; run it again to resume."""
    from pipelines.jobs.executors import Workers
    from pipelines.study.run_study import run_study

    sentence = run_study(study_file, out, cohort, workers=Workers(executor, jobs))
    screen.print(sentence)
    screen.print(
        f"report: {out / 'report.html'} and report.pdf; all results: {out / 'metrics.json'}"
    )


@study_app.command()
def report(
    results: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder written by `study run --out`.")
    ],
) -> None:
    """Rewrite report, checklists and model card from metrics.json and manifest.json."""
    from pipelines.study.document import report_files
    from pipelines.study.retrospective_study import (
        derived,
        read_manifest,
        read_metrics,
        write_files,
    )

    metrics, manifest = read_metrics(results), read_manifest(results)
    found = {**report_files(metrics), **derived(metrics, manifest)}
    write_files(results, found)
    screen.print(
        f"report: {results / 'report.html'} and report.pdf;"
        f" checklists: {results / 'checklists.html'}"
    )


@study_app.command()
def check(cohort: Cohort, out: Out, source: Source = "folder") -> None:
    """Check a cohort for shortcuts and leaks before anything is trained."""
    from pipelines.study import guards_only

    findings = guards_only.find_traps(cohort, source, out)
    guards_only.show(screen, findings)
    screen.print(f"all results: {out / guards_only.GUARDS}")


@study_app.command()
def compare(
    first: Annotated[
        Path, typer.Argument(metavar="FIRST", help="Folder written by `study run --out`.")
    ],
    second: Annotated[
        Path, typer.Argument(metavar="SECOND", help="Folder of another study of the same cohort.")
    ],
    margin: Annotated[
        float,
        typer.Option("--margin", min=0, help="Difference in AUROC that counts as equally good."),
    ] = 0.01,
    samples: Samples = 1000,
    out: Annotated[
        Path | None, typer.Option("--out", help="Also write all results to this JSON file.")
    ] = None,
) -> None:
    """Compare two studies of one cohort, case by case, with paired intervals."""
    import json

    from pipelines.commands import compared_studies
    from pipelines.study import paired_studies

    found = paired_studies.compare(first, second, margin=margin, samples=samples)
    compared_studies.show(screen, found)
    if out:
        text = json.dumps(paired_studies.to_json(found), indent=2, allow_nan=False) + "\n"
        output_file.write(out, text)
        screen.print(f"all results: {out}")
