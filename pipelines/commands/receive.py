"""`triptych receive`: keep what hospital systems send, and put cases together of it."""

from __future__ import annotations

import signal
import threading
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pipelines.commands.options import AskedModel, Keys, screen

if TYPE_CHECKING:
    from clinical.exchange.receiving import Settings


def receive(
    settings: Annotated[Path, typer.Argument(metavar="RECEIVE.toml", help="What to receive.")],
    status: Annotated[
        bool, typer.Option("--status", help="Say what was received, waits or was refused.")
    ] = False,
    workspace: Annotated[
        str,
        typer.Option("--workspace", help="Put cases together, for the worklist of this workspace."),
    ] = "",
    keys: Keys = None,
    model: AskedModel = None,
    trail: Annotated[
        bool, typer.Option("--trail", help="Say which cases were made or left out, and why.")
    ] = False,
    case: Annotated[str, typer.Option("--case", help="With --trail: of this case alone.")] = "",
) -> None:
    """Receive what hospital systems send; with --workspace, make cases of it."""
    from clinical.exchange import receiving

    chosen = receiving.read(settings)
    if status:
        _show(receiving.status(chosen.inbox))
        return
    if trail:
        _show_trail(chosen.inbox, case)
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with _assembly(chosen, settings, workspace, keys, model, stop):
        receiving.receive(chosen, stop, screen.print)


def _assembly(
    chosen: Settings,
    file: Path,
    workspace: str,
    keys: Path | None,
    model: Path | None,
    stop: threading.Event,
) -> AbstractContextManager[None]:
    """What puts cases together beside the receiver; nothing without a workspace."""
    from clinical.exchange import assembly_rules, mllp
    from clinical.exchange.hl7_told import USUAL

    rules = assembly_rules.load(file)
    habits = mllp.habits(chosen.hl7) if chosen.hl7 else USUAL
    if not workspace:
        return nullcontext()
    from clinical.exchange.assembly_thread import assembling_beside
    from clinical.workspace.place import place_of

    place = place_of(workspace, keys)
    watched = Path(chosen.folder.path) if chosen.folder else None
    return assembling_beside(chosen.inbox, place, model, rules, habits, stop.set, watched)


def _show_trail(root: Path, case: str) -> None:
    from clinical.exchange.chart import open_existing_chart

    with open_existing_chart(root) as chart:
        for step in chart.trail(case):
            screen.print(f"{step.time:%Y-%m-%d %H:%M:%S} {step.case_id} {step.what}: {step.words}")


def _show(told: dict[str, object]) -> None:
    table = Table("what", "value")
    for name, value in told.items():
        rows = value.items() if isinstance(value, dict) else [("", value)]
        for key, inner in rows:
            table.add_row(f"{name.replace('_', ' ')}{f': {key}' if key else ''}", _plain(inner))
    screen.print(table)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
