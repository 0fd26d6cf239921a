"""Files as a browser sends them: told apart by content, ZIPs unpacked within limits.

A name is for the screen alone: what is kept goes by a number, so that no name can lead out of its
place. Nothing is executed, nothing is linked, and a ZIP within a ZIP stays closed.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import math
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from clinical.cohorts import recordings
from clinical.dicom import inspect, sniff
from clinical.errors import ImageError

FOLDER = "files"
MB = 2**20
LONGEST_NAME = 120
LOOSE = 64 * MB  # of files that are no images, until it is known whether they are of a record

Sort = Literal["image", "picture", "recording", "samples"]
"""A DICOM image; a PNG or JPEG, which says neither view nor photometric; an electrocardiogram from
DICOM or WFDB; one from a table, which need not say rate and unit."""


@dataclass(frozen=True)
class Limits:
    """What may be received for one case.

    Attributes:
        whole: bytes of all files, unpacked.
        one: bytes of one file, unpacked.
        files: that are kept.
        entries: of one ZIP.
        index: bytes of the list of its entries that a ZIP may claim.
        pixels: of all films, as their headers claim; they are held in memory together.
        ratio: unpacked to packed bytes of an entry; films have 2 to 20, and a bomb a thousand.
    """

    whole: int = 512 * MB
    one: int = 128 * MB
    files: int = 40
    entries: int = 5000
    index: int = 2 * MB
    ratio: int = 300
    pixels: int = 150_000_000


LIMITS = Limits()


@dataclass(frozen=True)
class Received:
    """One file that was kept.

    Attributes:
        path: below the private place.
        name: as it was called, for the screen; never a path.
        sort: what it is, by its content.
        digest: SHA-256 of the content.
        size: bytes.
        pixels: that its header claims; 0 where it has none that can be read.
        rate, unit: that a table of samples says itself, or "".
    """

    path: str
    name: str
    sort: Sort
    digest: str
    size: int
    pixels: int = 0
    rate: str = ""
    unit: str = ""

    @property
    def is_recording(self) -> bool:
        """Whether it is an electrocardiogram."""
        return self.sort in ("recording", "samples")


@dataclass(frozen=True)
class Refused:
    """One file that was not kept, and why.

    Attributes:
        name: as it was called.
        reason, remedy: sentences.
        expected: it belongs to a disc and is no loss, such as its index.
        known: what it is could be told.
    """

    name: str
    reason: str
    remedy: str = ""
    expected: bool = False
    known: bool = True


@dataclass(frozen=True)
class _Content:
    """One file before it is kept; `data` is None where `refused` says why there is none."""

    name: str
    data: bytes = b""
    refused: Refused | None = None


def receive(
    uploads: Iterable[tuple[str, bytes]],
    place: Path,
    before: Sequence[Received] = (),
    limits: Limits = LIMITS,
) -> tuple[tuple[Received, ...], tuple[Refused, ...]]:
    """Keep in `place` what can be part of a case.

    Args:
        uploads: name and content of each file.
        place: a folder for its owner only.
        before: files that are there already; the limits hold for all together.
        limits: what may be received.

    Returns:
        The files that were added, and those that were not.
    """
    added: list[Received] = []
    refused: list[Refused] = []
    loose: list[tuple[_Content, Refused]] = []
    for content in _contents(uploads, limits):
        whole = (*before, *added)
        found = content.refused or _sorted(content, whole, limits)
        if isinstance(found, Refused):
            if found.known or not _may_be_recorded(content, loose):
                refused.append(found)
            else:
                loose.append((content, found))
            continue
        kept = _kept(content, found, place, whole)
        if sum(file.pixels for file in (*whole, kept)) > limits.pixels:
            remove(place, kept)
            reason = f"The films of a case may have {limits.pixels / 1e6:.0f} million pixels."
            refused.append(Refused(kept.name, f"{reason} This one is too many.", _FEWER))
        else:
            added.append(kept)
    recorded, left = _recordings(loose, place, (*before, *added), limits)
    return (*added, *recorded), (*refused, *left)


def remove(place: Path, file: Received) -> None:
    """Delete a file that was kept."""
    kept = place / file.path
    if kept.parent == place / FOLDER:
        kept.unlink(missing_ok=True)
    else:  # a record has a folder of its own
        shutil.rmtree(kept.parent, ignore_errors=True)


def plain(name: str) -> str:
    """The last part of a name as it may be shown: what cannot be seen is left out."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    shown = "".join(letter for letter in last if letter.isprintable()).strip()
    return shown[:LONGEST_NAME] or "(no name)"


