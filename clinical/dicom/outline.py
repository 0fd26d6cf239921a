"""Whether a DICOM object is there to its last byte, and which object it says it is.

The elements of the data set are stepped over one after another, in constant memory and without a
recursion, up to the end of the pixel data: nothing is decoded, and no length is believed before it
was compared with what there is. That is what a receiver has to know before it says that an object
has arrived; whether the object can be read is found out later, by the guarded reader.
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from clinical.dicom import dataset, sniff
from clinical.dicom.limits import DEFAULT_LIMITS, Limits
from clinical.errors import ImageUnreadable

ELEMENTS = 1_000_000
"""More than that an object may not have; films have some hundreds."""
DEEPEST = 64
"""Sequences within sequences; PS3.3 has no more than a few."""

_UNDEFINED = 0xFFFFFFFF
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())  # PS3.5 section 7.1.2
_SHORT = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_CLASS, _INSTANCE = 0x00080016, 0x00080018
_PIXELS = 0x7FE00010
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_LONGEST_UID = 64
_BLOCK = 1 << 16

_AGAIN = "Send it again from its source."


@dataclass(frozen=True)
class Identity:
    """Which object it is.

    Attributes:
        sop_class, sop_instance: well-formed UIDs (PS3.3 C.12.1), or "".
        transfer_syntax: UID.
        has_pixels: an image that was cut between two elements has none.
    """

    sop_class: str
    sop_instance: str
    transfer_syntax: str
    has_pixels: bool


def identity_of(path: Path, limits: Limits = DEFAULT_LIMITS) -> Identity:
    """Step through a DICOM file (PS3.10, or a bare data set) and say which object it is.

    Raises:
        ImageUnreadable: if it is no DICOM, ends early, is malformed, or is over a limit; the text
            holds nothing of the file.
    """
    with path.open("rb") as file:
        return identity_in(file, limits)


def identity_in(file: BinaryIO, limits: Limits = DEFAULT_LIMITS) -> Identity:
    """The same of a file that is open, or of one in memory.

    Raises:
        ImageUnreadable: as `identity_of`.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    source = _File(file, size)
    head = file.read(sniff.HEAD)
    file.seek(132 if head[128:132] == b"DICM" else 0)
    if size > limits.file_bytes:
        raise ImageUnreadable(f"The object has more than {limits.file_bytes:,} bytes.")
    try:
        return _identity(source, head, limits)
    except (struct.error, zlib.error, EOFError):
        raise ImageUnreadable("The object ends too early.", remedy=_AGAIN) from None


def is_uid(text: str) -> bool:
    """Whether a text is a UID (PS3.5 section 9.1), but for zeros that may lead a component."""
    return len(text) <= _LONGEST_UID and _UID.fullmatch(text) is not None


class _Source(Protocol):
    def read(self, size: int) -> bytes:
        """Exactly so many bytes; EOFError if there are fewer."""

    def skip(self, size: int) -> None:
        """Step over so many bytes; EOFError if there are fewer."""

    @property
    def at_end(self) -> bool:
        """Whether nothing is left."""


class _File:
    """A file of a known size."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file = file
        self.size = size

    def read(self, size: int) -> bytes:
        data = self.file.read(size)
        if len(data) < size:
            raise EOFError
        return data

    def skip(self, size: int) -> None:
        if self.file.tell() + size > self.size:
            raise EOFError
        self.file.seek(size, 1)

    @property
    def at_end(self) -> bool:
        return self.file.tell() >= self.size


class _Inflated:
    """A deflated data set (PS3.5 section A.5), at most `limit` bytes of it and a few at a time."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self._file = file
        self._machine = zlib.decompressobj(-zlib.MAX_WBITS)
        self._ready = b""
        self._left = limit

    def read(self, size: int) -> bytes:
        while len(self._ready) < size and self._more():
            pass
        if len(self._ready) < size:
            raise EOFError
        data, self._ready = self._ready[:size], self._ready[size:]
        return data

    def skip(self, size: int) -> None:
        while size:
            step = min(size, _BLOCK)
            self.read(step)
            size -= step

    @property
    def at_end(self) -> bool:
        return not self._ready and not self._more()

    def _more(self) -> bool:
        while not self._machine.eof:
            packed = self._machine.unconsumed_tail or self._file.read(_BLOCK)
            found = self._machine.decompress(packed, _BLOCK)
            if not packed and not found:
                raise EOFError  # the last block of a stream says that it is the last
            self._left -= len(found)
            if self._left < 0:
                raise ImageUnreadable("The deflated data set holds more than the limit.")
            if found:
                self._ready += found
                return True
        return False


