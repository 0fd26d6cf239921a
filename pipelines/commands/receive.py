"""`triptych receive`: keep what hospital systems send, until it is stopped."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from pipelines.commands.options import screen


def receive(
    settings: Annotated[Path, typer.Argument(metavar="RECEIVE.toml", help="What to receive.")],
    status: Annotated[
        bool, typer.Option("--status", help="Say what was received, waits or was refused.")
    ] = False,
) -> None:
    """Receive from hospital systems: DICOM objects, and files in a folder."""
    from clinical.exchange import receiving

    chosen = receiving.read(settings)
    if status:
        _show(receiving.status(chosen.inbox))
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    receiving.receive(chosen, stop, screen.print)


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
