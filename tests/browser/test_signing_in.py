"""From the sign-in page to the worklist and out again in a real browser."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
import reading_fixture
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect
from ports import reserved_port
from settled import rest, still
from waiting import SECONDS, until

from clinical.access import accounts
from clinical.audit import ledger, verify
from clinical.workspace.database import open_workspace
from ui.host import app, launch

pytestmark = pytest.mark.browser

PASSWORD = "three quiet herons"
IDLE_SECONDS = 6


@dataclass
class Ward:
    """A served workspace with a reader, an auditor and an administrator."""

    address: str
    workspace: Path

    @property
    def port(self) -> int:
        return urlsplit(self.address).port or 0

    def kinds(self, actor: str) -> list[str]:
        engine = open_workspace(self.workspace)
        with engine.connect() as connection:
            found = [e.kind for e in ledger.events(connection) if e.actor == actor]
            assert verify.verify(connection).intact
        engine.dispose()
        return found


def make_workspace(folder: Path) -> Path:
    workspace = reading_fixture.make_workspace(folder, cases=3)
    engine = open_workspace(workspace)
    for name, role in (("dr.first", "reader"), ("eve", "auditor"), ("boss", "administrator")):
        accounts.add(engine, name, role, PASSWORD)
    engine.dispose()
    return workspace


def make_ward(folder: Path) -> Iterator[Ward]:
    workspace = make_workspace(folder)
    page = launch.start(launch.Choices(workspace, port=reserved_port()))
    yield Ward(page.address, workspace)
    page.stop()


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    yield from make_ward(tmp_path_factory.mktemp("ward"))


@dataclass
class HeldWard(Ward):
    """A ward in which time passes only where the test lets it."""

    hands: Path = Path()

    def pass_time(self, seconds: float) -> None:
        later = self.hands.with_suffix(".later")
        later.write_text(str(float(self.hands.read_text()) + seconds))
        later.replace(self.hands)  # whole, whenever the server looks


SERVED = """
import sys
from pathlib import Path
from types import SimpleNamespace
from ui.access import session
from ui.host import launch

