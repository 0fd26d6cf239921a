"""What is typed and clicked is heard as it was meant: once, at once, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import reading_fixture
from playwright.sync_api import Browser, Page, expect
from ports import reserved_port
from settled import drawn, rest
from waiting import until

from clinical.access import accounts
from clinical.audit import ledger
from clinical.case.assessment import AuditEvent
from clinical.workspace.database import open_workspace
from ui.host import launch

pytestmark = pytest.mark.browser

PASSWORD = "sagas join new asthma zeal"  # every letter that is a key of the page
READER = "dr.keys"


@dataclass
class Room:
    """One page of one reader on one served workspace."""

    page: Page
    address: str
    workspace: Path

    def sign_in(self) -> None:
        self.page.goto(self.address)
        self.page.get_by_label("Account").fill(READER)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.keyboard.press("Enter")
        expect(self.page.locator("table.worklist")).to_be_visible()

    def enter(self) -> None:
        self.page.goto(self.address)
        expect(self.page.locator("table.worklist")).to_be_visible()

    def open(self, case_id: str) -> None:
        self.enter()
        self.page.locator(f'tr[data-pick="{case_id}"]').click()
        expect(self.page.get_by_role("heading", name=case_id)).to_be_visible()
        expect(self.page.locator("canvas[data-drawn=yes]")).to_be_visible()
        rest(self.page)

    def events(self, case_id: str) -> list[AuditEvent]:
        engine = open_workspace(self.workspace)
        with engine.connect() as connection:
            found = list(ledger.events(connection, case_id=case_id))
        engine.dispose()
        return found

    def kinds(self, case_id: str) -> list[str]:
        return [event.kind for event in self.events(case_id)]

    def refusals(self) -> int:
        engine = open_workspace(self.workspace)
        with engine.connect() as connection:
            found = len(list(ledger.events(connection, kind="REFUSED")))
        engine.dispose()
        return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    workspace = reading_fixture.make_workspace(tmp_path_factory.mktemp("hearing"), cases=15)
    engine = open_workspace(workspace)
    accounts.add(engine, READER, "reader", PASSWORD)
    engine.dispose()
    page = launch.start(launch.Choices(workspace, port=reserved_port()))
    yield page.address, workspace
    page.stop()


def signed_in(browser: Browser, served: tuple[str, Path]) -> Iterator[Room]:
    made = Room(browser.new_page(), *served)
    made.sign_in()
    yield made
    made.page.context.close()


@pytest.fixture(scope="module")
def shared_room(browser: Browser, served: tuple[str, Path]) -> Iterator[Room]:
    yield from signed_in(browser, served)


@pytest.fixture
def room(shared_room: Room) -> Room:
    """One sign-in for all; each test loads the page anew, and has a case of its own."""
    shared_room.page.set_viewport_size({"width": 1280, "height": 800})
    return shared_room


@pytest.fixture
def own_room(browser: Browser, served: tuple[str, Path]) -> Iterator[Room]:
    """For whoever moves the clock of the page."""
    yield from signed_in(browser, served)


def test_what_is_typed_after_a_key_that_opens_a_form_goes_into_it(room: Room) -> None:
    room.open("CASE-000")
    room.page.keyboard.press("e")
    room.page.keyboard.type("asthma")
    search = room.page.get_by_role("combobox", name="Added diagnosis")
    expect(search).to_be_focused()
    expect(search).to_have_value("asthma")
    rest(room.page)
    assert room.kinds("CASE-000") == ["ASSESSED", "OPENED"]
    room.page.keyboard.press("Enter")
    room.page.get_by_role("button", name="Record diagnosis").click()
    expect(room.page.get_by_text("added by you")).to_be_visible()
    (added,) = [event for event in room.events("CASE-000") if event.kind == "DECIDED"]
    assert (added.payload["action"], added.payload["diagnosis"]) == ("add", "ICD-10:J45.9")


def test_a_list_stays_open_where_its_form_has_to_be_brought_into_view(room: Room) -> None:
    """A list closes when the page scrolls."""
    room.page.set_viewport_size({"width": 390, "height": 844})
    room.open("CASE-014")
    room.page.keyboard.press("x")
    room.page.keyboard.type("laborat")
    choice = room.page.get_by_role("option", name="Laboratory values")
    expect(choice).to_be_visible()
    rest(room.page)
    expect(choice).to_be_in_viewport()
    room.page.keyboard.press("Enter")
    reason = room.page.get_by_role("combobox", name="Reason to reject")
    expect(reason).to_have_value("Laboratory values or vital signs point to another explanation")


def test_a_list_stays_open_where_the_page_scrolls_by_itself(room: Room) -> None:
    """As it does while it is still being laid out."""
    room.open("CASE-013")
    room.page.keyboard.press("e")
    room.page.keyboard.type("sarcoid")
    choice = room.page.get_by_role("option", name="Sarcoidosis")
    expect(choice).to_be_visible()
    rest(room.page)
    scrolled = """() => {
      document.querySelector(".stMain").dispatchEvent(new Event("scroll"));
      return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() =>
        done(document.querySelectorAll("[role=listbox]").length))));
    }"""
    assert room.page.evaluate(scrolled) == 1
    room.page.keyboard.press("ArrowDown")  # from here on the reader may have moved it
    assert room.page.evaluate(scrolled) == 0
    room.page.get_by_role("button", name="Cancel").click()
    expect(room.page.get_by_role("button", name="Cancel")).to_have_count(0)


def test_a_password_typed_at_once_after_sign_signs_the_case_on_the_screen(room: Room) -> None:
    room.open("CASE-001")
    before = room.refusals()
    room.page.keyboard.press("a")
    room.page.keyboard.press("s")
    room.page.keyboard.type(PASSWORD)
    room.page.keyboard.press("Control+Enter")
    expect(room.page.get_by_text(f"by {READER} (reader) at")).to_be_visible()
    expect(room.page.get_by_role("heading", name="CASE-001")).to_be_visible()
    assert room.kinds("CASE-001") == ["ASSESSED", "OPENED", "DECIDED", "SIGNED", "TIMED"]
    assert room.refusals() == before


@pytest.mark.parametrize(("case_id", "how"), [("CASE-004", "keys"), ("CASE-006", "mouse")])
def test_a_password_is_sent_as_it_was_typed(room: Room, case_id: str, how: str) -> None:
    room.open(case_id)
    before = room.refusals()
    room.page.keyboard.press("a")
    expect(room.page.get_by_text("accepted by you")).to_be_visible()
    room.page.keyboard.press("s")
    field = room.page.get_by_role("textbox", name="Your password")
    expect(field).to_be_focused()
    room.page.keyboard.type(PASSWORD)
    if how == "keys":
        room.page.keyboard.press("Control+Enter")
    else:
        room.page.keyboard.press("Tab")
        room.page.get_by_role("button", name=f"Sign as {READER}").click()
    expect(room.page.get_by_text(f"by {READER} (reader) at")).to_be_visible()
    assert room.refusals() == before


def test_after_a_wrong_password_the_right_one_signs(room: Room) -> None:
    room.open("CASE-002")
    room.page.keyboard.press("a")
    room.page.keyboard.press("s")
    room.page.keyboard.type("not it")
    room.page.keyboard.press("Control+Enter")
    expect(room.page.get_by_text("Wrong password")).to_be_visible()
    field = room.page.get_by_role("textbox", name="Your password")
    field.click()
    field.press("Control+A")
    room.page.keyboard.type(PASSWORD)
    room.page.keyboard.press("Control+Enter")
    expect(room.page.get_by_text(f"by {READER} (reader) at")).to_be_visible()


def test_what_is_typed_into_the_form_of_one_case_does_not_stand_in_that_of_another(
    room: Room,
) -> None:
    """Back leads from one open form at once to the other."""
    room.enter()
    rows = room.page.locator("tr[data-pick]")
    first, second = rows.evaluate_all("rows => rows.slice(0, 2).map((row) => row.dataset.pick)")
    room.open(first)
    comment = room.page.get_by_role("textbox", name="Comment")
    for case_id in (first, second):
        expect(room.page.get_by_role("heading", name=case_id)).to_be_visible()
        rest(room.page)
        room.page.keyboard.press("e")
        comment.click()
        room.page.keyboard.type(f"Seen on {case_id}")
        rest(room.page)
        if case_id == first:
            room.page.locator(".st-key-next button").click()
    room.page.go_back()
    expect(room.page.get_by_role("heading", name=first)).to_be_visible()
    rest(room.page)
    expect(comment).to_have_value(f"Seen on {first}")
    room.page.go_forward()
    expect(room.page.get_by_role("heading", name=second)).to_be_visible()
    rest(room.page)
    expect(comment).to_have_value(f"Seen on {second}")
    for case_id in (second, first):
        expect(room.page.get_by_role("heading", name=case_id)).to_be_visible()
        rest(room.page)
        room.page.get_by_role("button", name="Cancel").click()
        expect(comment).to_have_count(0)
        if case_id == second:
            room.page.locator(".st-key-previous button").click()


def test_single_keys_do_nothing_while_a_form_is_open(room: Room) -> None:
    room.open("CASE-008")
    room.page.keyboard.press("x")
    expect(room.page.get_by_role("combobox", name="Reason to reject")).to_be_focused()
    room.page.keyboard.press("Escape")
    room.page.get_by_role("heading", name="CASE-008").click()  # the focus leaves the form
    for key in "amjzwn":
        room.page.keyboard.press(key)
    rest(room.page)
    expect(room.page.get_by_role("heading", name="CASE-008")).to_be_visible()
    expect(room.page.get_by_role("button", name="Record rejection")).to_be_visible()
    assert room.kinds("CASE-008") == ["ASSESSED", "OPENED"]


def test_a_comment_is_sent_with_the_click_that_comes_at_once(room: Room) -> None:
    room.open("CASE-009")
    room.page.keyboard.press("x")
    room.page.keyboard.type("laborat")
    expect(room.page.get_by_role("option", name="Laboratory values")).to_be_visible()
    room.page.keyboard.press("Enter")
    room.page.get_by_role("textbox", name="Comment").click()
    room.page.keyboard.type("naïve Überprüfung, ärztlich")
    room.page.get_by_role("button", name="Record rejection").click()
    expect(room.page.get_by_text("rejected by you")).to_be_visible()
    expect(room.page.get_by_text("naïve Überprüfung, ärztlich")).to_be_visible()


def test_clicks_after_half_a_minute_of_quiet_are_heard_at_once(own_room: Room) -> None:
    """A sign of life is due, and another with every half minute."""
    room = own_room
    room.page.clock.install()
    room.open("CASE-010")
    page, told = room.page, []
    page.on("response", lambda response: told.append((response.url, response.status)))
    for _ in range(4):
        page.clock.fast_forward(31_000)
        page.get_by_role("button", name="Accept").click()
        expect(page.get_by_text("accepted by you")).to_be_visible()
        page.clock.fast_forward(31_000)
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_text("no decision yet")).to_be_visible()

    def signs_of_life() -> int:
        drawn(page)  # meanwhile answers are heard
        return told.count((f"{room.address}/alive", 204))

    until(lambda: signs_of_life() == 8, "the answer to the last sign of life")
    assert room.kinds("CASE-010") == ["ASSESSED", "OPENED", *("DECIDED", "UNDONE") * 4]


def test_a_double_click_on_accept_is_taken_back_by_one_undo(room: Room) -> None:
    room.open("CASE-011")
    room.page.get_by_role("button", name="Accept").dblclick()
    expect(room.page.get_by_text("accepted by you")).to_be_visible()
    rest(room.page)
    room.page.keyboard.press("z")
    expect(room.page.get_by_text("no decision yet")).to_be_visible()
    assert room.kinds("CASE-011") == ["ASSESSED", "OPENED", "DECIDED", "UNDONE"]


def test_a_click_right_after_another_suggestion_was_chosen_is_for_that_one(room: Room) -> None:
    room.open("CASE-012")
    chosen = room.page.locator("[data-pick]").nth(2)
    name = chosen.get_attribute("data-pick")
    chosen.click()
    room.page.get_by_role("button", name="Accept").click()
    expect(room.page.get_by_text("accepted by you")).to_be_visible()
    (decided,) = [event for event in room.events("CASE-012") if event.kind == "DECIDED"]
    assert decided.payload["diagnosis"] == name


def test_letters_of_another_layout_are_those_on_the_same_keys(room: Room) -> None:
    room.open("CASE-007")
    press = """([key, code]) => document.body.dispatchEvent(new KeyboardEvent("keydown",
        {key, code, bubbles: true, cancelable: true, composed: true}))"""
    room.page.evaluate(press, ["ф", "KeyA"])  # Russian
    expect(room.page.get_by_text("accepted by you")).to_be_visible()
    room.page.evaluate(press, ["Dead", "KeyZ"])
    rest(room.page)
    expect(room.page.get_by_text("accepted by you")).to_be_visible()


def test_a_form_that_goes_leaves_the_focus_where_it_was_opened(room: Room) -> None:
    room.open("CASE-013")
    page = room.page
    page.keyboard.press("x")
    expect(page.get_by_role("combobox", name="Reason to reject")).to_be_focused()
    cancel = page.get_by_role("button", name="Cancel")
    cancel.focus()
    page.keyboard.press("Enter")
    expect(cancel).not_to_be_visible()
    expect(page.locator(".st-key-reject button")).to_be_focused()

    page.keyboard.press("x")
    page.keyboard.type("laborat")
    expect(page.get_by_role("option", name="Laboratory values")).to_be_visible()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Record rejection").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("rejected by you")).to_be_visible()
    expect(page.locator(".st-key-reject button")).to_be_focused()


def test_what_changes_is_announced_and_each_page_has_a_title(room: Room) -> None:
    room.open("CASE-005")
    page, said = room.page, room.page.locator("body > [role=status]")
    expect(page).to_have_title("Case · Triptych")
    name = page.locator(".standing b").inner_text()
    expect(said).to_contain_text(f"CASE-005, {name}")
    page.keyboard.press("a")
    expect(said).to_have_text(f"CASE-005, {name}, accepted")
    page.keyboard.press("z")
    expect(said).to_have_text(f"CASE-005, {name}, no decision")
    page.keyboard.press("w")
    expect(said).to_have_text("Worklist")
    expect(page).to_have_title("Worklist · Triptych")


def test_on_small_screens_everything_stands_within_the_page(room: Room) -> None:
    """A phone, a tablet, and 1280 x 720 at 150%."""
    page, sizes = room.page, ((390, 844), (820, 1180), (853, 480))
    wide = "document.querySelector('.stMain').scrollWidth - window.innerWidth"
    room.enter()
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        rest(page)
        assert page.evaluate(wide) <= 0
    page.locator('tr[data-pick="CASE-005"]').click()
    expect(page.get_by_role("heading", name="CASE-005")).to_be_visible()
    page.keyboard.press("x")
    record = page.get_by_role("button", name="Record rejection")
    expect(record).to_be_visible()
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        rest(page)
        assert page.evaluate(wide) <= 0
        words = record.locator("p")
        assert words.evaluate("words => words.scrollWidth <= words.clientWidth + 1")
    page.get_by_role("button", name="Cancel").click()
    expect(record).not_to_be_visible()
