"""`triptych export FORMAT`: what leaves the workspace for other programs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import Keys, Workspace, open_place, screen


class Format(StrEnum):
    """What can be written."""

    MEDS = "meds"


def export(
    form: Annotated[
        Format,
        typer.Argument(metavar="FORMAT", help="Format: meds (Medical Event Data Standard 0.4)."),
    ],
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
    """Export cases and finished readings for other programs; recorded as an event.

    Not de-identified: times, notes, films and pseudonyms are those of the workspace.
    """
    from clinical.export.meds import export_meds
    from clinical.export.selection import Selection

    del form  # there is one
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
