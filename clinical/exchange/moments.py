"""Times as HL7 v2 and FHIR write them, with their offset from UTC.

A day alone is its first moment, 20240531 and 2024-05-31 are midnight; of when something was told it
is the last, so that nobody seems to have known it earlier. A time of no living person is none.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import Literal

from clinical.tables import clock, times

Precision = Literal["year", "day"]

_LATEST_YEAR = 2200
_STAMP = re.compile(
    r"(?P<year>\d{4})(?:(?P<month>\d\d)(?:(?P<day>\d\d)(?:(?P<hour>\d\d)(?:(?P<minute>\d\d)"
    r"(?:(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?)?)?)?)?(?P<zone>[+-]\d{4})?",
    re.ASCII,
)
_ISO = re.compile(r"\d{4}(?:-\d\d(?P<day>-\d\d(?:[T ].*)?)?)?", re.ASCII)


def of_stamp(
    text: str, zone: tzinfo, least: Precision = "day", *, last: bool = False
) -> datetime | None:
    """A time stamp of HL7 v2, or None where it is none or not precise enough.

    Args:
        text: YYYY[MM[DD[HH[MM[SS[.SSSS]]]]]][+ZZZZ]; ISO 8601 is read, too.
        zone: of a stamp without an offset.
        least: what the stamp must name.
        last: whether a day alone is its last moment.
    """
    match = _STAMP.fullmatch(text)
    if match is None:
        return of_iso(text, zone, least, last=last) if "-" in text[4:5] else None
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
    return _placed(_last_of_day(found) if last and match["hour"] is None else found, zone)


def of_iso(
    text: str, zone: tzinfo, least: Precision = "day", *, last: bool = False
) -> datetime | None:
    """A date, dateTime or instant of FHIR, or None where it is none or not precise enough.

    Args:
        text: YYYY[-MM[-DD[Thh:mm:ss[.sss][Z|+zz:zz]]]].
        zone: of a time without an offset.
        least: what the time must name.
        last: whether a day alone is its last moment.
    """
    match = _ISO.fullmatch(text)
    if match is None or (least == "day" and match["day"] is None):
        return None
    found = times.read(text)
    if not isinstance(found, datetime):
        return None
    return _placed(_last_of_day(found) if last and len(text) == 10 else found, zone)


def _last_of_day(found: datetime) -> datetime:
    return datetime.combine(found, time(23, 59, 59), found.tzinfo)


def _placed(found: datetime, zone: tzinfo) -> datetime | None:
    possible = times.EARLIEST_YEAR <= found.year <= _LATEST_YEAR
    return clock.placed(found, zone) if possible else None


def _offset(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    delta = timedelta(hours=int(text[1:3]), minutes=int(text[3:5]))
    return timezone(-delta if text[0] == "-" else delta)


def stamp_names_zone(text: str) -> bool:
    """Whether a time stamp of HL7 v2 has an offset from UTC."""
    match = _STAMP.fullmatch(text)
    return bool(match and match["zone"])


def day_of_stamp(text: str) -> date | None:
    """The day of a time stamp of HL7 v2 that names one."""
    match = _STAMP.fullmatch(text)
    return day(f"{match['year']}-{match['month']}-{match['day']}") if match else None


def day(text: str) -> date | None:
    """A day written YYYY-MM-DD, or None."""
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
