"""`triptych reading study ...`: plan a reader study, collect what was signed, analyse it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from pipelines.commands.options import Cohort, Model, Out, Source, screen

reading_study_app = typer.Typer(
    help="Find out whether suggestions and explanations help readers, or harm them.",
    no_args_is_help=True,
)

Folder = Annotated[Path, typer.Argument(metavar="STUDY", help="Folder of the reader study.")]


@reading_study_app.command("plan")
def plan_study(
    cohort: Cohort,
    out: Out,
    diagnosis: Annotated[
        str, typer.Option("--diagnosis", help="Outcome whose presence readers are judged by.")
    ],
    readers: Annotated[
        list[str],
        typer.Option("--reader", metavar="NAME", help="Account name of a reader (repeat it)."),
    ],
    conditions: Annotated[
        list[str] | None,
        typer.Option(
            "--condition",
            help="What is shown: none, suggestions or explanations (repeat it). Default: all.",
        ),
    ] = None,
    cases: Annotated[
        int, typer.Option("--cases", min=0, help="Number of cases; 0 = all that can be used.")
    ] = 0,
    mistakes: Annotated[
        float,
        typer.Option(
            "--mistakes", min=0, max=0.5, help="Fraction of cases in which suggestions are wrong."
        ),
    ] = 0.2,
    washout: Annotated[
        int, typer.Option("--washout-days", min=0, help="Days between two sessions of a reader.")
    ] = 28,
    seed: Annotated[int, typer.Option("--seed", help="Seed of every draw.")] = 1,
    model: Model = None,
    source: Source = "folder",
) -> None:
    """Draw cases, orders and mistakes, and lay a workspace for each session."""
    from pipelines.reader_study.allocation import CONDITIONS
    from pipelines.reader_study.plan import ARMS, PLACES, condition_of
    from pipelines.reader_study.setting_up import Wanted, set_up

    chosen = tuple(condition_of(name) for name in conditions) if conditions else CONDITIONS
    plan = set_up(
        Wanted(
            cohort,
            source,
            model,
            out,
            tuple(readers),
            diagnosis,
            chosen,
            cases,
            mistakes,
            washout,
            seed,
        )
    )
    screen.print(
        f"{len(plan.truths)} cases, {sum(plan.truths.values())} with {diagnosis}; the model is"
        f" made to err in {len(plan.mistakes)}. {len(plan.readers)} readers, {len(chosen)} sessions"
        f" each, {washout} days apart: {out / PLACES}"
    )
    screen.print(
        f"Each folder in {out / ARMS} is a workspace: give its reader an account there, and serve"
        " it. Cases are read in the order of their names. Readers must not see the plan."
    )


@reading_study_app.command("collect")
def collect(study: Folder) -> None:
    """Collect what was signed so far into ratings.csv, beside the plan."""
    from pipelines.reader_study import collected, ratings
    from pipelines.reader_study.plan import read

    plan = read(study)
    found = collected.collect(study, plan)
    file = ratings.write(study, found.rated)
    screen.print(f"{len(found.rated)} of {len(plan.places)} readings are signed: {file}")
    for note in _deviations(found.missing, found.too_soon, found.others, plan.washout_days):
        screen.print(note)


@reading_study_app.command("analyse")
def analyse(
    table: Annotated[
        Path,
        typer.Argument(
            metavar="RATINGS.csv", help="Readings, of `collect` or of a study run elsewhere."
        ),
    ],
    out: Out,
    conditions: Annotated[
        list[str] | None,
        typer.Option(
            "--condition", help="Order of the conditions, what to compare with first (repeat it)."
        ),
    ] = None,
) -> None:
    """Compare the conditions: area, help and harm, time, the next study's size."""
    from pipelines.reader_study import ratings, report
    from pipelines.reader_study.document import said
    from pipelines.reader_study.findings import AREA, find

    rated = ratings.read(table)
    study = ratings.crossed(rated, tuple(conditions or ()))
    found = find(study)
    notes = _limits(study.left_out, ratings.shortest_gap(rated))
    report.write(out, found, notes)
    shown = Table("area", "difference", "95% interval", "p")
    for pair in found.figures[AREA].random_both.differences:
        shown.add_row(
            f"{said(study.conditions[pair.second])} against {said(study.conditions[pair.first])}",
            f"{-pair.value:+.3f}",
            f"{-pair.high:+.3f} to {-pair.low:+.3f}",
            f"{pair.p:.4f}",
        )
    screen.print(shown)
    screen.print(f"{out / report.PAGE}, {report.PRINT}, {report.NUMBERS}")
    for note in notes:
        screen.print(note)


def _limits(left_out: int, gap: timedelta | None) -> list[str]:
    notes = []
    if left_out:
        notes.append(
            f"{left_out} cases lack a reading and count nowhere; those that remain may differ from"
            " them."
        )
    if gap is not None:
        notes.append(
            f"The shortest time between two readings of a case by the same reader was {gap.days}"
            " days."
        )
    return notes


def _deviations(missing: int, too_soon: int, others: int, washout: int) -> list[str]:
    notes = []
    if missing:
        notes.append(f"{missing} readings are not signed yet.")
    if too_soon:
        notes.append(
            f"{too_soon} readings came sooner than {washout} days after the same reader's last"
            " reading of the case: it may not have been forgotten."
        )
    if others:
        notes.append(f"{others} signatures are not of the session's reader and do not count.")
    return notes
