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

OWNER, WRITER = "owner", "writer"
ACCOUNT = "postgres"  # of the machine; the server refuses to run as root


@dataclass(frozen=True)
class Server:
    """Where it listens, and addresses for its owner and for a role that only records."""

    folder: Path

    def url(self, role: str, database: str = "triptych") -> str:
        return f"postgresql+psycopg://{role}@/{database}?host={self.folder}"

    def run(self, statement: str, database: str = "triptych") -> str:
        command = ["psql", "-h", str(self.folder), "-U", OWNER, "-d", database, "-Atc", statement]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextmanager
def running() -> Iterator[Server]:
    """Start the server and make an empty database with both roles; skips where it is not there."""
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
        call("initdb", "-D", str(data), "-U", OWNER, "-A", "trust", "-E", "UTF8", "--locale=C")
        options = f"-c listen_addresses='' -k {folder}"
        call("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            server = Server(folder)
            server.run("CREATE DATABASE triptych", "postgres")
            server.run(f"CREATE ROLE {WRITER} LOGIN")
            yield server
        finally:
            call("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)
