"""WCAG 2.2 AA on every page by axe-core in a real browser, in both themes and on a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
import reading_fixture
import study_fixture
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from ports import reserved_port
from settled import rest, settle, still

from clinical.access import accounts
from clinical.access.roles import Role
from clinical.workspace.database import opened
from ui.host import launch

pytestmark = pytest.mark.browser

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PASSWORD = "three quiet herons"


class Screen(NamedTuple):
    """What somebody in a role has before them, and the way there from the first page."""

    name: str
    role: Role
    go: Callable[[Page], None]


def _open(page: Page, case_id: str) -> None:
    page.locator(f'tr[data-pick="{case_id}"]').click()
    expect(page.get_by_role("heading", name=case_id)).to_be_visible()
    rest(page)


def _form(key: str) -> Callable[[Page], None]:
    def go(page: Page) -> None:
        _open(page, "CASE-001")
        page.locator(f".st-key-{key} button").click()
        expect(page.get_by_test_id("stForm").first).to_be_visible()
        rest(page)

    return go


def _room(name: str, heading: str = "") -> Callable[[Page], None]:
    def go(page: Page) -> None:
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(heading or name)
        rest(page)

    return go


SCREENS = (
    Screen("worklist", "adjudicator", settle),
    Screen("case", "adjudicator", lambda page: _open(page, "CASE-001")),
    Screen("case with warnings", "adjudicator", lambda page: _open(page, "CASE-002")),
    Screen("case without image", "adjudicator", lambda page: _open(page, "CASE-003")),
    Screen("modify", "adjudicator", _form("modify")),
    Screen("reject", "adjudicator", _form("reject")),
    Screen("add", "adjudicator", _form("add")),
    Screen("add a case", "adjudicator", _room("Add a case")),
    Screen("studies", "adjudicator", _room("Studies", "Study")),
    Screen("model", "adjudicator", _room("Model")),
    Screen("audit", "auditor", _room("Audit")),
    Screen("accounts", "administrator", _room("Accounts")),
)
NARROW = ("worklist", "case", "modify")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Role, str]]:
    """The address of the page of each role, on one workspace."""
    workspace = reading_fixture.make_workspace(tmp_path_factory.mktemp("seen"), cases=6)
    studies = study_fixture.make_studies(tmp_path_factory.mktemp("studies"))
    roles: tuple[Role, ...] = ("adjudicator", "auditor", "administrator")
    running = {
        role: launch.start(
            launch.Choices(
                workspace, port=reserved_port(), reader="dr.eyes", role=role, studies=studies
            )
        )
        for role in roles
    }
    yield {role: page.address for role, page in running.items()}
    for page in running.values():
        page.stop()


def violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 AA: the rule, and where."""
    still(page)
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    judged = {one["id"] for one in found.response["passes"]}
    assert {"color-contrast", "target-size", "label"} & judged, "axe has judged nothing"
    return [
        f"{one['id']}: {node['html'][:400]} ({node['failureSummary'].splitlines()[-1].strip()})"
        for one in found.response["violations"]
        for node in one["nodes"]
    ]


def shown(browser: Browser, address: str, width: int, theme: str) -> Page:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.add_init_script(f"localStorage.setItem('triptych-theme', '{theme}')")
    page.goto(address)
    rest(page)
    expect(page.locator(f"html[data-theme={theme.lower()}]")).to_be_attached()
    return page


def home(page: Page) -> None:
    """Back to the worklist, with nothing half written left behind."""
    cancel = page.locator(".st-key-cancel button")
    if cancel.count():
        cancel.click()
        expect(cancel).to_have_count(0)
        rest(page)
    back = page.locator(".st-key-back button")
    (back if back.count() else page.get_by_role("link", name="Worklist", exact=True)).click()
    settle(page)


def judged(page: Page, screens: Sequence[Screen]) -> dict[str, list[str]]:
    """Name of each screen with a violation to all of them; one page goes from each to the next."""
    found = {}
    for place, screen in enumerate(screens):
        if place:
            home(page)
        screen.go(page)
        found[screen.name] = violations(page)
    return {name: some for name, some in found.items() if some}


@pytest.mark.parametrize("theme", ["Light", "Dark"])
@pytest.mark.parametrize("role", ["adjudicator", "auditor", "administrator"])
def test_no_page_has_a_barrier_that_axe_knows(
    browser: Browser, places: dict[Role, str], role: Role, theme: str
) -> None:
    page = shown(browser, places[role], 1280, theme)
    assert judged(page, [one for one in SCREENS if one.role == role]) == {}
    page.close()


def test_nor_on_a_phone(browser: Browser, places: dict[Role, str]) -> None:
    page = shown(browser, places["adjudicator"], 390, "Light")
    assert judged(page, [one for one in SCREENS if one.name in NARROW]) == {}
    page.close()


def test_nor_has_the_sign_in_page(browser: Browser, tmp_path: Path) -> None:
    workspace = reading_fixture.make_workspace(tmp_path, cases=1)
    with opened(workspace) as engine:
        accounts.add(engine, "dr.eyes", "reader", PASSWORD)
    running = launch.start(launch.Choices(workspace, port=reserved_port()))
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(running.address)
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert violations(page) == []
    page.close()
    running.stop()
