r"""HL7 v2 in its vertical-bar encoding: bytes to segments, fields, repetitions and components.

HL7 v2.5.1, chapter 2. What senders do beside the standard is read where it can be read in one way
only: LF or CRLF for CR, a byte order mark, MLLP's own characters around a message in a file, line
breaks within a text. What the fields mean is for `hl7_fields` and `hl7_told`.

Own code, because python-hl7 (0.4.5, of 2022) and hl7apy (1.3.5, of 2024) take no line end but CR
and no MSH-18. The first drops `\.br\` and warns under Python 3.12; the second leaves escapes as
they are and takes 27 ms for a message that is read and understood here in 1 ms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from clinical.exchange.facts import Refusal
from clinical.exchange.hl7_text import Marks, codec_of, declares, unescaped

LONGEST = 16 * 1024 * 1024
"""Bytes of a message; a laboratory result has some thousand, one with a PDF some million."""
MOST_SEGMENTS = 20_000
_MOST_LINES = 10 * MOST_SEGMENTS
_MOST_REPETITIONS = 5 * MOST_SEGMENTS
_LONGEST_HEADER = 4096

NULL = '""'
"""How a field says that its value is to be deleted; an empty field says nothing."""

_START = re.compile(rb"[\s\x0b\x00]*(?:\xef\xbb\xbf)?[\s\x0b]*")
_HEADER = re.compile(rb"MSH[^\w\s]")
_MOST_INDENT = 20
_ENVELOPE = re.compile(r"(?:FHS|BHS|BTS|FTS)(?!\w)")
_LINE = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Field:
    """One repetition of a field.

    Attributes:
        raw: as it stands in the message.
        marks: of the message.
    """

    raw: str
    marks: Marks

    @property
    def text(self) -> str:
        """All of it, for types that have no components; "" for a null."""
        return "" if self.raw == NULL else unescaped(self.raw, self.marks).strip()

    def part(self, component: int, part: int = 1) -> str:
        """One part of a component, both counted from 1; "" where there is none."""
        whole = _nth(self.raw, self.marks.component, component)
        found = _nth(whole, self.marks.part, part)
        return "" if found == NULL else unescaped(found, self.marks).strip()

    def component(self, number: int) -> str:
        """A whole component as a text, whatever parts it has."""
        found = _nth(self.raw, self.marks.component, number)
        return "" if found == NULL else unescaped(found, self.marks).strip()


def _nth(text: str, mark: str, number: int) -> str:
    parts = text.split(mark, number) if mark else [text]
    return parts[number - 1] if number <= len(parts) else ""


@dataclass(frozen=True)
class Segment:
    """One segment; fields are counted as the standard counts them.

    Attributes:
        name: three letters, such as OBX.
        number: 1 for the first segment of this name in the message, and so on.
        fields: raw; `fields[0]` is the name.
    """

    name: str
    number: int
    fields: tuple[str, ...]
    marks: Marks

    def raw(self, number: int) -> str:
        """A field with its repetitions, as it stands in the message; "" where there is none."""
        return self.fields[number] if number < len(self.fields) else ""

    def all(self, number: int) -> tuple[Field, ...]:
        """The repetitions of a field that hold something."""
        mark, raw = self.marks.repetition, self.raw(number)
        each = raw.split(mark) if mark else [raw]
        return tuple(Field(one, self.marks) for one in each if one.strip())

    def first(self, number: int) -> Field:
        """The first repetition of a field that holds something, or an empty one."""
        found = self.all(number)
        return found[0] if found else Field("", self.marks)

    def place(self, field: int | None = None) -> str:
        """Where a field stands, such as OBX[3]-5; the segment itself without a field."""
        name = self.name if self.name == "MSH" else f"{self.name}[{self.number}]"
        return name if field is None else f"{name}-{field}"


@dataclass(frozen=True)
class Message:
    """One message.

    Attributes:
        segments: the header first, in their order.
    """

    segments: tuple[Segment, ...]

    @property
    def header(self) -> Segment:
        """MSH."""
        return self.segments[0]

    @property
    def kind(self) -> tuple[str, str]:
        """Type and event of MSH-9, such as ORU and R01; the event else of EVN-1."""
        field = self.header.first(9)
        event = field.part(2) or "".join(one.first(1).part(1) for one in self.named("EVN")[:1])
        return field.part(1).upper(), event.upper()

    def named(self, name: str) -> tuple[Segment, ...]:
        """The segments of one name."""
        return tuple(segment for segment in self.segments if segment.name == name)


def split(data: bytes) -> tuple[bytes, ...]:
    """The messages in a file, each from its MSH; one, whatever it is, where there is no MSH.

    Batch headers and trailers (FHS, BHS, BTS, FTS) between them are dropped by `parse`.
    """
    starts = [found.start() for found in _HEADER.finditer(data) if _begins(data, found.start())]
    if not starts:
        return (data,)
    return tuple(
        data[start:end] for start, end in zip(starts, [*starts[1:], len(data)], strict=True)
    )


def _begins(data: bytes, at: int) -> bool:
    """Whether a line, or the block of a message, begins there, but for blanks."""
    before = data[max(0, at - _MOST_INDENT) : at].rstrip(b" \t")
    return before[-1:] in (b"", b"\r", b"\n", b"\x0b") or before.endswith(b"\xef\xbb\xbf")


def parse(data: bytes, undeclared: str = "utf-8") -> Message | Refusal:
    """Read one message, or say why it is none.

    Args:
        data: the message, without or with what MLLP puts around it.
        undeclared: codec of a message whose MSH-18 is empty or says ASCII.
    """
    if len(data) > LONGEST:
        return Refusal("message", "the message is too long.", "send embedded documents apart")
    start = _START.match(data)
    body = data[start.end() :] if start else data
    body = body.rstrip(b"\x00\x1c\r\n\t ")
    if not body.startswith(b"MSH"):
        return Refusal("MSH", "the message does not begin with MSH.", "send HL7 v2, with bars")
    marks = _marks(body)
    if isinstance(marks, Refusal):
        return marks
    codec = _codec(body, marks, undeclared)
    if isinstance(codec, Refusal):
        return codec
    try:
        text = body.decode(codec)
    except UnicodeDecodeError:
        reason = "the message has bytes that its character set does not have."
        return Refusal("MSH-18", reason, "name the character set in MSH-18, such as 8859/1")
    repeated = text.count(marks.repetition) if marks.repetition else 0
    if text.count("\r") + text.count("\n") > _MOST_LINES or repeated > _MOST_REPETITIONS:
        return _TOO_MANY
    segments = tuple(islice(_segments(text, replace(marks, codec=codec)), MOST_SEGMENTS + 1))
    return _TOO_MANY if len(segments) > MOST_SEGMENTS else Message(segments)


_TOO_MANY = Refusal(
    "message", "the message has too many segments or repetitions.", "send it in parts"
)


def header_of(data: bytes) -> Segment | None:
    """MSH alone, as far as it is ASCII, of a message that may be none otherwise."""
    start = _START.match(data)
    body = data[start.end() :] if start else data
    marks = _marks(body) if body.startswith(b"MSH") else None
    if not isinstance(marks, Marks):
        return None
    line = re.split(rb"[\r\n\x1c]", body[:_LONGEST_HEADER], maxsplit=1)[0]
    fields = line.decode("ascii", "replace").split(marks.field)
    return Segment("MSH", 1, ("MSH", marks.field, *fields[1:]), marks)


def _marks(body: bytes) -> Marks | Refusal:
    """MSH-1 and MSH-2; the truncation character that v2.7 adds to MSH-2 has no use here."""
    head = body[3:10].decode("latin-1")
    field, others = head[:1], head[1:].split(head[:1])[0] if head else ""
    unfit = [letter for letter in field + others if letter.isalnum() or not letter.isprintable()]
    used = field + others[:4]
    if not field or not others or unfit or " " in used or len(set(used)) != len(used):
        reason = "MSH-1 and MSH-2 do not name the characters that structure the message."
        return Refusal("MSH-2", reason, "send |^~\\& there")
    if not (field + others).isascii():
        reason = "the characters that structure the message are not ASCII."
        return Refusal("MSH-2", reason, "send |^~\\& there")
    names = dict(zip(("component", "repetition", "escape", "part"), others, strict=False))
    return Marks(field, **names)


def _codec(body: bytes, marks: Marks, undeclared: str) -> str | Refusal:
    """The codec that MSH-18 names in its first repetition; others come only by escapes."""
    header = re.split(rb"[\r\n]", body, maxsplit=1)[0].split(marks.field.encode())
    declared = header[17].decode("latin-1") if len(header) > 17 else ""
    name = declared.split(marks.repetition)[0] if marks.repetition else declared
    if not declares(name) or name.strip() == NULL:
        return undeclared
    codec = codec_of(name)
    if codec is None:
        reason = "the character set is not one that is read here."
        return Refusal("MSH-18", reason, "send UNICODE UTF-8 or 8859/1")
    return codec


def _segments(text: str, marks: Marks) -> Iterator[Segment]:
    counts: dict[str, int] = {}
    for line in _lines(text, marks):
        fields = tuple(line.split(marks.field))
        name = fields[0]
        counts[name] = counts.get(name, 0) + 1
        if name == "MSH":
            fields = ("MSH", marks.field, *fields[1:])  # MSH-1 is the mark itself
        yield Segment(name, counts[name], fields, marks)


def _lines(text: str, marks: Marks) -> list[str]:
    """One line for each segment; a line that begins no segment goes on with the one before.

    Texts with line breaks that nobody escaped are read whole that way. What comes before the name
    of a segment is never lost: it goes into the last field, which then has no value that is known.
    """
    begins = re.compile(rf"[ \t]*([A-Z][A-Z0-9]{{2}}{re.escape(marks.field)}.*)", re.DOTALL)
    found: list[str] = []
    for line in _LINE.split(text):
        match = begins.fullmatch(line)
        if _ENVELOPE.match(line) or not line.strip("\x0b\x1c\x00 \t"):
            continue
        if match or not found:
            found.append(match[1] if match else line)
        else:
            found[-1] += "\n" + line
    return found
