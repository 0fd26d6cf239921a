"""From an unread case to a signature in a real browser: with the mouse, and with keys alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import reading_fixture
from playwright.sync_api import Browser, Page, WebSocket, expect
from ports import reserved_port
from settled import drawn, rest, settle

from clinical.audit import ledger, verify
from clinical.case.assessment import AuditEvent
from clinical.review import protocol as protocol_rules
from clinical.review.protocol import Protocol
from clinical.workspace.database import open_workspace
from ui.host import launch

pytestmark = pytest.mark.browser

MACHINE = (b"81%", b"not ruled out", b"speak for heart failure", b'"box":', b"+14%")
"""What only the assessment of CASE-000 says, as it is sent."""

FOCUSED = """() => {
    const e = document.activeElement;
    const own = e.matches("button, [role=radio]") ? e.innerText : "";
    const labels = [...(e.labels ?? [])].map((label) => label.innerText);
    return [e.ariaLabel, own, ...labels].filter(Boolean).join(" | ");
}"""


@contextmanager
def serving(workspace: Path, reader: str) -> Iterator[str]:
    page = launch.start(launch.Choices(workspace, port=reserved_port(), reader=reader))
    try:
        yield page.address
    finally:
        page.stop()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reading_fixture.make_workspace(tmp_path_factory.mktemp("signing"), cases=7)


@pytest.fixture(scope="module")
def address(workspace: Path) -> Iterator[str]:
    with serving(workspace, "dr.browser") as served:
        yield served


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    trouble: list[str] = []
    opened.on("pageerror", lambda error: trouble.append(str(error)))
    yield opened
    opened.close()
    assert trouble == []


def events(workspace: Path, case_id: str) -> list[AuditEvent]:
    engine = open_workspace(workspace)
    with engine.connect() as connection:
        found = list(ledger.events(connection, case_id=case_id))
        assert verify.verify(connection).intact
    engine.dispose()
    return found


def decided(workspace: Path) -> int:
    engine = open_workspace(workspace)
    with engine.connect() as connection:
        found = len(list(ledger.events(connection, kind="DECIDED")))
    engine.dispose()
    return found


def protocol(workspace: Path, **wanted: object) -> None:
    engine = open_workspace(workspace)
    protocol_rules.set_protocol(engine, Protocol(**wanted), "dr.chief")  # type: ignore[arg-type]
    engine.dispose()


def open_case(page: Page, address: str, case_id: str) -> None:
    page.goto(address)
    page.locator(f'tr[data-pick="{case_id}"]').click()
    expect(page.get_by_role("heading", name=case_id)).to_be_visible()
    expect(page.locator("canvas[data-drawn=yes]")).to_be_visible()


def test_with_the_mouse(page: Page, address: str, workspace: Path) -> None:
    began = time.monotonic()
    open_case(page, address, "CASE-001")
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("accepted by you")).to_be_visible()
    page.locator('[data-pick="heart_failure"]').click()
    page.get_by_role("button", name="Reject").click()
    page.get_by_role("combobox", name="Reason to reject").click()
    page.get_by_role("option", name="Laboratory values").click()
    page.get_by_role("button", name="Record rejection").click()
    expect(page.get_by_text("rejected by you")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("no decision yet")).to_be_visible()
    page.locator(".st-key-sign button").click()
    expect(page.get_by_text("What you are about to sign")).to_be_visible()
    page.get_by_role("button", name="Sign as dr.browser").click()
    expect(page.get_by_text("by dr.browser (reader) at")).to_be_visible()

    found = events(workspace, "CASE-001")
    assert [event.kind for event in found] == [
        "ASSESSED",
        "OPENED",
        "DECIDED",
        "DECIDED",
        "UNDONE",
        "SIGNED",
        "TIMED",
    ]
    assert found[-2].payload["decisions"] == [found[2].sequence]
    assert 0 < found[-1].payload["active_seconds"] <= time.monotonic() - began


def test_with_keys_alone_from_the_worklist_to_the_signature(
    page: Page, address: str, workspace: Path
) -> None:
    """The machine's part is not even sent before the first read is committed."""
    protocol(workspace, first_read=True)
    received: list[bytes] = []
    page.on("websocket", lambda socket: _listen(socket, received))
    page.goto(address)
    settle(page)
    received.clear()  # the worklist may say what the machine made of cases that were read
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="CASE-000")).to_be_visible()
    expect(page.locator("canvas[data-drawn=yes]")).to_be_visible()
    assert [word for word in MACHINE if any(word in frame for frame in received)] == []

    search = "Your differential, most likely first"
    expect(page.get_by_role("combobox", name=search)).to_be_visible()
    _tab_to(page, search)
    page.keyboard.type("pneumothorax")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.get_by_text("1. Pneumothorax")).to_be_visible()
    expect(page.get_by_role("radio", name="Low")).to_be_visible()
    _tab_to(page, "Low")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.get_by_role("radio", name="Medium")).to_be_checked()
    expect(page.get_by_role("button", name="Commit first read")).to_be_enabled()
    _tab_to(page, "Commit first read")
    page.keyboard.press("Enter")
    expect(page.locator('[data-pick="bacterial_pneumonia"]')).to_be_visible()
    expect(page.get_by_text("+14%", exact=True)).to_be_visible()
    expect(page.locator("canvas")).to_have_attribute("data-diagnosis", "Bacterial pneumonia")
    assert [word for word in MACHINE if any(word in frame for frame in received)] == list(MACHINE)

    page.keyboard.press("a")
    expect(page.get_by_text("accepted by you")).to_be_visible()
    page.keyboard.press("e")
    # The form takes the focus by itself; a Tab before that would be meant for its second field.
    expect(page.get_by_role("combobox", name="Added diagnosis")).to_be_focused()
    page.keyboard.type("abscess")
    page.keyboard.press("Enter")
    _tab_to(page, "Record diagnosis")
    page.keyboard.press("Enter")
    expect(page.get_by_text("added by you")).to_be_visible()
    page.keyboard.press("s")
    expect(page.get_by_text("What you are about to sign")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("by dr.browser (reader) at")).to_be_visible()

    kinds = [event.kind for event in events(workspace, "CASE-000")]
    assert kinds == [
        "ASSESSED",
        "OPENED",
        "FIRST_READ",
        "SHOWN",
        "DECIDED",
        "DECIDED",
        "SIGNED",
        "TIMED",
    ]


