"""`triptych audit purge`: choose the cases, remove them, and report what was removed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from rich.console import Console
from sqlalchemy import Engine

from clinical.audit import retention
from clinical.errors import ConfigError
from pipelines.jobs.progress import bar


def chosen(engine: Engine, cases: Sequence[str], older_than: int | None) -> list[str]:
    """The cases to purge: those named, or those without any event for `older_than` days.

    Raises:
        ConfigError: if both or neither is given.
    """
    if bool(cases) == (older_than is not None):
        raise ConfigError(
            "Purge needs either --case or --older-than.", remedy="give one of the two."
        )
    if older_than is None:
        return list(dict.fromkeys(cases))
    with engine.connect() as connection:
        return retention.older_than(connection, datetime.now(UTC) - timedelta(days=older_than))


def count(engine: Engine, cases: Sequence[str]) -> str:
    """What a purge of these cases would remove, in words."""
    with engine.connect() as connection:
        found = [held for case in cases if (held := retention.held(connection, case))]
    kinds = ("assessments", "pixels", "comments")
    numbers = {kind: sum(len(getattr(held, kind)) for held in found) for kind in kinds}
    return (
        f"{len(found)} cases, {numbers['assessments']} assessments,"
        f" {numbers['pixels']} images used by no other case, {numbers['comments']} comments"
    )


def purge(engine: Engine, cases: Sequence[str], because: str, actor: str, screen: Console) -> None:
    """Purge, with a progress bar, and say by which events.

    Raises:
        LedgerError, StoreError: as `retention.purge`.
    """
    told = count(engine, cases)
    with bar() as display:
        task = display.add_task("purge", total=len(cases), note="")
        events = retention.purge(
            engine,
            cases,
            because=because,
            actor=actor,
            progress=lambda: display.advance(task),
        )
    screen.print(f"removed {told}")
    if events:
        screen.print(f"recorded as events {events[0].sequence} to {events[-1].sequence}")
    screen.print("earlier exports, backups and indices still hold what was removed")
