"""The cases that still wait for a reader, as a CSV that another system can take.

An export is more than a file: somebody asked for it, and it leaves the house. So, in this order,

1. everything is read in one transaction, from one moment of the workspace;
2. the file is written beside its place, under a name that nothing takes for the finished one;
3. the ledger records who exported how many cases, with the digest of the file;
4. the file is put in its place. There is no export without its event.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine

from clinical.audit import ledger
from clinical.audit.verify import Verdict, verify
from clinical.canonical import sha256
from clinical.errors import StoreError
from clinical.review.status import Status, statuses
from clinical.tables.spreadsheet import Row, written
from clinical.workspace import store
from clinical.workspace.database import writing

HEADER = ("case_id", "decision_time", "status")
WAITING: frozenset[Status] = frozenset({"unread", "opened", "in_review"})


def export_waiting(engine: Engine, out: Path, *, actor: str) -> int:
    """Write the cases that wait to `out`, oldest first, and record that; how many there are.

    Raises:
        StoreError: if `out` cannot be written.
        LedgerError: if the event cannot be appended; there is no file then.
    """
    with engine.connect() as connection:
        rows = list(waiting(connection))
        verdict = verify(connection)
    content = b"".join(written(HEADER, rows))
    try:
        with tempfile.NamedTemporaryFile(prefix=".waiting-", dir=out.parent, delete=False) as file:
            part = Path(file.name)
            file.write(content)
        try:
            _record(engine, actor, len(rows), sha256(content), verdict)
            part.replace(out)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"{out} cannot be written: {error.strerror}.", remedy="choose another file."
        ) from None
    return len(rows)


def waiting(connection: Connection) -> Iterator[Row]:
    """A row for each case that no first reader has finished, the longest waiting first."""
    status = statuses(connection)
    for entry in store.worklist(connection):
        if status[entry.case_id] in WAITING:
            time = entry.decision_time.isoformat() if entry.decision_time else ""
            yield entry.case_id, time, status[entry.case_id]


def _record(engine: Engine, actor: str, cases: int, digest: str, verdict: Verdict) -> None:
    payload = {
        "what": "cases",
        "cases": cases,
        "file": digest,
        "intact": verdict.intact,
        "head": {"sequence": verdict.events, "hash": verdict.head},
    }
    with writing(engine) as connection:
        ledger.append(connection, "EXPORTED", actor=actor, payload=payload)
