"""Leave no byte of what was deleted in a SQLite file or in its write-ahead log."""

from __future__ import annotations

import sqlite3

from clinical.workspace.turn import BUSY_SECONDS

WAIT_SECONDS = 5.0
"""How long `scrubbed` waits for other programs that use the file."""


def scrubbed(connection: sqlite3.Connection) -> bool:
    """Rewrite the file without its free space, and empty the log; whether nothing is left.

    Args:
        connection: in no transaction.

    Raises:
        sqlite3.Error: if another program writes, or the file cannot be written.
    """
    connection.execute(f"PRAGMA busy_timeout = {int(1000 * WAIT_SECONDS)}")
    try:
        connection.execute("VACUUM")
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(1000 * BUSY_SECONDS)}")
    return not busy
