"""A process that appends events as fast as it can and says so after each commit, until killed."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

from clinical.audit import ledger
from clinical.workspace.database import open_workspace, writing
from clinical.workspace.place import Place


def write(workspace: Place, actor: str, acknowledged: Path) -> None:
    """Append events 0, 1, 2, ... of `actor`; every seventh is signed at once."""
    engine = open_workspace(workspace)
    handle = os.open(acknowledged, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    for number in count():
        with writing(engine) as connection:
            event = ledger.append(
                connection,
                "OPENED" if number % 7 else "EXPORTED",
                actor=actor,
                payload={"n": number},
            )
        os.write(handle, f"{event.sequence} {number}\n".encode())
