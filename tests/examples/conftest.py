"""The tour, walked once; the examples of exports read the workspace that it leaves."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from clinical.workspace.database import open_workspace
from examples import tour


@pytest.fixture(scope="session")
def toured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the tour leaves: four cases, one of them decided on, and the record."""
    out = tmp_path_factory.mktemp("tour") / "out"
    out.mkdir()
    tour.tour(out)
    return out


@pytest.fixture
def workspace(toured: Path, tmp_path: Path) -> Iterator[Engine]:
    """A copy of the tour's workspace."""
    shutil.copytree(toured / "workspace", tmp_path / "workspace")
    engine = open_workspace(tmp_path / "workspace")
    yield engine
    engine.dispose()
