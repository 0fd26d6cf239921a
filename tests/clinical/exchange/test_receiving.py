"""One receiver with all its roads, from its TOML file to its status."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from textwrap import dedent
from typing import Any
from urllib.request import Request, urlopen

import pytest
from dicom_sender import calling, encoded, sent
from dicom_sender import film as small_film
from generated_films import film
from waiting import until

from clinical.dicom import receiver
from clinical.dicom.receiver import KEPT
from clinical.errors import ConfigError, StoreError
from clinical.exchange import receiving, stow, watched_folder
from clinical.exchange.inbox import open_inbox

WHOLE = """
inbox = "inbox"
keep_free_gb = 0

[dicom]
title = "TRIPTYCH"
port = 0

[[dicom.senders]]
title = "PACS"
address = "127.0.0.1"

[stow]
port = 0
senders = ["127.0.0.1"]
tokens = "tokens"

[hl7]
port = 0
senders = ["127.0.0.1"]

[fhir]
port = 0
senders = ["127.0.0.1"]
tokens = "tokens"

[folder]
path = "in"
quiet_seconds = 0
look_seconds = 0.01
"""


RESULT = (
    b"MSH|^~\\&|LAB|H|T|H|20300101120000||ORU^R01|1|P|2.5.1\r"
    b"PID|||P1^^^H\r"
    b"OBR|1||L1|24323-8^^LN|||20300101110000\r"
    b"OBX|1|NM|2823-3^Potassium^LN||4.1|mmol/L|||||F|||20300101110000\r"
)
PATIENT = b"""{"resourceType": "Patient", "id": "1",
 "identifier": [{"system": "urn:h", "value": "P1"}],
 "gender": "female", "birthDate": "1970-01-01"}"""
STOW = 'multipart/related; type="application/dicom"; boundary=b'
TOKEN = "0123456789abcdef" * 2


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "tokens").write_text(f"EHR {TOKEN}\n")
    return written(tmp_path, WHOLE)


def written(place: Path, text: str) -> Path:
    path = place / "receive.toml"
    path.write_text(text)
    return path


@contextmanager
def running(file: Path) -> Iterator[dict[str, Any]]:
    """The status of a receiver that runs for the length of the block."""
    stop, told = threading.Event(), []
    settings = receiving.read(file)
    thread = threading.Thread(target=receiving.receive, args=(settings, stop, told.append))
    thread.start()
    try:
        until(lambda: any(line.startswith("inbox") for line in told), "the roads")
        until(lambda: (settings.inbox / receiving.STATUS_NAME).exists(), "the status")
        yield receiving.status(settings.inbox)
    finally:
        stop.set()
        thread.join()
    assert told[-1] == "stopping"


def test_paths_are_beside_the_file(file: Path) -> None:
    settings = receiving.read(file)
    assert settings.inbox == file.parent / "inbox"
    assert settings.folder
    assert settings.folder.path == str(file.parent / "in")
    assert settings.dicom
    assert settings.dicom.senders[0].title == "PACS"
    assert settings.keep_free == 0


def test_every_road_leads_into_the_inbox(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "STATUS_SECONDS", 0.01)
    film(1, file.parent / "in" / "film.dcm")
    with running(file) as status:
        assert status["running"] is True
        ports = {name: port_of(where) for name, where in status["roads"].items() if "port" in where}
        sender = calling(ports["DICOM"])
        assert sent(sender, encoded(small_film())) == KEPT
        sender.release()
        assert calling(ports["DICOM"], title="STRANGER").is_rejected
        with socket.create_connection(("127.0.0.1", ports["HL7 v2"])) as line:
            line.sendall(b"\x0b" + RESULT + b"\x1c\r")
            assert b"MSA|AA" in line.recv(1000)
        assert posted(ports["FHIR"], PATIENT, "application/fhir+json") == 202
        film(2, file.parent / "film.dcm")
        part = b"--b\r\n\r\n" + (file.parent / "film.dcm").read_bytes() + b"\r\n--b--\r\n"
        assert posted(ports["STOW-RS"], part, STOW, "studies") == 200
        until(lambda: latest(file)["received"] == 5, "all of them")
        until(lambda: latest(file)["refused_since_start"], "the refusal")
        assert latest(file)["waiting"] == 5
        assert sum(latest(file)["refused_since_start"].values()) == 1
    assert latest(file)["running"] is False
    with open_inbox(file.parent / "inbox", keep_free=0) as inbox:
        assert sorted(one.kind for one in inbox.waiting()) == [*["dicom"] * 3, "fhir", "hl7"]


def port_of(where: str) -> int:
    return int(where.split("port ")[1].split(",")[0])


def posted(port: int, body: bytes, kind: str, path: str = "") -> int:
    request = Request(
        f"http://127.0.0.1:{port}/{path}",
        body,
        {"Authorization": f"Bearer {TOKEN}", "Content-Type": kind},
    )
    with urlopen(request) as answer:
        return int(answer.status)


def latest(file: Path) -> dict[str, Any]:
    return receiving.status(file.parent / "inbox")


def test_what_waited_waits_at_the_next_start(file: Path) -> None:
    with open_inbox(file.parent / "inbox", keep_free=0) as inbox:
        inbox.keep("hl7", b"MSH|", "LAB")
        aside = inbox.keep("hl7", b"MSH|2", "LAB")
        inbox.set_aside(aside, "No patient is named.")
    with running(file) as status:
        assert (status["received"], status["waiting"], status["done"]) == (2, 1, 0)
        assert status["set_aside"] == {"No patient is named.": 1}
        assert status["oldest_waiting_seconds"] >= 0


def test_there_is_one_receiver_for_one_inbox(file: Path) -> None:
    with running(file), pytest.raises(StoreError, match="Another receiver"):
        receiving.receive(receiving.read(file), threading.Event(), print)


def test_a_road_that_cannot_open_closes_those_that_did(file: Path) -> None:
    file.write_text(WHOLE.replace('path = "in"', 'path = "nowhere"'))
    with pytest.raises(ConfigError, match="watched folder"):
        receiving.receive(receiving.read(file), threading.Event(), print)
    assert not [one for one in threading.enumerate() if "serve_forever" in one.name]


def test_the_status_of_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Nothing was ever received"):
        receiving.status(tmp_path)


def test_the_status_holds_nothing_but_numbers_and_words(file: Path) -> None:
    with running(file):
        text = (file.parent / "inbox" / receiving.STATUS_NAME).read_text()
    assert json.loads(text)["disk_free_bytes"] > 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('inbox = "i"', "opens no road"),
        ("[dicom]\nsenders = []", "'inbox' is missing"),
        ('inbox = "i"\n[dicm]', "unknown key 'dicm'.*dicom"),
        ('inbox = "i"\n[dicom]\nsenders = []\nprt = 1', "unknown key 'prt'.*port"),
        ('inbox = "i"\n[[dicom.senders]]\ntitle = "A"', "'address' is missing"),
        ('inbox = "i"\ndicom = 1', "not a table"),
        ('inbox = "i"\nkeep_free_gb = -1\n[folder]\npath = "x"', "keep_free_gb"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        receiving.read(written(tmp_path, text))


def test_the_table_of_assembly_is_left_to_others(file: Path) -> None:
    file.write_text(WHOLE + '\n[assembly]\ntime_zone = "Europe/Berlin"\n')
    assert receiving.read(file).dicom


DOCUMENT = (Path(__file__).parents[3] / "docs" / "receiving.md").read_text(encoding="utf-8")


def test_the_example_of_the_document_is_a_file_that_is_read(tmp_path: Path) -> None:
    block = DOCUMENT.split("    # RECEIVE.toml")[1].split("\n\nThen")[0]
    settings = receiving.read(written(tmp_path, dedent("    #" + block)))
    assert settings.dicom
    assert [one.title for one in settings.dicom.senders] == ["PACS", "CT1"]
    assert settings.folder


@pytest.mark.parametrize(
    "kind", [receiving.General, receiver.Settings, stow.Settings, watched_folder.Settings]
)
def test_every_key_is_documented(kind: type[Any]) -> None:
    text = DOCUMENT.replace("inbox =", "`inbox`").replace("keep_free_gb =", "`keep_free_gb`")
    assert [field.name for field in fields(kind) if f"`{field.name}`" not in text] == []


def test_every_key_of_the_status_is_documented(file: Path) -> None:
    with running(file) as status:
        assert [key for key in status if f"`{key}`" not in DOCUMENT] == ["running"]
