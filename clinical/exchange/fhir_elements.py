"""Elements of FHIR R4 resources: one that has another type than it should is not there.

https://hl7.org/fhir/R4/datatypes.html
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal

from clinical.exchange.coded import Coded
from clinical.exchange.facts import Refusal
from clinical.exchange.moments import of_iso
from clinical.terms import loinc

Element = Mapping[str, object]

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
_UNSEEN = {number: None for number in range(32) if chr(number) not in "\t\n"} | {127: None}
_CHARSET = re.compile(r"text/plain(?:\s*;\s*charset=\"?([\w-]{1,40})\"?)?", re.ASCII | re.I)
_LONGEST_NUMBER = 40


@dataclass(frozen=True)
class Nothing:
    """A resource, or a part of one, that was understood and holds no fact."""

    what: str


def word(element: Element, name: str) -> str:
    """A text, or ""."""
    found = element.get(name)
    return _plain(found) if isinstance(found, str) else ""


def _plain(text: str) -> str:
    # Half of a surrogate pair can be written in JSON and in nothing else.
    seen = text.replace("\r\n", "\n").replace("\r", "\n").translate(_UNSEEN)
    return seen.encode("utf-8", "replace").decode("utf-8").strip()


def child(element: Element, name: str) -> Element:
    """An element within, or an empty one."""
    found = element.get(name)
    return found if isinstance(found, dict) else {}


def children(element: Element, name: str) -> tuple[Element, ...]:
    """The elements of a list."""
    found = element.get(name)
    return tuple(one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()


def moment(
    element: Element, names: tuple[str, ...], zone: tzinfo, *, last: bool = False
) -> datetime | None:
    """The first of these times that is there: a dateTime, an instant, or the end of a Period.

    What was measured over a period is known at its end; of one without end, the beginning counts.
    """
    for name in names:
        period = child(element, name)
        text = word(element, name) or word(period, "end") or word(period, "start")
        found = of_iso(text, zone, last=last)
        if found is not None:
            return found
    return None


def begun(element: Element, names: tuple[str, ...], zone: tzinfo) -> datetime | None:
    """The first of these times, of a Period its beginning; a year is enough."""
    for name in names:
        found = of_iso(word(element, name) or word(child(element, name), "start"), zone, "year")
        if found is not None:
            return found
    return None


def told_at(element: Element, names: tuple[str, ...], zone: tzinfo) -> datetime | None:
    """When a resource was told: the first of these elements, else meta.lastUpdated."""
    own = moment(element, names, zone, last=True)
    return own or moment(child(element, "meta"), ("lastUpdated",), zone)


def coded(concept: Element) -> Coded:
    """The coding of a CodeableConcept that says most; a text alone is its own code.

    One of LOINC, first one that is a measurement which is understood; else the one that its user
    chose, else the first.
    """
    codings = [one for one in children(concept, "coding") if word(one, "code")]
    text = word(concept, "text") or next(
        (word(one, "display") for one in children(concept, "coding") if word(one, "display")), ""
    )
    chosen = [one for one in codings if one.get("userSelected") is True]
    of_loinc = sorted(
        (one for one in codings if word(one, "system") == LOINC),
        key=lambda one: not loinc.candidates(word(one, "code")),
    )
    best = next(iter((*of_loinc, *chosen, *codings)), None)
    if best is None:
        return Coded(text, text)
    system = word(best, "system")
    name = word(best, "display") or text
    return Coded(word(best, "code"), name, "LOINC" if system == LOINC else system)


def code_of(concept: Element) -> str:
    """The first code of a CodeableConcept, for those whose codes FHIR itself defines."""
    return next((word(one, "code") for one in children(concept, "coding") if word(one, "code")), "")


def number(element: Element, name: str) -> str:
    """A number with the digits that it was sent with, or ""."""
    found = element.get(name)
    text = str(found) if isinstance(found, Decimal) else ""
    return text if len(text) <= _LONGEST_NUMBER else ""


def quantity(element: Element) -> tuple[str, str]:
    """Value with its comparator, and unit: the code of UCUM, else as written; "" for no value."""
    value = number(element, "value")
    unit = word(element, "code") if word(element, "system") == UCUM else ""
    return (word(element, "comparator") + value if value else ""), unit or word(element, "unit")


def plain_texts(attachments: tuple[Element, ...], place: str) -> Iterator[str | Refusal]:
    """The plain texts of attachments; what is of another type, or elsewhere, is refused."""
    for at, attachment in enumerate(attachments):
        here = f"{place}[{at}]"
        kind = _CHARSET.fullmatch(word(attachment, "contentType"))
        data = attachment.get("data")
        if kind is None:
            reason = "the document is no plain text."
            yield Refusal(f"{here}.contentType", reason, "send text/plain")
        elif not isinstance(data, str):
            reason = "the document is elsewhere; nothing is fetched."
            yield Refusal(f"{here}.data", reason, "send it in data")
        else:
            yield _decoded(data, kind[1] or "utf-8", here)


def _decoded(data: str, charset: str, place: str) -> str | Refusal:
    try:
        return _plain(base64.b64decode("".join(data.split()), validate=True).decode(charset))
    except (binascii.Error, ValueError, LookupError):
        reason = "the document is no base64 of a text in its character set."
        return Refusal(f"{place}.data", reason, "send UTF-8 in base64")
