"""One workspace: a folder with one SQLite database, so that a state change and its audit event are
one transaction; or the same tables on a PostgreSQL server (`clinical.workspace.postgres`).

SQLite runs in write-ahead mode with `synchronous=FULL`: a commit that returned is on
the disk. Every writer begins with `BEGIN IMMEDIATE`, so that two writers never read the same end
of the ledger, and waits for its turn (`clinical.workspace.turn`).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    PoolProxiedConnection,
    Table,
    create_engine,
    event,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import DatabaseError, OperationalError

from clinical.errors import StoreError
from clinical.workspace import postgres, scratch, triggers, turn
from clinical.workspace.layout import ADDED, LAYOUT, TABLES
from clinical.workspace.place import Place, Server

CACHE_KB = 32_768  # SQLite's own 2 MB hold the indices of 10,000 events, and no more
DATABASE_NAME = "triptych.sqlite"
APPLICATION_ID = 0x54524950  # "TRIP": SQLite keeps it in the file header.

_WRITING = "triptych_writing"
_AFTER = "triptych_after_commit"
_FOLDER = "triptych_folder"


def open_workspace(place: Place, *, create: bool = False) -> Engine:
    """Open the workspace in a folder or on a server, or make one there with `create`.

    A workspace of an older layout gets the tables that it lacks.
    The database file is made readable by its owner only, because it holds patient data.

    Args:
        place: a folder, or a server (`clinical.workspace.place`).
        create: make it if it is not there; on a server this is for the owner of the database.

    Raises:
        StoreError: if there is no workspace, the file is something else, or it comes from a newer
            version of Triptych.
    """
    scratch.sweep()
    if isinstance(place, Server):
        return _open_server(place, create)
    path = place / DATABASE_NAME
    if create:
        _make_file(path)
    elif not path.is_file():
        raise StoreError(
            f"{place} holds no {DATABASE_NAME}.",
            remedy="give the folder of an existing workspace, or create one with `triptych demo`.",
        )
    engine = _engine(path)
    try:
        if create:
            _make_tables(engine, path)
        _upgrade(engine, path)
        _check_layout(engine, path)
    except DatabaseError as error:
        engine.dispose()
        raise StoreError(
            f"{path} cannot be opened as a Triptych workspace ({_reason(error)}).",
            remedy="check that it is a complete SQLite file in a folder you may write to, or"
            " restore "
            "it from a backup.",
        ) from None
    except StoreError:
        engine.dispose()
        raise
    return engine


@contextmanager
def opened(place: Place, *, create: bool = False) -> Iterator[Engine]:
    """`open_workspace` for as long as a block runs; its connections are closed whatever happens."""
    engine = open_workspace(place, create=create)
    try:
        yield engine
    finally:
        engine.dispose()


def grant(engine: Engine, role: str) -> None:
    """Let a role of the PostgreSQL server record in this workspace, but not change the ledger.

    Raises:
        StoreError: if the server refuses, for example because there is no such role, or the
            workspace is in a folder.
    """
    if engine.dialect.name == "sqlite":
        raise StoreError(
            "A workspace in a folder has no database roles.", remedy="leave out --grant."
        )
    try:
        with writing(engine) as connection:
            postgres.grant(connection, TABLES.sorted_tables, role)
    except DatabaseError:
        raise StoreError(
            "The server refused this grant.",
            remedy="create the role first, and grant as the owner of the tables.",
        ) from None


def upsert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can say what to do where the row is there already."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One write transaction: commits at the end of the block, rolls back if the block raises.

    Raises:
        StoreError: if another writer holds the database for too long, or the disk refuses.
    """
    try:
        connection = engine.connect().execution_options(**{_WRITING: True})
    except OperationalError as error:
        raise _refused(error) from None
    with connection:
        try:
            transaction = connection.begin()
        except OperationalError as error:
            raise _refused(error) from None
        waiting = connection.info[_AFTER] = {}
        with transaction:
            yield connection
            try:
                transaction.commit()
            except OperationalError as error:
                raise _refused(error) from None
        for call in waiting.values():
            call()


def after_commit(connection: Connection, name: str, call: Callable[[], None]) -> None:
    """Call something once the transaction of `writing` is committed; never if it rolls back.

    Of what is given under one name only the last is called.
    """
    connection.info[_AFTER][name] = call


def is_writing(connection: Connection) -> bool:
    """Whether `connection` comes from `writing` and its transaction is still open."""
    return bool(connection.get_execution_options().get(_WRITING)) and connection.in_transaction()


def folder_of(connection: Connection) -> Path:
    """The folder of the workspace, where the key that signs its ledger lies."""
    folder: Path = connection.get_execution_options()[_FOLDER]
    return folder


