"""A door with one account, dr.first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from front_door import COOKIE, PASSWORD

from clinical.access import accounts
from clinical.workspace.database import open_workspace
from ui.access import login_throttle, refusals, session
from ui.host.door import Door


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Of the clock of sessions, waits and refusals; they stand still until a test moves them."""
    held = [1000.0]
    for module in (login_throttle, refusals, session):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: held[0]))
    return held


@pytest.fixture
def entrance(tmp_path: Path, hands: list[float]) -> Iterator[Door]:
    engine = open_workspace(tmp_path, create=True)
    accounts.add(engine, "dr.first", "reader", PASSWORD)
    yield Door(engine, COOKIE, idle=900)
    session.end_all(engine)
    login_throttle.succeeded("dr.first")
    engine.dispose()
