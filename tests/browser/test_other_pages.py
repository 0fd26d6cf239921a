"""A page on another port of the same machine, in a browser that is signed in: it gets nothing.

To a browser the two are one site, so the cookie of the session goes with whatever that page asks
for; only the address of the page itself tells them apart.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from loopback import Answers, LoopbackServer, serving
from playwright.sync_api import Browser, Page, expect
from ports import reserved_port
from test_signing_in import Ward, make_workspace, sign_in

from clinical.audit import ledger, verify
from clinical.workspace.database import opened
from ui.host import launch

pytestmark = pytest.mark.browser

HOSTILE = b"<!doctype html><title>Weather</title><p>It will rain.</p>"

TRIES = """async (target) => {
  const told = {};
  const tried = async (name, ask) => {
    try { told[name] = await ask(); } catch (error) { told[name] = "refused"; }
  };
  const all = {credentials: "include"};
  for (const path of ["/", "/case", "/session", "/_stcore/metrics", "/media/film.zip"]) {
    await tried("read " + path, async () => (await fetch(target + path, all)).text());
  }
  for (const path of ["/alive", "/draft", "/session", "/sign-in", "/_stcore/upload_file/a/b"]) {
    const sent = {...all, method: "POST", mode: "no-cors", body: '{"visit": "x", "fields": {}}'};
    await tried("write " + path, async () => (await fetch(target + path, sent)).type);
  }
  await tried("picture", () => new Promise((loaded, failed) => {
    const picture = new Image();
    picture.onload = () => loaded("seen");
    picture.onerror = failed;
    picture.src = target + "/media/film.png";
  }));
  for (const protocols of [[], ["streamlit"]]) {
    await tried("socket " + protocols, () => new Promise((opened, failed) => {
      const address = target.replace("http", "ws") + "/_stcore/stream";
      const socket = new WebSocket(address, protocols);
      socket.onopen = () => opened("open");
      socket.onerror = failed;
    }));
  }
  return told;
}"""


class OtherPage(LoopbackServer):
    """A page of somebody else's on a loopback port; keeps the cookies that it was sent."""

    def __init__(self) -> None:
        self.cookies: list[str] = []
        super().__init__(_Hostile)


class _Hostile(Answers):
    server: OtherPage

    def get(self) -> None:
        self.server.cookies.append(self.headers.get("cookie", ""))
        self.answer(200, HOSTILE, "text/html")


@pytest.fixture
def other() -> Iterator[OtherPage]:
    with serving(OtherPage()) as made:
        yield made


@pytest.fixture
def reader(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()


def events(workspace: Path) -> list[tuple[str, str, dict[str, Any]]]:
    with opened(workspace) as engine, engine.connect() as connection:
        assert verify.verify(connection).intact
        return [(e.kind, e.actor, dict(e.payload)) for e in ledger.events(connection)]


def stream_opened_with(port: int, cookies: str) -> int:
    """Status that a program gets which was sent the cookies, and says that it is the page."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    asked = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-protocol": "streamlit",
        "origin": f"http://127.0.0.1:{port}",
        "cookie": cookies,
    }
    with closing(connection):
        connection.request("GET", "/_stcore/stream", headers=asked)
        return connection.getresponse().status


def test_a_page_on_another_port_reads_opens_writes_and_signs_nothing(
    reader: Page, other: OtherPage, tmp_path: Path
) -> None:
    workspace = make_workspace(tmp_path)
    served = launch.start(launch.Choices(workspace, port=reserved_port()))
    ward = Ward(served.address, workspace)
    sign_in(reader, ward, "dr.first")

    hostile = reader.context.new_page()
    hostile.goto(other.address)
    assert f"triptych_session_{ward.port}=" in other.cookies[0]  # cookies know no port
    told = hostile.evaluate(TRIES, ward.address)
    assert told == dict.fromkeys(told, "refused")
    hostile.set_content(f'<form method="post" action="{ward.address}/alive"><button>Go</button>')
    with hostile.expect_response(f"{ward.address}/alive") as form:
        hostile.get_by_role("button", name="Go").click()
    assert form.value.status == 403

    assert stream_opened_with(ward.port, other.cookies[0]) == 403

    hostile.close()  # and the reader works on
    reader.locator('tr[data-pick="CASE-001"]').click()
    expect(reader.get_by_role("heading", name="CASE-001")).to_be_visible()
    served.stop()
    mine = [(kind, payload) for kind, actor, payload in events(workspace) if actor == "dr.first"]
    other_page = {"what": "request", "why": "origin"}
    refused = [payload for kind, payload in mine if kind == "REFUSED"]
    assert refused[0] == other_page
    assert sum(payload.get("times", 1) for payload in refused) == len(told) + 2
    assert all(payload | other_page == payload for payload in refused)
    assert [kind for kind, _ in mine if kind != "REFUSED"] == ["SIGNED_IN", "OPENED", "SIGNED_OUT"]
