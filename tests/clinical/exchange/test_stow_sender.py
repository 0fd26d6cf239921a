"""Objects by STOW-RS: what a server says of each, and our own receiver at the other end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from generated_films import film
from receivers import web_server

from clinical.case.delivery import Delivered, NotNow, Outcome, Refused
from clinical.dicom import outline
from clinical.errors import ConfigError
from clinical.exchange import stow, stow_sender
from clinical.exchange.inbox import Inbox, open_inbox
from clinical.exchange.stow_sender import Studies

TOKEN = "0123456789abcdef" * 2
STORED, FAILED, OTHERS = "00081199", "00081198", "0008119A"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("film") / "film.dcm"
    film(1, made)
    return made


def answer(instance: str, sequence: str = STORED, reason: object = None) -> bytes:
    """Store Instances Response of one object, with empty sequences as servers write them."""
    item: dict[str, Any] = {"00081155": {"vr": "UI", "Value": [instance]}}
    if reason is not None:
        item["00081197"] = {"vr": "US", "Value": [reason]}
    told = {name: {"vr": "SQ"} for name in (STORED, FAILED)}
    return json.dumps({**told, sequence: {"vr": "SQ", "Value": [item]}}).encode()


OURS = "{ours}"
"""Stands for the UID of the object that is sent."""
TABLE: dict[str, tuple[int, bytes, Outcome]] = {
    "stored": (200, answer(OURS), Delivered()),
    "stored, with a warning": (202, answer(OURS), Delivered()),
    "stored, and nothing is said of it": (200, b"", Delivered()),
    "a list of one data set": (200, b"[" + answer(OURS) + b"]", Delivered()),
    "200 although it failed": (
        200,
        answer(OURS, FAILED, 0x0122),
        Refused("the server answered with status 200, and of the object 0122"),
    ),
    "202 although it failed": (
        202,
        answer(OURS, FAILED, 0xC000),
        Refused("the server answered with status 202, and of the object C000"),
    ),
    "409: no room now": (
        409,
        answer(OURS, FAILED, 0xA700),
        NotNow("the server answered with status 409, and of the object A700"),
    ),
    "409: it cannot be understood": (
        409,
        answer("", OTHERS, 0xC000),
        Refused("the server answered with status 409, and of the object C000"),
    ),
    "409, and no reason": (
        409,
        answer(OURS, FAILED),
        Refused("the server answered with status 409, and of the object 0000"),
    ),
    "409, and a reason that is none": (
        409,
        answer(OURS, FAILED, "Doe^Jane"),
        Refused("the server answered with status 409, and of the object 0000"),
    ),
    "409, and nothing is said": (409, b"", Refused("the server answered with status 409")),
    "202, and nothing is said": (
        202,
        b"",
        Refused("the server answered with status 202 and does not say that it stored the object"),
    ),
    "of another object": (
        200,
        answer("1.2.3"),
        Refused("the server answered with status 200 and does not say that it stored the object"),
    ),
    "XML, which was not asked for": (
        200,
        b"<NativeDicomModel/>",
        Refused("the server answered with status 200 and does not say that it stored the object"),
    ),
    "JSON that is no data set": (
        200,
        b'{"00081199": {"Value": 3}, "00081198": 4}',
        Refused("the server answered with status 200 and does not say that it stored the object"),
    ),
    "400": (400, answer(OURS), Refused("the server answered with status 400")),
    "401: a token ran out": (401, b"", NotNow("the server answered with status 401")),
    "503": (503, b"", NotNow("the server answered with status 503")),
}


@pytest.mark.parametrize("row", TABLE)
def test_what_a_server_says_of_the_object(path: Path, row: str) -> None:
    status, body, outcome = TABLE[row]
    instance = outline.identity_of(path).sop_instance
    told = body.replace(OURS.encode(), instance.encode())
    with web_server(lambda _: (status, told)) as (base, _):
        assert stow_sender.store(Studies(f"{base}/dicom-web/"), path.read_bytes()) == outcome


def test_what_is_sent_is_a_body_of_one_part(path: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n", encoding="ascii")
    with web_server(lambda _: (200, b"")) as (base, taken):
        studies = Studies(f"{base}/dicom-web", token_file=str(tmp_path / "token"))
        stow_sender.store(studies, path.read_bytes())
    ((headers, body),) = taken
    assert headers["path"] == "/dicom-web/studies"
    assert headers["accept"] == "application/dicom+json"
    assert headers["authorization"] == f"Bearer {TOKEN}"
    kind, _, boundary = headers["content-type"].partition("; boundary=")
    assert kind == 'multipart/related; type="application/dicom"'
    head, _, rest = body.partition(b"\r\n\r\n")
    assert head == f"--{boundary}\r\nContent-Type: application/dicom".encode()
    assert rest == path.read_bytes() + f"\r\n--{boundary}--\r\n".encode()


def test_what_is_no_object_is_not_sent() -> None:
    with web_server(lambda _: (200, b"")) as (base, taken):
        assert stow_sender.store(Studies(base), b"no") == Refused("it is no DICOM object")
    assert taken == []


def test_a_token_that_cannot_be_read_is_said(path: Path, tmp_path: Path) -> None:
    studies = Studies("http://127.0.0.1:1/dicom-web", token_file=str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="token for the DICOMweb server"):
        stow_sender.store(studies, path.read_bytes())


class Port:
    """Our own receiver, and whom it takes for a sender."""

    def __init__(self, place: Path, inbox: Inbox) -> None:
        self.inbox = inbox
        self.token = place / "token"
        (place / "tokens").write_text(f"triptych {TOKEN}\n")
        self.token.write_text(TOKEN)
        settings = stow.Settings(("127.0.0.1",), str(place / "tokens"), port=0, largest_mb=1)
        self.listener = stow.start(settings, self.keep, inbox.new_file)

    def keep(self, path: Path, sender: str) -> None:
        self.inbox.keep("dicom", path, sender)

    def store(self, data: bytes) -> Outcome:
        base = f"http://127.0.0.1:{self.listener.port}"
        return stow_sender.store(Studies(base, token_file=str(self.token)), data)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Port]:
    with open_inbox(tmp_path / "inbox", keep_free=0) as inbox:
        made = Port(tmp_path, inbox)
        yield made
        made.listener.stop()


def test_our_receiver_has_the_same_bytes(port: Port, path: Path) -> None:
    assert port.store(path.read_bytes()) == Delivered()
    (arrival,) = port.inbox.waiting()
    assert port.inbox.path(arrival).read_bytes() == path.read_bytes()


def test_our_receiver_without_room_is_asked_again(port: Port, path: Path) -> None:
    port.inbox.keep_free = 1 << 60
    assert port.store(path.read_bytes()) == NotNow(
        "the server answered with status 409, and of the object A700"
    )


def test_our_receiver_refuses_an_object_that_is_too_large(port: Port, path: Path) -> None:
    large = path.read_bytes() + bytes(2 << 20)
    assert port.store(large) == Refused(
        "the server answered with status 409, and of the object C000"
    )


def test_our_receiver_wants_a_token_that_it_knows(port: Port, path: Path) -> None:
    port.token.write_text("0" * 32)
    assert port.store(path.read_bytes()) == NotNow("the server answered with status 401")
    assert port.inbox.waiting() == ()
