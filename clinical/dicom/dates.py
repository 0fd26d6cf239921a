"""When a DICOM image was made: which dates and times its header states (PS3.5 6.2, DA, TM, DT)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pydicom.dataset import Dataset

from clinical.dicom import dataset
from clinical.dicom.picture import PARSER_ERRORS

_KINDS = ("Acquisition", "Content", "Series", "Study")

# The separators are those of ACR-NEMA, which PS3.5 asks readers to accept, and of ISO 8601.
_STAMP = re.compile(
    r"(\d{4})[-./]?(\d\d)[-./]?(\d\d)"
    r"(?:[T ]?(\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d{1,6}))?)?)?)?"
    r"([+-]\d\d:?\d\d)?"
)
_ZONE = re.compile(r"[+-]\d\d:?\d\d")


@dataclass(frozen=True)
class Dates:
    """What a header says of time, ISO 8601 with the zone that the value or the header gives.

    Attributes:
        acquired: Acquisition DateTime, else Acquisition Date and Time, else Content Date and Time;
            a date alone where no time is known; "" where neither is.
        latest: the last of those and of the series' and the study's, or "".
        latest_by: name of the attribute that states it, or "".
        notes: what could not be read, a sentence each.
    """

    acquired: str
    latest: str
    latest_by: str
    notes: tuple[str, ...]


def of(found: Dataset) -> Dates:
    """The dates that `found` states."""
    notes: list[str] = []
    zone = _text(found, "TimezoneOffsetFromUTC")
    zone = zone if _ZONE.fullmatch(zone) else ""
    stamps = dict(_stamps(found, zone, notes))
    taken = [stamps[kind] for kind in ("DateTime", "Acquisition", "Content") if kind in stamps]
    last = max(stamps, key=lambda kind: _clock(stamps[kind]), default="")
    keyword = "AcquisitionDateTime" if last == "DateTime" else f"{last}Date"
    return Dates(
        taken[0] if taken else "",
        stamps.get(last, ""),
        dataset.name_of(keyword) if last else "",
        tuple(notes),
    )


def is_later(one: str, other: str) -> bool:
    """Whether `one` is after `other`; whatever is known is later than what is not."""
    return bool(one) and (not other or _clock(one) > _clock(other))


def _stamps(found: Dataset, zone: str, notes: list[str]) -> Iterator[tuple[str, str]]:
    whole = _text(found, "AcquisitionDateTime")
    if whole:
        stamp = _iso(whole, zone)
        if stamp:
            yield "DateTime", stamp
        else:
            notes.append(_unread("AcquisitionDateTime"))
    for kind in _KINDS:
        date, time = _text(found, f"{kind}Date"), _text(found, f"{kind}Time")
        if not date:
            continue
        stamp = _iso(date + time, zone)
        if not stamp:
            stamp = _iso(date, zone)
            notes.append(_unread(f"{kind}Time" if stamp else f"{kind}Date"))
        if stamp:
            yield kind, stamp


def _unread(keyword: str) -> str:
    return f"{dataset.name_of(keyword)} in the header cannot be understood; it was not used."


def _text(found: Dataset, keyword: str) -> str:
    try:
        return str(found.get(keyword) or "").strip(" \0")
    except PARSER_ERRORS:
        return "?"


def _iso(text: str, zone: str) -> str:
    match = _STAMP.fullmatch(text)
    if match is None:
        return ""
    year, month, day, hour, minute, second, fraction, own = match.groups()
    iso = f"{year}-{month}-{day}"
    if hour:
        # PS3.5 allows second 60, which a leap second has.
        iso += f"T{hour}:{minute or '00'}:{'59' if second == '60' else second or '00'}"
        iso += f".{fraction:0<6}" if fraction else ""
        iso += re.sub(r"^(...)(\d\d)$", r"\1:\2", own or zone)
    try:
        datetime.fromisoformat(iso)
    except ValueError:
        return ""
    return iso


def _clock(iso: str) -> datetime:
    """For comparing: all are clocks of one place, and a date alone is its first moment."""
    return datetime.fromisoformat(iso).replace(tzinfo=None)
