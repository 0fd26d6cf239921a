"""The inbox: what is acknowledged is there once, whatever happens; nothing else is."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.errors import StoreError
from clinical.exchange.inbox import Inbox, open_inbox
from clinical.exchange.inbox_files import DATABASE_NAME
from clinical.workspace import scratch

FILM = b"the bytes of a film"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "inbox"


def opened(root: Path) -> Inbox:
    return open_inbox(root, keep_free=0)


def files(root: Path) -> set[str]:
    return {path.name for path in (root / "objects").glob("??/*")}


def test_what_is_kept_waits_in_order_of_arrival(root: Path) -> None:
    with opened(root) as inbox:
        film = inbox.keep("dicom", FILM, "CT1@192.0.2.7")
        result = inbox.keep("hl7", b"MSH|", "LAB@192.0.2.8")
        assert inbox.waiting() == (film, result)
        assert (film.number, film.kind, film.sender) == (1, "dicom", "CT1@192.0.2.7")
        assert (film.size, film.state) == (len(FILM), "waiting")
        assert film.digest == hashlib.sha256(FILM).hexdigest()
        assert inbox.path(film).read_bytes() == FILM


def test_a_file_is_kept_as_its_bytes_are_and_stays_where_it_is(root: Path, tmp_path: Path) -> None:
    given_file = tmp_path / "film.dcm"
    given_file.write_bytes(FILM)
    with opened(root) as inbox:
        assert inbox.keep("dicom", given_file, "A") == inbox.keep("dicom", FILM, "B")
    assert given_file.read_bytes() == FILM


def test_the_same_bytes_are_one_arrival_whatever_became_of_it(root: Path) -> None:
    with opened(root) as inbox:
        first = inbox.keep("dicom", FILM, "A")
        inbox.done(first, "case 1")
        again = inbox.keep("dicom", FILM, "B")
        assert (again.number, again.sender, again.state) == (first.number, "A", "done")
        assert inbox.keep("hl7", FILM, "A").number != first.number
        assert len(files(root)) == 1


def test_what_is_settled_waits_no_more(root: Path) -> None:
    with opened(root) as inbox:
        one, two, three = (inbox.keep("hl7", text, "LAB") for text in (b"1", b"2", b"3"))
        inbox.done(one, "case 1")
        inbox.set_aside(two, "No patient is named.")
        assert inbox.waiting() == (three,)
        (aside,) = inbox.set_aside_list()
        assert (aside.arrival.number, aside.reason) == (two.number, "No patient is named.")
        assert aside.arrival.state == "set aside"
        tally = inbox.tally()
        assert (tally.received, tally.waiting, tally.done) == (3, 1, 1)
        assert tally.set_aside == {"No patient is named.": 1}
        assert tally.oldest_waiting == three.received_at
        inbox.wait_again(two)
        assert [arrival.number for arrival in inbox.waiting()] == [two.number, three.number]


def test_an_arrival_of_another_inbox_is_not_settled(root: Path, tmp_path: Path) -> None:
    with opened(root) as inbox, opened(tmp_path / "other") as other:
        inbox.keep("dicom", FILM, "A")
        with pytest.raises(StoreError, match="no arrival 1"):
            inbox.done(other.keep("dicom", b"another film", "A"), "case 1")


def test_what_is_removed_is_gone_and_may_come_again(root: Path) -> None:
    with opened(root) as inbox:
        film, other = inbox.keep("dicom", FILM, "A"), inbox.keep("hl7", FILM, "A")
        inbox.remove(film)
        assert inbox.waiting() == (other,)
        assert inbox.path(other).read_bytes() == FILM
        inbox.remove(other)
        assert files(root) == set()
        assert inbox.keep("dicom", FILM, "A").number > other.number
        assert len(files(root)) == 1


def test_what_waited_waits_after_a_restart(root: Path) -> None:
    with opened(root) as inbox:
        kept = inbox.keep("fhir", b"{}", "EHR")
    with opened(root) as inbox:
        assert inbox.waiting() == (kept,)


def test_a_full_disk_is_said_before_anything_is_written(root: Path) -> None:
    with open_inbox(root, keep_free=1 << 60) as inbox:
        with pytest.raises(StoreError, match="to stay free"):
            inbox.keep("dicom", FILM, "A")
        assert inbox.waiting() == ()
    assert not files(root)


def test_it_is_for_its_owner_only(root: Path) -> None:
    with opened(root) as inbox:
        inbox.path(inbox.keep("dicom", FILM, "A"))
        modes = {path.stat().st_mode & 0o777 for path in [root, *root.rglob("*")]}
    assert modes == {0o700, 0o600}


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    mode = tmp_path.stat().st_mode
    with pytest.raises(StoreError, match="holds no inbox"):
        open_inbox(tmp_path)
    assert tmp_path.stat().st_mode == mode


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("PRAGMA user_version = 99", "layout 99"),
        ("PRAGMA application_id = 7", "not of an inbox"),
    ],
)
def test_a_database_of_something_else_is_refused(root: Path, statement: str, said: str) -> None:
    opened(root).close()
    with closing(sqlite3.connect(root / DATABASE_NAME)) as connection:
        connection.execute(statement)
    with pytest.raises(StoreError, match=said):
        open_inbox(root)


def test_a_damaged_database_is_said_without_a_traceback(root: Path) -> None:
    opened(root).close()
    (root / DATABASE_NAME).write_bytes(b"not a database, " * 512)
    with pytest.raises(StoreError, match="cannot be used"):
        open_inbox(root)


def test_what_was_never_acknowledged_is_removed_at_the_start(root: Path) -> None:
    with opened(root) as inbox:
        kept = inbox.keep("dicom", FILM, "A")
    half = root / "coming" / f"{scratch.PART}half"
    half.write_bytes(b"half a fi")
    empty, young = (root / "coming" / f"{scratch.PART}{name}" for name in ("empty", "young"))
    for place in (empty, young):
        place.touch()
    os.utime(empty, (0, 0))
    nameless = root / "objects" / "ab" / ("ab" + "0" * 62)
    nameless.parent.mkdir()
    nameless.write_bytes(b"a name, and no row")
    with opened(root) as inbox:
        assert not half.exists()
        assert not empty.exists()
        assert young.exists()
        assert not nameless.exists()
        assert inbox.path(kept).read_bytes() == FILM


def test_what_another_process_is_writing_is_left_to_it(root: Path) -> None:
    with opened(root), scratch.part(root / "coming" / "object") as part:
        part.write_bytes(b"half a fi")
        with opened(root):
            assert part.read_bytes() == b"half a fi"


@settings(deadline=None, max_examples=15)  # each object is flushed to the disk three times
@given(texts=st.lists(st.binary(max_size=3), max_size=12))
def test_each_content_is_there_once(
    tmp_path_factory: pytest.TempPathFactory, texts: list[bytes]
) -> None:
    with opened(tmp_path_factory.mktemp("each") / "inbox") as inbox:
        numbers = [inbox.keep("dicom", text, "A").number for text in texts]
        waiting = inbox.waiting()
        assert [inbox.path(a).read_bytes() for a in waiting] == list(dict.fromkeys(texts))
        assert len(set(numbers)) == len(waiting)


def test_threads_with_two_open_inboxes_keep_each_object_once(root: Path) -> None:
    contents = [bytes([number]) * 5000 for number in range(20)] * 3
    with opened(root) as one, opened(root) as two, ThreadPoolExecutor(8) as pool:
        kept = list(
            pool.map(
                lambda n: (one, two)[n % 2].keep("dicom", contents[n], f"A{n}"),
                range(len(contents)),
            )
        )
        assert sorted(a.number for a in one.waiting()) == sorted({a.number for a in kept})
        assert len(files(root)) == 20
    assert not list((root / "coming").iterdir())


KEEPER = """
import sys
from pathlib import Path
from clinical.exchange.inbox import open_inbox
inbox = open_inbox(Path(sys.argv[1]), keep_free=0)
for number in range(100_000):
    kept = inbox.keep("dicom", f"{sys.argv[2]} {number} ".encode() * 3000, "A")
    print(kept.digest, flush=True)