def _open_server(place: Server, create: bool) -> Engine:
    url, options = postgres.url_of(place.address), {_FOLDER: postgres.key_folder(place.keys)}
    engine = postgres.connect(url, options, _WRITING, turn.BUSY_SECONDS)
    try:
        if create:
            with writing(engine) as connection:
                postgres.lay_out(connection, TABLES, LAYOUT)
        with engine.connect() as connection:
            _check_number(place.address, postgres.layout(connection))
    except DatabaseError:
        engine.dispose()
        raise StoreError(
            f"{place.address} holds no workspace that this role may open or make.",
            remedy="let the owner of the database create one with `triptych audit create --grant`.",
        ) from None
    except StoreError:
        engine.dispose()
        raise
    return engine


def _make_file(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(
            f"{path} cannot be created: {error.strerror}.",
            remedy="choose a folder you may write to.",
        ) from None


def _engine(path: Path) -> Engine:
    # hide_parameters: the message of a database error must never carry patient data into a log.
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(path)),
        hide_parameters=True,
        connect_args={"timeout": turn.BUSY_SECONDS, "isolation_level": None},
        execution_options={_FOLDER: path.parent},
    )
    event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", _named)
    return engine


def _prepare_connection(connection: DBAPIConnection, _: PoolProxiedConnection | object) -> None:
    cursor = connection.cursor()
    pragmas = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"cache_size=-{CACHE_KB}")
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    # The driver starts no transaction of its own (isolation_level None), so this is the only one.
    if not connection.get_execution_options().get(_WRITING):
        connection.exec_driver_sql("BEGIN")
        return
    inner: Any = connection.connection.dbapi_connection
    try:
        turn.begin(inner)
    except sqlite3.Error as error:
        found = _sentence(error, connection.engine)
        raise found or OperationalError("BEGIN IMMEDIATE", None, error) from None


def _named(context: ExceptionContext) -> None:
    if named := _sentence(context.original_exception, context.engine):
        raise named from None


def _sentence(error: BaseException, engine: Engine | None) -> StoreError | None:
    """A file that is damaged, or a disk that is full, is said so in one sentence, wherever."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the higher bits say where
    if not isinstance(error, sqlite3.Error):
        return None
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        place = engine.url.database if engine else ""
        return StoreError(
            f"The workspace {place} could not be written ({error}).",
            remedy="make room on its disk, and try again; nothing was changed.",
        )
    if code == sqlite3.SQLITE_CORRUPT:
        return StoreError(
            f"The database of the workspace is damaged ({error}).",
            remedy="keep the file for whoever examines it, and restore the last backup in another"
            " folder.",
        )
    return None


def _make_tables(engine: Engine, path: Path) -> None:
    """Lay out an empty file in one transaction; a file that is laid out already stays as it is."""
    with writing(engine) as connection:
        if _pragma(connection, "application_id") == APPLICATION_ID:
            return
        if connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one():
            raise _not_ours(path)
        _add(connection, TABLES.sorted_tables)
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version = {LAYOUT}")


def _add(connection: Connection, tables: Sequence[Table]) -> None:
    TABLES.create_all(connection, tables=tables, checkfirst=False)
    for table in tables:
        for trigger in triggers.SQLITE.get(table.name, ()):
            connection.exec_driver_sql(trigger)


def _upgrade(engine: Engine, path: Path) -> None:
    with engine.connect() as connection:
        if _pragma(connection, "application_id") != APPLICATION_ID:
            raise _not_ours(path)
        if _pragma(connection, "user_version") not in ADDED:
            return
    with writing(engine) as connection:
        # Read again: another program may have brought it up to date in between.
        for layout in range(_pragma(connection, "user_version"), LAYOUT):
            _add(connection, ADDED[layout])
        connection.exec_driver_sql(f"PRAGMA user_version = {LAYOUT}")


def _check_layout(engine: Engine, path: Path) -> None:
    with engine.connect() as connection:
        _check_number(str(path), _pragma(connection, "user_version"))


def _check_number(place: str, found: int | None) -> None:
    if found is None:
        raise StoreError(
            f"{place} holds no workspace.",
            remedy="let its owner create one with `triptych audit create`.",
        )
    if found != LAYOUT:
        raise StoreError(
            f"{place} has layout {found}, this version of Triptych reads layout {LAYOUT}.",
            remedy="open it with the version of Triptych that made it.",
        )


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())


def _not_ours(path: Path) -> StoreError:
    return StoreError(
        f"{path} is a database, but not a Triptych workspace.", remedy="choose another folder."
    )


def _refused(error: OperationalError) -> StoreError:
    return StoreError(
        f"The workspace could not be written ({_reason(error)}).",
        remedy="wait for other programs that use it, check the free space, then try again; "
        "nothing was changed.",
    )


def _reason(error: DatabaseError) -> str:
    # SQLite's own sentence ("database is locked") without statement or parameters.
    return str(error.orig) if isinstance(error.orig, sqlite3.Error) else "database error"
