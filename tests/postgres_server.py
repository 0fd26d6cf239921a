"""A PostgreSQL server of its own for a test: Debian's programs, a temporary folder, one socket."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from waiting import SECONDS

from clinical.workspace import place
from clinical.workspace.database import grant, open_workspace
from clinical.workspace.layout import TABLES

OWNER, WRITER = "owner", "writer"
EMPTIED = "emptied"  # before each test that uses it, which is quicker than making tables
ACCOUNT = "postgres"  # of the machine; the server refuses to run as root


@dataclass(frozen=True)
class Server:
    """Where it listens, and its workspaces as its owner and a role that only records see them."""

    folder: Path

    def url(self, role: str, database: str = "triptych") -> str:
        return f"postgresql+psycopg://{role}@/{database}?host={self.folder}"

    def workspace(self, role: str, keys: Path, database: str = "triptych") -> place.Server:
        return place.Server(self.url(role, database), keys)

    def empty_workspace(self, keys: Path) -> place.Server:
        """The same one each time, emptied past all triggers, for the role that records."""
        names = ", ".join(table.name for table in TABLES.sorted_tables)
        self.run(f"SET session_replication_role = replica; TRUNCATE {names}", EMPTIED)
        return self.workspace(WRITER, keys, EMPTIED)

    def run(self, statement: str, database: str = "triptych") -> str:
        command = ["psql", "-h", str(self.folder), "-U", OWNER, "-d", database, "-Atc", statement]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextmanager
def running() -> Iterator[Server]:
    """Start it with an empty database, a laid out one and both roles; skips where it is absent."""
    pytest.importorskip("psycopg")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    programs = found[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="triptych-postgres-"))
    as_account = []
    if os.geteuid() == 0:
        shutil.chown(folder, ACCOUNT)
        as_account = ["setpriv", "--reuid", ACCOUNT, "--regid", ACCOUNT, "--clear-groups"]
    data = folder / "data"

    def call(name: str, *arguments: str) -> None:
        command = [*as_account, str(programs / name), *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd=folder)

    try:
        call(
            "initdb", "-N", "-D", str(data), "-U", OWNER, "-A", "trust", "-E", "UTF8", "--locale=C"
        )
        # Tests kill who writes to the server, never the machine: nothing has to reach the disk.
        options = f"-c listen_addresses='' -c fsync=off -k {folder}"
        patient = ("-w", "-t", f"{SECONDS:.0f}")
        call("pg_ctl", "-D", str(data), *patient, "-l", str(folder / "log"), "-o", options, "start")
        try:
            server = Server(folder)
            server.run("CREATE DATABASE triptych", "postgres")
            server.run(f"CREATE ROLE {WRITER} LOGIN")
            server.run(f"CREATE DATABASE {EMPTIED}")
            owned = open_workspace(server.workspace(OWNER, folder, EMPTIED), create=True)
            grant(owned, WRITER)
            owned.dispose()
            yield server
        finally:
            call("pg_ctl", "-D", str(data), "-m", "immediate", *patient, "stop")
    finally:
        shutil.rmtree(folder)
