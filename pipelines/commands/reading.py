"""`triptych reading ...`: cases without a model, how cases are to be read, how readers agree."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from clinical.review.kappa import Kappa
from pipelines.commands.options import Cohort, Keys, Source, Workspace, open_place, screen

reading_app = typer.Typer(
    help="How people read the cases of a workspace, and how far they agree.",
    no_args_is_help=True,
)

Actor = Annotated[str, typer.Option("--actor", help="Who does this; recorded.")]


@reading_app.command("import")
def import_(
    cohort: Cohort,
    workspace: Workspace,
    source: Source = "folder",
    actor: Actor = "system",
    keys: Keys = None,
) -> None:
    """Put the cases of a cohort into a workspace, to be read without a model."""
    from clinical.workspace.place import place_of
    from pipelines.commands import reading_import

    found = reading_import.import_cohort(cohort, source, place_of(workspace, keys), actor)
    screen.print(
        f"{found.imported} imported, {found.known} there already, {found.skipped} skipped,"
        f" {found.problems} problems"
    )


@reading_app.command()
def protocol(
    workspace: Workspace,
    first_read: Annotated[
        bool | None,
        typer.Option(
            "--first-read/--no-first-read",
            help="Readers commit their own differential before the machine's is shown.",
        ),
    ] = None,
    second_share: Annotated[
        float | None,
        typer.Option("--second-readers", help="Share of the cases that two sign, 0 to 1."),
    ] = None,
    actor: Actor = "system",
    keys: Keys = None,
) -> None:
    """Say how cases are read, or change it; a change is an event of the ledger."""
    from dataclasses import replace

    from clinical.review import protocol

    engine = open_place(workspace, keys)
    with engine.connect() as connection:
        now = protocol.in_force(connection)
    wanted = replace(
        now,
        first_read=now.first_read if first_read is None else first_read,
        second_share=now.second_share if second_share is None else second_share,
    )
    protocol.set_protocol(engine, wanted, actor)
    engine.dispose()
    screen.print(
        f"first read before the machine's: {'yes' if wanted.first_read else 'no'};"
        f" cases with two readers: {wanted.second_share:.0%}"
    )


@reading_app.command()
def agreement(
    workspace: Workspace,
    cohort: Annotated[
        Path | None,
        typer.Option("--cohort", help="Folder of the same cohort, for its outcomes."),
    ] = None,
    source: Source = "folder",
    keys: Keys = None,
) -> None:
    """Kappa of two readers, and what readers changed after they saw the machine's suggestions."""
    from clinical.cohorts.sources import source as find
    from clinical.review import kappa, switches

    truths: dict[str, dict[str, bool | None]] = {}
    for outcome in find(source).outcomes(cohort) if cohort else ():
        truths.setdefault(outcome.case_id, {})[outcome.diagnosis] = outcome.value
    engine = open_place(workspace, keys)
    with engine.connect() as connection:
        found = kappa.agreement(connection)
        readings, changed = switches.counted(connection, truths)
    engine.dispose()
    table = Table("", "pairs", "agree", "kappa", "95% interval")
    for name, one in {"all diagnoses": found.overall, **found.by_diagnosis}.items():
        table.add_row(name, *_kappa(one))
    screen.print(f"{found.cases} cases signed by two; in {found.differing} the readings differ")
    screen.print(table)
    screen.print(
        f"{readings} signed readings with a first read: {changed.kept} diagnoses kept,"
        f" {changed.to_machine} changed to the machine's, {changed.from_machine} away from it"
        + (f"; {changed.helpful} helpful, {changed.harmful} harmful" if cohort else "")
    )


def _kappa(found: Kappa) -> tuple[str, str, str, str]:
    value = "not defined" if found.value is None else f"{found.value:.2f}"
    known = found.low is not None and found.high is not None
    interval = f"{found.low:.2f} to {found.high:.2f}" if known else ""
    return str(found.pairs), f"{found.observed:.0%}", value, interval