def test_keys_typed_faster_than_the_page_runs_are_not_lost(
    page: Page, address: str, workspace: Path
) -> None:
    """Accept, sign and confirm at once, while each waits for the run that the last one caused."""
    protocol(workspace)
    open_case(page, address, "CASE-004")
    rest(page)  # somebody who looks at the case first
    for key in ("a", "s", "Control+Enter"):
        page.keyboard.press(key)
    expect(page.get_by_text("by dr.browser (reader) at")).to_be_visible()
    found = events(workspace, "CASE-004")
    assert [event.kind for event in found] == ["ASSESSED", "OPENED", "DECIDED", "SIGNED", "TIMED"]
    # Nobody touched the image: the window it opens with is what was shown.
    views = [event.payload["view"] for event in found[2:4]]
    assert [(view["centre"], view["width"], view["opacity"]) for view in views] == [
        (1500, 2600, 45)
    ] * 2


def test_a_key_that_decides_does_not_reach_a_case_that_was_not_on_the_screen(
    page: Page, address: str, workspace: Path
) -> None:
    """Next, accept before it has come, and next again, which is not lost."""
    protocol(workspace)
    page.goto(address)
    settle(page)
    order = [row.get_attribute("data-pick") for row in page.locator("tr[data-pick]").all()]
    open_case(page, address, str(order[0]))
    before = decided(workspace)
    for key in ("j", "a", "j"):
        page.keyboard.press(key)
    expect(page.get_by_role("heading", name=str(order[2]))).to_be_visible()
    rest(page)
    assert decided(workspace) == before


def test_two_readers_in_two_browsers_lose_nothing(
    browser: Browser, page: Page, address: str, workspace: Path
) -> None:
    """Two servers on one workspace, as where two people work at their own machines."""
    protocol(workspace)
    with serving(workspace, "dr.other") as elsewhere:
        other = browser.new_page(viewport={"width": 1280, "height": 900})
        open_case(page, address, "CASE-002")
        open_case(other, elsewhere, "CASE-002")
        other.keyboard.press("a")
        expect(other.get_by_text("accepted by you")).to_be_visible()
        page.keyboard.press("a")
        expect(page.get_by_text("accepted by you")).to_be_visible()
        expect(page.get_by_text("Since you opened this case")).to_be_visible()
        expect(page.get_by_text("dr.other at")).to_be_visible()
        other.close()
    decided = [event for event in events(workspace, "CASE-002") if event.kind == "DECIDED"]
    assert [event.actor for event in decided] == ["dr.other", "dr.browser"]


def _listen(socket: WebSocket, received: list[bytes]) -> None:
    def heard(frame: str | bytes) -> None:
        received.append(frame.encode() if isinstance(frame, str) else frame)

    socket.on("framereceived", heard)


def _tab_to(page: Page, name: str, most: int = 120) -> None:
    """Press Tab until what has the focus is called `name`, and once around, should it be missed."""
    passed: list[str] = []
    for _ in range(most):
        rest(page)  # a field that is drawn anew would be passed by
        page.keyboard.press("Tab")
        drawn(page)
        passed.append(page.evaluate(FOCUSED))
        if name in passed[-1]:
            return
    raise AssertionError(f"Tab never reached {name!r}, but {passed}")
