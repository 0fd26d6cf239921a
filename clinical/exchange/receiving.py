"""The receiver: one process that keeps what hospital systems send, by every road that is set up.

What to set up is one TOML file (docs/receiving.md). While it runs, `status.json` in the folder of
the inbox says what was received, what waits and what was refused; nothing in it is of a patient.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clinical.config import build, read_toml, unknown
from clinical.dicom import receiver
from clinical.errors import ConfigError, StoreError
from clinical.exchange import fhir_post, mllp, receive_figures, stow, watched_folder
from clinical.exchange.inbox import KEEP_FREE, Inbox, open_inbox
from clinical.exchange.road import Refusals, Road
from clinical.workspace import own_file

STATUS_NAME = "status.json"
STATUS_SECONDS = 5.0
LOCK_NAME = "receive.lock"

_GB = 1 << 30


@dataclass(frozen=True)
class General:
    """What is not of one road.

    Attributes:
        inbox: folder of the inbox; relative paths are relative to the TOML file.
        keep_free_gb: gigabytes of its disk that arrivals leave free.
    """

    inbox: str
    keep_free_gb: float = KEEP_FREE / _GB


@dataclass(frozen=True)
class Settings:
    """A receiver; a road that is None is closed."""

    inbox: Path
    keep_free: int
    dicom: receiver.Settings | None = None
    stow: stow.Settings | None = None
    hl7: mllp.Settings | None = None
    fhir: fhir_post.Settings | None = None
    folder: watched_folder.Settings | None = None


ROADS: Mapping[str, type[Any]] = {
    "dicom": receiver.Settings,
    "stow": stow.Settings,
    "hl7": mllp.Settings,
    "fhir": fhir_post.Settings,
    "folder": watched_folder.Settings,
}
"""The tables that open a road, and their settings."""

_TLS = ("tls.certificate", "tls.key", "tls.client_ca")

PATHS = {
    "dicom": _TLS,
    "stow": ("tokens", *_TLS),
    "hl7": _TLS,
    "fhir": ("tokens", *_TLS),
    "folder": ("path",),
}
"""The settings of each table that are files or folders."""

ELSEWHERE = ("assembly", "cds_hooks")
"""Tables of the same file that others read."""


def read(path: Path) -> Settings:
    """The settings in a TOML file.

    Raises:
        ConfigError: if it cannot be read, has a key or a value that is not one, or opens no road.
    """
    data = read_toml(path)
    where = path.name
    for key in data:
        if key not in (*General.__dataclass_fields__, *ROADS, *ELSEWHERE):
            raise unknown(key, (*General.__dataclass_fields__, *ROADS, *ELSEWHERE), where)
    general = build(
        General,
        {key: value for key, value in data.items() if key in General.__dataclass_fields__},
        where,
    )
    opened = {name: _road(name, data[name], path) for name in ROADS if name in data}
    if not opened:
        raise ConfigError(
            f"{where} opens no road.", remedy="add [dicom], [stow], [hl7], [fhir] or [folder]"
        )
    if not 0 <= general.keep_free_gb < 1 << 20:
        raise ConfigError(f"{where}: keep_free_gb is no size.", remedy="choose 0 or more")
    return Settings(_beside(path, general.inbox), int(general.keep_free_gb * _GB), **opened)


def _road(name: str, table: object, path: Path) -> Any:
    where = f"{path.name}: {name}"
    if not isinstance(table, dict):
        raise ConfigError(f"{where} is not a table.", remedy=f"write it as [{name}]")
    for key in PATHS[name]:
        *outer, last = key.split(".")
        inner = table
        for part in outer:
            inner = inner.get(part, {})
        if isinstance(inner, dict) and isinstance(inner.get(last), str) and inner[last]:
            inner[last] = str(_beside(path, inner[last]))
    return build(ROADS[name], table, where)


def _beside(path: Path, given: str) -> Path:
    return (path.parent / Path(given).expanduser()).absolute()


def receive(settings: Settings, stop: threading.Event, tell: Callable[[str], None]) -> None:
    """Receive until `stop` is set, then end every road after what it has begun.

    Args:
        settings: what to open.
        stop: ends it.
        tell: called with a sentence about each road that opens, and at the end.

    Raises:
        ConfigError: if a road cannot be opened.
        StoreError: if the inbox cannot be opened, or another receiver has it.
    """
    refusals = Refusals()
    since = datetime.now(UTC)
    with ExitStack() as stack:
        kept = stack.enter_context(open_inbox(settings.inbox, keep_free=settings.keep_free))
        stack.enter_context(_alone(kept))
        roads = []
        for road in _open(settings, kept, refusals):
            stack.callback(road.stop)
            roads.append(road)
            tell(f"{road.name}: {road.where}")
        tell(f"inbox: {kept.root}, {kept.tally().waiting} waiting")
        while True:
            with suppress(StoreError):  # a full disk; what is refused for it is told all the same
                told = _status(kept, roads, refusals, since)
                own_file.write(kept.root / STATUS_NAME, json.dumps(told, indent=2) + "\n")
                own_file.write(kept.root / receive_figures.NAME, receive_figures.figures(told))
            if stop.wait(STATUS_SECONDS):
                break
        tell("stopping")


def _open(settings: Settings, kept: Inbox, refusals: Refusals) -> Iterator[Road]:
    if settings.dicom:
        yield _dicom(settings.dicom, kept, refusals)
    if settings.stow:
        yield _stow(settings.stow, kept, refusals)
    if settings.hl7:
        yield _hl7(settings.hl7, kept, refusals)
    if settings.fhir:
        yield _fhir(settings.fhir, kept, refusals)
    if settings.folder:
        yield watched_folder.start(settings.folder, kept, refusals.count)


def _dicom(settings: receiver.Settings, kept: Inbox, refusals: Refusals) -> Road:
    port = receiver.start(
        settings,
        lambda path, sender: kept.keep("dicom", path, sender),
        kept.new_file,
        refusals.count,
    )
    line = _line(settings.address, port.port, settings.tls.certificate)
    return Road("DICOM", f"{settings.title}, {line}", port.stop)


def _stow(settings: stow.Settings, kept: Inbox, refusals: Refusals) -> Road:
    port = stow.start(
        settings,
        lambda path, sender: kept.keep("dicom", path, sender),
        kept.new_file,
        refusals.count,
    )
    line = _line(settings.address, port.port, settings.tls.certificate)
    return Road("STOW-RS", f"POST /studies, {line}", port.stop)


def _hl7(settings: mllp.Settings, kept: Inbox, refusals: Refusals) -> Road:
    port = mllp.start(settings, lambda data, sender: kept.keep("hl7", data, sender), refusals.count)
    line = _line(settings.address, port.port, settings.tls.certificate)
    return Road("HL7 v2", f"MLLP, {line}", port.stop)


def _fhir(settings: fhir_post.Settings, kept: Inbox, refusals: Refusals) -> Road:
    port = fhir_post.start(
        settings, lambda data, sender: kept.keep("fhir", data, sender), refusals.count
    )
    line = _line(settings.address, port.port, settings.tls.certificate)
    return Road("FHIR", f"POST /, {line}", port.stop)


def _line(address: str, port: int, certificate: str) -> str:
    return f"{address} port {port}, {'with TLS' if certificate else 'without encryption'}"


def status(root: Path) -> dict[str, Any]:
    """What a receiver last said of itself, and whether one runs now.

    Raises:
        StoreError: if there was never one.
    """
    try:
        told: dict[str, Any] = json.loads((root / STATUS_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise StoreError(
            f"Nothing was ever received in {root}.", remedy="start `triptych receive` first."
        ) from None
    return {"running": _runs(root), **told}


def _status(kept: Inbox, roads: list[Road], refusals: Refusals, since: datetime) -> dict[str, Any]:
    tally = kept.tally()
    now = datetime.now(UTC)
    waiting_since = tally.oldest_waiting
    return {
        "at": now.isoformat(timespec="seconds"),
        "since": since.isoformat(timespec="seconds"),
        "roads": {road.name: road.where for road in roads},
        "received": tally.received,
        "waiting": tally.waiting,
        "oldest_waiting_seconds": (
            round((now - waiting_since).total_seconds()) if waiting_since else 0
        ),
        "done": tally.done,
        "removed": tally.removed,
        "set_aside": tally.set_aside,
        "refused_since_start": refusals.so_far(),
        "disk_free_bytes": kept.free(),
        "disk_keep_free_bytes": kept.keep_free,
    }


@contextmanager
def _alone(kept: Inbox) -> Iterator[None]:
    lock = os.open(kept.root / LOCK_NAME, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, own_file.MODE)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreError(
                f"Another receiver has the inbox {kept.root}.", remedy="stop that one first."
            ) from None
        yield
    finally:
        os.close(lock)


def _runs(root: Path) -> bool:
    with (root / LOCK_NAME).open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
