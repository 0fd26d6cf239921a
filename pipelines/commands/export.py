"""`triptych export ...`: what leaves the workspace for other programs, in their formats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import Keys, Workspace, open_place, screen

export_app = typer.Typer(
    help="Export cases for other programs; the record itself is `audit export`.",
    no_args_is_help=True,
)


@export_app.callback()
def formats() -> None:
    """A group, also while it has one command."""


@export_app.command()
def meds(
    workspace: Workspace,
    out: Annotated[Path, typer.Option("--out", help="New folder for the dataset.")],
    case: Annotated[
        list[str] | None,
        typer.Option("--case", metavar="CASE", help="Only this case (may be repeated)."),
    ] = None,
    actor: Annotated[
        str, typer.Option("--actor", help="Who is exporting, for the record.")
    ] = "researcher",
    keys: Keys = None,
) -> None:
    """Export cases and finished readings as a MEDS dataset; recorded as an event.

    Not de-identified: times, notes, films and pseudonyms are those of the workspace.
    """
    from clinical.export.meds import export_meds
    from clinical.export.selection import Selection

    wanted = Selection(frozenset(case) if case else None)
    with open_place(workspace, keys) as engine:
        done = export_meds(engine, out, actor=actor, wanted=wanted)
    screen.print(
        f"{done.cases} cases of {done.subjects} subjects: {done.events} events and {done.labels}"
        f" labels in {done.out}"
    )
    if done.unused or done.traces:
        screen.print(
            f"left out: {done.unused} values that were not understood, {done.traces} traces"
        )
    if not done.verdict.intact:
        screen.print(f"BROKEN: {done.verdict.reason}")
        raise typer.Exit(1)
