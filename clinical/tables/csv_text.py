"""The text of a CSV file: its encoding, its delimiter and its records, found where unmistakable.

What is not what this format asks for (UTF-8, commas) but can be read in one way only is read, and
said in a sentence; what could be something else is left as it is for the reader to refuse. A file
packed with gzip is read as what is in it.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

from clinical.case.case import Problem

LONGEST_CELL = 16 * 2**20
"""Characters in one cell; csv's own limit of 131,072 is shorter than some discharge letters."""

_LONGEST_LINE = 4 * LONGEST_CELL
RESAVE = "re-save the file as UTF-8"
BROKEN: list[str] = ["(no longer CSV)"]
"""Stands, by identity, for the record from which on a text is not CSV."""

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_MARKS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
UTF8, UTF16_LE, UTF16_BE, WESTERN = "utf-8", "utf-16-le", "utf-16-be", "cp1252"
NAMES = {UTF16_LE: "UTF-16", UTF16_BE: "UTF-16", WESTERN: "Windows-1252 (Western European)"}

_GZIP = b"\x1f\x8b"
_KINDS = (
    (b"PK\x03\x04", "a ZIP file, as Excel workbooks are", "save it as CSV"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook", "save it as CSV"),
    (_GZIP, "packed with gzip twice", "unpack it once"),
    (b"PAR1", "Parquet", "give it a name that ends in .parquet"),
    (b"%PDF", "a PDF document", "bring the table as CSV"),
)
_SAMPLE, _LONGEST_SAMPLE = 50, 200_000
_SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)

# Letters and signs that Western European text has above ASCII, in Windows-1252, and which code
# pages of other alphabets or of DOS put elsewhere.
_LETTER = rb"[\xc0-\xcf\xd1-\xd6\xd8-\xdc\xdf-\xef\xf1-\xf6\xf8-\xfc]"
_WESTERN = re.compile(
    rb"(?:[\x00-\x7f]"
    rb"|(?<![\xc0-\xff])" + _LETTER + rb"{1,2}(?![\xc0-\xff])"
    rb"|[\xb5\xb0\xb1\xd7\xa7\xab\xbb\xbf\xa1\xa0]"
    rb"|(?<![A-Za-z])[\x80\x84\x85\x91-\x97]|[\x80\x84\x85\x91-\x97](?![A-Za-z])"
    rb"|\x92(?=[st](?![A-Za-z]))"
    rb"|(?<=[0-9mM])[\xb2\xb3](?![A-Za-z]))*"
)
_UTF8_LETTER = re.compile(rb"[\xc3\xc2][\x80-\xbf]")


@dataclass(frozen=True)
class Shape:
    """How a CSV file is written.

    Attributes:
        encoding: of its text, without a byte order mark.
        delimiter: between cells.
        skip: whether its first line is "sep=" and no row.
        bad_byte: position of the first byte that is not of the encoding, or None.
        said: what was found that is not UTF-8 and commas, a clause each.
    """

    encoding: str
    delimiter: str
    skip: bool = False
    bad_byte: int | None = None
    said: tuple[str, ...] = ()

    @property
    def written(self) -> str:
        """The encoding, for messages."""
        return NAMES.get(self.encoding, self.encoding.upper())

    @property
    def mark(self) -> str:
        """What a cell has to be quoted for."""
        return _MARKS.get(self.delimiter, "that mark")


Fits = Callable[[Sequence[str]], int]
"""How many of the columns that a table must have a header has."""


def shape(
    path: Path, file: str, fits: Fits | None, *, encoding: str = "", delimiter: str = ""
) -> Shape | Problem:
    """How a file is written, or why it is no CSV file at all.

    Args:
        path, file: where it lies, and its name for messages.
        fits: tells the right delimiter by the header; None for a table of which nothing is known,
            whose delimiter is the one that cuts its rows alike.
        encoding, delimiter: as the cohort states them; "" where they are to be found.
    """
    try:
        if _is_endless(path):
            reason = "the file is packed with gzip, and has a line without an end."
            return Problem(file, reason, row=1, remedy="pack the table itself")
        return _shape(path, file, fits, encoding, delimiter)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        reason = "the file is packed with gzip, and cut short or damaged."
        return Problem(file, reason, row=1, remedy="fetch it again, or pack it again")


def _shape(
    path: Path, file: str, fits: Fits | None, encoding: str, delimiter: str
) -> Shape | Problem:
    with _unpacked(path) as raw:
        head = raw.read(4096)
    for magic, kind, remedy in _KINDS:
        if head.startswith(magic):
            return Problem(file, f"the file is not CSV, but {kind}.", row=1, remedy=remedy)
    if head.lstrip().lower().startswith((b"<html", b"<!doctype", b"<?xml")):
        reason, remedy = "the file is not CSV, but a web page or XML.", "export it as CSV"
        return Problem(file, reason, row=1, remedy=remedy)
    said: list[str] = []
    if encoding:
        bad_byte = _first_bad_byte(path, encoding)
    else:
        encoding, bad_byte = _encoding(path, head)
        if encoding in NAMES:
            said.append(f"the text is {NAMES[encoding]}")
    lines = _first_lines(path, encoding)
    separator = _SEPARATOR.fullmatch(lines[0])
    skip = separator is not None
    if not delimiter:
        if separator:
            delimiter = separator[1]
        else:
            delimiter = _delimiter(lines[0], fits) if fits else _cutting_alike(lines)
        if delimiter != ",":
            said.append(f"cells are separated by {DELIMITERS.get(delimiter, repr(delimiter))}")
    return Shape(encoding, delimiter, skip, bad_byte, tuple(said))


