"""Tables of which nothing is known, opened by the reader of cohorts however they are written."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pipelines.checking.raw_table import RawTable, Unopened, opened


def table(root: Path, data: bytes, name: str = "some.csv") -> RawTable | Unopened:
    (root / name).write_bytes(data)
    return opened(root, root / name)


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("größe,b\n1,2\n".encode(), "UTF-8"),
        ("\ufeffgröße,b\n1,2\n".encode(), "UTF-8"),
        ("größe,b\n1,2\n".encode("utf-16"), "UTF-16"),
        ("größe,b\n1,2\n".encode("cp1252"), "Windows-1252 (Western European)"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_encodings(tmp_path: Path, data: bytes, encoding: str, packed: bool) -> None:
    found = table(tmp_path, gzip.compress(data) if packed else data)
    assert isinstance(found, RawTable)
    assert (found.encoding, found.names, found.cells) == (
        encoding,
        ("größe", "b"),
        (("1",), ("2",)),
    )


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2,5\n", ";"),
        ("a\tb\n1,5\t2\n", "\t"),
        ("sep=|\na|b\n", "|"),
        ('a,b\n"x;y",2\n', ","),
        ("code (ICD, ATC, SNOMED);date\nI50;2024\nJ18;2023\n", ";"),
    ],
)
def test_delimiters(tmp_path: Path, text: str, delimiter: str) -> None:
    found = table(tmp_path, text.encode())
    assert isinstance(found, RawTable)
    assert (found.delimiter, len(found.names)) == (delimiter, 2)


def test_a_letter_of_another_code_page_is_counted_and_no_other_one_shown(tmp_path: Path) -> None:
    found = table(tmp_path, "имя,b\nИван,2\nAnna,3\n".encode("cp1251"))
    assert isinstance(found, RawTable)
    assert found.garbled == 2
    assert found.cells == (("\ufffd" * 4, "Anna"), ("2", "3"))


PACKED = gzip.compress(b"a,b\n" + b"1,2\n" * 5000, mtime=0)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (PACKED[:-9], "packed with gzip, and cut short or damaged"),
        (PACKED[:40], "packed with gzip, and cut short or damaged"),
        (PACKED[:30] + b"\0\0" + PACKED[32:], "packed with gzip, and cut short or damaged"),
        (PACKED + b"rest", "packed with gzip, and cut short or damaged"),
        (gzip.compress(b"a,b\n1,\xff" + bytes(70 * 2**20), 1, mtime=0), "a line without an end"),
        (gzip.compress(PACKED, mtime=0), "packed with gzip twice"),
        (gzip.compress(b"PK\x03\x04", mtime=0), "a ZIP file"),
        (gzip.compress(b"", mtime=0), "empty"),
        (b"", "empty"),
        (b"17,2021-03-12,5.4\n", "not the header"),
    ],
    ids=lambda one: one if isinstance(one, str) else "bytes",
)
def test_what_is_no_table_is_said(tmp_path: Path, data: bytes, reason: str) -> None:
    found = table(tmp_path, data)
    assert isinstance(found, Unopened)
    assert reason in found.reason
