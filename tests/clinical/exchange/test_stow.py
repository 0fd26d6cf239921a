"""STOW-RS, heard by a client of the standard library."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from generated_films import film
from waiting import SECONDS, until

from clinical.errors import ConfigError, StoreError
from clinical.exchange import stow
from clinical.exchange.inbox import Inbox, open_inbox
from clinical.exchange.stow import Settings

TOKEN = "0123456789abcdef" * 2
KIND = 'multipart/related; type="application/dicom"; boundary=between'
KEPT, FAILED, OTHERS = "00081199", "00081198", "0008119A"


class Port:
    """A port that leads into an inbox, and what it refused."""

    def __init__(self, place: Path, inbox: Inbox) -> None:
        tokens = place / "tokens"
        tokens.write_text(f"viewer {TOKEN}\n")
        self.inbox = inbox
        self.refused: list[str] = []
        self.settings = Settings(("127.0.0.1",), str(tokens), port=0, largest_mb=1)
        self.listener = stow.start(self.settings, self.keep, inbox.new_file, self.refused.append)

    def keep(self, path: Path, sender: str) -> None:
        self.inbox.keep("dicom", path, sender)

    def post(
        self, body: bytes, kind: str = KIND, token: str = TOKEN, path: str = "/studies"
    ) -> tuple[int, dict[str, Any]]:
        line = http.client.HTTPConnection("127.0.0.1", self.listener.port, timeout=SECONDS)
        headers = {"Content-Type": kind, "Authorization": f"Bearer {token}"}
        line.request("POST", path, body, headers)
        answer = line.getresponse()
        data = answer.read()
        line.close()
        is_json = answer.headers.get("Content-Type") == "application/dicom+json"
        return answer.status, json.loads(data) if is_json else {}


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Port]:
    with open_inbox(tmp_path / "inbox", keep_free=0) as inbox:
        port = Port(tmp_path, inbox)
        yield port
        port.listener.stop()
        assert not list((tmp_path / "inbox" / "coming").iterdir())


def multipart(*parts: bytes) -> bytes:
    head = b"--between\r\nContent-Type: application/dicom\r\n\r\n"
    return b"".join(head + part + b"\r\n" for part in parts) + b"--between--\r\n"


@pytest.fixture
def films(tmp_path: Path) -> list[bytes]:
    for number in range(3):
        film(number, tmp_path / f"{number}.dcm")
    return [(tmp_path / f"{number}.dcm").read_bytes() for number in range(3)]


def test_each_object_of_a_body_is_kept(port: Port, films: list[bytes]) -> None:
    status, answer = port.post(multipart(*films))
    assert status == 200
    assert list(answer) == [KEPT]
    assert len(answer[KEPT]["Value"]) == 3
    assert answer[KEPT]["Value"][0]["00081150"]["vr"] == "UI"
    arrivals = port.inbox.waiting()
    assert [port.inbox.path(one).read_bytes() for one in arrivals] == films
    assert {one.sender for one in arrivals} == {"viewer"}


def test_what_is_broken_is_named_and_the_rest_is_kept(port: Port, films: list[bytes]) -> None:
    cut, large = films[0][:-20], films[1] + bytes(2 << 20)
    status, answer = port.post(multipart(cut, large, b"Doe^Jane", films[2]))
    assert status == 202
    assert len(answer[KEPT]["Value"]) == 1
    assert [item["00081197"]["Value"] for item in answer[OTHERS]["Value"]] == [[0xC000]] * 3
    assert len(port.inbox.waiting()) == 1
    assert len(port.refused) == 3
    assert "Doe" not in "".join(port.refused) + json.dumps(answer)


def test_a_full_disk_is_told(port: Port, films: list[bytes]) -> None:
    port.inbox.keep_free = 1 << 60
    status, answer = port.post(multipart(films[0]))
    assert status == 409
    (item,) = answer[FAILED]["Value"]
    assert item["00081197"]["Value"] == [0xA700]
    assert item["00081155"]["Value"]


@pytest.mark.parametrize(
    ("body", "how", "status"),
    [
        (multipart(b"x"), {"token": "wrong"}, 401),
        (multipart(b"x"), {"kind": "application/dicom"}, 415),
        (multipart(b"x"), {"kind": 'multipart/related; type="application/dicom"'}, 415),
        (multipart(b"x"), {"kind": KIND.replace("dicom", "pdf")}, 415),
        (b"no part at all", {}, 400),
        (multipart(b"x")[:-9], {}, 400),
        (b"", {}, 400),
        (multipart(b"x"), {"path": "/studies/1.2.3"}, 404),
    ],
)
def test_what_is_no_such_body(port: Port, body: bytes, how: dict[str, str], status: int) -> None:
    assert port.post(body, **how)[0] == status
    assert port.inbox.waiting() == ()


def test_a_body_of_too_many_parts(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stow, "MOST_PARTS", 5)
    assert port.post(multipart(*[b"x"] * 6))[0] == 413


def test_a_body_that_breaks_off_leaves_nothing(port: Port, films: list[bytes]) -> None:
    body = multipart(films[0])
    with socket.create_connection(("127.0.0.1", port.listener.port)) as line:
        head = f"POST /studies HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n"
        line.sendall(f"{head}Content-Type: {KIND}\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        line.sendall(body[:500])
        until(lambda: list((port.inbox.root / "coming").iterdir()), "the beginning of an object")
    until(lambda: port.refused, "the end of the body")
    assert "broke off" in port.refused[0]


def test_a_fault_is_answered_without_its_words(
    port: Port, films: list[bytes], monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("Doe^Jane")

    monkeypatch.setattr(port.inbox, "keep", fail)
    assert port.post(multipart(films[0]))[0] == 500
    assert "Doe" not in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_an_inbox_that_gives_no_file_is_told(
    port: Port, films: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise StoreError("the disk is full")

    tokens = port.settings.tokens
    other = stow.start(Settings(("127.0.0.1",), tokens, port=0), port.keep, fail, print)
    port.listener, first = other, port.listener
    first.stop()
    assert port.post(multipart(films[0]))[0] == 503


def test_a_port_that_is_taken_is_said(port: Port) -> None:
    settings = Settings(("127.0.0.1",), port.settings.tokens, port=port.listener.port)
    with pytest.raises(ConfigError, match="stow: nothing can listen"):
        stow.start(settings, port.keep, port.inbox.new_file)
