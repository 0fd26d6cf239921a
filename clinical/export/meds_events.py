"""What one case says, as events of the Medical Event Data Standard (see `meds`).

- Codes are `SYSTEM//code`: LOINC, ICD10, ICD9CM, ICD11, SNOMED, ATC; a code of a source's own is
  left as it is. What the source states to be absent has `ABSENT//` in front, as MEDS has no word
  for it.
- What a case knows without a time was known at the decision, and has the decision's time: an event
  without a time would count for every moment of the subject. Only the sex has none.
- The date of birth is counted back from the age at the decision.
- Films are PNG files of 16 bits, from the darkest to the brightest value of each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from clinical.case import shapes
from clinical.case.case import Case
from clinical.case.shapes import Array
from clinical.modalities.kit import arrays, read_by
from clinical.tables import clock
from clinical.tables.demographics import DAYS
from clinical.terms import codes

DECISION = "TRIPTYCH//DECISION"
"""The moment of a decision, so that one that has no label is there, too."""

ABSENT = "ABSENT//"
NOTE = "NOTE//"
BIRTH = "MEDS_BIRTH"
SEX = {"female": "GENDER//F", "male": "GENDER//M"}
PREFIXES = {
    "ICD-10": "ICD10",
    "ICD-9-CM": "ICD9CM",
    "ICD-11": "ICD11",
    "SNOMED CT": "SNOMED",
    "ATC": "ATC",
}
FILM = ("row", "column")
LOINC = re.compile(r"\d{1,5}-\d")


@dataclass(frozen=True)
class Event:
    """One row of the data, but for the subject."""

    time: datetime | None
    code: str
    number: float | None = None
    text: str | None = None
    unit: str | None = None
    image: str | None = None
    site: str | None = None
    case_id: str | None = None

    @property
    def what(self) -> tuple[object, ...]:
        """What it says, whichever case says it: two cases of one subject share their past."""
        if self.code == BIRTH:
            return (self.code,)  # counted back from two ages it is two days, of one birth
        return (self.time, self.code, self.number, self.text, self.unit, self.image)

    def columns(self) -> dict[str, object]:
        """As columns of the data."""
        return {
            "time": self.time,
            "code": self.code,
            "numeric_value": self.number,
            "text_value": self.text,
            "unit": self.unit,
            "image_path": self.image,
            "site": self.site,
            "case_id": self.case_id,
        }


@dataclass(frozen=True)
class Told:
    """All events of one case.

    Attributes:
        events: in no order.
        words: code to what to show.
        unused, traces: values and traces that are left out.
    """

    events: tuple[Event, ...]
    words: Mapping[str, str]
    unused: int
    traces: int


def decided(case: Case) -> datetime:
    """When a case is decided, as MEDS writes it: UTC without a zone."""
    return _plain(case.decision_time or clock.OFFSET_EPOCH)


def told(case: Case, root: Path, folder: str) -> Told:
    """Every event of a case; its films are written below `root / folder`."""
    at = decided(case)
    site = case.site or None
    found: list[Event] = [Event(at, DECISION, site=site, case_id=case.case_id)]
    words = {DECISION: "the moment at which somebody had to decide"}
    unused = traces = 0
    for kit, _, value in read_by(case):
        for item in kit.measured(value):
            if item.value is None:
                unused += 1
                continue
            event = _measured(item, at, site, case.case_id)
            words[event.code] = item.name
            found.append(event)
        for one in kit.coded(value):
            code = _coded(one)
            words[code] = one.display if one.present else f"not there: {one.display}"
            found.append(Event(_placed(one.onset, at), code, site=site, case_id=case.case_id))
        for text in kit.written(value):
            code = f"{NOTE}{text.section}"
            words[code] = text.section
            event = Event(_placed(text.time, at), code, None, text.text, case_id=case.case_id)
            found.append(event)
        who = kit.person(value)
        if who.sex:
            found.append(Event(None, SEX[who.sex]))
            words[SEX[who.sex]] = who.sex
        if who.age_years is not None:
            born = (at - timedelta(days=who.age_years * DAYS)).replace(hour=0, minute=0, second=0)
            found.append(Event(born.replace(microsecond=0), BIRTH))
            words[BIRTH] = "birth, counted back from the age"
    for name, array in arrays(case):
        if array.axes != FILM:
            traces += 1
            continue
        event = _film(name, array, at, root, folder)
        words[event.code] = event.code
        found.append(event)
    return Told(tuple(found), words, unused, traces)


def parents(code: str) -> list[str]:
    """The code in the vocabulary that others know, as OMOP names it."""
    system, _, own = code.partition("//")
    return [f"{system}/{own}"] if system == "LOINC" or system in PREFIXES.values() else []


def file_name(diagnosis: str) -> str:
    """A diagnosis as the name of a file: what could lead elsewhere becomes a hyphen."""
    return re.sub(r"[^\w.-]+", "-", diagnosis).strip(".-") or "diagnosis"


def _measured(item: shapes.Measurement, at: datetime, site: str | None, case_id: str) -> Event:
    code = f"LOINC//{item.code}" if LOINC.fullmatch(item.code) else item.code
    text = f"{item.bound}{item.value:g}" if item.bound and item.value is not None else None
    time = _placed(item.time, at)
    return Event(time, code, item.value, text, item.unit, site=site, case_id=case_id)


def _coded(item: shapes.Event) -> str:
    system, code = codes.parted(item.code)
    written = f"{PREFIXES[system]}//{code}" if system else code
    return written if item.present else f"{ABSENT}{written}"


def _film(name: str, array: Array, at: datetime, root: Path, folder: str) -> Event:
    """One film, written once; its view is in the code."""
    file = f"{folder}/{array.digest[:16]}.png"
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        Image.fromarray(_sixteen_bits(array.values)).save(path, format="PNG")
    taken = clock.instant(array.source.get("acquired", ""), UTC)
    time = _plain(taken) if taken and _plain(taken) <= at else at
    view = array.source.get("ViewPosition", "")
    return Event(time, f"{name.upper()}//{view}" if view else name.upper(), image=file)


def _sixteen_bits(values: np.ndarray[Any, np.dtype[np.float32]]) -> np.ndarray[Any, Any]:
    low, high = float(values.min()), float(values.max())
    spread = (high - low) or 1.0
    return np.round((values - low) / spread * 65535).astype(np.uint16)


def _placed(time: datetime | None, at: datetime) -> datetime:
    return _plain(time) if time else at


def _plain(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
