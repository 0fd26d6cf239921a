"""The outbox: in order, once, and still there after a kill."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clinical.errors import StoreError
from clinical.exchange.outbox import DATABASE_NAME, FIRST_WAIT, LONGEST_WAIT, Outbox, open_outbox


def names(outbox: Outbox, state: str = "waiting") -> list[str]:
    return [parcel.name for parcel in outbox.listed(state)]  # type: ignore[arg-type]


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return open_outbox(tmp_path / "outbox")


def test_what_was_put_is_delivered_in_that_order(outbox: Outbox) -> None:
    outbox.put("pacs", "c1", "r1", {"report": b"one", "picture": b"two"})
    outbox.put("pacs", "c2", "r2", {"report": b"three"})
    outbox.put("ris", "c1", "r1", {"message": b"one"})
    came = []
    while parcel := outbox.next_for("pacs"):
        came.append(outbox.data(parcel))
        outbox.delivered(parcel)
    assert came == [b"one", b"two", b"three"]
    assert names(outbox) == ["message"]


def test_the_same_is_put_once_for_each_destination(outbox: Outbox) -> None:
    assert len(outbox.put("pacs", "c1", "r1", {"report": b"one"})) == 1
    assert outbox.put("pacs", "c1", "r1", {"report": b"one"}) == ()
    (parcel,) = outbox.listed("waiting")
    outbox.delivered(parcel)
    assert outbox.put("pacs", "c1", "r1", {"report": b"one"}) == ()
    assert outbox.holds("pacs", "r1")
    assert not outbox.holds("ris", "r1")


def test_what_is_not_taken_waits_longer_each_time_and_lets_nothing_pass(outbox: Outbox) -> None:
    outbox.put("pacs", "c1", "r1", {"report": b"one", "picture": b"two"})
    for tries in range(12):
        parcel = outbox.next_for("pacs")
        assert parcel is not None
        assert parcel.name == "report"
        before = datetime.now(UTC)
        outbox.later(parcel, "not now")
        after = datetime.now(UTC)
        waiting = outbox.next_for("pacs")
        assert waiting is not None
        wait = min(FIRST_WAIT * 2**tries, LONGEST_WAIT)
        assert before + wait <= waiting.next_at <= after + wait


def test_what_is_refused_lets_the_next_pass_and_can_be_tried_again(outbox: Outbox) -> None:
    first, second = outbox.put("pacs", "c1", "r1", {"report": b"one", "picture": b"two"})
    outbox.set_aside(first, "status A900")
    assert outbox.next_for("pacs") == second
    assert outbox.listed("set aside")[0].reason == "status A900"
    assert outbox.again() == 1
    found = outbox.next_for("pacs")
    assert found is not None
    assert (found.name, found.tries, outbox.data(found)) == ("report", 0, b"one")


def test_bytes_that_were_delivered_are_gone_from_the_file(outbox: Outbox, tmp_path: Path) -> None:
    secret = b"of a patient " * 400
    one, other = outbox.put("pacs", "c1", "r1", {"report": secret, "picture": secret[1:]})
    outbox.delivered(one)
    outbox.forget_case(other.case_id, "the case was purged")
    with pytest.raises(StoreError, match="does not hold"):
        outbox.data(one)
    assert outbox.again() == 0
    outbox.close()
    files = (tmp_path / "outbox").iterdir()
    assert not any(b"of a patient" in file.read_bytes() for file in files)


def test_a_parcel_is_settled_once(outbox: Outbox) -> None:
    (parcel,) = outbox.put("pacs", "c1", "r1", {"report": b"one"})
    outbox.delivered(parcel)
    with pytest.raises(StoreError, match="does not wait any more"):
        outbox.set_aside(parcel, "late")


def test_what_was_put_outlives_a_kill(tmp_path: Path) -> None:
    root = tmp_path / "outbox"
    program = (
        "import os, signal, sys; from pathlib import Path;"
        "from clinical.exchange.outbox import open_outbox;"
        "outbox = open_outbox(Path(sys.argv[1]));"
        "outbox.put('pacs', 'c1', 'r1', {'report': b'one'});"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", program, root], check=False)
    assert killed.returncode == -9
    with open_outbox(root) as outbox:
        parcel = outbox.next_for("pacs")
        assert parcel is not None
        assert outbox.data(parcel) == b"one"


def test_it_is_for_its_owner_only(outbox: Outbox, tmp_path: Path) -> None:
    assert (tmp_path / "outbox").stat().st_mode & 0o077 == 0
    assert (tmp_path / "outbox" / DATABASE_NAME).stat().st_mode & 0o077 == 0


def test_another_database_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / DATABASE_NAME) as connection:
        connection.execute("CREATE TABLE other (x)")
    connection.close()
    with pytest.raises(StoreError, match="no outbox"):
        open_outbox(tmp_path)
