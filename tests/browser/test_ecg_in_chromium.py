"""The electrocardiogram in a real browser: marks, tracings by name, calipers by mouse and keys."""

from __future__ import annotations

import re
from collections.abc import Iterator

import ecg_fixture
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from ports import reserved_port
from settled import settle
from waiting import until

from ui.host import launch

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    workspace = ecg_fixture.make_workspace(tmp_path_factory.mktemp("ecg"))
    running = launch.start(
        launch.Choices(workspace, port=reserved_port(), reader="dr.test", role="reader")
    )
    yield running.address
    running.stop()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
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


def open_case(page: Page, case_id: str) -> None:
    page.locator(f'tr[data-pick="{case_id}"]').click()
    expect(page.get_by_role("heading", name=case_id)).to_be_visible()


def sheet(page: Page) -> Locator:
    return page.get_by_role("group", name=re.compile("^Electrocardiogram with calipers"))


def marked(page: Page) -> set[str]:
    bands = sheet(page).locator("rect.evidence")
    names: list[str] = bands.evaluate_all("all => all.map((one) => one.dataset.lead)")
    return set(names)


def test_the_worklist_has_its_letter(page: Page) -> None:
    cells = page.locator(f'tr[data-pick="{ecg_fixture.READ}"] span.input')
    expect(cells.filter(has_text=re.compile("^E ecg present"))).to_have_count(1)
    unread = page.locator(f'tr[data-pick="{ecg_fixture.WITHOUT}"] span.input')
    expect(unread).to_have_count(4)


def test_what_the_chosen_diagnosis_rests_on_is_marked(page: Page) -> None:
    open_case(page, ecg_fixture.READ)
    expect(sheet(page).get_by_role("img")).to_be_visible()
    until(lambda: marked(page) == {"V1", "V2", "V3"}, "the marks of the diagnosis")
    expect(page.get_by_text("20% of this suggestion")).to_be_visible()
    expect(page.get_by_text("Measured by the program.")).to_be_visible()
    page.locator('[data-pick="viral_pneumonia"]').first.click()
    expect(sheet(page).locator('rect.evidence[data-lead="I"]').first).to_be_attached()
    until(lambda: marked(page) == {"I"}, "the marks of the other diagnosis")


def test_tracings_are_chosen_by_name_and_only_the_first_one_was_read(page: Page) -> None:
    open_case(page, ecg_fixture.READ)
    expect(page.get_by_text("sinus tachycardia", exact=True)).to_be_visible()
    page.get_by_role("radio", name="ecg 2").click()
    expect(page.get_by_text("atrial fibrillation", exact=True)).to_be_visible()
    until(lambda: marked(page) == set(), "a tracing without marks")
    page.get_by_role("radio", name="prior ecg").click()
    expect(page.get_by_text("sinus rhythm", exact=True)).to_be_visible()


def test_calipers_measure_by_mouse_and_by_keys(page: Page) -> None:
    open_case(page, ecg_fixture.READ)
    paper = sheet(page)
    paper.scroll_into_view_if_needed()
    box = paper.bounding_box()
    assert box is not None
    # 25 mm on the paper, which is 270 mm wide, are a second.
    mm = box["width"] / 270
    page.mouse.move(box["x"] + 30 * mm, box["y"] + 20 * mm)
    page.mouse.down()
    page.mouse.move(box["x"] + 55 * mm, box["y"] + 15 * mm, steps=4)
    page.mouse.up()
    reading = page.locator("output.reading")
    expect(reading).to_have_text(re.compile(r"^I, (9[89]\d|1000|100\d|101\d)\sms, \+0\.5\d?\smV"))
    paper.press("Escape")
    expect(reading).to_have_text("")
    paper.press("Enter")
    for _ in range(8):
        paper.press("Shift+ArrowRight")
    expect(reading).to_have_text(re.compile(r"1600\sms, 0\.00\smV, 38/min"))


def test_a_model_that_does_not_know_tracings_says_so(page: Page) -> None:
    open_case(page, ecg_fixture.UNREAD)
    expect(page.get_by_text("not read by this model: ecg, prior ecg")).to_be_visible()
    expect(sheet(page).get_by_role("img")).to_be_visible()
    assert marked(page) == set()


def test_a_case_without_one_has_no_panel(page: Page) -> None:
    open_case(page, ecg_fixture.WITHOUT)
    expect(page.get_by_role("heading", name="Notes", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="Electrocardiogram")).to_have_count(0)