"""


def test_a_kill_loses_nothing_that_was_acknowledged_and_leaves_nothing_else(root: Path) -> None:
    acknowledged: list[str] = []
    for turn in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", KEEPER, str(root), str(turn)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        ) as process:
            assert process.stdout is not None
            acknowledged += [process.stdout.readline().strip() for _ in range(5 + turn)]
            process.send_signal(signal.SIGKILL)
            acknowledged += [line.strip() for line in process.stdout if line.endswith("\n")]
    with opened(root) as inbox:
        waiting = inbox.waiting()
        for arrival in waiting:
            data = inbox.path(arrival).read_bytes()
            assert hashlib.sha256(data).hexdigest() == arrival.digest
    digests = [arrival.digest for arrival in waiting]
    assert len(digests) == len(set(digests))
    assert set(acknowledged) <= set(digests)
    assert len(digests) <= len(acknowledged) + 3  # one that was kept when the answer was cut off
    assert files(root) == set(digests)
    assert not [place for place in (root / "coming").iterdir() if place.stat().st_size]


def test_objects_that_arrive_at_once_do_not_sweep_each_other(root: Path) -> None:
    def arrive(number: int) -> bool:
        file = inbox.new_file()
        file.write(bytes([number]) * 1000)
        file.flush()
        inbox.keep("dicom", Path(file.name), "A")
        file.close()
        Path(file.name).unlink(missing_ok=True)
        return True

    with opened(root) as inbox, ThreadPoolExecutor(8) as pool:
        assert all(pool.map(arrive, range(100)))
        assert len(inbox.waiting()) == 100
    assert not list((root / "coming").iterdir())
