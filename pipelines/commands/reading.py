"""`triptych reading ...`: import and export cases, set the protocol, compare readers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from clinical.review.kappa import Kappa
from pipelines.commands.options import Cohort, Keys, Out, Source, Workspace, open_place, screen
from pipelines.commands.reading_study import reading_study_app

reading_app = typer.Typer(
    help="Set up how people read cases, compare their readings, export them.",
    no_args_is_help=True,
)

reading_app.add_typer(reading_study_app, name="study")

Actor = Annotated[str, typer.Option("--actor", help="Who is doing this, for the record.")]


@reading_app.command("import")
def import_(
    cohort: Cohort,
    workspace: Workspace,
    source: Source = "folder",
    actor: Actor = "system",
    keys: Keys = None,
) -> None:
    """Import the cases of a cohort into a workspace, to be read without a model."""
    from clinical.workspace.place import place_of
    from pipelines.commands import reading_import

    found = reading_import.import_cohort(cohort, source, place_of(workspace, keys), actor)
    screen.print(
        f"{found.imported} imported, {found.known} already there, {found.skipped} skipped,"
        f" {found.problems} problems"
    )


@reading_app.command("export")
def export(
    case: Annotated[str, typer.Argument(metavar="CASE", help="The case.")],
    workspace: Workspace,
    out: Out,
    wanted: Annotated[
        str, typer.Option("--as", metavar="FORMAT", help="Format: dicom, fhir or hl7.")
    ] = "dicom",
    films: Annotated[
        list[Path] | None,
        typer.Option(
            "--films", help="DICOM file or folder with the films of the case (may be repeated)."
        ),
    ] = None,
    card: Annotated[
        list[Path] | None,
        typer.Option(
            "--card",
            help="Model card to attach: .md, or model_card.xml of a study (may be repeated).",
        ),
    ] = None,
    actor: Annotated[
        str, typer.Option("--actor", help="Who is exporting, for the record.")
    ] = "auditor",
    keys: Keys = None,
) -> None:
    """Export one read case for an archive or a hospital system; recorded as an event."""
    from pipelines.commands import reading_export

    format_ = reading_export.format_of(wanted)
    with open_place(workspace, keys) as engine:
        written = reading_export.export_case(
            engine, case, format_, out, films=films or [], cards=card or [], actor=actor
        )
    for path in written:
        screen.print(str(path))


@reading_app.command("set-protocol")
def set_protocol(
    workspace: Workspace,
    first_read: Annotated[
        bool | None,
        typer.Option(
            "--first-read/--no-first-read",
            help="Readers commit their own differential before they see the model's.",
        ),
    ] = None,
    second_share: Annotated[
        float | None,
        typer.Option("--second-readers", help="Fraction of cases that two people read, 0 to 1."),
    ] = None,
    passkeys: Annotated[
        bool | None,
        typer.Option("--passkeys/--no-passkeys", help="A signature needs a passkey as well."),
    ] = None,
    actor: Actor = "system",
    keys: Keys = None,
) -> None:
    """Set or show the reading protocol; every change is recorded as an event."""
    from dataclasses import replace

    from clinical.review import protocol

    with open_place(workspace, keys) as engine:
        with engine.connect() as connection:
            now = protocol.in_force(connection)
        wanted = replace(
            now,
            first_read=now.first_read if first_read is None else first_read,
            second_share=now.second_share if second_share is None else second_share,
            passkey=now.passkey if passkeys is None else passkeys,
        )
        protocol.set_protocol(engine, wanted, actor)
    screen.print(
        f"first read before the model's: {'yes' if wanted.first_read else 'no'};"
        f" cases with two readers: {wanted.second_share:.0%}"
        + ("; a signature needs a passkey" if wanted.passkey else "")
    )


@reading_app.command()
def compare(
    workspace: Workspace,
    cohort: Annotated[
        Path | None,
        typer.Option("--cohort", help="Folder of the same cohort, to compare with outcomes."),
    ] = None,
    source: Source = "folder",
    keys: Keys = None,
) -> None:
    """Compare two readers (kappa), and readings before and after suggestions."""
    from clinical.cohorts.sources import source as find
    from clinical.review import kappa, switches

    truths: dict[str, dict[str, bool | None]] = {}
    for outcome in find(source).outcomes(cohort) if cohort else ():
        truths.setdefault(outcome.case_id, {})[outcome.diagnosis] = outcome.value
    with open_place(workspace, keys) as engine, engine.connect() as connection:
        found = kappa.reader_kappa(connection)
        readings, changed = switches.counted(connection, truths)
    table = Table("", "pairs", "agree", "kappa", "95% interval")
    for name, one in {"all diagnoses": found.overall, **found.by_diagnosis}.items():
        table.add_row(name, *_kappa(one))
    screen.print(f"{found.cases} cases signed by two readers, who differ in {found.differing}")
    screen.print(table)
    screen.print(
        f"{readings} signed readings with a first read: {changed.kept} diagnoses kept,"
        f" {changed.to_machine} changed towards the model, {changed.from_machine} away from it"
        + (f"; {changed.helpful} helpful, {changed.harmful} harmful" if cohort else "")
    )


def _kappa(found: Kappa) -> tuple[str, str, str, str]:
    value = "not defined" if found.value is None else f"{found.value:.2f}"
    known = found.low is not None and found.high is not None
    interval = f"{found.low:.2f} to {found.high:.2f}" if known else ""
    return str(found.pairs), f"{found.observed:.0%}", value, interval
