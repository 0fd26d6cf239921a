"""The same for what a ZIP says of its files besides their content, which some programs heed.

Each leaves what Python unpacks as it was, so that only who looks at the headers sees it. Another
program may show fewer files, other dates, or links, or unpack more than there is.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO

from zip_forgeries import BYTES, CONTENT, Content, change_receipt, raw_zip, replace_in

LINK = 0o120777 << 16
SETUID = 0o104755 << 16


def end_of(data: bytes) -> int:
    """Place of the end of the directory."""
    return data.rindex(b"PK\5\6")


def start_of(data: bytes) -> int:
    """Place of the directory."""
    (start,) = struct.unpack_from("<L", data, end_of(data) + 16)
    return int(start)


def in_end(place: int, form: str, change: Callable[[int], int]) -> Callable[[Content], bytes]:
    """A number in the end of the directory changed."""

    def forged(content: Content) -> bytes:
        data = raw_zip(content)
        at = end_of(data) + place
        struct.pack_into(form, data, at, change(*struct.unpack_from(form, data, at)))
        return bytes(data)

    return forged


def in_first(place: int, form: str, value: int, *, local: int = 0) -> Callable[[Content], bytes]:
    """A number of the first file changed in the directory, and in front of it, if `local` says."""

    def forged(content: Content) -> bytes:
        data = raw_zip(content)
        struct.pack_into(form, data, start_of(data) + place, value)
        if local:
            struct.pack_into(form, data, local, value)
        return bytes(data)

    return forged


def put_in(data: bytearray, at: int, more: bytes) -> None:
    """Put bytes into a ZIP and move what comes behind them: the first file is that which grows."""
    start, place = start_of(data), start_of(data) + 46
    (name,) = struct.unpack_from("<H", data, start + 28)
    place += name
    while data[place : place + 4] == b"PK\1\2":
        (offset,) = struct.unpack_from("<L", data, place + 42)
        struct.pack_into("<L", data, place + 42, offset + len(more))
        place += 46 + struct.unpack_from("<H", data, place + 28)[0]
    struct.pack_into("<L", data, end_of(data) + 16, start + len(more))
    data[at:at] = more


def behind_the_stream(content: Content) -> bytes:
    """Bytes within the first file, behind the end of its packed stream."""
    data = raw_zip(content)
    start = start_of(data)
    packed, _, name = struct.unpack_from("<LLH", data, start + 20)
    more = b"nothing shows this"
    struct.pack_into("<L", data, start + 20, packed + len(more))
    struct.pack_into("<L", data, 18, packed + len(more))
    put_in(data, 30 + name + packed, more)
    return bytes(data)


def longer_than_it_says(content: Content) -> bytes:
    """A file that is not packed, and lies there with more bytes than its size."""
    memory = BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_STORED) as archive:
        for name, held in content.items():
            archive.writestr(name, held)
    data = bytearray(memory.getvalue())
    packed, _, name = struct.unpack_from("<LLH", data, start_of(data) + 20)
    more = b"some show this"
    for at in (start_of(data) + 20, 18):
        struct.pack_into("<L", data, at, packed + len(more))
    put_in(data, 30 + name + packed, more)
    return bytes(data)


def sizes_that_follow(content: Content) -> bytes:
    """A file whose sizes stand behind it, as where it was written without turning back."""
    data = raw_zip(content)
    start = start_of(data)
    crc, packed, size, name = struct.unpack_from("<LLLH", data, start + 16)
    data[6:8] = struct.pack("<H", 8)
    struct.pack_into("<H", data, start + 8, 8)
    struct.pack_into("<LLL", data, 14, 0, 0, 0)
    put_in(data, 30 + name + packed, struct.pack("<4sLLL", b"PK\7\x08", crc, packed, size))
    return bytes(data)


def two_ends(content: Content) -> bytes:
    """Two ends of the directory, of which the first lists nothing."""
    data = raw_zip(content)
    data[end_of(data) : end_of(data)] = b"PK\5\6" + bytes(18)
    return bytes(data)


def the_end_twice(content: Content) -> bytes:
    data = raw_zip(content)
    return bytes(data + data[end_of(data) :])


def two_directories(content: Content) -> bytes:
    """The directory of another export behind the files, and its own behind that."""
    data = raw_zip(content)
    start, own = start_of(data), bytes(data[start_of(data) : end_of(data)])
    data[start:start] = own
    struct.pack_into("<L", data, end_of(data) + 16, start + len(own))
    return bytes(data)


def before_and_said(content: Content) -> bytes:
    """A program in front of the files, whose places are those behind it."""
    more = b"#!/bin/sh\nexit\n"
    data = raw_zip(content)
    place, moved = start_of(data), bytearray(data)
    while data[place : place + 4] == b"PK\1\2":
        (offset,) = struct.unpack_from("<L", data, place + 42)
        struct.pack_into("<L", moved, place + 42, offset + len(more))
        place += 46 + struct.unpack_from("<H", data, place + 28)[0]
    struct.pack_into("<L", moved, end_of(data) + 16, start_of(data) + len(more))
    return more + bytes(moved)


def large_end(content: Content, size: int, count: int) -> bytes:
    """The end for files beyond 4 GB, where none is needed, which lists fewer files."""
    data = raw_zip(content)
    end, start = end_of(data), start_of(data)
    large = struct.pack(
        "<4sQHHLLQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size or end - start, start
    )
    return bytes(data[:end]) + large + struct.pack("<4sLQL", b"PK\6\7", 0, end, 1) + data[end:]


def sizes_in_a_field(content: Content) -> bytes:
    """A field with sizes beyond 4 GB in the directory, where none is needed."""
    data = raw_zip(content)
    start = start_of(data)
    (name,) = struct.unpack_from("<H", data, start + 28)
    field = struct.pack("<HHQQ", 1, 16, 1, 1)
    struct.pack_into("<H", data, start + 30, len(field))
    (size,) = struct.unpack_from("<L", data, end_of(data) + 12)
    struct.pack_into("<L", data, end_of(data) + 12, size + len(field))
    data[start + 46 + name : start + 46 + name] = field
    return bytes(data)


def a_long_name(content: Content) -> bytes:
    memory = BytesIO(bytes(raw_zip(content)))
    with zipfile.ZipFile(memory, "a") as archive:
        archive.writestr("x" * 65_000, b"x")
    return memory.getvalue()


def another_stream(content: Content) -> bytes:
    """The first file packed with a preset dictionary's header, which is no plain stream."""
    data = raw_zip(content)
    name = next(iter(content))
    packed = zlib.compress(content[name])
    (before,) = struct.unpack_from("<L", data, 18)
    at = 30 + len(name)
    data[at : at + before] = b""
    for place in (18, start_of(data) + 20 - before):
        struct.pack_into("<L", data, place, len(packed))
    return bytes(data[:at]) + packed + bytes(data[at:])