def records(path: Path, form: Shape) -> Iterator[list[str]]:
    """All records, and BROKEN in place of the first one that is none and all after it."""
    # Bytes that are not UTF-8 become surrogates here and are looked for row by row, so that one
    # bad cell costs one row.
    with _text(path, form.encoding, newline="") as lines:
        # strict, because csv otherwise swallows the rest of the file after an unclosed quote.
        reader = csv.reader(_unmarked(lines, form.skip), delimiter=form.delimiter, strict=True)
        batch: list[list[str]] = [[]]
        while batch and batch[-1] is not BROKEN:
            batch = []
            with _long_cells():
                try:
                    for record in islice(reader, 64):
                        batch.append(record)
                except csv.Error:
                    batch.append(BROKEN)
            yield from batch


@contextmanager
def _long_cells() -> Iterator[None]:
    """Within this, csv takes cells of any length; the limit is the whole process's."""
    before = csv.field_size_limit(LONGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def is_whole(cells: Sequence[str]) -> bool:
    """Whether every character was one of the encoding."""
    return not any("\udc80" <= character <= "\udcff" for cell in cells for character in cell)


def _unpacked(path: Path) -> gzip.GzipFile | io.BufferedReader:
    """The bytes of a file, or of what is packed in it."""
    with path.open("rb") as raw:
        packed = raw.read(len(_GZIP)) == _GZIP
    return gzip.GzipFile(path) if packed else path.open("rb")


def _is_endless(path: Path) -> bool:
    """Whether what is packed in a file has a line that would fill the memory."""
    with _unpacked(path) as raw:
        if not isinstance(raw, gzip.GzipFile):
            return False
        since = 0
        while chunk := raw.read(2**20):
            ended = chunk.rfind(b"\n")
            since = since + len(chunk) if ended < 0 else len(chunk) - ended - 1
            if since > _LONGEST_LINE:
                return True
    return False


def _text(path: Path, encoding: str, newline: str | None = None) -> IO[str]:
    """The text of a file; bytes that are not of the encoding become surrogates."""
    raw = _unpacked(path)
    return io.TextIOWrapper(raw, encoding, errors="surrogateescape", newline=newline)


def _unmarked(lines: Iterator[str], skip: bool) -> Iterator[str]:
    """Lines without byte order marks in front, of which some files have two, and "sep="."""
    first = next(lines, "")
    first = first.lstrip("\ufeff")
    if not skip:
        yield first
    yield from lines


def _encoding(path: Path, head: bytes) -> tuple[str, int | None]:
    """The encoding, and the position of the first byte that is not of it, or None."""
    # A header is ASCII, so that in UTF-16 every other byte of it is 0.
    line = head[:40]
    if head.startswith(codecs.BOM_UTF16_LE) or _alternates(line[0::2], line[1::2]):
        found = UTF16_LE
    elif head.startswith(codecs.BOM_UTF16_BE) or _alternates(line[1::2], line[0::2]):
        found = UTF16_BE
    else:
        bad_byte = _first_bad_byte(path, UTF8)
        if bad_byte is None or not _is_western(path):
            return UTF8, bad_byte
        found = WESTERN
    return found, _first_bad_byte(path, found)


def _alternates(letters: bytes, zeros: bytes) -> bool:
    return len(letters) + len(zeros) >= 8 and not any(zeros) and all(letters)


def _is_western(path: Path) -> bool:
    """Whether a file that is not UTF-8 can be nothing but Western European text."""
    with _unpacked(path) as raw:
        return all(
            _WESTERN.fullmatch(line) and not _UTF8_LETTER.search(line)
            for line in raw
            if not line.isascii()
        )


def _first_bad_byte(path: Path, encoding: str) -> int | None:
    decoder, before = codecs.getincrementaldecoder(encoding)(), 0
    with _unpacked(path) as raw:
        while True:
            chunk = raw.read(2**20)
            held = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                return before - held + error.start
            if not chunk:
                return None
            before += len(chunk)


def _first_lines(path: Path, encoding: str) -> list[str]:
    """The first line, however long it is, and some of those behind it."""
    with _text(path, encoding) as text:
        lines = [text.readline(LONGEST_CELL).lstrip("\ufeff").rstrip("\n")]
        lines += text.read(_LONGEST_SAMPLE).splitlines()[: _SAMPLE - 1]
    return lines


def _delimiter(header: str, fits: Fits) -> str:
    """What separates the cells of a header; the comma, unless another fits better."""
    with _long_cells():
        found = {mark: fits(next(csv.reader([header], delimiter=mark), [])) for mark in DELIMITERS}
    best = max(found.values())
    fitting = [mark for mark, number in found.items() if number == best]
    return "," if "," in fitting or best < 2 else fitting[0]


def _cutting_alike(lines: Sequence[str]) -> str:
    """What cuts most rows into as many cells as the header, and the header into most cells."""
    rows = [line for line in lines if line.strip()]

    def worth(mark: str) -> tuple[float, int]:
        cut = [len(cells) for cells in csv.reader(rows, delimiter=mark)]
        width = cut[0] if cut else 0
        return (cut.count(width) / len(cut) if width > 1 else 0.0, width)

    with _long_cells():
        return max(DELIMITERS, key=worth)
