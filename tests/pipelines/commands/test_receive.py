"""`triptych receive` as a process: what it says, how it ends, and what survives a kill."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from dicom_sender import calling, close_sockets, encoded, film, sent
from ports import reserved_port
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian
from waiting import until

from clinical.dicom import meta
from clinical.dicom.receiver import BROKEN, KEPT
from clinical.exchange import receiving
from clinical.exchange.inbox import open_inbox
from pipelines.cli import main

ROOT = Path(__file__).parents[3]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "receive.toml"
    path.write_text(
        'inbox = "inbox"\nkeep_free_gb = 0\n'
        f"[dicom]\nport = {reserved_port()}\nassociations = 20\n"
        '[[dicom.senders]]\ntitle = "PACS"\naddress = "127.0.0.1"\n'
    )
    return path


def port_of(file: Path) -> int:
    settings = receiving.read(file).dicom
    assert settings
    return settings.port


@contextmanager
def started(file: Path) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own, when it listens."""
    command = [sys.executable, "-c", "from pipelines.cli import run; run()", "receive", str(file)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout
        while not process.stdout.readline().startswith("inbox"):
            assert process.poll() is None, process.stderr and process.stderr.read()
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def test_it_ends_at_sigterm_with_what_it_acknowledged(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with started(file) as process:
        sender = calling(port_of(file))
        assert sent(sender, encoded(film())) == KEPT
        process.send_signal(signal.SIGTERM)
        assert process.stdout
        assert process.stdout.read() == "stopping\n"
        assert process.wait() == 0
        assert process.stderr
        assert process.stderr.read() == ""
    until(lambda: not sender.is_established, "the end of the association")
    with open_inbox(file.parent / "inbox", keep_free=0) as inbox:
        assert [arrival.kind for arrival in inbox.waiting()] == ["dicom"]
    assert main(["receive", str(file), "--status"], {}) == 0
    assert "running" in capsys.readouterr().out


def test_a_port_that_is_taken_is_said(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", port_of(file))):
        assert main(["receive", str(file)], {}) == 1
    assert "cannot listen" in capsys.readouterr().err


@dataclass(frozen=True)
class Made:
    """An object to send, as a data set."""

    data: bytes
    instance: str
    broken: bool

    @property
    def digest(self) -> str:
        """Of the file that it becomes."""
        head = meta.written(ComputedRadiographyImageStorage, self.instance, ExplicitVRLittleEndian)
        return hashlib.sha256(head + self.data).hexdigest()


def made(number: int, size: int) -> Made:
    """Every twentieth is broken: cut, or of another instance, or nonsense."""
    chance = random.Random(number)
    instance = f"1.2.3.{number}"
    data = encoded(film(SOPInstanceUID=instance, PixelData=chance.randbytes(size)))
    if number % 20:
        return Made(data, instance, broken=False)
    broken = (data[: chance.randrange(200, len(data))], data, chance.randbytes(size))[number % 3]
    return Made(broken, instance + ".9" * (number % 3 == 1), broken=True)


def deliver(port: int, numbers: range, size: int, statuses: Counter[int | None]) -> list[str]:
    """Send objects as a PACS does: until each is acknowledged, or refused for good.

    Returns:
        The digests of those that were acknowledged.
    """
    acknowledged, sender = [], None
    for number in numbers:
        one, status = made(number, size), None
        while status not in (KEPT, BROKEN):
            if sender is None or not sender.is_established:
                sender = calling(port)
            status = sent(sender, one.data, one.instance) if sender.is_established else None
            statuses[status] += 1
            if status is None:
                time.sleep(0.1)
        assert (status == BROKEN) == one.broken
        if status == KEPT:
            acknowledged.append(one.digest)
    if sender and sender.is_established:
        sender.release()
    return acknowledged


@pytest.mark.slow
def test_every_acknowledged_object_is_there_once_and_nothing_else_is(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close_sockets(monkeypatch)
    objects = int(os.environ.get("TRIPTYCH_TEST_OBJECTS", "2000"))
    size, associations, kill_seconds = 2_000_000, 8, 20.0
    statuses: Counter[int | None] = Counter()
    memory: list[int] = []
    kills = 0
    began = time.monotonic()
    with ThreadPoolExecutor(associations) as pool:
        tasks = [
            pool.submit(deliver, port_of(file), range(n, objects, associations), size, statuses)
            for n in range(associations)
        ]
        while not all(task.done() for task in tasks):
            with started(file) as process:
                until_killed = time.monotonic() + kill_seconds
                while time.monotonic() < until_killed and not all(task.done() for task in tasks):
                    memory.append(resident_mb(process.pid))
                    time.sleep(0.5)
                if not all(task.done() for task in tasks):
                    process.kill()
                    kills += 1
        acknowledged = [digest for task in tasks for digest in task.result()]
    seconds = time.monotonic() - began
    with open_inbox(file.parent / "inbox", keep_free=0) as inbox:
        waiting = inbox.waiting()
        for arrival in waiting:
            assert hashlib.sha256(inbox.path(arrival).read_bytes()).hexdigest() == arrival.digest
    print(
        f"{objects} objects of {size:,} bytes in {seconds:.0f} s, {kills} kills,"
        f" {len(acknowledged)} acknowledged, answers {dict(statuses)},"
        f" memory {min(memory)} to {max(memory)} MB"
    )
    assert sorted(arrival.digest for arrival in waiting) == sorted(acknowledged)
    assert len(acknowledged) == objects - len(range(0, objects, 20))
    stored = [path.name for path in (file.parent / "inbox" / "objects").glob("??/*")]
    assert sorted(stored) == sorted(acknowledged)
    left = list((file.parent / "inbox" / "coming").iterdir())
    assert not [place for place in left if place.stat().st_size]
    assert max(memory) < 400


def resident_mb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) // 1024