_TABLE = (
    "Paste a table of values into the field below; one of an electrocardiogram names its leads."
)
_HELP = {
    "dat": "If it belongs to a WFDB record, drop its header (.hea) together with it.",
    "csv": _TABLE,
    "tsv": _TABLE,
}
_FEWER = "Add the films that matter for this decision."


def _sorted(content: _Content, before: Sequence[Received], limits: Limits) -> Sort | Refused:
    head, name = content.data[: sniff.HEAD], content.name
    try:
        kind = sniff.kind_of(head)
    except ImageError as error:
        return Refused(name, error.message, error.remedy, known=False)
    storage = sniff.media_storage(head) if kind == "dicom" else ""
    if storage == sniff.DIRECTORY:
        reason = "It is the index of a disc (DICOMDIR); the files beside it are read themselves."
        return Refused(name, reason, expected=True)
    digest = hashlib.sha256(content.data).hexdigest()
    if over := _over(name, digest, len(content.data), before, limits):
        return over
    if kind in ("png", "jpeg"):
        return "picture"
    return "recording" if storage.startswith(sniff.WAVEFORMS) else "image"


def _over(
    name: str, digest: str, size: int, before: Sequence[Received], limits: Limits
) -> Refused | None:
    """Why one more file is not kept, or None."""
    if any(digest == known.digest for known in before):
        return Refused(name, "The file is here already; it is kept once.", expected=True)
    if len(before) >= limits.files:
        reason = f"A case takes {limits.files} files; this one is too many."
        return Refused(name, reason, _FEWER)
    if sum(known.size for known in before) + size > limits.whole:
        reason = f"The files of a case may have {limits.whole // MB} MB; this one is too many."
        return Refused(name, reason, _FEWER)
    return None


def _may_be_recorded(content: _Content, loose: Sequence[tuple[_Content, Refused]]) -> bool:
    held = sum(len(one.data) for one, _ in loose)
    return len(content.data) > 0 and held + len(content.data) <= LOOSE


def _recordings(
    loose: Sequence[tuple[_Content, Refused]],
    place: Path,
    before: Sequence[Received],
    limits: Limits,
) -> tuple[list[Received], list[Refused]]:
    """Electrocardiograms among what is no image, and what is neither."""
    added: list[Received] = []
    used: list[recordings.Loose] = []
    said: list[Refused] = []
    for found in recordings.found([(content.name, content.data) for content, _ in loose]):
        if isinstance(found, recordings.Incomplete):
            used.append(found.part)
            said.append(Refused(found.part[0], found.reason, found.remedy))
            continue
        used += found.parts
        size = sum(map(len, found.files.values()))
        if over := _over(found.name, found.digest, size, (*before, *added), limits):
            said.append(over)
            continue
        added.append(_recorded(found, size, place, (*before, *added)))
    rest = [_unknown(no) for one, no in loose if (one.name, one.data) not in used]
    return added, [*rest, *said]


def _unknown(refused: Refused) -> Refused:
    """What may help where the name says what it could be."""
    ending = refused.name.lower().rpartition(".")[2]
    remedy = _HELP.get(ending, refused.remedy)
    return replace(refused, remedy=remedy)


def _recorded(
    found: recordings.Recorded, size: int, place: Path, before: Sequence[Received]
) -> Received:
    number = _free(before)
    folder = place / FOLDER / number
    folder.mkdir(mode=0o700, parents=True)
    for name, data in found.files.items():
        _write(folder / name, data)
    path = f"{FOLDER}/{number}/{next(iter(found.files))}"
    sort: Sort = "samples" if found.asks else "recording"
    return Received(path, found.name, sort, found.digest, size, 0, found.rate, found.unit)


