"""A door with one account, dr.first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from front_door import COOKIE, PASSWORD

from clinical.access import accounts
from clinical.workspace.database import open_workspace
from ui.access import login_throttle, session
from ui.host.door import Door


@pytest.fixture
def entrance(tmp_path: Path) -> Iterator[Door]:
    engine = open_workspace(tmp_path, create=True)
    accounts.add(engine, "dr.first", "reader", PASSWORD)
    yield Door(engine, COOKIE, idle=900)
    session.end_all(engine)
    login_throttle.succeeded("dr.first")
    engine.dispose()
