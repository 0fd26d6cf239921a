"""A folder into which others put files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from generated_films import film
from waiting import until

from clinical.errors import ConfigError, StoreError
from clinical.exchange import watched_folder
from clinical.exchange.inbox import Inbox, open_inbox
from clinical.exchange.watched_folder import Settings, Watch

MESSAGE = b"MSH|^~\\&|LAB|H|T|H|20300101||ORU^R01|1|P|2.5\rPID|||P1\r"


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    with open_inbox(tmp_path / "inbox", keep_free=0) as inbox:
        yield inbox


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "in"
    for name in ("", "taken", "refused"):
        (place / name).mkdir()
    return place


@pytest.fixture
def refused() -> list[str]:
    return []


@pytest.fixture
def watch(folder: Path, inbox: Inbox, refused: list[str]) -> Watch:
    return Watch(Settings(str(folder), quiet_seconds=5, largest_mb=1), inbox, refused.append)


def names(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


def test_a_file_that_has_stopped_growing_is_kept_and_moved(
    watch: Watch, folder: Path, inbox: Inbox
) -> None:
    film(1, folder / "film.dcm")
    data = (folder / "film.dcm").read_bytes()
    assert watch.look(0.0) == 0
    assert watch.look(4.9) == 0
    assert watch.look(5.0) == 1
    (arrival,) = inbox.waiting()
    assert (arrival.kind, arrival.sender) == ("dicom", "folder")
    assert inbox.path(arrival).read_bytes() == data
    assert names(folder) == ["refused", "taken"]
    assert names(folder / "taken") == ["00000001 film.dcm"]


def test_a_file_that_grows_is_left_alone(watch: Watch, folder: Path, inbox: Inbox) -> None:
    film(1, folder / "film.dcm")
    whole = (folder / "film.dcm").read_bytes()
    (folder / "film.dcm").write_bytes(whole[:500])
    watch.look(0.0)
    (folder / "film.dcm").write_bytes(whole)
    assert watch.look(6.0) == 0
    assert watch.look(11.0) == 1
    assert inbox.path(inbox.waiting()[0]).read_bytes() == whole


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (MESSAGE, "hl7"),
        (b'\xef\xbb\xbf {"resourceType": "Bundle"}', "fhir"),
        (b'{"resourceType": "Patient"}\n{"resourceType": "Observation"}\n', "fhir"),
    ],
)
def test_what_a_file_is_its_content_says(
    watch: Watch, folder: Path, inbox: Inbox, data: bytes, kind: str
) -> None:
    (folder / "any.dcm").write_bytes(data)
    watch.look(0.0)
    watch.look(5.0)
    (arrival,) = inbox.waiting()
    assert arrival.kind == kind
    assert inbox.path(arrival).read_bytes() == data


def test_each_message_of_a_file_is_kept_for_itself(
    watch: Watch, folder: Path, inbox: Inbox
) -> None:
    second = MESSAGE.replace(b"|1|P", b"|2|P")
    framed = b"".join(b"\x0b" + message + b"\x1c\r" for message in (MESSAGE, second))
    (folder / "framed").write_bytes(framed)
    (folder / "batch").write_bytes(b"FHS|^~\\&|LAB\r" + MESSAGE + second)
    watch.look(0.0)
    watch.look(5.0)
    assert [inbox.path(one).read_bytes() for one in inbox.waiting()] == [MESSAGE, second]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"Doe^Jane came for a film", "not an image of a known format"),
        (b"%PDF-1.7", "PDF document"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "does not say whose it is"),
        (bytes(2 << 20), "more than 1 MB"),
    ],
)
def test_what_cannot_be_read_is_moved_aside_with_the_reason(
    watch: Watch, folder: Path, inbox: Inbox, refused: list[str], data: bytes, said: str
) -> None:
    (folder / "Doe_Jane").write_bytes(data)
    watch.look(0.0)
    watch.look(5.0)
    assert inbox.waiting() == ()
    assert names(folder / "refused") == ["Doe_Jane", "Doe_Jane.reason.txt"]
    reason = (folder / "refused" / "Doe_Jane.reason.txt").read_text()
    assert said in reason
    assert len(refused) == 1
    assert "Doe" not in reason + refused[0]


def test_a_film_that_was_cut_is_refused(watch: Watch, folder: Path, refused: list[str]) -> None:
    film(1, folder / "film.dcm")
    (folder / "film.dcm").write_bytes((folder / "film.dcm").read_bytes()[:-10])
    watch.look(0.0)
    watch.look(5.0)
    assert "ends too early" in refused[0]


def test_two_files_of_one_name_both_stay(watch: Watch, folder: Path) -> None:
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "letter").write_bytes(b"%PDF of " + name.encode())
    watch.look(0.0)
    assert watch.look(5.0) == 2
    assert names(folder / "refused") == [
        "2 letter",
        "2 letter.reason.txt",
        "letter",
        "letter.reason.txt",
    ]


def test_files_that_are_being_written_and_links_are_left(watch: Watch, folder: Path) -> None:
    for name in ("film.dcm.part", ".film.dcm.Xy12", "film.TMP"):
        (folder / name).write_bytes(MESSAGE)
    (folder / "link").symlink_to(folder / "film.TMP")
    os.mkfifo(folder / "pipe")
    watch.look(0.0)
    assert watch.look(100.0) == 0
    assert watch.look(200.0) == 0


def test_a_file_waits_while_the_disk_is_full(
    watch: Watch, folder: Path, inbox: Inbox, refused: list[str]
) -> None:
    (folder / "message").write_bytes(MESSAGE)
    watch.look(0.0)
    inbox.keep_free = 1 << 60
    with pytest.raises(StoreError, match="to stay free"):
        watch.look(5.0)
    assert names(folder) == ["message", "refused", "taken"]
    inbox.keep_free = 0
    watch.look(6.0)
    watch.look(11.0)
    assert len(inbox.waiting()) == 1
    assert not refused


def test_what_was_taken_can_be_deleted(folder: Path, inbox: Inbox) -> None:
    watch = Watch(Settings(str(folder), delete_taken=True), inbox, print)
    (folder / "message").write_bytes(MESSAGE)
    watch.look(0.0)
    watch.look(5.0)
    assert names(folder) == ["refused", "taken"]
    assert names(folder / "taken") == []


def test_a_road_takes_what_is_put_there(tmp_path: Path, inbox: Inbox) -> None:
    place = tmp_path / "in"
    place.mkdir()
    road = watched_folder.start(
        Settings(str(place), quiet_seconds=0, look_seconds=0.01), inbox, print
    )
    (place / "message").write_bytes(MESSAGE)
    until(inbox.waiting, "the message")
    road.stop()
    assert (road.name, road.where) == ("folder", str(place))


def test_a_folder_that_is_not_there_is_said(tmp_path: Path, inbox: Inbox) -> None:
    with pytest.raises(ConfigError, match="cannot be used"):
        watched_folder.start(Settings(str(tmp_path / "nowhere")), inbox, print)
