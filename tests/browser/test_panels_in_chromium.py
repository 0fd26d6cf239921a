"""The worklist by keyboard alone, assigning, panels, and the study page in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import reading_fixture
import study_fixture
from playwright.sync_api import Browser, Locator, Page, expect
from ports import reserved_port
from settled import settle

from clinical.audit import ledger
from clinical.workspace.database import open_workspace
from ui.host import launch

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reading_fixture.make_workspace(tmp_path_factory.mktemp("panels"), cases=6)


@pytest.fixture(scope="module")
def address(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page as an adjudicator sees it, with a folder of studies."""
    running = launch.start(
        launch.Choices(
            workspace,
            port=reserved_port(),
            reader="dr.head",
            role="adjudicator",
            studies=study_fixture.make_studies(tmp_path_factory.mktemp("studies")),
        )
    )
    yield running.address
    running.stop()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1280, "height": 800})
    trouble: list[str] = []
    opened.on("pageerror", lambda error: trouble.append(str(error)))
    opened.on(
        "console",
        lambda message: trouble.append(message.text) if "Refused" in message.text else None,
    )
    opened.goto(address)
    settle(opened)
    yield opened
    opened.close()
    assert not trouble


def width(image: Locator) -> int:
    """Of a picture itself, once it is loaded."""
    found: int = image.evaluate(
        "async image => { await image.decode(); return image.naturalWidth; }"
    )
    return found


def test_search_choose_open_and_come_back_by_keyboard_alone(page: Page) -> None:
    page.keyboard.press("/")
    expect(page.locator(".st-key-search input")).to_be_focused()
    page.keyboard.type("heart")
    expect(page.locator("tr[data-pick]")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    expect(page.locator('tr[data-pick="CASE-002"]')).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="CASE-002")).to_be_visible()
    page.keyboard.press("w")
    expect(page.locator(".st-key-search input")).to_have_value("heart")
    expect(page.locator("tr[data-pick]")).to_have_count(1)


def test_urgent_cases_stand_first_and_keys_go_to_both_ends(page: Page) -> None:
    rows = page.locator("tr[data-pick]")
    expect(rows.first).to_contain_text("Now")
    rows.first.focus()
    page.keyboard.press("End")
    expect(rows.last).to_be_focused()
    stops = page.locator('tr[data-pick][tabindex="0"]')
    expect(stops).to_have_count(1)
    expect(stops).to_be_focused()
    page.keyboard.press("Home")
    expect(rows.first).to_be_focused()


def test_cases_are_marked_with_the_space_bar_and_assigned(page: Page, workspace: Path) -> None:
    row = page.locator('tr[data-pick="CASE-004"]')
    row.focus()
    page.keyboard.press("Space")
    expect(row.get_by_role("checkbox")).to_be_checked()
    expect(row).to_be_focused()
    expect(page.get_by_text("1 marked")).to_be_visible()
    page.locator(".st-key-assignee input").click()
    page.get_by_role("option", name="dr.head").click()
    page.get_by_role("button", name="Assign", exact=True).click()
    expect(row.locator(".assigned")).to_have_text("dr.head")

    engine = open_workspace(workspace)
    with engine.connect() as connection:
        (event,) = ledger.events(connection, kind="ASSIGNED")
    engine.dispose()
    assert (event.case_id, event.payload["reader"]) == ("CASE-004", "dr.head")


def test_choosing_a_suggestion_changes_the_reasons(page: Page) -> None:
    page.locator('tr[data-pick="CASE-001"]').click()
    expect(page.locator(".card")).to_have_count(len(reading_fixture.DIAGNOSES))
    expect(page.locator(".reasons")).to_contain_text("evidence for viral pneumonia")
    page.locator('[data-pick="heart_failure"]').click()
    expect(page.locator(".reasons")).to_contain_text("evidence against heart failure")
    assert width(page.locator("img.sparkline").first) == 44


def test_what_if_says_why_it_cannot_be_asked(page: Page) -> None:
    page.locator('tr[data-pick="CASE-001"]').click()
    switch = page.locator(".st-key-what-if-open label")
    switch.scroll_into_view_if_needed()
    switch.click()
    expect(page.get_by_text("is not installed")).to_be_visible()


def test_a_study_draws_its_figures_and_opens_the_cases_that_are_here(
    page: Page, address: str
) -> None:
    page.goto(f"{address}/studies")
    figure = page.get_by_role("img", name="ROC curves of heart failure")
    expect(figure).to_be_visible()
    assert width(figure) == 40
    card = page.locator('.example[data-pick="CASE-002"]')
    card.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="CASE-002")).to_be_visible()
    assert "CASE" not in page.url


def test_the_model_page_shows_its_card(page: Page, address: str) -> None:
    page.goto(f"{address}/model")
    expect(page.get_by_role("heading", name="What it is")).to_be_visible()
    expect(page.get_by_text("not installed: no what-if")).to_be_visible()
