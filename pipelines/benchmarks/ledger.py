"""`make bench`, part 2: a long ledger, by default 100,000 events: rates, times and memory.

Numbers depend on the machine and on what else it does. Nothing here is a test.
"""

from __future__ import annotations

import json
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from clinical.audit import heads, ledger, proofs
from clinical.audit.ledger import Entry
from clinical.audit.verify import verify
from clinical.errors import LedgerError
from clinical.workspace.database import DATABASE_NAME, open_workspace, writing

EVENTS = 100_000
DURABLE = 1000  # the last so many events are transactions of their own
BATCHED = 10_000  # so many before them are appended one by one
BATCH = 500  # events in each transaction of those
BLOCK = 5000  # events that are appended at once before that
HASH = "a" * 64
TIME = "2031-03-04T09:40:00.000000+00:00"


def main(events: int) -> int:
    """Fill a ledger, sign, verify and prove; print one table."""
    table = Table(title=f"a ledger of {events} events", title_justify="left")
    for heading in ("what", "seconds of processor", "events/s", "peak memory of the process (MB)"):
        table.add_column(heading, justify="left" if heading == "what" else "right")

    def measure(what: str, work: Callable[[], object], count: int) -> None:
        started = time.process_time()
        work()
        seconds = time.process_time() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        table.add_row(what, f"{seconds:.3f}", f"{count / seconds:,.0f}", f"{peak:.0f}")

    with tempfile.TemporaryDirectory() as scratch:
        engine = open_workspace(Path(scratch), create=True)
        durable = min(DURABLE, events // 10)
        batched = min(BATCHED, events // 5)
        blocked = events - durable - batched
        measure("plain SQLite, no chain", lambda: _plain(Path(scratch) / "plain", events), events)
        measure(f"append in blocks of {BLOCK}", lambda: _fill_blocks(engine, blocked), blocked)
        measure(f"append, {BATCH} in a transaction", lambda: _fill(engine, batched, BATCH), batched)
        measure("append, each a transaction", lambda: _fill(engine, durable, 1), durable)
        measure("sign a head on request", lambda: _sign(engine), 1)
        measure("verify chain, tree, signatures", lambda: _verify(engine), events)
        measure("prove that one event is included", lambda: _prove(engine, events // 2), events)
        count = len(_heads(engine))
        engine.dispose()
        size = (Path(scratch) / DATABASE_NAME).stat().st_size / 1e6
    Console().print(table)
    Console().print(f"{count} signed heads, database {size:.0f} MB")
    return 0


def _plain(file: Path, count: int) -> None:
    """The peer: the same rows in a table without chain, index, trigger or signature."""
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        columns = (
            "sequence INTEGER PRIMARY KEY, time, actor, kind, case_id, payload, previous, hash"
        )
        database.execute(f"CREATE TABLE events ({columns})")
        for start in range(0, count, BLOCK):
            database.execute("BEGIN IMMEDIATE")
            for number in range(start, min(start + BLOCK, count)):
                payload = json.dumps(_payload(number))
                row = (number, TIME, "reader", "DECIDED", f"case-{number}", payload, HASH, HASH)
                database.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            database.execute("COMMIT")


def _payload(number: int) -> dict[str, object]:
    return {"assessment": HASH, "diagnosis": "heart_failure", "n": number}


def _fill_blocks(engine: Engine, count: int) -> None:
    for start in range(0, count, BLOCK):
        numbers = range(start, min(start + BLOCK, count))
        with writing(engine) as connection:
            ledger.append_all(
                connection,
                (Entry("DECIDED", "reader", _payload(n), f"case-{n % 10_000}") for n in numbers),
            )


def _fill(engine: Engine, count: int, batch: int) -> None:
    for start in range(0, count, batch):
        with writing(engine) as connection:
            for number in range(start, min(start + batch, count)):
                ledger.append(
                    connection,
                    "DECIDED",
                    actor="reader",
                    case_id=f"case-{number % 10_000}",
                    payload=_payload(number),
                )


def _sign(engine: Engine) -> None:
    with writing(engine) as connection:
        heads.sign_now(connection)


def _verify(engine: Engine) -> None:
    with engine.connect() as connection:
        verdict = verify(connection)
    if not verdict.intact:
        raise LedgerError(verdict.reason)


def _prove(engine: Engine, number: int) -> None:
    with engine.connect() as connection:
        proof = json.loads(json.dumps(proofs.inclusion(connection, number)))
    if not proofs.shows_inclusion(proof):
        raise LedgerError("The proof does not hold.")


def _heads(engine: Engine) -> dict[int, tuple[heads.TreeHead, str]]:
    with engine.connect() as connection:
        return heads.with_edges(connection)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS))
