"""The answer to an HL7 v2 message: accepted only when it is safe on disk.

HL7 v2.5.1, chapter 2, sections 2.9.2 (original and enhanced mode), 2.15.5 (ERR), 2.15.8 (MSA);
tables 0008 (acknowledgement codes), 0357 (error codes), 0516 (severity).

    AA  it is safe; ERR segments of severity W name the parts that cannot be used
    AE  it names no patient, or holds nothing but parts that cannot be used; nothing was kept
    AR  it is no message that is read here, or it could not be kept; nothing was kept

A sender that asks for an accept acknowledgement (MSH-15) gets CA, CE or CR instead.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from clinical.errors import TriptychError
from clinical.exchange.facts import Refusal, Told
from clinical.exchange.hl7_message import Message, Segment, header_of, parse, split
from clinical.exchange.hl7_text import escaped
from clinical.exchange.hl7_told import USUAL, Habits, of_message, unsupported

Keep = Callable[[bytes, str], object]
"""Keeps the bytes of a sender; returns when they would outlive a power cut, and not before."""

Code = Literal["AA", "AE", "AR"]

MOST_ERRORS = 50
"""ERR segments of one answer; senders have limits, too."""

_PLACE = re.compile(r"([A-Z][A-Z0-9]{2})(?:\[(\d+)\])?(?:-(\d+))?")
_ACCEPT = {"AA": "CA", "AE": "CE", "AR": "CR"}
_WORDS = {
    "101": "Required field missing",
    "102": "Data type error",
    "200": "Unsupported message type",
    "202": "Unsupported processing id",
    "203": "Unsupported version id",
    "207": "Application internal error",
}
_OF_HEADER = {"MSH-9": "200", "MSH-11": "202", "MSH-12": "203"}
_NOT_KEPT = Refusal("MSH", "the message could not be kept.", "send it again later")
_OUR_FAULT = Refusal("MSH", "the program has a fault.", "report it to who runs it")


@dataclass(frozen=True)
class Answer:
    """What is sent back.

    Attributes:
        code: what became of the message, in the words of the original mode.
        data: the acknowledgement, or b"" where the sender wants none.
        refused: why, or which parts of what was kept cannot be used.
    """

    code: Code
    data: bytes
    refused: tuple[Refusal, ...] = ()


def answered(data: bytes, sender: str, keep: Keep, habits: Habits = USUAL) -> Answer:
    """Keep a message that can be used, and say what became of it.

    Args:
        data: one message, as received.
        sender: who sent it.
        keep: called with both; its errors are the sender's to hear, without their words.
        habits: of the senders.
    """
    message = _one(data, habits)
    if isinstance(message, Refusal):
        return rejected(data, message)
    refused = unsupported(message, habits)
    if refused:
        return _answer(message.header, "AR", (refused,))
    told = of_message(message, UTC, habits)  # no zone makes a message more or less usable
    faults = tuple(one for part in told for one in part.refused)
    if not all(part.person for part in told) or (faults and not any(map(_usable, told))):
        return _answer(message.header, "AE", faults)
    try:
        keep(data, sender)
    except (TriptychError, OSError):
        return _answer(message.header, "AR", (_NOT_KEPT,))
    return _answer(message.header, "AA", faults)


def rejected(data: bytes, why: Refusal) -> Answer:
    """The answer to bytes that are no message, as far as their MSH can be read."""
    return _answer(header_of(data), "AR", (why,))


def failed(data: bytes) -> Answer:
    """The answer to a message at which the program itself failed; nothing was kept."""
    return rejected(data, _OUR_FAULT)


def _one(data: bytes, habits: Habits) -> Message | Refusal:
    if len(split(data)) > 1:
        return Refusal("MSH", "several messages are sent as one.", "send each in its own block")
    return parse(data, habits.undeclared)


def _usable(told: Told) -> bool:
    """Whether anything is left of a message of which parts are refused."""
    return bool(told.facts or told.merges or told.unused)


def _answer(header: Segment | None, code: Code, refused: Sequence[Refusal]) -> Answer:
    wanted = _wanted(header, code)
    if not wanted:
        return Answer(code, b"", tuple(refused))
    version = header.first(12).part(1) if header else ""
    severity = "W" if code == "AA" else "E"
    errors = [_error(one, severity, version) for one in refused[:MOST_ERRORS]]
    lines = [_header(header), f"MSA|{wanted}|{_echo(header, 10)}", *errors]
    codec = header.marks.codec if header else "utf-8"
    text = "".join(f"{line}\r" for line in lines)
    return Answer(code, text.encode(codec, "replace"), tuple(refused))


def _wanted(header: Segment | None, code: Code) -> str:
    """The acknowledgement code to send, or "" where the sender wants no answer to this."""
    accept, application = (_echo(header, at).upper() for at in (15, 16))
    if not accept and not application:
        return code
    which, wish = (_ACCEPT[code], accept) if accept not in ("", "NE") else (code, application)
    fitting = {"AL": True, "SU": code == "AA", "ER": code != "AA"}
    return which if fitting.get(wish, False) else ""


def _header(header: Segment | None) -> str:
    event = header.first(9).part(2) if header else ""
    kind = f"ACK^{escaped(event)}^ACK" if event else "ACK"
    now = datetime.now(UTC).strftime("%Y%m%d%H%M%S+0000")
    names = [_echo(header, at) for at in (5, 6, 3, 4)]
    tail = [kind, uuid.uuid4().hex[:20], _echo(header, 11) or "P", _echo(header, 12) or "2.5.1"]
    fields = ["MSH", r"^~\&", *names, now, "", *tail]
    charset = _echo(header, 18)
    return "|".join([*fields, *[""] * 5, charset] if charset else fields)


def _echo(header: Segment | None, number: int) -> str:
    """A field of the sender's header, its components kept, with the usual marks."""
    if header is None:
        return ""
    field, mark = header.first(number), header.marks.component
    count = field.raw.count(mark) + 1 if mark else 1
    return "^".join(escaped(field.component(at)) for at in range(1, count + 1)).rstrip("^")


def _error(refusal: Refusal, severity: str, version: str) -> str:
    """ERR, by location since v2.5 and by code and location before."""
    match = _PLACE.search(refusal.place)
    parts = (match[1], match[2] or "1", match[3] or "") if match else ("", "", "")
    location = "^".join(parts).rstrip("^")
    code = _code(refusal)
    if re.fullmatch(r"2(\.[0-4](\..*)?)?", version):
        return f"ERR|{location}{'^' * (3 - len(location.split('^')))}^{code}&{_WORDS[code]}&HL70357"
    words = f"{refusal.reason} {refusal.remedy}".strip()
    return f"ERR||{location}|{code}^{_WORDS[code]}^HL70357|{severity}||||{escaped(words)}"


def _code(refusal: Refusal) -> str:
    if refusal in (_NOT_KEPT, _OUR_FAULT):
        return "207"
    missing = "missing" in refusal.reason or " no " in f" {refusal.reason}"
    return _OF_HEADER.get(refusal.place, "101" if missing else "102")
