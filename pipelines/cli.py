"""The command line: `triptych COMMAND`. `main(argv, environ)` is a tested function."""

from __future__ import annotations

import errno
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
from pipelines.commands import former_names
from pipelines.commands.account import account_app
from pipelines.commands.agreement import agreement
from pipelines.commands.audit import audit_app
from pipelines.commands.check import check
from pipelines.commands.inspect import inspect
from pipelines.commands.options import (
    Jobs,
    Keys,
    Model,
    OtherCohort,
    Out,
    Samples,
    Source,
    StudyFile,
    Workspace,
    screen,
)
from pipelines.commands.reading import reading_app
from pipelines.commands.retrieval import retrieval_app
from pipelines.commands.study import study_app
from pipelines.commands.workspace import workspace_app

WITHOUT_SOME, INTERRUPTED = 3, 130
UNWRITABLE = {
    errno.EACCES,
    errno.EEXIST,
    errno.ENOSPC,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
}
"""What the machine refuses, and no mistake of ours: no right, no room, a file where a folder is."""

app = typer.Typer(
    name="triptych",
    help="Fuse a chest radiograph, measurements, history and notes into ranked diagnostic"
    f" suggestions that are explained, reviewed and recorded.\n\n{RESEARCH_USE}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(account_app, name="account")
app.add_typer(audit_app, name="audit")
app.add_typer(reading_app, name="reading")
app.add_typer(retrieval_app, name="retrieval")
app.add_typer(study_app, name="study")
app.add_typer(workspace_app, name="workspace")


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command.

    Returns:
        0 = done, 1 = an error the user can act on, 2 = wrong use, 3 = done but for cases that ended
        the process which assessed them, 130 = Ctrl-C.
    """
    del environ
    if renamed := former_names.renamed(argv):
        _complain(renamed)
        return 2
    _quieten_libraries()
    command = typer.main.get_command(app)
    try:
        code = command.main(list(argv), prog_name="triptych", standalone_mode=False)
    except TriptychError as error:
        _complain(str(error))
        return 1
    except OSError as error:
        if error.errno not in UNWRITABLE or error.filename is None:
            raise
        _complain(f"{error.filename}: {error.strerror}. Remedy: choose another place, or free it")
        return 1
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except TyperException as error:
        if message := getattr(error, "format_message", error.__str__)():
            _complain(message)
        return 2
    if code == INTERRUPTED:
        _complain("stopped. Run it again to resume.")
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
    cases: Annotated[int, typer.Option("--cases", min=1, help="Number of cases.")] = 400,
    seed: Annotated[int, typer.Option("--seed", help="Random seed.")] = 0,
    rows: Annotated[
        int, typer.Option("--rows", min=128, help="Height of a radiograph in pixels.")
    ] = 512,
    jobs: Jobs = 1,
    missing: Annotated[
        str,
        typer.Option(
            "--missing",
            help="How values go missing: none, mcar, mar, or mnar (sicker patients are tested more"
            " often).",
        ),
    ] = "mnar",
    shortcut: Annotated[
        str,
        typer.Option(
            "--shortcut", help="Diagnosis to plant a shortcut for: a lead marker on most films."
        ),
    ] = "",
    further: Annotated[
        list[str] | None,
        typer.Option("--with", help="Record this too (may be given several times)."),
    ] = None,
) -> None:
    """Simulate a cohort in the folder format, with DICOM radiographs and masks."""
    from pipelines.jobs import progress
    from pipelines.laboratory.simulate.clinic import LABELS
    from pipelines.laboratory.simulate.cohort import simulate as simulate_cohort
    from pipelines.laboratory.simulate.design import design
    from pipelines.laboratory.simulate.senses import chosen

    switches = design(missing, shortcut, LABELS, chosen(further or ()))
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


@app.command("check-realism")
def check_realism(
    simulated: Annotated[
        Path, typer.Argument(metavar="SIMULATED", help="Folder of a simulated cohort.")
    ],
    real: Annotated[
        Path, typer.Argument(metavar="REAL", help="Folder of a cohort of real radiographs.")
    ],
    source: Annotated[
        str, typer.Option("--source", help="Format of the real cohort, as in `assess --source`.")
    ] = "nih_chestxray",
    limit: Annotated[
        int,
        typer.Option("--limit", metavar="N", min=20, help="Use at most N films of each cohort."),
    ] = 200,
) -> None:
    """Measure how far simulated films are from real ones (baseline: real from real)."""
    from pipelines.laboratory.simulate import realism as films

    found = films.compare(simulated, real, real_source=source, limit=limit)
    table = Table("", "simulated to real", "real to real")
    for row in films.table(found):
        table.add_row(*row)
    screen.print(table)


@app.command("compute-oracle")
def compute_oracle(
    cohort: Annotated[
        Path, typer.Argument(metavar="COHORT", help="Folder written by `triptych simulate`.")
    ],
    out: Annotated[Path, typer.Option("--out", help="CSV file to write.")],
    jobs: Jobs = 1,
    leave_one_out: Annotated[
        bool, typer.Option("--leave-one-out", help="Also leave out each modality in turn.")
    ] = False,
) -> None:
    """Compute the Bayes-optimal posterior, per modality and combined."""
    from pipelines.jobs import progress
    from pipelines.laboratory.oracle.posterior_table import write_posteriors
    from pipelines.laboratory.oracle.score import markdown, score

    with progress.bar() as display:
        task = display.add_task("oracle", total=None, note="")
        count = write_posteriors(
            cohort,
            out,
            jobs=jobs,
            leave_one_out=leave_one_out,
            progress=lambda done, total: display.update(task, completed=done, total=total),
        )
    table = out.with_suffix(".md")
    table.write_text(markdown(score(out, cohort)), encoding="utf-8")
    screen.print(f"{count} cases: posteriors in {out}, best possible AUROC in {table}")


@app.command()
def pretrain(
    out: Out,
    films: Annotated[
        int, typer.Option("--films", min=50, help="Number of films to train on.")
    ] = 4500,
    jobs: Jobs = 1,
) -> None:
    """Pretrain the image layers to outline and name findings on simulated films."""
    from pipelines.laboratory.pretrain.film_tail import pretrain as pretrain_tail

    pretrain_tail(out, films, jobs=jobs)


@app.command()
def train(study_file: StudyFile, out: Out, cohort: OtherCohort = None) -> None:
    """Train a model on a whole cohort; `study run` tests one by folds or sites."""
    from pipelines.commands.train import train_study

    train_study(study_file, out, cohort)


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


@app.command()
def evaluate(
    results: Annotated[
        Path, typer.Argument(metavar="RESULTS", help="Folder written by `assess --out`.")
    ],
    cohort: Annotated[Path, typer.Option("--cohort", help="Folder of the same cohort.")],
    source: Source = "folder",
    samples: Samples = 1000,
) -> None:
    """Compare assessments with outcomes: AUROC of each modality alone and combined.

    A report with thresholds, subgroups and guards: `triptych study run` with a checkpoint.
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


@app.command("check-explanations")
def check_explanations(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="COHORT", help="Folder of a simulated cohort the model was not trained on."
        ),
    ],
    out: Out,
    model: Model = None,
    prior: Annotated[
        Path | None,
        typer.Option("--prior", help="Training cohort: adds its mean masks as a baseline."),
    ] = None,
    samples: Samples = 1000,
) -> None:
    """Test whether explanations point at the findings and are faithful to the model."""
    from clinical.assess.assess import SHIPPED_MODEL
    from pipelines.commands import summary
    from pipelines.explanations import report

    judged = report.judge(path, model or SHIPPED_MODEL, out, prior, samples=samples)
    summary.show_pointing(screen, judged)


