"""How dates and times are written, and which of two readings a column of them has.

Times that can be read in one way only are read: ISO 8601 in all its forms, the run of digits of
DICOM and HL7 (20240531143000), years in front (2024/5/31), months by name, days with points
between (31.05.2024, nowhere written month first). `05/04/2024` is told by its column: as soon as
one of its cells has a day above 12, all of them are read in that order; otherwise none is.
Two-digit years, the serial numbers of spreadsheets, seconds since 1970 and the names of zones are
not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta, timezone
from types import MappingProxyType
from typing import Literal

Order = Literal["day", "month"]
"""What comes first in dates such as 05/04/2024."""
Orders = Mapping[str, Order]
"""Mark between the parts of a date to its order, where the column decides it."""

EARLIEST_YEAR = 1850
"""An earlier time is a typing error or a stand-in for "unknown", such as 0001-01-01."""

POINTS: Orders = MappingProxyType({".": "day"})

NO_TIME = "the time is not ISO 8601."
DAY_OR_MONTH = (
    "the day and the month cannot be told apart: 04/05/2024 would be 4 May or 5 April, and no cell"
    " of the column decides it."
)
TWO_DIGITS = "the year has two digits."
SERIAL = "the time is a plain number, as spreadsheets and computers count days or seconds."
NAMED_ZONE = "the time names its zone by a word."
LONG_AGO = f"the time is before {EARLIEST_YEAR}, as no time of a living person is."

_CLOCK = (
    r"(?:[T ,]\s*(?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2})"
    r"(?:[.,](?P<fraction>\d{1,9}))?)?)?\s*(?P<half>[AP]M)?\s*"
    r"(?P<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?"
)


def _form(date: str) -> re.Pattern[str]:
    return re.compile(date + _CLOCK, re.ASCII | re.IGNORECASE)


_MARK = r"(?P<mark>[-/.])"
_YEAR_FIRST = _form(rf"(?P<year>\d{{4}}){_MARK}(?P<month>\d{{1,2}})(?P=mark)(?P<day>\d{{1,2}})")
_YEAR_LAST = _form(rf"(?P<one>\d{{1,2}}){_MARK}(?P<two>\d{{1,2}})(?P=mark)(?P<year>\d{{4}})")
_NAMED = re.compile(
    r"(?P<day>\d{1,2})\.?[- /](?P<name>[^\W\d_]{3,9})\.?[- /,]+(?P<year>\d{4})" + _CLOCK,
    re.IGNORECASE,
)
_DIGITS = re.compile(
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?P<hour>\d{2})(?P<minute>\d{2})"
    r"(?:(?P<second>\d{2})(?:\.(?P<fraction>\d{1,6}))?)?(?P<half>)(?P<zone>[+-]\d{4})?",
    re.ASCII,
)
_HOUR = re.compile(
    r":|\d\s*[AP]M\b|^(?:\d{4}-?\d{2}-?\d{2}|\d{4}-?W\d{2}-?\d)[T ]\d", re.ASCII | re.IGNORECASE
)
_ORDINAL = re.compile(r"\d{4}-\d{3}", re.ASCII)
# fromisoformat takes any letter between date and time.
_ISO = re.compile(r"(?:\d{4}-\d{2}-\d{2}|\d{8}|\d{4}-?W\d{2}-?\d)(?:[T ]\S.*)?", re.ASCII)
_TWO_DIGITS = re.compile(r"\d{1,2}([-/.])\d{1,2}\1\d{1,2}(?:\D.*)?", re.ASCII | re.DOTALL)
_SERIAL = re.compile(r"\d{5}(?:[.,]\d+)?|1\d{9}(?:\d{3})?(?:\.\d+)?", re.ASCII)
_WORD_LAST = re.compile(r"\d{4}-?\d{2}-?\d{2}\S*.*\d\s*\[?[A-Z][A-Za-z/_]+\]?", re.ASCII)

_MONTHS = {
    word: number
    for number, words in enumerate(
        (
            "jan january januar",
            "feb february februar",
            "mar march mär märz mrz",
            "apr april",
            "may mai",
            "jun june juni",
            "jul july juli",
            "aug august",
            "sep sept september",
            "oct october okt oktober",
            "nov november",
            "dec december dez dezember",
        ),
        start=1,
    )
    for word in words.split()
}


def read(text: str, orders: Orders = POINTS) -> datetime | str:
    """A time, without a zone where the text names none; or the sentence that says why not.

    A year, a month and a day stand for their first moment.

    Args:
        text: the cell.
        orders: of its column.
    """
    try:
        found = _iso(text) or _other(text, orders)
    except ValueError:
        return NO_TIME
    if isinstance(found, datetime) and found.year < EARLIEST_YEAR:
        return LONG_AGO
    return found


def names_hour(text: str) -> bool:
    """Whether a time that can be read says when within its day; 00:00 does, too."""
    return bool(_HOUR.search(text) or _DIGITS.fullmatch(text))


def names_moment(text: str, orders: Orders = POINTS) -> bool:
    """Whether a time says when within its day. 00:00 does not: it is how exports write a day."""
    found = read(text, orders)
    return isinstance(found, datetime) and found.time() != time()


def names_zone(text: str) -> bool:
    """Whether a time that can be read names its offset from UTC."""
    found = read(text)
    return isinstance(found, datetime) and found.tzinfo is not None


def _iso(text: str) -> datetime | None:
    if text[4:5] == text[7:8] == "-" and text[10:11] in ("", "T", " "):  # which nearly all are
        with suppress(ValueError):
            return datetime.fromisoformat(text)
    if len(text) == 4 and text.isascii() and text.isdigit():
        text += "-01-01"
    elif re.fullmatch(r"\d{4}-\d{2}", text, re.ASCII):
        text += "-01"
    if not _ISO.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _other(text: str, orders: Orders) -> datetime | str:
    """Raises ValueError where the parts make no time."""
    if _ORDINAL.fullmatch(text):
        return datetime.strptime(text, "%Y-%j")
    if match := _YEAR_FIRST.fullmatch(text) or _DIGITS.fullmatch(text):
        return _at(match, int(match["month"]), int(match["day"]))
    if match := _YEAR_LAST.fullmatch(text):
        one, two = int(match["one"]), int(match["two"])
        order = orders.get(match["mark"]) or _only(one, two)
        if order is None:
            return DAY_OR_MONTH
        return _at(match, two, one) if order == "day" else _at(match, one, two)
    match = _NAMED.fullmatch(text)
    if match and match["name"].casefold() in _MONTHS:
        return _at(match, _MONTHS[match["name"].casefold()], int(match["day"]))
    if _TWO_DIGITS.fullmatch(text):
        return TWO_DIGITS
    if _SERIAL.fullmatch(text):
        return SERIAL
    return NAMED_ZONE if _WORD_LAST.fullmatch(text) else NO_TIME


def _only(one: int, two: int) -> Order | None:
    """The order that a date has by itself; any, where day and month are the same number."""
    if one > 12 or one == two:
        return "day"
    return "month" if two > 12 else None


def _at(match: re.Match[str], month: int, day: int) -> datetime:
    hour = int(match["hour"] or 0)
    half = (match["half"] or "").casefold()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError
        hour = hour % 12 + (12 if half == "pm" else 0)
    elif match["hour"] and not match["minute"]:
        raise ValueError  # "31.05.2024 8": eight o'clock, or the beginning of something else
    minute, second = int(match["minute"] or 0), int(match["second"] or 0)
    fraction = int((match["fraction"] or "0").ljust(6, "0")[:6])
    # ISO 8601 has 24:00 for the end of a day.
    ends = hour == 24 and not (minute or second or fraction)
    date = datetime(int(match["year"]), month, day, 0 if ends else hour, minute, second, fraction)
    return (date + timedelta(days=1 if ends else 0)).replace(tzinfo=_zone(match["zone"]))


def _zone(text: str | None) -> timezone | None:
    if not text:
        return None
    if text.upper() in ("Z", "UTC", "GMT"):
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(
        sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:] if text[3:] else 0))
    )


def signs(cells: Iterable[str]) -> frozenset[tuple[str, Order]]:
    """What dates with the year last say about the order of their column: mark and order."""
    found: set[tuple[str, Order]] = set()
    for cell in cells:
        if cell[4:5] == "-":  # ISO 8601, which nearly all are
            continue
        match = _YEAR_LAST.fullmatch(cell)
        if match and match["one"] != match["two"]:
            order = _only(int(match["one"]), int(match["two"]))
            if order:
                found.add((match["mark"], order))
    return frozenset(found)


def decide(found: frozenset[tuple[str, Order]], told: Order | None = None) -> Orders:
    """The order of a column by the mark between the parts; none where cells contradict each other.

    Args:
        found: what its cells say.
        told: what the cohort says, which is taken as it is.
    """
    if told:
        return dict.fromkeys("-/.", told)
    orders: dict[str, Order] = {}
    for mark in "-/.":
        stated: set[Order] = {order for one, order in found if one == mark}
        if len(stated) == 1:
            orders[mark] = stated.pop()
        elif not stated and mark in POINTS:
            orders[mark] = POINTS[mark]
    return orders


def looks_like_time(text: str) -> bool:
    """Whether a cell is a date or a time beyond doubt; a bare year or number is not."""
    if len(text) < 8:
        return False
    found = read(text)
    return isinstance(found, datetime) or found in (DAY_OR_MONTH, TWO_DIGITS, NAMED_ZONE)
