"""The model page: installed, named by the ledger, and its card as text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from waiting import SECONDS

from clinical.model import card
from clinical.wording import RESEARCH_USE
from ui.pages import model
from ui.panels import card_text
from ui.state import models
from ui.state.models import Here

OpenModel = Callable[[], AppTest]
HOSTILE = """# Card <script>alert(1)</script>

**Bold** and `code`, ![beacon](http://example.org/b.png) and [click](javascript:alert(1)).

- one <img src=x>
- two

| a | b |
| --- | --- |
| <b>1</b> | 2 |
"""


def script() -> None:
    """The page by itself."""
    from ui.pages import model

    model.render()


@pytest.fixture
def open_model(prepared_workspace: Path) -> OpenModel:
    st.cache_resource.clear()

    def opened() -> AppTest:
        page = AppTest.from_function(script, default_timeout=SECONDS)
        page.secrets["workspace"] = str(prepared_workspace)
        page.secrets["reader"] = "dr.test"
        page.secrets["role"] = "reader"
        return page.run()

    return opened


def shown(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def test_the_installed_model_and_the_one_that_assessed_are_told_apart(
    open_model: OpenModel,
) -> None:
    page = open_model()
    html = shown(page)

    assert not page.exception
    assert RESEARCH_USE in html
    assert "not installed: no what-if" in html  # the fixture's cases were assessed by "fixture"
    assert ">12<" in html
    assert "Model card: first-light" in html
    assert "3,600 cases of 3,433 patients" in html


def test_a_model_that_the_page_was_started_with_comes_first(
    prepared_workspace: Path, tmp_path: Path
) -> None:
    st.cache_resource.clear()
    (shipped,) = card.installed()
    told = {**shipped.description, "name": "own", "digest": "ab" * 32}
    (tmp_path / card.DESCRIPTION).write_text(json.dumps(told))
    page = AppTest.from_function(script, default_timeout=SECONDS)
    page.secrets["workspace"] = str(prepared_workspace)
    page.secrets["reader"] = "dr.test"
    page.secrets["role"] = "reader"
    page.secrets["model"] = str(tmp_path)
    page.run()

    assert "Model card: own" in shown(page)
    assert page.selectbox(key="model").options == ["own", "first-light", "real-films"]
    st.cache_resource.clear()


def test_the_card_of_a_model_that_was_not_added_can_be_read_too(open_model: OpenModel) -> None:
    page = open_model()
    (further,) = card.on_request()
    page.selectbox(key="model").select(further.name).run()

    html = shown(page)
    assert f"Model card: {further.name}" in html
    assert "What it must not be used for" in html
    assert "not asked about new cases" in html
    assert "patients from 1 year to below 6 years" in html


def test_it_works_without_a_checkpoint(
    open_model: OpenModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "_here", lambda: Here((), ()))
    page = open_model()
    assert not page.exception
    assert "No model is installed" in page.info[0].value


def test_every_set_of_inputs_says_what_it_supports() -> None:
    (shipped,) = card.installed()
    made = str(model.patterns(shipped.description))

    assert made.count("<tr>") == 1 + len(shipped.description["support"])
    assert "9 of 9" in made
    assert "90% of 714" in made


def test_a_diagnosis_that_validation_did_not_support_is_named_as_withheld() -> None:
    found = {
        "diagnoses": ["sepsis", "stroke"],
        "prevalence": {"sepsis": 0.1, "stroke": 0.1},
        "support": {"notes": {"sepsis": {"auroc": 0.6, "low": 0.5, "positives": 9}}},
        "set_rules": {},
    }
    made = str(model.patterns(found))
    assert "0 of 2" in made
    assert "Sepsis, Stroke" in made
    assert ">none<" in made


def test_a_card_is_structure_and_everything_else_is_text() -> None:
    made = str(card_text.structured(HOSTILE))

    assert "<h3>Card &lt;script&gt;" in made
    assert "<b>Bold</b> and <code>code</code>" in made
    assert "![beacon](http://example.org/b.png)" in made
    assert "<li>two</li>" in made
    assert "<td>&lt;b&gt;1&lt;/b&gt;</td><td>2</td>" in made
    for forbidden in ("<script", "<img", "<a ", "href"):
        assert forbidden not in made


def test_when_a_model_is_asked_is_said_where_there_are_several() -> None:
    assert model.turn("a", ["a"]) == ""
    assert model.turn("b", ["a", "b"]) == "asked as number 2 of 2"
    assert "kept for replay" in model.turn("c", ["a", "b"])
