"""What the data types of HL7 v2 say: time stamps, coded elements, identifiers, and who it is about.

HL7 v2.5.1, chapter 2A.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone, tzinfo
from typing import Literal

from clinical.exchange.facts import Merge, PatientIdentifier, Person, Refusal
from clinical.exchange.hl7_message import Field, Message, Segment
from clinical.tables import clock, times

Precision = Literal["year", "day"]

_STAMP = re.compile(
    r"(?P<year>\d{4})(?:(?P<month>\d\d)(?:(?P<day>\d\d)(?:(?P<hour>\d\d)(?:(?P<minute>\d\d)"
    r"(?:(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?)?)?)?)?(?P<zone>[+-]\d{4})?",
    re.ASCII,
)
_ISO = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_LATEST_YEAR = 2200
_LOINC = re.compile(r"(\d{1,5})-(\d)", re.ASCII)
_LOINC_NAMES = ("LN", "LOINC", "LNC", "2.16.840.1.113883.6.1", "HTTP://LOINC.ORG")
_NOT_OF_A_HOSPITAL = ("SS", "DL", "PPN", "CC", "BC", "BA", "CZ", "TAX")
"""Types of identifiers (table 0203) that no system of a hospital is asked by; they are not kept."""

UNKNOWN_PATIENT = "no identifier of the patient is given."


def moment(text: str, zone: tzinfo, least: Precision = "day") -> datetime | None:
    """A time stamp with its offset from UTC, or None where it is none or not precise enough.

    What is left out counts as its first: 20240531 is midnight.

    Args:
        text: YYYY[MM[DD[HH[MM[SS[.SSSS]]]]]][+ZZZZ]; ISO 8601 is read, too.
        zone: of a stamp without an offset.
        least: what the stamp must name.
    """
    match = _STAMP.fullmatch(text)
    if match is None:
        found = times.read(text) if _ISO.match(text) else None
        return _placed(found, zone) if isinstance(found, datetime) else None
    if least == "day" and match["day"] is None:
        return None
    year, month, day = (int(match[name] or 1) for name in ("year", "month", "day"))
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    fraction = int((match["fraction"] or "0")[:6].ljust(6, "0"))
    try:
        offset = _offset(match["zone"])
        found = datetime(year, month, day, hour, minute, second, fraction, offset)
    except ValueError:
        return None
    return _placed(found, zone)


def _placed(found: datetime, zone: tzinfo) -> datetime | None:
    possible = times.EARLIEST_YEAR <= found.year <= _LATEST_YEAR
    return clock.placed(found, zone) if possible else None


def _offset(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    delta = timedelta(hours=int(text[1:3]), minutes=int(text[3:5]))
    return timezone(-delta if text[0] == "-" else delta)


def zone_of(message: Message, zone: tzinfo) -> tzinfo:
    """The zone of the message's stamps without one: that of MSH-7, if it names any.

    A sender's clock is turned twice a year and MSH-7 only tells how it stands now: where `zone`
    stands the same way at that moment, `zone` is taken, which knows the rest of the year as well.
    """
    sent = message.header.first(7).part(1)
    match = _STAMP.fullmatch(sent)
    told = moment(sent, zone) if match and match["zone"] else None
    if told is None or told.astimezone(zone).utcoffset() == told.utcoffset():
        return zone
    return told.tzinfo or zone


@dataclass(frozen=True)
class Coded:
    """A coded element: code, text and system of the triplet that says most."""

    code: str = ""
    text: str = ""
    system: str = ""


def coded(field: Field) -> Coded:
    """The triplet with a LOINC code, else the first that has a code; a text alone is its own code.

    An identifier with the form and the check digit of LOINC is one where no system is named.
    """
    triplets = [
        Coded(field.part(at), field.component(at + 1), field.part(at + 2)) for at in (1, 4, 10)
    ]
    text = next((one.text for one in triplets if one.text), "") or field.component(9)
    filled = [one for one in triplets if one.code]
    for one in filled:
        if one.system.upper() in _LOINC_NAMES or (not one.system and is_loinc(one.code)):
            return Coded(one.code, one.text or text, "LOINC")
    return replace(filled[0], text=filled[0].text or text) if filled else Coded(text, text)


def is_loinc(code: str) -> bool:
    """Whether a code has the form of LOINC and its check digit (Luhn's, modulus 10)."""
    match = _LOINC.fullmatch(code)
    if match is None:
        return False
    doubled = "".join(
        str(int(digit) * (2 if at % 2 == 0 else 1)) for at, digit in enumerate(match[1][::-1])
    )
    return (10 - sum(map(int, doubled)) % 10) % 10 == int(match[2])


def identifier(field: Field) -> PatientIdentifier | None:
    """A CX: the number and who gave it out, by its name or else its universal id."""
    value = field.part(1)
    if not value or field.part(5).upper() in _NOT_OF_A_HOSPITAL:
        return None
    return PatientIdentifier(value, field.part(4, 1) or field.part(4, 2))


def identifiers(pid: Segment) -> tuple[PatientIdentifier, ...]:
    """Those of PID-3, medical record numbers first; of PID-2 where PID-3 is empty."""
    fields = pid.all(3) or pid.all(2)
    # Stable: what the sender puts first stays first among its equals.
    ranked = sorted(fields, key=lambda field: field.part(5).upper() not in ("MR", "PI", "PT"))
    found = (identifier(field) for field in ranked)
    return tuple(dict.fromkeys(one for one in found if one is not None))


def person(pid: Segment) -> Person | Refusal:
    """Who PID is about: identifiers, sex, day of birth."""
    known = identifiers(pid)
    if not known:
        remedy = "send a medical record number in PID-3"
        return Refusal(pid.place(3), UNKNOWN_PATIENT, remedy)
    return Person(known, pid.first(8).part(1), _birth(pid.first(7).part(1)))


def _birth(text: str) -> date | None:
    match = _STAMP.fullmatch(text)
    if match is None or match["day"] is None:
        return None
    try:
        return date(int(match["year"]), int(match["month"]), int(match["day"]))
    except ValueError:
        return None


def merges(pid: Segment, mrg: Segment) -> tuple[tuple[Merge, ...], tuple[Refusal, ...]]:
    """What MRG-1 retires, each with what PID keeps of the same authority."""
    kept, done, refused = identifiers(pid), [], []
    fields = [one for one in map(identifier, mrg.all(1)) if one is not None]
    if not fields:
        reason = "no identifier is given that is to be merged."
        refused.append(Refusal(mrg.place(1), reason, "send the former number in MRG-1"))
    for retired in fields:
        same = [one for one in kept if one.authority == retired.authority]
        if not same and len(kept) == 1 and not (kept[0].authority and retired.authority):
            same = list(kept)
        if not same:
            reason = "PID-3 has no identifier of the same assigning authority."
            refused.append(Refusal(mrg.place(1), reason, "name the authority of both numbers"))
        elif same[0] != retired:
            done.append(Merge(same[0], retired))
    return tuple(done), tuple(refused)


def identity(*parts: str) -> str:
    """One name for what these parts name together; it tells nobody what they are."""
    text = "\x1f".join(part.strip() for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