@app.command("check-domain")
def check_domain(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Folder of the cohort.")],
    source: Source = "folder",
    model: Model = None,
    limit: Annotated[
        int,
        typer.Option(
            "--limit", metavar="N", min=0, help="Only N cases, evenly spaced (0 = no limit)."
        ),
    ] = 100,
    files: Annotated[
        Path | None,
        typer.Option("--files", help="Also every image file below this folder, by DICOM modality."),
    ] = None,
) -> None:
    """Count the images a model marks out of distribution, intact and degraded."""
    from clinical.assess.assess import load_assessor
    from clinical.cohorts.sources import source as find
    from pipelines.assessing import domain_check

    known = load_assessor(model).model
    rows = domain_check.check_cohort(known, find(source), path, limit=limit)
    if files is not None:
        rows += domain_check.check_files(known, files)
    screen.print(domain_check.table(rows), end="")


@app.command("serve")
def serve_page(
    workspace: Workspace,
    port: Annotated[
        int, typer.Option("--port", help="Port of the page, on the loopback interface.")
    ] = 8501,
    idle_minutes: Annotated[
        float,
        typer.Option("--idle-minutes", metavar="N", help="Sign out after N minutes of inactivity."),
    ] = 15.0,
    oidc: Annotated[
        Path | None,
        typer.Option(
            "--oidc", help="TOML file with an auth table: also sign in by OpenID Connect."
        ),
    ] = None,
    studies: Annotated[
        Path | None, typer.Option("--studies", help="Folder of finished studies to show.")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option("--model", help="Additional checkpoint, for its model card and what-if."),
    ] = None,
    demonstration: Annotated[
        bool, typer.Option("--demonstration", help="No sign-in: everyone reads as dr.demo.")
    ] = False,
    role: Annotated[
        str,
        typer.Option(
            "--role",
            help="Role in the demonstration: reader, adjudicator, auditor or administrator.",
        ),
    ] = "reader",
    keys: Keys = None,
) -> None:
    """Serve the reading page of a workspace to browsers on this machine."""
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


app.command("report-agreement")(agreement)
app.command()(check)
app.command()(inspect)


@app.command()
def demo(
    out: Out = Path("runs/demo"),
    no_ui: Annotated[bool, typer.Option("--no-ui", help="Do not open the page.")] = False,
    port: Annotated[
        int, typer.Option("--port", help="Port of the page; another free one if it is taken.")
    ] = 8501,
    jobs: Jobs = 1,
) -> None:
    """Assess the 48 embedded cases, verify and export the record, then open the page."""
    from pipelines.commands import summary
    from pipelines.commands.demo import demonstrate

    summary.show_demonstration(screen, demonstrate(out, jobs=jobs))
    if not no_ui:
        from ui.host.launch import DEMONSTRATION_READER, Choices, preferred_port, serve

        chosen = Choices(out / "workspace", preferred_port(port), DEMONSTRATION_READER)
        serve(chosen, open_browser=sys.stdout.isatty())
