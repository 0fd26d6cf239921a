"""The command line: `triptych COMMAND`. `main(argv, environ)` is a tested function."""

from __future__ import annotations

import json
import logging
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from typer.exceptions import TyperException

from clinical.errors import TriptychError
from clinical.wording import RESEARCH_USE
from pipelines.commands.account import account_app
from pipelines.commands.agreement import agreement
from pipelines.commands.audit import audit_app
from pipelines.commands.inspect import inspect
from pipelines.commands.options import (
    Executor,
    Jobs,
    Keys,
    Model,
    OtherCohort,
    Out,
    Source,
    StudyFile,
    Workspace,
    screen,
)
from pipelines.commands.reading import reading_app
from pipelines.commands.similar import similar_app
from pipelines.commands.study import study_app

INTERRUPTED = 130

app = typer.Typer(
    name="triptych",
    help="Fuse a radiograph, measurements, history and notes into explained, reviewed and recorded"
    f" diagnostic suggestions. {RESEARCH_USE}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(account_app, name="account")
app.add_typer(audit_app, name="audit")
app.add_typer(reading_app, name="reading")
app.add_typer(similar_app, name="similar")
app.add_typer(study_app, name="study")
app.command()(agreement)
app.command()(inspect)


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command; 0 = done, 1 = an error the user can act on, 2 = wrong use, 130 = Ctrl-C."""
    del environ
    _quieten_libraries()
    command = typer.main.get_command(app)
    try:
        code = command.main(list(argv), prog_name="triptych", standalone_mode=False)
    except TriptychError as error:
        _complain(str(error))
        return 1
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except TyperException as error:
        message = getattr(error, "format_message", error.__str__)()
        _complain(message)
        return 2
    if code == INTERRUPTED:
        _complain("stopped. The same command goes on from here.")
    return int(code or 0)


def run() -> None:
    """Entry point of the installed command."""
    sys.exit(main(sys.argv[1:], os.environ))


def _complain(message: str) -> None:
    # Printed as it is: a remedy may hold [brackets], which rich would take for markup.
    Console(stderr=True, markup=False, highlight=False, soft_wrap=True).print(
        f"triptych: {message}"
    )


def _quieten_libraries() -> None:
    # Their notes (a model report, a progress bar of a load) are of no use to our users.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    logging.getLogger("transformers").setLevel(logging.ERROR)


@app.command()
def simulate(
    out: Out,
    cases: Annotated[int, typer.Option("--cases", min=1, help="How many cases.")] = 400,
    seed: Annotated[int, typer.Option("--seed", help="Of every random draw.")] = 0,
    rows: Annotated[int, typer.Option("--rows", min=128, help="Rows of a radiograph.")] = 512,
    jobs: Jobs = 1,
    missing: Annotated[
        str, typer.Option("--missing", help="none, mcar, mar, or mnar (the sicker measured more).")
    ] = "mnar",
    shortcut: Annotated[
        str, typer.Option("--shortcut", help="A label whose films mostly carry a lead token.")
    ] = "",
) -> None:
    """Write a simulated cohort in the folder format, with radiographs as DICOM and masks."""
    from pipelines.jobs import progress
    from pipelines.laboratory.simulate.clinic import LABELS
    from pipelines.laboratory.simulate.cohort import simulate as simulate_cohort
    from pipelines.laboratory.simulate.design import design

    switches = design(missing, shortcut, LABELS)
    with progress.bar() as display:
        task = display.add_task("simulate", total=cases, note="")
        simulate_cohort(
            cases,
            seed,
            out,
            rows=rows,
            jobs=jobs,
            design=switches,
            progress=lambda done: display.update(task, completed=done),
        )
    screen.print(f"{cases} simulated cases (seed {seed}) in {out}")


@app.command()
def realism(
    simulated: Annotated[Path, typer.Argument(metavar="SIMULATED", help="A simulated cohort.")],
    real: Annotated[Path, typer.Argument(metavar="REAL", help="A cohort of real radiographs.")],
    source: Annotated[
        str, typer.Option("--source", help="Reader of the real cohort.")
    ] = "nih_chestxray",
    limit: Annotated[int, typer.Option("--limit", min=20, help="At most so many of each.")] = 200,
) -> None:
    """How far simulated films are from real ones, beside how far real ones are from each other."""
    from pipelines.laboratory.simulate import realism as films

    found = films.compare(simulated, real, real_source=source, limit=limit)
    table = Table("", "simulated to real", "real to real")
    for row in films.table(found):
        table.add_row(*row)
    screen.print(table)


@app.command()
def oracle(
    cohort: Annotated[
        Path, typer.Argument(metavar="COHORT", help="Folder that `triptych simulate` wrote.")
    ],
    out: Annotated[Path, typer.Option("--out", help="CSV to write.")],
    jobs: Jobs = 1,
    leave_one_out: Annotated[
        bool, typer.Option("--leave-one-out", help="Also with each kind of evidence left out.")
    ] = False,
) -> None:
    """Write what can be known of each simulated case from each kind of evidence and from all."""
    from pipelines.jobs import progress
    from pipelines.laboratory.oracle.run import run as ask
    from pipelines.laboratory.oracle.score import markdown, score

    with progress.bar() as display:
        task = display.add_task("oracle", total=None, note="")
        count = ask(
            cohort,
            out,
            jobs=jobs,
            leave_one_out=leave_one_out,
            progress=lambda done, total: display.update(task, completed=done, total=total),
        )
    table = out.with_suffix(".md")
    table.write_text(markdown(score(out, cohort)), encoding="utf-8")
    screen.print(f"{count} cases in {out}; how well they can be told apart: {table}")


@app.command()
def pretrain(
    out: Out,
    films: Annotated[int, typer.Option("--films", min=50, help="How many to learn from.")] = 4500,
    jobs: Jobs = 1,
) -> None:
    """Fit the layers that look at a film to outlined findings on simulated films."""
    from pipelines.laboratory.pretrain.run import pretrain as pretrain_tail

    pretrain_tail(out, films, jobs=jobs)


@app.command()
def train(
    study_file: StudyFile,
    out: Out,
    cohort: OtherCohort = None,
    jobs: Jobs = 1,
    executor: Executor = "",
) -> None:
    """Train a model, or cross-validate one beside its comparators where the study says how."""
    from pipelines.commands.train import run_study
    from pipelines.jobs.executors import Workers

    run_study(study_file, out, cohort, workers=Workers(executor, jobs))


@app.command()
def assess(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Folder of the cohort.")],
    out: Out,
    source: Source = "folder",
    model: Model = None,
    workspace: Annotated[
        str | None,
        typer.Option(
            "--workspace",
            help="Also keep cases and assessments here, for review: a folder, or"
            " postgresql+psycopg://...",
        ),
    ] = None,
    jobs: Jobs = 1,
    limit: Annotated[int, typer.Option("--limit", min=0, help="First so many cases; 0: all.")] = 0,
    keys: Keys = None,
) -> None:
    """Assess every case of a cohort. Outcomes are never read."""
    from clinical.workspace.place import place_of
    from pipelines.assessing import batch
    from pipelines.commands import summary

    kept = place_of(workspace, keys) if workspace is not None else None
    counts = batch.assess_cohort(batch.Run(path, source, model, out, kept, jobs, limit))
    summary.show_counts(screen, counts, out)


@app.command()
def evaluate(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="What `assess --out` wrote.")],
    cohort: Annotated[Path, typer.Option("--cohort", help="Folder of the same cohort.")],
    source: Source = "folder",
    samples: Annotated[int, typer.Option("--samples", help="Patient-bootstrap samples.")] = 1000,
) -> None:
    """Compare assessments with the cohort's outcomes: AUROC of each modality alone and of all."""
    from clinical.cohorts.sources import source as find
    from pipelines.assessing import evaluate as evaluation
    from pipelines.commands import summary

    found = evaluation.evaluate(results, find(source), cohort, samples=samples)
    file = results / "evaluation.json"
    file.write_text(json.dumps(evaluation.to_json(found), indent=2) + "\n", encoding="utf-8")
    table = results / "evaluation.md"
    table.write_text(summary.evaluation_table(found), encoding="utf-8")
    summary.show_evaluation(screen, found)
    screen.print(f"with all intervals: {table}, {file}")


@app.command()
def pointing(
    path: Annotated[
        Path, typer.Argument(metavar="COHORT", help="A simulated cohort the model has not seen.")
    ],
    out: Out,
    model: Model = None,
    prior: Annotated[
        Path | None,
        typer.Option("--prior", help="The training cohort, for the mean mask of each diagnosis."),
    ] = None,
    samples: Annotated[int, typer.Option("--samples", help="Patient-bootstrap samples.")] = 1000,
) -> None:
    """Judge explanations: do they point at the finding, and does the model use what they name?"""
    from clinical.assess.assess import SHIPPED_MODEL
    from pipelines.commands import summary
    from pipelines.explanations import report

    judged = report.judge(path, model or SHIPPED_MODEL, out, prior, samples=samples)
    summary.show_pointing(screen, judged)


@app.command()
def domain(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Folder of the cohort.")],
    source: Source = "folder",
    model: Model = None,
    limit: Annotated[
        int, typer.Option("--limit", min=0, help="So many cases, evenly spread; 0: all.")
    ] = 100,
    files: Annotated[
        Path | None,
        typer.Option("--files", help="Also every image file below this folder, by its modality."),
    ] = None,
) -> None:
    """Which images a model marks as out of distribution: a cohort's own, and the same spoilt."""
    from clinical.assess.assess import load_assessor
    from clinical.cohorts.sources import source as find
    from pipelines.assessing import domain_check

    known = load_assessor(model).model
    rows = domain_check.check_cohort(known, find(source), path, limit=limit)
    if files is not None:
        rows += domain_check.check_files(known, files)
    screen.print(domain_check.table(rows), end="")


@app.command()
def ui(
    workspace: Workspace,
    port: Annotated[int, typer.Option("--port", help="On the loopback interface.")] = 8501,
    idle_minutes: Annotated[
        float, typer.Option("--idle-minutes", help="Sign out after so long without interaction.")
    ] = 15.0,
    oidc: Annotated[
        Path | None,
        typer.Option(
            "--oidc", help="TOML with [auth]: sign in with an organisation's account too."
        ),
    ] = None,
    studies: Annotated[
        Path | None, typer.Option("--studies", help="Folder of finished studies, to look at.")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option("--model", help="A checkpoint beside the one that ships: card and what-if."),
    ] = None,
    demonstration: Annotated[
        bool, typer.Option("--demonstration", help="Nobody signs in; all read as dr.demo.")
    ] = False,
    role: Annotated[
        str, typer.Option("--role", help="Of the demonstration: reader, adjudicator, auditor, ...")
    ] = "reader",
    keys: Keys = None,
) -> None:
    """Open the reading page of a workspace in a browser on this machine."""
    from clinical.access.roles import role_of
    from clinical.workspace.place import place_of
    from ui.host.launch import DEMONSTRATION_READER, Choices, serve

    chosen = Choices(
        place_of(workspace, keys),
        port=port,
        reader=DEMONSTRATION_READER if demonstration else None,
        role=role_of(role),
        idle_minutes=idle_minutes,
        oidc=oidc,
        studies=studies,
        model=model,
    )
    serve(chosen)


@app.command()
def demo(
    out: Out = Path("runs/demo"),
    no_ui: Annotated[bool, typer.Option("--no-ui", help="Do not open the page.")] = False,
    port: Annotated[
        int, typer.Option("--port", help="Of the page; another free one if it is taken.")
    ] = 8501,
    jobs: Jobs = 1,
) -> None:
    """Assess the 48 embedded cases, record, verify, report; then open the page for everybody."""
    from pipelines.commands import summary
    from pipelines.commands.demo import demonstrate

    summary.show_demonstration(screen, demonstrate(out, jobs=jobs))
    if not no_ui:
        from ui.host.launch import DEMONSTRATION_READER, Choices, preferred_port, serve

        chosen = Choices(out / "workspace", preferred_port(port), DEMONSTRATION_READER)
        serve(chosen, open_browser=sys.stdout.isatty())
