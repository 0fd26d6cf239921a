"""Bytes to segments: marks, escapes, character sets, line ends, and what is no message."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.exchange.facts import Refusal
from clinical.exchange.hl7_message import LONGEST, Message, header_of, parse, split
from clinical.exchange.hl7_text import Marks, escaped, unescaped

HEADER = r"MSH|^~\&|LAB|H|||2024||ORU^R01|M1|P|2.5.1"
USUAL = Marks("|", "^", "~", "\\", "&")


def parsed(text: str | bytes) -> Message:
    found = parse(text if isinstance(text, bytes) else text.encode())
    assert isinstance(found, Message), found
    return found


def refused(data: bytes) -> str:
    found = parse(data)
    assert isinstance(found, Refusal)
    return found.place


def test_fields_are_counted_as_the_standard_counts_them() -> None:
    message = parsed(HEADER + "\rPID|1||4711^^^H&1.2.3&ISO^MR~99||A^B\rOBX|1\rOBX|2\r")

    pid = message.segments[1]
    first, second = pid.all(3)
    assert message.kind == ("ORU", "R01")
    assert message.header.raw(1) == "|"
    assert message.header.first(10).text == "M1"
    assert (first.part(1), first.part(4), first.part(4, 2), first.part(5)) == (
        "4711",
        "H",
        "1.2.3",
        "MR",
    )
    assert second.text == "99"
    assert pid.raw(99) == ""
    assert [one.place(5) for one in message.named("OBX")] == ["OBX[1]-5", "OBX[2]-5"]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_every_line_end_is_one(end: str) -> None:
    message = parsed(end.join((HEADER, "PID|1", "", "OBX|1|TX", "")))

    assert [one.name for one in message.segments] == ["MSH", "PID", "OBX"]


@pytest.mark.parametrize(
    "around", [b"%s", b"\x0b%s\x1c\r", b"\xef\xbb\xbf%s", b"\r\n  %s\r\n\r\n", b"%s\x00\x00"]
)
def test_what_stands_around_a_message_is_left_out(around: bytes) -> None:
    message = parsed(around % (HEADER.encode() + b"\rPID|1"))

    assert [one.name for one in message.segments] == ["MSH", "PID"]


def test_a_line_that_begins_no_segment_belongs_to_the_one_before() -> None:
    message = parsed(HEADER + "\rOBX|1|TX|||first\nsecond | third\nLLL\rOBX|2|TX|||next")

    first, second = message.named("OBX")
    assert first.first(5).text == "first\nsecond"
    assert first.first(6).text == "third\nLLL"
    assert second.first(5).text == "next"


def test_the_marks_are_those_of_the_header() -> None:
    message = parsed("MSH#$%*@#LAB#H###2024##ORU$R01#M1#P#2.5\rOBX#1#CWE#a$b@c#*T*|^~")

    obx = message.segments[1]
    assert obx.first(3).part(2, 2) == "c"
    assert obx.first(4).text == "@|^~"


@pytest.mark.parametrize("marks", ["^", "^~", "^~\\", "^~\\&#"])
def test_a_header_may_name_fewer_marks_or_the_one_of_truncation(marks: str) -> None:
    message = parsed(HEADER.replace(r"^~\&", marks) + "\rOBX|1||a^b")

    assert message.segments[1].first(3).part(2) == "b"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PID|1\rMSH|^~\\&|",
        b"<xml/>",
        b"MSH",
    ],
)
def test_what_does_not_begin_with_a_header_is_no_message(data: bytes) -> None:
    assert refused(data) in ("MSH", "MSH-2")


@pytest.mark.parametrize("marks", ["|", "|||", "|^^\\&|", "|^a\\&|", "|^ \\&|", "\xff^~"])
def test_marks_that_structure_nothing_are_refused(marks: str) -> None:
    assert refused(f"MSH{marks}LAB".encode("latin-1")) == "MSH-2"


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("UNICODE UTF-8", "utf-8"),
        ("", "utf-8"),
        ("ASCII", "utf-8"),
        ("UNICODE", "utf-8"),  # as analysers send it
        ("8859/1", "latin-1"),
        ("iso_8859-1", "latin-1"),
        ("8859/15", "iso8859-15"),
        ("8859/5~ISO IR87", "iso8859-5"),
        ("GB 18030-2000", "gb18030"),
    ],
)
def test_the_character_set_is_that_of_msh_18(declared: str, codec: str) -> None:
    letters = {"latin-1": "µ", "iso8859-15": "€", "iso8859-5": "Ж"}.get(codec, "微")
    data = (HEADER + "||||||" + declared + f"\rOBX|1||{letters}").encode(codec)

    assert parsed(data).segments[1].first(3).text == letters


def test_an_undeclared_character_set_is_what_the_reader_was_told() -> None:
    data = (HEADER + "\rOBX|1||µ").encode("latin-1")

    assert refused(data) == "MSH-18"
    found = parse(data, "latin-1")
    assert isinstance(found, Message)
    assert found.segments[1].first(3).text == "µ"


def test_a_character_set_that_is_not_read_is_refused() -> None:
    assert refused((HEADER + "||||||UNICODE UTF-16").encode()) == "MSH-18"
    assert refused(HEADER.encode() + b"||||||8859/3\rOBX|1||\xa5") == "MSH-18"  # has no such letter


def test_a_message_that_is_too_long_or_has_too_many_segments_is_refused() -> None:
    assert refused(HEADER.encode() + b" " * LONGEST) == "message"
    assert refused(HEADER.encode() + b"\rNTE|1" * 20_001) == "message"
    assert refused(HEADER.encode() + b"\r\n" * 200_000 + b"NTE|1") == "message"
    assert refused(HEADER.encode() + b"\rNTE|1" + b"~" * 100_001) == "message"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"a\T\b\F\c\S\d\R\e\E\f", r"a&b|c^d~e\f"),
        (r"one\.br\two\.sp2\three", "one\ntwo\n\nthree"),
        (r"\.in+4\\.ti-2\\.fi\text\.nf\\.ce\title", "text\ntitle"),
        (r"\.sk3\indented", "   indented"),
        (r"\H\bold\N\ plain", "bold plain"),
        (r"\X0D0A\line\X41\\XE282AC\ ", "\nlineA€ "),
        (r"\XFF\\XABC\ ", r"\XFF\\XABC\ "),  # no UTF-8, and no whole bytes
        (r"C:\data\new", r"C:\data\new"),
        (r"5\10 \T\ 6\12", r"5\10 & 6\12"),
        (r"\Zlocal\x", "x"),
        ("a\x00\x07b\tc\r\nd", "ab\tc\nd"),
        (r"no end\T", r"no end\T"),
        (r"\.sp999\x", "\n" * 80 + "x"),
    ],
)
def test_escapes_are_read_as_they_are_meant(written: str, meant: str) -> None:
    assert unescaped(written, USUAL) == meant


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cc", "Cs"))))
def test_what_is_escaped_comes_back(text: str) -> None:
    assert unescaped(escaped(text), USUAL) == text


def test_a_null_is_no_value_and_no_text() -> None:
    obx = parsed(HEADER + '\rOBX|1||""|""^x').segments[1]

    assert obx.raw(3) == '""'
    assert obx.first(3).text == ""
    assert (obx.first(4).part(1), obx.first(4).part(2)) == ("", "x")


def test_a_file_is_split_at_its_headers() -> None:
    one = HEADER.encode() + b"\rOBX|1||MSH is a segment\r"

    assert split(b"\x0b" + one + b"\x1c\r\x0b" + one) == (one + b"\x1c\r\x0b", one)
    assert split(b"nothing") == (b"nothing",)


def test_a_header_is_read_even_where_its_message_is_not() -> None:
    header = header_of(HEADER.encode() + b"||||||UNKNOWN\rOBX|1||\xff")

    assert header is not None
    assert header.first(10).text == "M1"
    assert header_of(b"\xff") is None


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_a_refusal(data: bytes) -> None:
    for body in (data, b"MSH|^~\\&|" + data, b"MSH" + data):
        assert isinstance(parse(body), (Message, Refusal))
        header_of(body)
        assert b"".join(split(body)) in body
