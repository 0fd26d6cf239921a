"""What stands beside a case in a real browser: its PDF, notes, and what came meanwhile."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import reading_fixture
from playwright.sync_api import Browser, Page, expect
from ports import reserved_port
from printed_file import needs_poppler, text_of

from clinical.access import accounts
from clinical.audit import ledger
from clinical.case.assessment import AuditEvent
from clinical.review import intake
from clinical.workspace.database import open_workspace, writing
from ui.host import launch

pytestmark = pytest.mark.browser

PASSWORD = "three quiet herons"
CASE = "CASE-000"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    workspace = reading_fixture.make_workspace(tmp_path_factory.mktemp("served"), cases=3)
    engine = open_workspace(workspace)
    for name in ("dr.first", "dr.second"):
        accounts.add(engine, name, "reader", PASSWORD)
    engine.dispose()
    page = launch.start(launch.Choices(workspace, port=reserved_port()))
    yield page.address, workspace
    page.stop()


def signed_in(browser: Browser, address: str, name: str) -> Page:
    page = browser.new_context(accept_downloads=True).new_page()
    page.goto(address)
    page.get_by_label("Account").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("tr[data-pick]").first).to_be_visible()
    return page


def opened(page: Page) -> None:
    page.locator(f'tr[data-pick="{CASE}"]').click()
    expect(page.locator(".masthead h1")).to_have_text(CASE)


def events(workspace: Path) -> list[AuditEvent]:
    engine = open_workspace(workspace)
    with engine.connect() as connection:
        found = list(ledger.events(connection, case_id=CASE))
    engine.dispose()
    return found


@needs_poppler
def test_a_case_is_saved_as_a_pdf(browser: Browser, served: tuple[str, Path]) -> None:
    address, workspace = served
    page = signed_in(browser, address, "dr.first")
    opened(page)
    with page.expect_download() as waiting:
        page.locator(".st-key-case-pdf button").click()
    made = Path(waiting.value.path()).read_bytes()
    assert re.fullmatch(r"triptych-case-\d+\.pdf", waiting.value.suggested_filename)

    last = events(workspace)[-1]
    assert (last.kind, last.actor) == ("EXPORTED", "dr.first")
    assert last.payload["pdf"] == hashlib.sha256(made).hexdigest()
    assert CASE in text_of(made)
    page.context.close()


def test_a_note_is_typed_and_found_by_the_next_reader(
    browser: Browser, served: tuple[str, Path]
) -> None:
    address, workspace = served
    first = signed_in(browser, address, "dr.first")
    opened(first)
    field = first.locator(".st-key-notes textarea")
    field.click()
    # Letters that are commands elsewhere on the page, and a new line.
    first.keyboard.type("next: sex, a, e, s, m")
    first.keyboard.press("Enter")
    first.keyboard.type("Deaf.")
    first.locator(".st-key-leave-note button").click()
    expect(first.locator(".handed-on")).to_contain_text("next: sex, a, e, s, m\nDeaf.")
    expect(field).to_have_value("")
    assert [event.kind for event in events(workspace)].count("NOTED") == 1
    assert "DECIDED" not in [event.kind for event in events(workspace)]

    second = signed_in(browser, address, "dr.second")
    expect(second.locator(f'tr[data-pick="{CASE}"]')).to_contain_text("Note")
    opened(second)
    expect(second.locator(".handed-on")).to_contain_text("dr.first")

    first.get_by_role("button", name="Withdraw").click()
    expect(first.locator(".handed-on")).to_have_count(0)
    expect(first.locator(".st-key-notes s")).to_contain_text("Deaf.")
    for page in (first, second):
        page.context.close()


def test_a_new_case_is_told_and_shown_when_asked_for(
    browser: Browser, served: tuple[str, Path]
) -> None:
    address, workspace = served
    page = signed_in(browser, address, "dr.first")
    page.clock.install()  # to be put forward; until then it goes as any other
    page.reload()
    rows = page.locator("tr[data-pick]")
    expect(rows).to_have_count(3)
    line = page.locator("[data-arrivals]")
    expect(line).to_be_hidden()
    expect(page.get_by_role("button", name="Show them")).to_be_hidden()
    engine = open_workspace(workspace)
    case = reading_fixture.make_case(41)
    with writing(engine) as connection:
        intake.record_assessment(connection, case, reading_fixture.make_assessment(case), "system")
    engine.dispose()
    page.clock.fast_forward(20_000)
    expect(line).to_have_text("1 new case")
    expect(rows).to_have_count(3)  # nothing moves by itself

    page.get_by_role("button", name="Show them").click()
    expect(rows).to_have_count(4)
    expect(line).to_be_hidden()
    page.context.close()
