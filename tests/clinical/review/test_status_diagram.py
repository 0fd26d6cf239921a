"""The diagram of the status in the documentation is drawn from the table in the code."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from clinical.review import status

DOCUMENT = Path(__file__).parents[3] / "docs" / "reading.md"


def test_the_document_shows_the_diagram_of_the_code() -> None:
    drawn = f"```mermaid\n{status.diagram()}\n```"
    assert drawn in DOCUMENT.read_text(encoding="utf-8"), f"put this into {DOCUMENT.name}:\n{drawn}"


def test_every_status_and_step_is_used() -> None:
    steps = {step for steps in status.TRANSITIONS.values() for step in steps}
    assert steps | {"opened"} == set(get_args(status.Step))
    assert set(status.TRANSITIONS) == set(get_args(status.Status))
