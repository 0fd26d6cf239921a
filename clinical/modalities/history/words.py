"""A coded history in words, and without what could identify a person."""

from __future__ import annotations

import re
from datetime import datetime

from clinical.case.assessment import EvidenceItem
from clinical.case.sentences import Entry, Named, Whole
from clinical.case.shapes import Event, Events
from clinical.formatting import number
from clinical.modalities.dates import OTHER, age, years_before
from clinical.modalities.kit import Telling, the
from clinical.terms.diagnoses import diagnoses
from clinical.wording import inside_a_sentence

_ICD = re.compile(r"(ICD-1[01]:)?[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?")
_ICD9 = re.compile(r"ICD-9-CM:(\d{3}|V\d{2})(\.\d{1,2})?|ICD-9-CM:E\d{3}(\.\d)?")
_ATC = re.compile(r"[A-Z]\d{2}[A-Z]{2}\d{2}")
_IN_YEARS_FROM = 2


def label(value: Events, item: EvidenceItem) -> str:
    """An event, an age or a sex that speaks for or against."""
    if item.label == "age" and value.age_years is not None:
        return f"age {number(value.age_years)} years"
    if item.label == "sex" and value.sex is not None:
        return value.sex
    if not 0 <= item.index < len(value.items) or item.label in ("age", "sex"):
        return item.label
    return event_words(value.items[item.index])


def event_words(item: Event) -> str:
    """The item as a person would say it."""
    return item.display if item.present else f"no {inside_a_sentence(item.display)}"


def since(item: Event) -> str:
    """When it began: "2019", "2019-03" or "2019-03-14"; "" where it is not known.

    A source that gives a year alone is read as its first moment, so the first moment of a year or a
    month is shown as no more than that.
    """
    onset = item.onset
    if onset is None:
        return ""
    if (onset.day, onset.hour, onset.minute) != (1, 0, 0):
        return f"{onset:%Y-%m-%d}"
    return f"{onset:%Y}" if onset.month == 1 else f"{onset:%Y-%m}"


def deidentified(value: Events, decision: datetime | None) -> Events:
    """Listed codes and pooled ages only; onsets in whole years."""
    items = tuple(_deidentified(item, decision) for item in value.items)
    return Events(items, age(value.age_years), value.sex)


def _deidentified(item: Event, decision: datetime | None) -> Event:
    code = listed_code(item.code)
    listed = diagnoses().get(f"ICD-10:{code.removeprefix('ICD-10:')}")
    display = listed.name if listed else code
    return Event(code, display, years_before(item.onset, decision), item.present)


def listed_code(code: str) -> str:
    """A code of ICD or ATC as it is; anything else may be somebody's own words."""
    listed = any(form.fullmatch(code) for form in (_ICD, _ICD9, _ATC))
    return code if listed else OTHER


def named(name: str, value: Events, item: EvidenceItem, telling: Telling) -> Named:
    """ "“Dyspnoea” in the history", since when, and where it stands; an age or a sex as it is."""
    if item.label == "age" and value.age_years is not None:
        return Named(f"age {_aged(value.age_years)}", Entry(name, None, "age"))
    if item.label == "sex" and value.sex is not None:
        return Named(f"{value.sex} sex", Entry(name, None, "sex"))
    if not 0 <= item.index < len(value.items) or item.label in ("age", "sex"):
        return Named(f"{item.label} in {the(name)}", Whole(name))
    found = value.items[item.index]
    source = Entry(name, item.index, found.code, found.present)
    if not telling.quoted and listed_code(found.code) == OTHER:
        return Named(f"entry {item.index + 1} of {the(name)}", source)
    spoken = event_words(found)
    began = since(found)
    facts = (f"since {began}",) if began else ()
    return Named(f"“{spoken[:1].upper()}{spoken[1:]}” in {the(name)}", source, facts)


def _aged(years: float) -> str:
    """ "74", or of a small child "7 months"."""
    if years >= _IN_YEARS_FROM:
        return f"{years:.0f}"
    months = round(12 * years)
    return f"{months} month" if months == 1 else f"{months} months"
