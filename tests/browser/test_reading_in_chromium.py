"""A reader at work in a real browser: open, look, disagree, and find it in the ledger."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import reading_fixture
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect
from ports import reserved_port
from settled import drawn, rest

from clinical.audit import ledger, verify
from clinical.case.assessment import AuditEvent
from clinical.workspace.database import open_workspace
from ui.host import launch

pytestmark = pytest.mark.browser


@dataclass
class Desk:
    """One browser page on one served workspace, and everything that the page asked for."""

    page: Page
    address: str
    workspace: Path
    requests: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    def heard(self, message: ConsoleMessage) -> None:
        # Streamlit looks for its server at each level of the address, /case first.
        if message.type == "error" and "/case/_stcore/" not in message.location["url"]:
            self.trouble.append(message.text)

    def open_case(self, case_id: str) -> Locator:
        self.page.clock.install()  # to be put forward; until then it goes as any other
        self.page.goto(self.address)
        self.page.locator(f'tr[data-pick="{case_id}"]').click()
        canvas = self.page.locator("canvas[data-drawn=yes]")
        expect(canvas).to_be_visible()
        return canvas

    def events(self, case_id: str) -> list[AuditEvent]:
        engine = open_workspace(self.workspace)
        with engine.connect() as connection:
            found = list(ledger.events(connection, case_id=case_id))
        engine.dispose()
        return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    workspace = reading_fixture.make_workspace(tmp_path_factory.mktemp("served"), cases=6)
    page = launch.start(launch.Choices(workspace, port=reserved_port(), reader="dr.browser"))
    yield page.address, workspace
    page.stop()


@pytest.fixture
def desk(browser: Browser, served: tuple[str, Path]) -> Iterator[Desk]:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    made = Desk(page, *served)
    page.on("request", lambda request: made.requests.append(request.url))
    page.on("websocket", lambda socket: made.requests.append(socket.url))
    page.on("pageerror", lambda error: made.trouble.append(str(error)))
    page.on("console", lambda message: made.heard(message))
    yield made
    page.close()
    assert not made.trouble
    hosts = {
        urlsplit(url).hostname for url in made.requests if not url.startswith(("data", "blob"))
    }
    assert hosts == {"127.0.0.1"}


def drag(
    page: Page, canvas: Locator, dx: int, dy: int, at: tuple[float, float] = (0.5, 0.5)
) -> None:
    box = canvas.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * at[0], box["y"] + box["height"] * at[1]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=4)
    page.mouse.up()


def test_reject_with_the_keyboard_reaches_the_ledger(desk: Desk) -> None:
    canvas = desk.open_case("CASE-004")
    page = desk.page
    drag(page, canvas, 60, 20)
    expect(canvas).not_to_have_attribute("data-width", "2600")
    drawn(page)
    window = canvas.get_attribute("data-width") or ""
    heat_map = (canvas.get_attribute("data-diagnosis") or "").lower().replace(" ", "_")
    page.clock.fast_forward(1100)
    page.keyboard.press("x")
    page.get_by_role("combobox", name="Reason to reject").click()
    page.get_by_role("option", name="Laboratory values").click()
    page.get_by_role("button", name="Record rejection").click()
    expect(page.get_by_text("1 recorded")).to_be_visible()
    expect(canvas).to_have_attribute("data-width", window)

    events = desk.events("CASE-004")
    assert [event.kind for event in events] == ["ASSESSED", "OPENED", "DECIDED"]
    assert events[-1].actor == "dr.browser"
    assert events[-1].payload["action"] == "reject"
    assert events[-1].payload["reason"] == "lab_explains"
    view = events[-1].payload["view"]
    assert view["width"] == pytest.approx(float(window), rel=1e-5)
    assert view["diagnosis"] == heat_map
    assert view["seen"][0]["seconds"] >= 1
    engine = open_workspace(desk.workspace)
    with engine.connect() as connection:
        assert verify.verify(connection).intact
    engine.dispose()


def test_a_hostile_note_is_text_and_the_address_names_no_case(desk: Desk) -> None:
    desk.open_case("CASE-000")
    note = desk.page.locator(".notes article").last

    for piece in ("<img src=http://example.org", "![beacon]", "<script>", "<b>bold</b> &amp;"):
        expect(note).to_contain_text(piece)
    assert note.locator("img, script, b, a").count() == 0
    desk.page.locator(".audit").scroll_into_view_if_needed()
    expect(desk.page.get_by_text("Research use only. Not a medical device.")).to_be_in_viewport()
    assert desk.page.title() != "owned"
    assert "CASE" not in desk.page.url
    assert "PAT" not in desk.page.url


def test_a_reload_keeps_the_case_and_the_half_written_form(desk: Desk) -> None:
    desk.open_case("CASE-001")
    page = desk.page
    page.locator('[data-pick="heart_failure"]').click()
    page.get_by_role("button", name="Modify").click()
    page.keyboard.type("laborat")
    expect(page.get_by_role("option", name="Laboratory values")).to_be_visible()
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="Or a code").fill("ICD-10:J18.9")
    page.get_by_role("textbox", name="Comment").click()
    page.keyboard.type("œdème, après consilium")
    for _ in range(2):  # and what is brought back can be brought back again
        page.reload()
        expect(page.get_by_role("heading", name="CASE-001")).to_be_visible()
        expect(page.locator('[data-pick="heart_failure"]')).to_have_attribute(
            "aria-checked", "true"
        )
        expect(page.get_by_role("textbox", name="Comment")).to_have_value("œdème, après consilium")
        expect(page.get_by_role("textbox", name="Or a code")).to_have_value("ICD-10:J18.9")
        reason = page.get_by_role("combobox", name="Reason to modify")
        expect(reason).to_have_value(re.compile("Laboratory values"))
        rest(page)
    page.get_by_role("button", name="Record change").click()
    expect(page.get_by_text("modified by you")).to_be_visible()
    (decided,) = [event for event in desk.events("CASE-001") if event.kind == "DECIDED"]
    assert decided.payload["diagnosis"] == "heart_failure"
    assert decided.payload["replacement"] == "ICD-10:J18.9"
    assert decided.payload["reason"] == "lab_explains"

    page.reload()
    expect(page.get_by_role("heading", name="CASE-001")).to_be_visible()
    expect(page.get_by_role("button", name="Modify")).to_be_visible()
    expect(page.get_by_role("button", name="Record change")).not_to_be_visible()


def test_marks_on_the_film_are_kept_with_the_decision_and_found_again(desk: Desk) -> None:
    canvas = desk.open_case("CASE-005")
    page = desk.page
    listed = page.locator("ol.measurements .name")
    page.keyboard.press("d")
    drag(page, canvas, 120, 40)
    page.keyboard.press("y")
    drag(page, canvas, -90, 60, at=(0.4, 0.3))
    page.keyboard.type("amxezs jknw rcq 12")  # at once, and each a command elsewhere on the page
    expect(page.get_by_label("Words of mark 2")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("u")
    expect(listed).to_have_text(
        [re.compile("^1 Length: .* mm$"), "2 Arrow: amxezs jknw rcq 12", re.compile("^3 Key image")]
    )
    page.keyboard.press("Control+z")
    expect(listed).to_have_count(2)
    page.keyboard.press("u")
    expect(listed).to_have_count(3)
    expect(page.get_by_role("heading", name="CASE-005")).to_be_visible()
    expect(page.locator(".st-key-reasons [data-testid=stForm]")).to_have_count(0)
    assert [event.kind for event in desk.events("CASE-005")] == ["ASSESSED", "OPENED"]

    said = listed.all_inner_texts()
    page.reload()  # drawn, and not recorded yet
    expect(listed).to_have_text(said)
    rest(page)
    page.keyboard.press("a")
    expect(page.get_by_text("accepted by you")).to_be_visible()
    events = desk.events("CASE-005")
    assert [event.kind for event in events[-2:]] == ["MARKED", "DECIDED"]
    assert events[-2].payload["marks"] == 3
    assert "amxezs" not in str([event.payload for event in events])
    page.reload()
    expect(listed).to_have_text(said)


def test_a_reload_keeps_a_half_written_note(desk: Desk) -> None:
    desk.open_case("CASE-000")
    page = desk.page
    note = page.locator(".st-key-notes textarea")
    note.click()
    page.keyboard.type("Deaf: write th")
    page.reload()
    expect(note).to_have_value("Deaf: write th")
    assert "Deaf" not in page.url
    assert "Deaf" not in page.evaluate("JSON.stringify([localStorage, sessionStorage])")
    rest(page)
    note.click()
    page.keyboard.press("End")
    page.keyboard.type("ings down")
    page.locator(".st-key-leave-note button").click()
    expect(page.locator(".handed-on")).to_contain_text("Deaf: write things down")
    page.reload()
    expect(page.locator(".handed-on")).to_contain_text("Deaf: write things down")
    expect(note).to_have_value("")


def test_a_form_that_back_forward_or_another_theme_brings_back_holds_its_fields(
    desk: Desk,
) -> None:
    """In one session the form is still open, but Streamlit has forgotten its fields."""
    desk.open_case("CASE-002")
    page, reason = desk.page, desk.page.get_by_role("combobox", name="Reason to reject")
    page.keyboard.press("x")
    page.keyboard.type("laborat")
    expect(page.get_by_role("option", name="Laboratory values")).to_be_visible()
    page.keyboard.press("Enter")
    expect(reason).to_have_value(re.compile("Laboratory values"))
    for _ in range(2):
        page.go_back()
        expect(page.locator("table.worklist")).to_be_visible()
        rest(page)
        page.go_forward()
        expect(reason).to_have_value(re.compile("Laboratory values"))
        rest(page)
    page.get_by_role("button", name="Light theme").click()
    expect(page.get_by_role("button", name="Dark theme")).to_be_visible()
    expect(reason).to_have_value(re.compile("Laboratory values"))
    rest(page)
    page.get_by_role("button", name="Record rejection").click()
    expect(page.get_by_text("rejected by you")).to_be_visible()
    (decided,) = [event for event in desk.events("CASE-002") if event.kind == "DECIDED"]
    assert decided.payload["reason"] == "lab_explains"


def test_back_and_forward_lead_to_the_pages_that_were_there(desk: Desk) -> None:
    desk.open_case("CASE-001")
    page = desk.page
    first = page.url
    assert re.fullmatch(rf"{desk.address}/case\?id=\d+", first)
    name = page.locator(".masthead h1")
    page.keyboard.press("j")
    expect(name).not_to_have_text("CASE-001")
    second = name.inner_text()
    expect(page).not_to_have_url(first)
    page.go_back()
    expect(name).to_have_text("CASE-001")
    expect(page).to_have_url(first)
    page.go_forward()
    expect(name).to_have_text(second)
    page.go_back()
    expect(name).to_have_text("CASE-001")
    page.go_back()
    expect(page.locator("table.worklist")).to_be_visible()
    page.go_forward()
    expect(name).to_have_text("CASE-001")
    page.keyboard.press("w")
    expect(page.locator("table.worklist")).to_be_visible()
    page.go_back()
    expect(name).to_have_text("CASE-001")


def test_a_reload_before_forward_has_ended_is_no_second_entry_of_the_case(desk: Desk) -> None:
    """The address still holds the number that Forward put into it (ui/static/address.js)."""
    desk.open_case("CASE-001")
    page, name = desk.page, desk.page.locator(".masthead h1")
    first = page.url
    page.goto(desk.address)
    expect(page.locator("table.worklist")).to_be_visible()
    rest(page)
    page.goto(f"{first}&back=1")
    expect(name).to_have_text("CASE-001")
    expect(page).to_have_url(first)
    rest(page)
    page.go_back()
    expect(page.locator("table.worklist")).to_be_visible()


def test_what_was_written_on_one_case_is_not_in_the_form_of_another(desk: Desk) -> None:
    page = desk.page
    page.goto(desk.address)
    page.locator("tr[data-pick]").first.click()
    name, comment = page.locator(".masthead h1"), page.get_by_role("textbox", name="Comment")
    expect(name).not_to_have_text("Worklist")
    first = name.inner_text()
    page.get_by_role("button", name="Add diagnosis").click()
    comment.click()
    page.keyboard.type("on the first case")
    page.locator(".st-key-next button").click()
    expect(name).not_to_have_text(first)
    page.get_by_role("button", name="Add diagnosis").click()
    expect(comment).to_have_value("")
    page.locator(".st-key-previous button").click()
    expect(name).to_have_text(first)
    expect(comment).to_have_value("on the first case")
    page.locator(".st-key-next button").click()
    expect(name).not_to_have_text(first)
    expect(comment).to_have_value("")
    page.locator(".st-key-cancel button").click()
    expect(comment).not_to_be_visible()
    page.locator(".st-key-previous button").click()
    expect(name).to_have_text(first)
    page.locator(".st-key-cancel button").click()
    expect(comment).not_to_be_visible()


def test_an_address_that_names_no_case_leads_to_the_worklist(desk: Desk) -> None:
    for number in ("0", "999999", "CASE-001", "٣"):
        desk.page.goto(f"{desk.address}/case?id={number}")
        expect(desk.page.locator("table.worklist")).to_be_visible()


def test_worklist_by_keyboard(desk: Desk) -> None:
    desk.page.goto(desk.address)
    by_case = desk.page.get_by_role("button", name="Case", exact=True)
    expect(by_case).to_be_visible()
    by_case.press("Enter")
    expect(desk.page.locator("th.case")).to_have_attribute("aria-sort", "ascending")
    desk.page.locator("tr[data-pick]").first.focus()
    desk.page.keyboard.press("ArrowDown")
    desk.page.keyboard.press("ArrowDown")
    desk.page.keyboard.press("Enter")
    expect(desk.page.get_by_role("heading", name="CASE-002")).to_be_visible()
    expect(desk.page.get_by_role("button", name="Verify ledger")).to_be_visible()
    desk.page.keyboard.press("j")
    expect(desk.page.get_by_role("heading", name="CASE-003")).to_be_visible()
    expect(desk.page.get_by_text("No image was given")).to_be_visible()
    desk.page.keyboard.press("w")
    expect(desk.page.locator("table.worklist")).to_be_visible()


def test_the_first_click_after_half_a_minute_of_looking_is_heard(desk: Desk) -> None:
    """It comes with a sign of life, which must not take its place."""
    desk.open_case("CASE-001")
    desk.page.clock.fast_forward(31_000)
    desk.page.get_by_role("button", name="Worklist").click()
    expect(desk.page.locator("table.worklist")).to_be_visible()


def test_another_theme_leaves_the_case_open(desk: Desk) -> None:
    desk.open_case("CASE-004")
    page = desk.page
    page.locator("[data-pick]").nth(1).click()
    expect(page.locator("[data-pick]").nth(1)).to_have_attribute("aria-checked", "true")
    page.get_by_role("button", name="Light theme").click()

    expect(page.get_by_role("button", name="Dark theme")).to_be_visible()
    expect(page.get_by_role("heading", name="CASE-004")).to_be_visible()
    expect(page.locator("[data-pick]").nth(1)).to_have_attribute("aria-checked", "true")
    assert "CASE" not in page.url
    page.get_by_role("button", name="Dark theme").click()
    expect(page.get_by_role("button", name="Light theme")).to_be_visible()
