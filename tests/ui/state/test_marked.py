"""The marks that a viewer begins with: those drawn since, and of other images those recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clinical.case.shapes import Array
from clinical.review import marking, marks
from clinical.workspace.database import open_workspace, writing
from ui.state import desk, drafts, marked, state
from ui.state.drafts import Draft
from ui.state.visits import Owner

FILM = Array(np.zeros((8, 8), np.float32))
IMAGES = {"image": FILM, "prior_image": FILM}
OWNER = Owner("here", "dr.test", "CASE-000")


def words(text: str) -> list[dict[str, Any]]:
    return [{"kind": "text", "frame": 1, "points": [[1, 1]], "text": text, "window": None}]


@pytest.fixture
def found(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], object]]:
    """What the viewer begins with, as image and words, after something was recorded."""
    engine = open_workspace(workspace)
    monkeypatch.setattr(state, "engine", lambda: engine)
    monkeypatch.setattr(state, "reader", lambda: OWNER.reader)
    monkeypatch.setattr(desk, "owner", lambda _: OWNER)
    monkeypatch.setattr(drafts, "_kept", {})
    told = marks.read({"image": words("old"), "prior_image": words("prior")}, IMAGES)
    with writing(engine) as connection:
        marking.record(connection, OWNER.case_id, OWNER.reader, told)
    yield lambda: [(mark.image, mark.text) for mark in marked.of_reader(OWNER.case_id, IMAGES)]
    engine.dispose()


def test_it_begins_with_what_is_recorded(found: Any) -> None:
    assert found() == [("image", "old"), ("prior_image", "prior")]


def test_what_was_drawn_since_takes_its_place_image_by_image(
    found: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = Draft(None, None, marks={"image": words("new")})
    monkeypatch.setattr(drafts, "_kept", {OWNER: since})
    assert found() == [("prior_image", "prior"), ("image", "new")]


def test_what_is_no_mark_is_not_taken(found: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    nonsense = Draft(None, None, marks={"another patient": 3})
    monkeypatch.setattr(drafts, "_kept", {OWNER: nonsense})
    assert found() == [("image", "old"), ("prior_image", "prior")]
