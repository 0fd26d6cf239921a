"""A folder into which others put files: what has stopped growing is kept and moved aside.

    taken/      what was kept; its name begins with the number of its (first) arrival
    refused/    what was not, each with NAME.reason.txt beside it

A file is told apart by its content. One that cannot be kept because the disk is full stays where it
is until there is room. Nothing of a name or a content is logged.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from clinical.dicom import acceptance, sniff
from clinical.dicom.limits import DEFAULT_LIMITS
from clinical.errors import ConfigError, ImageError, ImageRefused, StoreError
from clinical.exchange.hl7_message import split
from clinical.exchange.inbox import Arrival, Inbox, Kind
from clinical.exchange.road import Road
from clinical.workspace import own_file

SENDER = "folder"
UNFINISHED = (".part", ".partial", ".tmp", ".filepart", ".crdownload")
"""How the names of files end that some programs write before they rename them."""
LONGEST_NAME = 180
FRAME_END = b"\x1c"
"""Which some programs write behind each message of a file, as MLLP does on a line."""

_MB = 1 << 20
_GIVE = "Give DICOM objects, HL7 v2 messages, or FHIR R4 as JSON or NDJSON."


@dataclass(frozen=True)
class Settings:
    """A watched folder.

    Attributes:
        path: the folder; with those in it.
        quiet_seconds: for which a file must not have changed before it is taken.
        look_seconds: between two looks.
        largest_mb: megabytes of the largest file that is taken.
        delete_taken: delete files that were kept, in place of moving them to taken/.
    """

    path: str
    quiet_seconds: float = 5.0
    look_seconds: float = 1.0
    largest_mb: int = DEFAULT_LIMITS.file_bytes // _MB
    delete_taken: bool = False


@dataclass(frozen=True)
class _Seen:
    """What tells whether a file has changed, and since when it has not (`time.monotonic`)."""

    size: int
    modified: int
    inode: int
    since: float

    def same_as(self, other: _Seen) -> bool:
        return replace(self, since=0.0) == replace(other, since=0.0)


class Watch:
    """What was seen in a folder so far."""

    def __init__(self, settings: Settings, inbox: Inbox, refused: Callable[[str], None]) -> None:
        self._settings = settings
        self._inbox = inbox
        self._refused = refused
        self._root = Path(settings.path)
        self._seen: dict[Path, _Seen] = {}

    def look(self, now: float) -> int:
        """Look once; take or refuse what has stopped growing.

        Args:
            now: of `time.monotonic`.

        Returns:
            How many files were taken or refused.

        Raises:
            StoreError: if the inbox has no room; the file stays.
            OSError: if the folder cannot be read or written.
        """
        before, self._seen = self._seen, {}
        settled = 0
        for path in sorted(self._files()):
            seen = _seen(path, now)
            if seen is None:
                continue
            known = before.get(path)
            if known is None or not known.same_as(seen):
                self._seen[path] = seen
            elif now - known.since < self._settings.quiet_seconds:
                self._seen[path] = known
            else:
                settled += self._settle(path, known)
        return settled

    def _files(self) -> Iterator[Path]:
        for folder, names, files in os.walk(self._root):
            place = Path(folder)
            if place == self._root:
                names[:] = [name for name in names if name not in ("taken", "refused")]
            names[:] = [name for name in names if not name.startswith(".")]
            for name in files:
                if not name.startswith(".") and not name.lower().endswith(UNFINISHED):
                    yield place / name

    def _settle(self, path: Path, known: _Seen) -> bool:
        try:
            kind = kind_of(path, self._settings.largest_mb * _MB)
        except ImageError as error:
            self._refused(f"a file: {error.message}")
            self._refuse(path, error)
            return True
        arrivals = [self._inbox.keep(kind, part, SENDER) for part in _parts(kind, path)]
        now = _seen(path, known.since)
        if now is None or not now.same_as(known):
            return False  # it has grown meanwhile; as it is then, it is another object
        if self._settings.delete_taken:
            path.unlink()
        else:
            self._take(path, arrivals[0])
        return True

    def _take(self, path: Path, arrival: Arrival) -> None:
        self._move(path, self._root / "taken", f"{arrival.number:08d} ")

    def _refuse(self, path: Path, error: ImageError) -> None:
        place = self._move(path, self._root / "refused", "")
        own_file.write(place.with_name(f"{place.name}.reason.txt"), f"{error}\n")

    def _move(self, path: Path, folder: Path, prefix: str) -> Path:
        """Move a file aside, under a name that nothing has there."""
        name = prefix + path.name[-LONGEST_NAME:]
        place, number = folder / name, 1
        while os.path.lexists(place):
            number += 1
            place = folder / f"{number} {name}"
        path.rename(place)
        return place


def kind_of(path: Path, largest: int) -> Kind:
    """What a file holds, by its content.

    Raises:
        ImageError: if it is nothing that is read here, or a DICOM object that is not whole.
        OSError: if it cannot be read.
    """
    size = path.stat().st_size
    if size > largest:
        raise ImageRefused(f"The file has more than {largest // _MB:,} MB.", remedy=_GIVE)
    with path.open("rb") as file:
        head = file.read(sniff.HEAD)
    if _is_hl7(head):
        return "hl7"
    if _text(head).startswith((b"{", b"[")):
        return "fhir"
    try:
        image = sniff.kind_of(head)
    except ImageError as error:
        raise type(error)(error.message, remedy=_GIVE) from None
    if image not in ("dicom", "headerless"):
        raise ImageRefused("The file is a picture that does not say whose it is.", remedy=_GIVE)
    acceptance.accepted(path, replace(DEFAULT_LIMITS, file_bytes=largest))
    return "dicom"


def _text(head: bytes) -> bytes:
    return head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\x0b \t\r\n")


def _is_hl7(head: bytes) -> bool:
    return _text(head).startswith((b"MSH", b"FHS", b"BHS"))


def _parts(kind: Kind, path: Path) -> Iterable[bytes | Path]:
    """What is kept for itself: each message of a file of HL7 v2, without what frames it."""
    if kind != "hl7":
        return [path]
    return [message.partition(FRAME_END)[0] for message in split(path.read_bytes())]


def taken_of(root: Path, arrivals: Iterable[Arrival]) -> tuple[Path, ...]:
    """The files in taken/ that hold one of these arrivals, as a whole or as one of their messages.

    Args:
        root: the watched folder.
        arrivals: as they were kept.
    """
    digests = {arrival.number: arrival.digest for arrival in arrivals}
    if not digests:
        return ()
    wanted = set(digests.values())
    folder = root / "taken"
    return tuple(
        path
        for path in sorted(folder.iterdir() if folder.is_dir() else ())
        if _number(path) in digests or _has_message(path, wanted)
    )


def _number(path: Path) -> int:
    """The number that the name of a taken file begins with, or 0."""
    first, _, rest = path.name.partition(" ")
    text = first if len(first) >= 8 else rest.partition(" ")[0]  # "2 00000007 NAME" of a second one
    return int(text) if text.isdecimal() else 0


def _has_message(path: Path, digests: set[str]) -> bool:
    with path.open("rb") as file:
        head = file.read(sniff.HEAD)
    if not _is_hl7(head):
        return False
    parts = (part for part in _parts("hl7", path) if isinstance(part, bytes))
    return any(hashlib.sha256(part).hexdigest() in digests for part in parts)


def start(settings: Settings, inbox: Inbox, refused: Callable[[str], None]) -> Road:
    """Watch a folder until the road is stopped.

    Raises:
        ConfigError: if there is no such folder, or it cannot be written.
    """
    root = Path(settings.path)
    try:
        for name in ("taken", "refused"):
            (root / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"The watched folder {root} cannot be used: {error.strerror}.",
            remedy="make the folder, and let this user write in it.",
        ) from None
    stopping = threading.Event()
    watch = Watch(settings, inbox, refused)
    thread = threading.Thread(target=_watch, args=(watch, settings, refused, stopping), daemon=True)
    thread.start()

    def stop() -> None:
        stopping.set()
        thread.join()

    return Road("folder", str(root), stop)


def _watch(
    watch: Watch, settings: Settings, refused: Callable[[str], None], stopping: threading.Event
) -> None:
    while not stopping.wait(settings.look_seconds):
        try:
            watch.look(time.monotonic())
        except StoreError:
            refused("a file, for now: no room on the disk, or no answer from it")
        except Exception:  # noqa: BLE001 - of one file; the next look may go better
            refused("a look at the watched folder, which could not be read or written")


def _seen(path: Path, now: float) -> _Seen | None:
    """A regular file as it is; None for anything else, and for what has gone."""
    try:
        found = path.lstat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return _Seen(found.st_size, found.st_mtime_ns, found.st_ino, now)