def _free(before: Sequence[Received]) -> str:
    numbers = [int(known.path.split("/")[1]) for known in before]
    return f"{max(numbers, default=0) + 1:04d}"


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)


def _kept(content: _Content, sort: Sort, place: Path, before: Sequence[Received]) -> Received:
    folder = place / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    path = f"{FOLDER}/{_free(before)}"
    _write(place / path, content.data)
    digest = hashlib.sha256(content.data).hexdigest()
    pixels = _claimed(place / path) if sort != "recording" else 0
    return Received(path, content.name, sort, digest, len(content.data), pixels)


def _claimed(path: Path) -> int:
    """Pixels that a header claims; the reader refuses what has no such header."""
    try:
        told = dict(inspect.header(path))
    except ImageError:
        return 0
    counts = (told.get(name, "1") for name in ("Rows", "Columns", "Number of Frames"))
    return math.prod(int(count) if count.isdecimal() else 1 for count in counts)


def _contents(uploads: Iterable[tuple[str, bytes]], limits: Limits) -> Iterator[_Content]:
    left = limits.whole  # also of what is not kept: reading costs, too
    for given, data in uploads:
        name = plain(given)
        if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            for content in _unpacked(name, data, limits, left):
                left -= len(content.data)
                yield content
        elif len(data) > limits.one:
            reason = f"The file has more than {limits.one // MB} MB."
            yield _Content(name, refused=Refused(name, reason, "Give a film of ordinary size."))
        else:
            yield _Content(name, data)


_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError),
    *(NotImplementedError, RuntimeError),  # how zipfile says what it cannot do
)
_BOMB = "The ZIP unpacks to far more than films need; the rest of it was not unpacked."
_AGAIN = "Pack the films again, without a password and in one ZIP, or drop them as they are."


def _unpacked(name: str, data: bytes, limits: Limits, left: int) -> Iterator[_Content]:
    """The files in a ZIP; one that says why, where it or the rest of it is not unpacked."""
    why = _claims_too_much(data, limits)
    if why:
        yield _Content(name, refused=Refused(name, why, _AGAIN))
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist()[: limits.entries]:
                if entry.is_dir():
                    continue
                content = _entry(archive, entry, limits, left)
                left -= len(content.data)
                yield content
                if content.refused and content.refused.reason == _BOMB:
                    return
            if len(archive.infolist()) > limits.entries:
                reason = f"The ZIP holds more than {limits.entries} files; the rest is left out."
                yield _Content(name, refused=Refused(name, reason, _AGAIN))
    except _BROKEN:
        yield _Content(name, refused=Refused(name, "The ZIP is broken or cut short.", _AGAIN))


def _claims_too_much(data: bytes, limits: Limits) -> str:
    """Why the list of entries is not even read, or ""; it is held in memory as a whole."""
    end = data.rfind(b"PK\x05\x06")
    if end < 0 or end + 22 > len(data):
        return "The ZIP is broken or cut short."
    if int.from_bytes(data[end + 12 : end + 16], "little") > limits.index:
        return "The ZIP holds too many files."
    return ""


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limits: Limits, left: int) -> _Content:
    name = plain(entry.filename)

    def refuse(reason: str, remedy: str = _AGAIN) -> _Content:
        return _Content(name, refused=Refused(name, reason, remedy))

    if entry.flag_bits & 0x1:
        return refuse("The file is encrypted.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return refuse("The file is packed in a way that is not unpacked here.")
    most = min(left, limits.one, max(MB, limits.ratio * entry.compress_size))
    try:
        with archive.open(entry) as packed:
            data = packed.read(most + 1)  # what it holds, not what it claims
    except _BROKEN:
        return refuse("The file in the ZIP is broken.")
    if len(data) > most:
        return refuse(_BOMB)
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return refuse("A ZIP within a ZIP is not opened.", "Unpack it first.")
    return _Content(name, data)