hands = Path(sys.argv[1])
session.time = SimpleNamespace(monotonic=lambda: float(hands.read_text()))
sys.exit(launch.main(sys.argv[2:]))
"""


@pytest.fixture
def held_ward(tmp_path: Path) -> Iterator[HeldWard]:
    """Signs out after six seconds without interaction, by a clock that stands still."""
    workspace, script, hands = make_workspace(tmp_path), tmp_path / "served.py", tmp_path / "hands"
    script.write_text(SERVED)
    hands.write_text("0")
    port = reserved_port()
    command = [sys.executable, str(script), str(hands), f"--workspace={workspace}"]
    choices = [f"--port={port}", f"--idle-minutes={IDLE_SECONDS / 60}"]
    path = {"PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen([*command, *choices], env=os.environ | path)
    page = launch.RunningPage(launch.address_of(port), process)
    until(lambda: answers(port), "the page")
    yield HeldWard(page.address, workspace, hands)
    page.stop()


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    with closing(connection), suppress(ConnectionRefusedError):
        connection.request("GET", launch.HEALTH)
        return connection.getresponse().status == http.client.OK
    return False


@dataclass
class Visitor:
    """One browser with its own cookies, and every host that it asked for anything."""

    context: BrowserContext
    hosts: set[str | None] = field(default_factory=set)

    def page(self) -> Page:
        page = self.context.new_page()
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname))
        page.on("websocket", lambda socket: self.hosts.add(urlsplit(socket.url).hostname))
        return page


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    made = Visitor(browser.new_context(viewport={"width": 1280, "height": 800}))
    yield made
    made.context.close()
    assert made.hosts - {None, ""} == {"127.0.0.1"}  # data: and blob: have no host


def sign_in(page: Page, ward: Ward, name: str) -> None:
    """As a person with a keyboard does."""
    page.goto(ward.address)
    expect(page.get_by_label("Account")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_a_reader_signs_in_reads_reloads_and_signs_out(visitor: Visitor, ward: Ward) -> None:
    page = visitor.page()
    sign_in(page, ward, "dr.first")
    expect(page.get_by_text("Research use only. Not a medical device.")).to_be_visible()
    page.reload()
    page.locator('tr[data-pick="CASE-001"]').click()
    expect(page.get_by_role("heading", name="CASE-001")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    assert page.url.endswith("/sign-in")
    page.go_back()

    expect(page.get_by_label("Password")).to_be_visible()
    assert "CASE-001" not in page.content()
    assert ward.kinds("dr.first") == ["SIGNED_IN", "OPENED", "SIGNED_OUT"]


def test_a_wrong_password_keeps_the_name_and_the_focus(visitor: Visitor, ward: Ward) -> None:
    page = visitor.page()
    page.goto(ward.address)
    page.get_by_label("Account").fill("boss")
    page.get_by_label("Password").fill("wrong wrong wrong")
    page.keyboard.press("Enter")

    expect(page.get_by_role("alert")).to_contain_text("Wrong name or password")
    expect(page.get_by_label("Account")).to_have_value("boss")
    expect(page.get_by_label("Password")).to_be_focused()
    assert ward.kinds("boss") == ["REFUSED"]


def test_a_page_that_the_role_does_not_open_says_so_at_its_address(
    visitor: Visitor, ward: Ward
) -> None:
    page = visitor.page()
    sign_in(page, ward, "dr.first")
    page.goto(f"{ward.address}/audit")

    refusal = page.get_by_text("An account with the role reader may not view the record.")
    expect(refusal).to_be_visible()
    assert page.locator("table").count() == 0
    assert ward.kinds("dr.first")[-1] == "REFUSED"


def test_an_auditor_finds_events_and_saves_the_record(visitor: Visitor, ward: Ward) -> None:
    page = visitor.page()
    sign_in(page, ward, "eve")
    page.get_by_role("link", name="Audit").click()
    expect(page.get_by_text("Signed in with a password, as auditor").first).to_be_visible()
    page.locator("details summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text('"kind": "SIGNED_IN"').first).to_be_visible()
    page.get_by_role("button", name="Export the whole record").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save triptych-record").click()

    assert Path(download.value.path()).read_bytes()[:2] == b"PK"
    assert ward.kinds("eve") == ["SIGNED_IN", "EXPORTED"]


def test_nobody_at_work_sees_the_sign_in_page_without_a_click(
    visitor: Visitor, held_ward: HeldWard
) -> None:
    page = visitor.page()
    sign_in(page, held_ward, "dr.first")
    for step in range(3):  # longer than the idle time, at work all along
        with page.expect_response(at_work):
            page.mouse.move(100 + step, 300)
        held_ward.pass_time(IDLE_SECONDS - 1)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()

    held_ward.pass_time(1)
    expect(page.get_by_label("Password")).to_be_visible()
    assert held_ward.kinds("dr.first") == ["SIGNED_IN", "SIGNED_OUT"]


def at_work(response: Response) -> bool:
    return response.request.method == "POST" and response.url.endswith("/session")


def test_the_light_theme_stays_when_it_was_chosen(visitor: Visitor, ward: Ward) -> None:
    page = visitor.page()
    sign_in(page, ward, "boss")
    background = page.locator(".stApp")
    expect(background).to_have_css("background-color", "rgb(15, 19, 24)")
    page.get_by_role("button", name="Light theme").click()
    expect(page.get_by_role("button", name="Dark theme")).to_be_visible()
    page.get_by_role("link", name="Accounts").click()
    expect(page.get_by_role("heading", name="Accounts")).to_be_visible()
    page.reload()

    expect(page.get_by_role("heading", name="Accounts")).to_be_visible()
    expect(background).to_have_css("background-color", "rgb(255, 255, 255)")
    page.get_by_test_id("stPopoverButton").click()  # opened beside Streamlit's own root
    expect(page.get_by_role("button", name="Change password")).to_be_visible()
    assert too_faint(page) == []


def too_faint(page: Page) -> list[str]:
    """Texts whose contrast with what is behind them is below 4.5 (WCAG 2.2, 1.4.3)."""
    rest(page)
    still(page)
    found: list[str] = page.evaluate(
        """() => {
          const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
          const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
          const light = ([r, g, b]) =>
            0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
          const behind = (element) => {
            for (let at = element; at; at = at.parentElement) {
              const colour = parse(getComputedStyle(at).backgroundColor);
              if (colour.length === 3 || colour[3] === 1) return colour;
            }
            return [255, 255, 255];
          };
          const texts = "body *:not(script, style, noscript)";
          return [...document.querySelectorAll(texts)].filter((element) =>
            element.checkVisibility() && !element.closest("[disabled], .unseen") &&
            [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim())
          ).filter((element) => {
            const pair = [light(parse(getComputedStyle(element).color)), light(behind(element))];
            return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05) < 4.5;
          }).map((element) => element.textContent);
        }"""
    )
    return found


def test_text_at_twice_its_size_fits_and_is_not_faint(browser: Browser, ward: Ward) -> None:
    context = browser.new_context(viewport={"width": 640, "height": 400}, device_scale_factor=2)
    page = context.new_page()
    sign_in(page, ward, "eve")
    page.get_by_role("link", name="Audit").click()
    expect(page.get_by_text("Signed in with a password, as auditor").first).to_be_visible()

    rest(page)
    wide = "document.querySelector('.stMain').scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0
    for name in ("Sign out", "Light theme", "Verify ledger"):
        expect(page.get_by_role("button", name=name)).to_be_in_viewport()
    assert too_faint(page) == []
    context.close()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 303),
        ("GET", "/sign-in", 200),
        ("GET", "/sign-in.css", 200),
        ("POST", "/sign-in", 401),
        ("GET", "/session", 401),
        ("GET", "/theme_choice.js", 401),
        ("GET", "/media/record.zip", 401),
        ("GET", "/static/js/index.js", 401),
        ("GET", "/auth/login", 401),
        ("GET", "/_stcore/health", 200),
        ("GET", "/_stcore/host-config", 401),
        ("GET", "/_stcore/agent/openapi.json", 401),
        ("PUT", "/_stcore/upload_file/a/b", 401),
    ],
)
def test_every_route_is_closed_and_carries_the_headers(
    ward: Ward, method: str, path: str, status: int
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", ward.port, timeout=SECONDS)
    accept = "text/html" if path == "/" else "*/*"
    connection.request(method, path, headers={"accept": accept, "origin": ward.address})
    answer = connection.getresponse()

    assert answer.status == status
    for name, value in app.SECURITY_HEADERS.items():
        assert answer.getheader(name) == value
    connection.close()


def test_a_name_that_resolves_to_loopback_is_not_answered(ward: Ward) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", ward.port, timeout=SECONDS)
    connection.request("GET", "/sign-in", headers={"host": "rebound.example"})
    assert connection.getresponse().status == 400
    connection.close()


def test_the_end_of_the_server_is_the_end_of_every_session(tmp_path: Path) -> None:
    for ward in make_ward(tmp_path):
        connection = http.client.HTTPConnection("127.0.0.1", ward.port, timeout=SECONDS)
        form = urlencode({"name": "dr.first", "password": PASSWORD})
        connection.request("POST", "/sign-in", form, {"origin": ward.address})
        assert connection.getresponse().status == http.client.SEE_OTHER
        connection.close()
    assert ward.kinds("dr.first") == ["SIGNED_IN", "SIGNED_OUT"]
