"""`triptych send`: deliver signed readings to archives and hospital systems."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pipelines.commands.options import Keys, Workspace, open_place, screen

if TYPE_CHECKING:
    from clinical.exchange.outbox import Outbox

EVERY_SECONDS = 2.0
"""How often `--watch` looks for new signatures and for what is due."""


def send(
    settings: Annotated[Path, typer.Argument(metavar="SEND.toml", help="Where to send.")],
    workspace: Workspace,
    case: Annotated[
        list[str] | None,
        typer.Option("--case", metavar="CASE", help="Send this case now (may be repeated)."),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on sending what is signed until stopped.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Also try again what receivers refused.")
    ] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Only show what waits and what was refused.")
    ] = False,
    keys: Keys = None,
) -> None:
    """Send signed readings; each delivery is recorded as an event."""
    from clinical.exchange import sending
    from clinical.exchange.outbox import open_outbox

    chosen = sending.read(settings)
    with open_outbox(chosen.outbox) as outbox:
        if status:
            _show(outbox)
            return
        if again:
            screen.print(f"{outbox.again()} wait again")
        stop = threading.Event()
        if watch:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stop.set())
        else:
            stop.set()
        with open_place(workspace, keys) as engine:
            for name in case or []:
                sending.put_case(engine, outbox, chosen, name)
            while True:
                done = sending.round_of(engine, outbox, chosen, screen.print)
                if done.delivered or done.refused or not watch:
                    screen.print(
                        f"{done.delivered} delivered, {done.refused} refused,"
                        f" {done.waiting} waiting"
                    )
                if stop.wait(EVERY_SECONDS):
                    break


def _show(outbox: Outbox) -> None:
    table = Table("number", "to", "what", "state", "tries", "reason")
    for parcel in (*outbox.listed("waiting"), *outbox.listed("set aside")):
        row = (parcel.number, parcel.destination, parcel.name, parcel.state, parcel.tries)
        table.add_row(*map(str, row), parcel.reason)
    screen.print(table)
