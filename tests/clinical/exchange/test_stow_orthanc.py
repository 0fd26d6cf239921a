"""What is made of a reading, sent by STOW-RS to Debian's Orthanc, and what it has of it.

Orthanc listens on every interface, so it runs in a network that has none but its own; a thread
joins that network to send.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
import read_case
from sqlalchemy import Engine
from waiting import SECONDS, until

from clinical.audit import ledger
from clinical.audit.verify import verify
from clinical.exchange import sending
from clinical.exchange.outbox import open_outbox
from clinical.exchange.sending import Done

PLUGINS = Path("/usr/share/orthanc/plugins")
BASE = "http://127.0.0.1:8042"
CLONE_NEWNET = 0x40000000  # of sched.h

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a network"),
    pytest.mark.skipif(
        shutil.which("Orthanc") is None or not (PLUGINS / "libOrthancDicomWeb.so").exists(),
        reason="Debian's orthanc and orthanc-dicomweb are not installed",
    ),
]

Found = TypeVar("Found")


class Network:
    """The network of a process, for one thread at a time."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._file = Path(f"/proc/{process.pid}/ns/net")

    def is_own(self) -> bool:
        """Whether it is another than this process has."""
        with suppress(OSError):
            return self._file.readlink() != Path("/proc/self/ns/net").readlink()
        return False

    def __call__(self, done: Callable[[], Found]) -> Found:
        """What `done` gives when it is called in this network."""

        def inside() -> Found:
            with self._file.open("rb") as file:
                if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "the network cannot be joined")
            return done()

        with ThreadPoolExecutor(1) as threads:
            return threads.submit(inside).result()


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Network]:
    """An archive with its DICOMweb plugin."""
    state = tmp_path / "orthanc"
    state.mkdir()
    settings = {
        "StorageDirectory": str(state),
        "IndexDirectory": str(state),
        "RemoteAccessAllowed": True,
        "AuthenticationEnabled": False,
        "Plugins": [str(PLUGINS)],
    }
    (state / "orthanc.json").write_text(json.dumps(settings), encoding="utf-8")
    command = f"ip link set lo up && exec Orthanc {state}/orthanc.json"
    process = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    network = Network(process)
    try:
        until(lambda: process.poll() is not None or network.is_own(), "a network of its own")
        if process.poll() is not None:
            pytest.skip("this machine makes no networks")
        until(lambda: network(lambda: asked("/dicom-web/studies")) == [], "the archive answers")
        yield network
    finally:
        process.terminate()
        process.wait()


def asked(path: str) -> Any:
    """What Orthanc answers, or None where it does not."""
    request = urllib.request.Request(f"{BASE}{path}", headers={"accept": "application/dicom+json"})
    with suppress(OSError), urllib.request.urlopen(request, timeout=SECONDS) as answer:
        return json.load(answer)
    return None


def test_the_archive_has_every_object_once(
    workspace: Engine, example: Any, orthanc: Network, tmp_path: Path
) -> None:
    (tmp_path / "films").mkdir()
    film = read_case.film(tmp_path / "films", example)
    digest, _ = example.recorded(workspace, read_case.case_of(film, example))
    read_case.STATES["signed"](workspace, example, digest)
    path = tmp_path / "send.toml"
    path.write_text(
        f'outbox = "outbox"\nfilms = ["films"]\n[stow.web]\nurl = "{BASE}/dicom-web"',
        encoding="utf-8",
    )
    chosen = sending.read(path)
    for place in ("outbox", "outbox that forgot"):
        with open_outbox(tmp_path / place) as outbox:
            sending.put_case(workspace, outbox, chosen, "case-1")
            done = orthanc(partial(sending.deliver, workspace, outbox, chosen.destinations))
            assert done == Done(0, 3, 0, 0)
    found = orthanc(lambda: asked("/dicom-web/instances"))
    assert sorted(one["00080060"]["Value"][0] for one in found) == ["OT", "OT", "SR"]
    with workspace.connect() as connection:
        assert verify(connection).intact
        sent = [event.payload for event in ledger.events(connection, kind="SENT")]
    objects = ["report", "heat-map-1", "picture-1"]
    assert [one["name"] for one in sent] == 2 * objects
    assert {(one["to"], one["outcome"]) for one in sent} == {("web", "delivered")}
