"""What-if on the case page, with a stand-in for the process that answers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import reading_fixture
from streamlit.testing.v1 import AppTest
from waiting import SECONDS

from clinical.assess.hypothetical import Changed, LeftOut
from clinical.audit import ledger
from clinical.case.assessment import AuditEvent
from clinical.model.card import Card
from clinical.workspace.database import open_workspace
from ui.panels import what_if_panel
from ui.state import models, what_if
from ui.state.models import Here

OpenPage = Callable[..., AppTest]
STAND_IN = Path(__file__).parent / "answering_fixture.py"
DIGEST = "ab" * 32  # of the model in the fixture's assessments


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[what_if.Answering]]:
    """The processes that were started, the first one first; they end with the test."""
    found: list[what_if.Answering] = []
    start = what_if._started

    def noted(checkpoint: Path) -> what_if.Answering:
        found.append(start(checkpoint))
        return found[-1]

    monkeypatch.setattr(what_if, "_started", noted)
    monkeypatch.setattr(what_if, "_loaded", {})
    yield found
    for running in found:
        what_if.end(running)


@pytest.fixture
def stand_in(
    started: list[what_if.Answering],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str], None]:
    """Answers in the given manner instead of a model."""

    def use(manner: str) -> None:
        card = Card(Path("none"), "fixture", DIGEST, {}, "")
        monkeypatch.setattr(models, "_here", lambda: Here((card,), (card,)))
        command = [sys.executable, str(STAND_IN), DIGEST, manner]
        monkeypatch.setattr(what_if, "command", lambda _: command)

    return use


def hypotheticals(workspace: Path) -> list[AuditEvent]:
    engine = open_workspace(workspace)
    with engine.connect() as connection:
        found = list(ledger.events(connection, kind="HYPOTHETICAL"))
    engine.dispose()
    return found


def shown(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def opened(open_page: OpenPage) -> AppTest:
    page = open_page(case_id="CASE-001")
    page.toggle(key="what-if-open").set_value(True).run()
    return page


def test_without_the_model_it_says_so(open_page: OpenPage) -> None:
    page = opened(open_page)
    assert "is not installed" in shown(page)
    assert not page.get("selectbox")


def test_an_auditor_is_not_offered_it(open_page: OpenPage) -> None:
    page = open_page(case_id="CASE-001", role="auditor")
    assert "what-if-open" not in [toggle.key for toggle in page.toggle]


def test_the_model_is_loaded_once_as_soon_as_a_case_is_on_the_screen(
    open_page: OpenPage, stand_in: Callable[[str], None], started: list[what_if.Answering]
) -> None:
    stand_in("halves")
    page = open_page(case_id="CASE-001")
    (loading,) = started
    page.toggle(key="what-if-open").set_value(True).run()
    page.button(key="what-if-ask").click().run()
    assert "HYPOTHETICAL" in shown(page)
    assert started == [loading]


def test_one_that_could_not_be_loaded_is_tried_again_when_somebody_asks(
    open_page: OpenPage, stand_in: Callable[[str], None], started: list[what_if.Answering]
) -> None:
    stand_in("halves")
    page = open_page(case_id="CASE-001")
    what_if.end(started[0])
    page.toggle(key="what-if-open").set_value(True).run()
    assert len(started) == 1
    page.button(key="what-if-ask").click().run()
    assert len(started) == 2


def test_of_more_than_two_models_the_one_that_was_wanted_first_is_ended(
    started: list[what_if.Answering], monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = [Card(Path(name), name, name, {}, "") for name in ("first", "second", "third")]
    monkeypatch.setattr(models, "known", lambda: tuple(cards))
    monkeypatch.setattr(what_if, "command", lambda _: [sys.executable, "-c", "input()"])
    made = reading_fixture.make_assessment(reading_fixture.make_case(1))
    for card in cards:
        what_if.wake(replace(made, model=replace(made.model, digest=card.digest)))
    assert [running.process.poll() is None for running in started] == [False, True, True]


def test_an_input_left_out_is_shown_as_hypothetical_and_recorded(
    open_page: OpenPage, workspace: Path, stand_in: Callable[[str], None]
) -> None:
    stand_in("halves")
    page = opened(open_page)
    assert "HYPOTHETICAL" not in shown(page)
    page.selectbox(key="what-if-change").select(LeftOut("image")).run()
    page.button(key="what-if-ask").click().run()

    assert not page.error
    assert "HYPOTHETICAL" in shown(page)
    assert "Image left out." in shown(page)
    assert "−40 points" in shown(page)
    assert "no longer suggested" not in shown(page)  # 81% becomes 40.5%, and 40% suggests
    (event,) = hypotheticals(workspace)
    assert (event.actor, event.payload["left_out"]) == ("dr.test", ["image"])
    page.button(key="what-if-clear").click().run()
    assert "HYPOTHETICAL" not in shown(page)


def test_a_changed_value_is_recorded_by_its_code(
    open_page: OpenPage, workspace: Path, stand_in: Callable[[str], None]
) -> None:
    stand_in("halves")
    page = opened(open_page)
    page.selectbox(key="what-if-change").select(Changed("measurements", 8, 4.1)).run()
    page.number_input[0].set_value(5.25).run()
    page.button(key="what-if-ask").click().run()

    assert "Potassium 5.25 mmol/L instead of 4.1" in shown(page)
    (event,) = hypotheticals(workspace)
    assert event.payload["changed"] == ["2823-3"]
    assert "5.25" not in str(event.payload)


@pytest.mark.parametrize(
    ("manner", "words"),
    [
        ("refuses", "The model cannot."),
        ("dies", "has ended"),
        ("hangs", "did not answer within 1 seconds"),
    ],
)
def test_without_an_answer_nothing_is_recorded_and_one_may_ask_again(
    open_page: OpenPage,
    workspace: Path,
    stand_in: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    manner: str,
    words: str,
) -> None:
    stand_in(manner)
    page = opened(open_page)
    monkeypatch.setattr(what_if, "ANSWER_SECONDS", 1.0 if manner == "hangs" else SECONDS)
    page.button(key="what-if-ask").click().run()
    assert words in page.error[0].value
    assert not hypotheticals(workspace)

    monkeypatch.setattr(what_if, "ANSWER_SECONDS", SECONDS)
    stand_in("halves")
    if manner != "refuses":  # a process that only refused is still there, and refuses again
        page.button(key="what-if-ask").click().run()
        assert len(hypotheticals(workspace)) == 1


def test_choices_name_inputs_and_usable_values() -> None:
    case = reading_fixture.make_case(1)
    found = what_if_panel.choices(case)

    assert found[LeftOut("notes")] == "Leave out: notes"
    assert found[Changed("measurements", 0, 187)].startswith("C-reactive protein, now 187 mg/L")
    assert not any("LDH" in words for words in found.values())


def test_a_withheld_number_is_not_shown_by_the_comparison() -> None:
    case = reading_fixture.make_case(1)
    made = reading_fixture.make_assessment(case)
    html = str(what_if_panel.comparison(case, LeftOut("image"), made, made))

    assert html.count(">withheld<") == 2
    assert "6%" not in html
