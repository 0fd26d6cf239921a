"""`triptych report-agreement`: how readers and models of a workspace agree, month by month."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.audit import DAYS
from pipelines.commands.options import Keys, Out, Source, Workspace, open_place, screen


def agreement(
    workspace: Workspace,
    out: Out,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since",
            metavar="DATE",
            formats=DAYS,
            help="Signed or assessed on or after this time (UTC).",
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--until",
            metavar="DATE",
            formats=DAYS,
            help="Signed or assessed before this time (UTC).",
        ),
    ] = None,
    model: Annotated[
        list[Path] | None,
        typer.Option("--model", help="Folder of another checkpoint, besides the shipped model."),
    ] = None,
    cohort: Annotated[
        Path | None,
        typer.Option("--cohort", help="Folder of the same cohort, to compare with outcomes."),
    ] = None,
    source: Source = "folder",
    actor: Annotated[
        str, typer.Option("--actor", help="Who is making the report, for the record.")
    ] = "auditor",
    keys: Keys = None,
) -> None:
    """Report how far readers and models agree; the report itself is recorded."""
    from clinical.workspace.place import folder_of, place_of
    from pipelines.agreement.readings import Window
    from pipelines.agreement.recorded_report import NUMBERS, PAGE, PRINT, Wanted, make
    from pipelines.agreement.reference import references

    truths = _outcomes(cohort, source) if cohort else {}
    window = Window(_written(since), _written(until))
    here = folder_of(place_of(workspace, keys))
    wanted = Wanted(actor, window, references(model or [], here), truths)
    with open_place(workspace, keys) as engine:
        found = make(engine, out, wanted)
    counts, verdict = found.counts, found.verdict
    screen.print(
        f"{counts.readings} signed readings of {counts.cases} cases, {counts.assessed} assessments,"
        f" {len(found.alerts)} alerts: {out / PAGE}, {PRINT}, {NUMBERS}"
    )
    if not verdict.intact:
        screen.print(f"BROKEN: {verdict.reason}")
        raise typer.Exit(1)


def _outcomes(cohort: Path, source: str) -> dict[str, dict[str, bool | None]]:
    from clinical.cohorts.sources import source as find

    truths: dict[str, dict[str, bool | None]] = {}
    for outcome in find(source).outcomes(cohort):
        truths.setdefault(outcome.case_id, {})[outcome.diagnosis] = outcome.value
    return truths


def _written(moment: datetime | None) -> str:
    return moment.replace(tzinfo=UTC).isoformat(timespec="microseconds") if moment else ""
