"""Seven patients at the edge: what a clinician is told of each, with the model that ships."""

from __future__ import annotations

from pathlib import Path

import edge_patients
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from waiting import SECONDS

SCRIPT = Path(__file__).parents[3] / "ui" / "host" / "script" / "main.py"
SILENT = "The model suggests nothing for this case"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without the real film, which not every checkout has beside it."""
    return edge_patients.make_workspace(tmp_path_factory.mktemp("edge"))


def told(workspace: Path, case_id: str) -> str:
    st.cache_resource.clear()
    page = AppTest.from_file(str(SCRIPT), default_timeout=SECONDS)
    page.secrets["workspace"] = str(workspace)
    page.secrets["reader"] = "dr.edge"
    page.secrets["role"] = "reader"
    page.session_state["triptych_case"] = case_id
    page.session_state["triptych_requested"] = True
    page.run()
    assert not page.exception
    shown = [element.proto.body for element in page.get("html")]
    return "\n".join([*shown, *(str(element.proto) for element in page.get("bidi_component"))])


@pytest.mark.parametrize(
    ("case_id", "words", "never"),
    [
        (edge_patients.SHOCK, ("Potassium 6.9 mmol/L", "NEWS2", "78 mmHg"), (SILENT,)),
        (
            edge_patients.CHILD,
            (SILENT, "18 years and older", "Heart rate 168 /min".lower(), "Not scored"),
            ("COPD",),
        ),
        (edge_patients.IMAGE, ("history, measurements, notes",), (SILENT, "Critical")),
        (edge_patients.NOTES, (SILENT, "unlike the training cases (notes: "), ("Critical",)),
        (edge_patients.PAGES, (SILENT, "Page 60."), ()),
        (edge_patients.NO_NOTES, ("Missing", "notes"), (SILENT,)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_is_told_what_matters(
    workspace: Path, case_id: str, words: tuple[str, ...], never: tuple[str, ...]
) -> None:
    shown = told(workspace, case_id)
    for part in words:
        assert part in shown, part
    for part in never:
        assert part not in shown, part


@pytest.mark.real_data
def test_a_real_film_is_shown_and_the_model_says_that_it_is_unlike(
    shared_data: Path, tmp_path: Path
) -> None:
    made = edge_patients.make_workspace(tmp_path, shared_data / "nih_chestxray")
    shown = told(made, edge_patients.REAL)
    assert SILENT in shown
    assert "unlike the training cases (image: " in shown
    assert "orientation not stated" in shown
