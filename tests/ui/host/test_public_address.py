"""The address before a proxy: https and a name, and what follows for cookie, hosts and Origin."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinical.access import accounts
from clinical.errors import ConfigError
from clinical.review import protocol
from clinical.review.protocol import Protocol
from clinical.workspace.database import opened
from ui.host import app, door, launch
from ui.host.public_address import PublicAddress, public_address


@pytest.mark.parametrize(
    ("stated", "origin"),
    [
        ("https://triptych.example", "https://triptych.example"),
        ("https://Triptych.Example/", "https://triptych.example"),
        ("https://triptych.example:443", "https://triptych.example"),
        ("https://triptych.example:8443", "https://triptych.example:8443"),
        (" https://10.1.2.3 ", "https://10.1.2.3"),
    ],
)
def test_it_is_what_a_browser_calls_the_page(stated: str, origin: str) -> None:
    assert public_address(stated).origin == origin


@pytest.mark.parametrize(
    "stated",
    [
        "",
        "triptych.example",
        "http://triptych.example",
        "https://",
        "https://triptych.example/page",
        "https://triptych.example/?a=b",
        "https://name:word@triptych.example",
        "https://triptych.example:99999",
        "https://*.example",
        "https://trip_tych.example",
        "https://[::1",
        "https://triptych.example evil.example",
    ],
)
def test_anything_else_is_refused(stated: str) -> None:
    with pytest.raises(ConfigError, match="behind TLS"):
        public_address(stated)


def test_the_page_answers_to_its_name_and_to_loopback_only() -> None:
    public = PublicAddress("triptych.example")
    assert app.hosts(public) == ["127.0.0.1", "localhost", "triptych.example"]
    assert app.hosts(None) == ["127.0.0.1", "localhost"]
    assert app.options(8501, public)["browser.serverAddress"] == "triptych.example"
    assert app.options(8501, public)["server.address"] == "127.0.0.1"


def test_its_cookie_has_a_name_that_only_tls_and_this_host_can_set() -> None:
    assert door.cookie_name(8501, PublicAddress("triptych.example")) == "__Host-triptych_session"
    assert door.cookie_name(8501) == "triptych_session_8501"


def test_a_workspace_that_asks_for_passkeys_is_not_opened_where_nobody_could_sign(
    tmp_path: Path,
) -> None:
    with opened(tmp_path, create=True) as engine:
        accounts.add(engine, "dr.first", "reader", "three quiet herons")
        protocol.set_protocol(engine, Protocol(passkey=True), "boss")
    chosen = launch.Choices(tmp_path, public_address="https://triptych.example")
    with pytest.raises(ConfigError, match="bound to localhost"):
        launch.serve(chosen)
