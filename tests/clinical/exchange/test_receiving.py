"""One receiver with all its roads, from its TOML file to its status."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from generated_films import film
from pynetdicom.ae import ApplicationEntity
from waiting import until

from clinical.errors import ConfigError, StoreError
from clinical.exchange import receiving
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

[folder]
path = "in"
quiet_seconds = 0
look_seconds = 0.01
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
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
        port = int(status["roads"]["DICOM"].split("port ")[1].split(",")[0])
        entity = ApplicationEntity("STRANGER")
        entity.add_requested_context("1.2.840.10008.1.1")
        assert entity.associate("127.0.0.1", port, ae_title="TRIPTYCH").is_rejected
        until(lambda: latest(file)["received"] == 1, "the film")
        until(lambda: latest(file)["refused_since_start"], "the refusal")
        told = latest(file)
        assert told["waiting"] == 1
        assert sum(told["refused_since_start"].values()) == 1
    assert latest(file)["running"] is False


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
