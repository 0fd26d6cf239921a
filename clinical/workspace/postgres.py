"""A workspace on a PostgreSQL server, for several reviewers at once: where it differs from SQLite.

Nothing but the dialect: the same tables, the same functions. Writers queue at a lock on the head
of the ledger, triggers keep the ledger append-only, and `grant` gives a role what recording needs
and no more: it may add events, never change or delete one. Readers see one snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, MetaData, Table, create_engine, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from clinical.errors import StoreError
from clinical.workspace import triggers

DRIVER = "postgresql+psycopg"
SECRETS = ("password", "sslpassword")  # what an address could also hold as ?name=value

_LAYOUT = "triptych layout "  # kept as the comment on the table of events

# What a role that records may change; everything else it may only read and add to.
_CHANGES = (
    "ledger_head",
    "worklist",
    "cases (position)",
    "accounts (hash, disabled)",
)


def url_of(place: str) -> URL:
    """The address of a workspace on a server, for example `postgresql+psycopg://name@host/base`.

    Raises:
        StoreError: if it is another kind of address, or holds a password: everybody on the machine
            can list the words that a program was started with.
    """
    try:
        url = make_url(place)
    except (ArgumentError, ValueError):  # a port that is no number
        url = None
    if url is None or url.drivername != DRIVER:
        raise StoreError(
            "This is not the address of a workspace.",
            remedy=f"give a folder, or {DRIVER}://name@host/database.",
        )
    if url.password is not None or any(name in url.query for name in SECRETS):
        raise StoreError(
            "The workspace address contains a password.",
            remedy="leave it out, and keep it in a file that PGPASSFILE names (or ~/.pgpass), which"
            " only you may read.",
        )
    return url


def connect(url: URL, options: dict[str, Any], writing: str, busy_seconds: float) -> Engine:
    """An engine whose write transactions hold the lock on the head from their first moment.

    Args:
        url: of the server and database.
        options: execution options of every connection.
        writing: name of the execution option that marks a write transaction.
        busy_seconds: how long to wait for the lock.

    Raises:
        StoreError: if the driver is not installed.
    """
    try:
        # pre_ping: a page stands open for days, and the server may be restarted meanwhile.
        engine = create_engine(
            url, hide_parameters=True, pool_pre_ping=True, execution_options=options
        )
    except (NoSuchModuleError, ModuleNotFoundError):
        raise StoreError(
            "The driver for PostgreSQL is not installed.", remedy='pip install "triptych[postgres]"'
        ) from None

    def begin(connection: Connection) -> None:
        if not connection.get_execution_options().get(writing):
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            return
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{int(busy_seconds)}s'")
        if layout(connection) is not None:
            connection.exec_driver_sql("LOCK TABLE ledger_head IN EXCLUSIVE MODE")

    event.listen(engine, "begin", begin)
    event.listen(engine, "handle_error", _say_lost)
    return engine


def _say_lost(context: ExceptionContext) -> None:
    """Make of a lost or refused connection what a user can act on; no pre-ping ends in it."""
    opening = context.connection is None
    if (context.is_disconnect or opening) and not context.is_pre_ping:
        raise StoreError(
            "The workspace server refused the connection or did not answer.",
            remedy="check that it is running, and the user name, password and database; then try"
            " again.",
        ) from None


def layout(connection: Connection) -> int | None:
    """Layout of the workspace in the database, or None where there is none."""
    query = "SELECT obj_description(to_regclass('events'), 'pg_class')"
    comment = connection.exec_driver_sql(query).scalar_one()
    return int(comment.removeprefix(_LAYOUT)) if (comment or "").startswith(_LAYOUT) else None


def lay_out(connection: Connection, tables: MetaData, number: int) -> None:
    """Make tables and triggers in an empty database; one that is laid out stays as it is."""
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('triptych'))")
    if layout(connection) is not None:
        return
    tables.create_all(connection, checkfirst=False)
    for statement in triggers.POSTGRES:
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"COMMENT ON TABLE events IS '{_LAYOUT}{number}'")


def grant(connection: Connection, tables: Sequence[Table], role: str) -> None:
    """Let the database role `role` record: read all, add to all, change what is no evidence."""
    quoted = connection.dialect.identifier_preparer.quote_identifier(role)
    for table in tables:
        connection.exec_driver_sql(f"GRANT SELECT, INSERT ON {table.name} TO {quoted}")
    for change in _CHANGES:
        name, _, columns = change.partition(" ")
        connection.exec_driver_sql(f"GRANT UPDATE {columns} ON {name} TO {quoted}")
    # It says what the assessments say; a case that is corrected waits for its next one.
    connection.exec_driver_sql(f"GRANT DELETE ON worklist TO {quoted}")


def key_folder(keys: Path | None) -> Path:
    """The folder of the signing key, which lies beside no database file here.

    Raises:
        StoreError: if none is named or it is not there.
    """
    if keys is None or not keys.is_dir():
        raise StoreError(
            "A workspace on a server needs a folder for its signing key.",
            remedy="name a folder on this machine that only you can read, with --keys.",
        )
    return keys
