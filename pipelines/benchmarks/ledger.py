"""`make bench`, part 2: a long ledger, by default 100,000 events: rates, times and memory.

Numbers depend on the machine and on what else it does. Nothing here is a test.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from clinical.audit import heads, ledger, proofs
from clinical.audit.verify import verify
from clinical.errors import LedgerError
from clinical.workspace.database import DATABASE_NAME, open_workspace, writing

EVENTS = 100_000
DURABLE = 1000  # the last so many events are transactions of their own
BATCH = 500  # events in each transaction before


def main(events: int) -> int:
    """Fill a ledger, sign, verify and prove; print one table."""
    table = Table(title=f"a ledger of {events} events", title_justify="left")
    for heading in ("what", "seconds", "events/s", "peak memory of the process (MB)"):
        table.add_column(heading, justify="left" if heading == "what" else "right")

    def measure(what: str, work: Callable[[], object], count: int) -> None:
        started = time.perf_counter()
        work()
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        table.add_row(what, f"{seconds:.3f}", f"{count / seconds:,.0f}", f"{peak:.0f}")

    with tempfile.TemporaryDirectory() as scratch:
        engine = open_workspace(Path(scratch), create=True)
        durable = min(DURABLE, events // 2)
        batched = events - durable
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


def _fill(engine: Engine, count: int, batch: int) -> None:
    for start in range(0, count, batch):
        with writing(engine) as connection:
            for number in range(start, min(start + batch, count)):
                ledger.append(
                    connection,
                    "DECIDED",
                    actor="reader",
                    case_id=f"case-{number % 10_000}",
                    payload={"assessment": "a" * 64, "diagnosis": "heart_failure", "n": number},
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