PACKED: dict[str, Callable[[Content], bytes]] = {
    "an end that lists fewer files": in_end(10, "<H", lambda count: count - 1),
    "an end that lists fewer files on this disk": in_end(8, "<H", lambda count: count - 1),
    "an end that lists more files": in_end(10, "<H", lambda count: count + 1),
    "an end on another disk": in_end(4, "<H", lambda _: 1),
    "a directory on another disk": in_end(6, "<H", lambda _: 1),
    "two ends": two_ends,
    "the end twice": the_end_twice,
    "two directories": two_directories,
    "bytes before it, and the places moved": before_and_said,
    "an end for large files with fewer": lambda c: large_end(c, 0, len(c) - 1),
    "an end for large files": lambda c: large_end(c, 0, len(c)),
    "a field for large files": sizes_in_a_field,
    "a link": in_first(38, "<L", LINK),
    "a program that runs as its owner": in_first(38, "<L", SETUID),
    "a folder in the place of a file": in_first(38, "<L", 0o100644 << 16 | 0x10),
    "a hidden file": in_first(38, "<L", 0o100644 << 16 | 0x02),
    "another date in the directory": in_first(12, "<L", 0x5A21_0000),
    "a flag in the directory": in_first(8, "<H", 0x20),
    "a flag for encryption in the directory": in_first(8, "<H", 1),
    "a flag for other names in the directory": in_first(8, "<H", 0x800),
    "another version in the directory": in_first(6, "<H", 63),
    "another system": in_first(5, "<B", 19),
    "a file on another disk": in_first(34, "<H", 1),
    "a file of text": in_first(36, "<H", 1),
    "bytes behind a stream": behind_the_stream,
    "a file longer than it says": longer_than_it_says,
    "sizes that follow": sizes_that_follow,
    "a very long name": a_long_name,
    "a stream of another kind": another_stream,
}
BYTES.update(PACKED)

CONTENT.update(
    {
        "a word in the receipt": replace_in(
            "receipt.json",
            b'{\n  "event"',
            b'{\n  "by": "THE RECORD IS INTACT",\n  "event"',
            mended=False,
        ),
        "a word in the head of the receipt": lambda c: change_receipt(
            c, lambda r: r["head"].update(note="THE RECORD IS INTACT")
        ),
        "the size of the receipt's head as 1.0": lambda c: change_receipt(
            c, lambda r: r["head"].update(size=float(r["head"]["size"]))
        ),
        "the statement of the receipt's head": lambda c: change_receipt(
            c, lambda r: r["head"].update(statement="triptych tree head 1")
        ),
        "the name of the receipt's key": lambda c: change_receipt(
            c, lambda r: r["head"].update(key="ab" * 32)
        ),
        "a step of the path in capitals": lambda c: change_receipt(
            c, lambda r: r["path"].__setitem__(0, r["path"][0].upper())
        ),
        "a comment taken apart into letters and accents": replace_in(
            "comments.jsonl", b"Typical.", b"Typica\xcc\x81l."
        ),
    }
)
