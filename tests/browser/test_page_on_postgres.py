"""Two pages, as on two machines, on one PostgreSQL server, as a role that may only record."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import reading_fixture
from playwright.sync_api import Browser, Page, expect
from ports import reserved_port
from postgres_server import Server

from clinical.access import accounts
from clinical.audit import ledger, verify
from clinical.review import intake
from clinical.workspace.database import open_workspace, writing
from clinical.workspace.place import Place
from ui.host import launch

pytestmark = pytest.mark.browser

PASSWORD = "three quiet herons"


@dataclass(frozen=True)
class Ward:
    """Two served pages on one workspace with two cases and two readers."""

    workspace: Place
    pages: tuple[launch.RunningPage, launch.RunningPage]

    def events(self, case_id: str) -> list[tuple[str, str]]:
        engine = open_workspace(self.workspace)
        with engine.connect() as connection:
            found = [(e.actor, e.kind) for e in ledger.events(connection, case_id=case_id)]
            assert verify.verify(connection).intact
        engine.dispose()
        return found


@pytest.fixture(scope="module")
def ward(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    workspace = server.empty_workspace(tmp_path_factory.mktemp("keys"))
    reading_fixture.fill(workspace, 2)
    engine = open_workspace(workspace)
    for name in ("ann", "bob"):
        accounts.add(engine, name, "reader", PASSWORD)
    engine.dispose()
    both = [launch.Choices(workspace, port=reserved_port()) for _ in range(2)]
    with ThreadPoolExecutor(2) as starting:
        first, second = starting.map(launch.start, both)
    yield Ward(workspace, (first, second))
    for page in (first, second):
        page.stop()


@pytest.fixture
def ann(browser: Browser, ward: Ward) -> Iterator[Page]:
    """Signed in on the first machine."""
    yield from visit(browser, ward.pages[0], "ann")


@pytest.fixture
def bob(browser: Browser, ward: Ward) -> Iterator[Page]:
    """Signed in on the second machine."""
    yield from visit(browser, ward.pages[1], "bob")


def visit(browser: Browser, served: launch.RunningPage, name: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    sign_in(page, served, name)
    yield page
    context.close()


def sign_in(page: Page, served: launch.RunningPage, name: str) -> None:
    page.goto(served.address)
    page.get_by_label("Account").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def open_case(page: Page, case_id: str) -> None:
    page.locator(f'tr[data-pick="{case_id}"]').click()
    expect(page.get_by_role("heading", name=case_id)).to_be_visible()
    expect(page.locator("canvas[data-drawn=yes]")).to_be_visible()


def sign(page: Page, name: str) -> None:
    page.locator(".st-key-sign button").click()
    expect(page.get_by_text("What you are about to sign")).to_be_visible()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name=f"Sign as {name}").click()
    expect(page.get_by_text(f"by {name} (reader) at")).to_be_visible()


def accept(page: Page) -> None:
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("accepted by you")).to_be_visible()


def test_two_machines_read_one_case_from_sign_in_to_signature(
    ann: Page, bob: Page, ward: Ward
) -> None:
    open_case(ann, "CASE-001")
    open_case(bob, "CASE-001")
    accept(ann)
    accept(bob)  # from a screen that does not know of hers
    for page in (ann, bob):
        page.reload()  # which leaves the case open
        expect(page.get_by_role("heading", name="CASE-001")).to_be_visible()
        decisions = page.get_by_role("table", name="The reading of this case, newest first")
        for name in ("ann", "bob"):
            expect(decisions.get_by_role("row", name=f"{name} Viral pneumonia")).to_be_visible()
    sign(ann, "ann")

    seen = ward.events("CASE-001")
    assert seen.count(("ann", "DECIDED")) == seen.count(("bob", "DECIDED")) == 1
    assert seen.count(("ann", "SIGNED")) == 1


def test_what_changed_elsewhere_is_said_and_nothing_is_recorded(ann: Page, ward: Ward) -> None:
    """The case is assessed again on another machine while it is on the screen."""
    open_case(ann, "CASE-000")
    case = reading_fixture.make_case(0, hostile=True)
    engine = open_workspace(ward.workspace)
    with writing(engine) as connection:
        again = reading_fixture.make_assessment(case, strongest=1)
        intake.record_assessment(connection, case, again, "system")
    engine.dispose()
    ann.get_by_role("button", name="Accept").click()
    expect(ann.get_by_text("has been assessed again")).to_be_visible()
    assert ("ann", "DECIDED") not in ward.events("CASE-000")