def _identity(source: _File, head: bytes, limits: Limits) -> Identity:
    syntax = _stated_syntax(source)
    inner: _Source = source
    if syntax == dataset.DEFLATED_LITTLE:
        inner = _Inflated(source.file, limits.file_bytes)
    if syntax:
        implicit, little = syntax == dataset.IMPLICIT_LITTLE, syntax != dataset.EXPLICIT_BIG
    else:
        encoding = sniff.encoding_of(head)
        if encoding is None or head[128:132] == b"DICM":
            raise ImageUnreadable("The object is no DICOM data set.", remedy=_AGAIN)
        implicit, little = encoding
        syntax = _plain(implicit=implicit, little=little)
    found = _walk(inner, implicit=implicit, order="<" if little else ">")
    return Identity(found.get(_CLASS, ""), found.get(_INSTANCE, ""), syntax, _PIXELS in found)


def _plain(*, implicit: bool, little: bool) -> str:
    if implicit:
        return dataset.IMPLICIT_LITTLE
    return dataset.EXPLICIT_LITTLE if little else dataset.EXPLICIT_BIG


def _stated_syntax(source: _File) -> str:
    """Step over the file meta information (PS3.10 section 7.1), if there is any."""
    syntax = ""
    while not source.at_end:
        start = source.file.tell()
        if source.read(2) != b"\x02\x00":
            source.file.seek(start)
            break
        (element,) = struct.unpack("<H", source.read(2))
        length, _ = _length(source, "<", implicit=False)
        if element == 0x0010 and length <= _LONGEST_UID:
            syntax = source.read(length).decode("ascii", "replace").strip("\0 ")
        else:
            source.skip(length)
    return syntax


def _walk(source: _Source, *, implicit: bool, order: str) -> dict[int, str]:
    """What is told of a data set that is whole up to the end of its pixel data, by tag."""
    found: dict[int, str] = {}
    inside: list[bool] = []  # the encoding of what encloses each open item or sequence
    for _ in range(ELEMENTS):
        if not inside and (_PIXELS in found or source.at_end):
            return found
        group, element = struct.unpack(f"{order}HH", source.read(4))
        tag = group << 16 | element
        if group == 0xFFFE:
            implicit = _delimited(source, tag, order, inside, implicit=implicit)
            continue
        length, unknown = _length(source, order, implicit=implicit)
        if not inside and tag == _PIXELS:
            found[tag] = ""
        if length == _UNDEFINED:
            if len(inside) >= 2 * DEEPEST:
                raise ImageUnreadable("The object nests sequences too deeply.", remedy=_AGAIN)
            inside.append(implicit)
            implicit = implicit or unknown  # PS3.5 section 6.2.2, note 2
        elif not inside and tag in (_CLASS, _INSTANCE) and length <= _LONGEST_UID:
            text = source.read(length).decode("ascii", "replace").strip("\0 ")
            found[tag] = text if is_uid(text) else ""
        else:
            source.skip(length)
    raise ImageUnreadable(f"The object has more than {ELEMENTS:,} elements.", remedy=_AGAIN)


def _delimited(
    source: _Source, tag: int, order: str, inside: list[bool], *, implicit: bool
) -> bool:
    """Step over an item, into it or out of it; whether what follows has implicit VR."""
    (length,) = struct.unpack(f"{order}L", source.read(4))
    if not inside:
        raise ImageUnreadable("An item stands outside of any sequence.", remedy=_AGAIN)
    if tag == _ITEM and length != _UNDEFINED:
        source.skip(length)
    elif tag == _ITEM and len(inside) < 2 * DEEPEST:
        inside.append(implicit)
    elif tag in (_ITEM_END, _SEQUENCE_END):
        return inside.pop()
    else:
        raise ImageUnreadable("The object nests sequences too deeply.", remedy=_AGAIN)
    return implicit


def _length(source: _Source, order: str, *, implicit: bool) -> tuple[int, bool]:
    """Length of an element of which the tag was read, and whether its VR is UN."""
    if implicit:
        return _number(source, f"{order}L"), False
    kind = source.read(2)
    if kind in _SHORT:
        return _number(source, f"{order}H"), False
    if kind not in _LONG and not (kind.isalpha() and kind.isupper()):
        raise ImageUnreadable("The object is malformed.", remedy=_AGAIN)
    source.skip(2)
    return _number(source, f"{order}L"), kind == b"UN"


def _number(source: _Source, form: str) -> int:
    (number,) = struct.unpack(form, source.read(struct.calcsize(form)))
    return int(number)
