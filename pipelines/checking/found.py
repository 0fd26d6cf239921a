"""Everything that a check found: the value that terminal, HTML and JSON are made of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from clinical.case.case import Problem
from pipelines.checking.codes import CodesFound
from pipelines.checking.fhir import ResourcesFound
from pipelines.checking.findings import Counted, Finding, Shown
from pipelines.checking.images import ImagesFound
from pipelines.checking.measurements import MeasurementsFound
from pipelines.checking.people import PeopleFound
from pipelines.checking.tables_found import TableFound
from pipelines.checking.times import TimesFound
from pipelines.checking.tracings import TracingsFound

NO_COHORT = "no cohort yet"


@dataclass(frozen=True)
class LeftOut:
    """What the cohort's own reader leaves out or reports, in its words."""

    place: str
    reason: str
    remedy: str
    count: int


@dataclass(frozen=True)
class NotesFound:
    """Free text, of which nothing is printed.

    Attributes:
        file: where it stands.
        rows: with text.
        sections: their names, as far as they may be printed.
        characters: 5, 25, 50, 75 and 95% of the lengths.
    """

    file: str
    rows: int
    sections: Shown
    characters: tuple[float | None, ...]


@dataclass(frozen=True)
class CheckFound:
    """One check.

    Attributes:
        name: of the folder.
        layout: name of the source that reads it, or `NO_COHORT`.
        cases_listed, cases_read: of the cohort; of a published set those that were looked at.
        skipped: cases that nothing can be read of.
        tables, measurements, people, codes, notes, times, images, tracings, resources: what is
            there.
        other_files: files that are none of these, by the ending of their name.
        written: how tables are written, where it is not the format's own way; no faults.
        left_out: what the cohort's reader says.
        findings: what is to be decided, then what is good to know.
        proposal: lines of TOML for cohort.toml.
    """

    name: str
    layout: str
    cases_listed: int = 0
    cases_read: int = 0
    skipped: int = 0
    tables: tuple[TableFound, ...] = ()
    measurements: MeasurementsFound = field(default_factory=MeasurementsFound)
    people: PeopleFound = field(default_factory=PeopleFound)
    codes: tuple[CodesFound, ...] = ()
    notes: tuple[NotesFound, ...] = ()
    times: tuple[TimesFound, ...] = ()
    images: ImagesFound = field(default_factory=ImagesFound)
    tracings: TracingsFound = field(default_factory=TracingsFound)
    resources: ResourcesFound = field(default_factory=ResourcesFound)
    other_files: tuple[Counted, ...] = ()
    written: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    findings: tuple[Finding, ...] = ()
    proposal: tuple[str, ...] = ()

    @property
    def to_decide(self) -> tuple[Finding, ...]:
        """What a person must decide."""
        return tuple(one for one in self.findings if one.level == "decide")


_ROWS = (
    (re.compile(r"\brow(s?) \d+(?:(?:, | and )\d+)*(?: more)?"), r"row\1 ..."),
    (re.compile(r"(?:\d+ rows of the case are|The row is) not used"), "The rows are not used"),
    (re.compile(r"\d+ rows \([^)]*\) give|row(?:s?) \.\.\. gives?"), "rows ... give"),
)
"""Numbers of rows in a message, which would make two messages of one."""


_ALIKE = re.compile(r" So it is for (\d+) more rows? of the case\.")
"""How a reader says that further rows of a case are left out for the same reason."""


def left_out(problems: Iterable[Problem]) -> tuple[LeftOut, ...]:
    """Problems of a reader, counted by place and reason; the most frequent first."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for one in problems:
        place = one.file + (f", column {one.column}" if one.column else "")
        reason, alike = _ALIKE.sub("", one.reason), _ALIKE.search(one.reason)
        for numbers, instead in _ROWS:
            reason = numbers.sub(instead, reason)
        counts[place, reason, one.remedy] += 1 + (int(alike[1]) if alike else 0)
    order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(LeftOut(*key, n) for key, n in order)


def to_json(found: Any) -> Any:
    """JSON-compatible values of a check; names of attributes are the keys."""
    if is_dataclass(found):
        return {one.name: to_json(getattr(found, one.name)) for one in fields(found)}
    if isinstance(found, dict):
        return {str(key): to_json(value) for key, value in found.items()}
    if isinstance(found, list | tuple):
        return [to_json(one) for one in found]
    return found
