"""Similar cases on the page: when they are looked for, which they are, and who may see them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import reading_fixture
from streamlit.testing.v1 import AppTest

from clinical.assess.alike import Measured
from clinical.review import intake
from clinical.review import protocol as protocol_rules
from clinical.review.protocol import Protocol
from clinical.workspace.database import open_workspace, writing
from ui.panels import alike_panel
from ui.state import alike

OpenPage = Callable[..., AppTest]

CASE = "CASE-000"


def shown(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def switch(page: AppTest) -> AppTest:
    return page.toggle(key=f"similar-{CASE}").set_value(True).run()


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The cases of each search, in order."""
    found: list[list[str]] = []
    honest = alike.nearest

    def noted(*args: object) -> list[alike.Alike]:
        made = honest(*args)  # type: ignore[arg-type]
        found.append([one.row.entry.case_id for one in made])
        return made

    monkeypatch.setattr(alike, "nearest", noted)
    return found


def test_nothing_is_looked_for_until_it_is_asked_for(
    open_page: OpenPage, looked: list[list[str]]
) -> None:
    page = open_page(case_id=CASE)
    assert looked == []
    page = switch(page)
    assert len(looked[0]) == alike.MOST
    assert CASE not in looked[0]
    assert "no evidence for a diagnosis" in shown(page)
    assert "has not been measured for this model" in shown(page)


def test_another_visit_of_the_patient_is_none_of_them(
    open_page: OpenPage, workspace: Path, looked: list[list[str]]
) -> None:
    first = reading_fixture.make_case(0)
    other = replace(reading_fixture.make_case(70), patient_id=first.patient_id)
    engine = open_workspace(workspace)
    with writing(engine) as connection:
        twin = reading_fixture.make_assessment(other)
        intake.record_assessment(connection, other, twin, "system")
    engine.dispose()
    switch(open_page(case_id=CASE))
    assert "CASE-070" not in looked[0]


def test_who_reads_blind_finds_none_and_is_found_none(
    open_page: OpenPage, workspace: Path, looked: list[list[str]]
) -> None:
    engine = open_workspace(workspace)
    protocol_rules.set_protocol(engine, Protocol(first_read=True), "dr.chief")
    engine.dispose()
    page = open_page(case_id=CASE)
    assert not page.toggle, "before the first read there is no switch"
    page.button(key="commit-none").click().run()
    page = switch(page)
    assert looked == [[]], "the model's output on all others is kept from this reader"
    assert "that this model assessed can be shown" in shown(page)


def test_a_signed_reading_of_a_similar_case_is_told(
    open_page: OpenPage, looked: list[list[str]]
) -> None:
    switch(open_page(case_id=CASE))
    other = open_page(reader="dr.second", case_id=looked[0][0])
    other.button(key="accept").click().run()
    other.button(key="sign").click().run()
    other.button(key="confirm-sign").click().run()
    page = switch(open_page(case_id=CASE))
    (table,) = [e for e in page.get("bidi_component") if "similar" in str(e.proto)]
    assert "dr.second" in str(table.proto)
    assert "C-reactive protein high" in str(table.proto), "what both cases have"


def test_how_good_the_search_is_stands_beside_it() -> None:
    words = alike_panel.quality(Measured(420, "Some clinic", 5, 3.21, 3.0, 3.4, 0.66, 1.04))
    assert "420 unseen patients (Some clinic)" in words
    assert "of the first 5 cases, 3.2 have the same true diagnoses" in words
    assert "drawn blindly it is 0.7, by the shared space 1.0." in words
