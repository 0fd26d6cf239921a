"""Events that a test of heads and witnesses records, and where they lie."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from clinical.audit import heads, ledger
from clinical.workspace.database import folder_of, writing
from pipelines.commands import verification


def record(engine: Engine, kind: str, count: int = 1) -> None:
    """Append events of one kind in one transaction."""
    with writing(engine) as connection:
        for number in range(count):
            ledger.append(connection, kind, actor="reader", payload={"n": number})  # type: ignore[arg-type]


def folder(engine: Engine) -> Path:
    """Where the key of a workspace lies."""
    with engine.connect() as connection:
        return folder_of(connection)


def lines(engine: Engine) -> list[bytes]:
    """All heads so far, as a witness keeps them."""
    with engine.connect() as connection:
        return heads.lines(connection)


def sizes(witness: Path | str) -> list[int]:
    """Of the heads that a witness holds."""
    return [head.size for head in verification.witnessed(witness)]
