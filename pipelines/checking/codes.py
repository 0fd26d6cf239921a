"""Coded history: in which systems, and which codes nobody will understand."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest

from clinical.terms import codes
from clinical.terms.codes import Coded
from pipelines.checking.findings import NOTHING, Counted, Finding, Shown, ranked, shown

SEVERAL = "several codes in one cell"
WORDS = "words"
SYSTEMS: dict[str, re.Pattern[str]] = {
    "ICD-9-CM": re.compile(r"ICD-9-CM:.+"),
    "ICD-11": re.compile(r"ICD-11:.+"),
    "ICD-10": re.compile(r"[A-Z]\d[0-9AB](?:\.[0-9A-Z]{1,4})?"),
    "ATC": re.compile(r"[A-Z]\d{2}[A-Z]{2}(?:\d{2})?"),
    "SNOMED CT": re.compile(r"\d{6,18}"),
    "bare numbers": re.compile(r"\d+"),
    "names of the source": re.compile(r"[A-Za-z][\w-]*:\S.*"),
}
"""What a code looks like in the one form of its system (`clinical.terms.codes`)."""


@dataclass(frozen=True)
class CodesFound:
    """The codes of one table.

    Attributes:
        file: where they stand.
        rows: with a code.
        systems: rows of each system.
        codes: different codes, in the one form of their system.
        otherwise: rows that write a code otherwise than in that form, such as without its point.
        doubtful: reasons why codes are kept as they are written.
        commonest: codes that may be printed, of rows that do not deny them.
        onsets: rows with a time.
        denied: rows that say that the patient does not have it.
    """

    file: str
    rows: int = 0
    systems: tuple[Counted, ...] = ()
    codes: int = 0
    otherwise: int = 0
    doubtful: tuple[Counted, ...] = ()
    commonest: Shown = NOTHING
    onsets: int = 0
    denied: int = 0


@lru_cache(maxsize=1 << 16)
def canonical(written: str, system: str) -> Coded:
    """A code in the one form of its system, as a cohort's reader understands it."""
    return codes.canonical(written, system)


def system_of(code: str) -> str:
    """The code system of a code in its one form, or `WORDS`."""
    found = next((name for name, shape in SYSTEMS.items() if shape.fullmatch(code)), "")
    if found:
        return found
    parts = [part for part in re.split(r"[,;|]\s*", code) if part]
    coded = [system_of(codes.canonical(part).code) for part in parts if len(parts) > 1]
    return SEVERAL if coded and WORDS not in coded else WORDS


def of(
    file: str,
    written: Iterable[str],
    systems: Iterable[str] = (),
    times: Iterable[str] = (),
    denials: Iterable[bool] = (),
) -> CodesFound:
    """What the codes of a table are.

    Args:
        file: for the report.
        written, systems: code and code system of each row.
        times: of each row.
        denials: whether each row says that the patient does not have it.
    """
    rows = zip_longest(written, systems, denials, fillvalue="")
    counts = Counter((code, system, denied is True) for code, system, denied in rows if code)
    read, had = set[str](), Counter[str]()
    told, doubtful = Counter[str](), Counter[str]()
    otherwise = 0
    for (code, system, denied), n in counts.items():
        found = canonical(code, system)
        read.add(found.code)
        had[found.code] += n * (not denied)
        told[system_of(found.code)] += n
        otherwise += n * (found.code.removeprefix("ICD-9-CM:") != code)
        if found.problem and system_of(found.code) != SEVERAL:
            doubtful[found.problem] += n
    return CodesFound(
        file,
        counts.total(),
        ranked(told),
        len(read),
        otherwise,
        ranked(doubtful),
        shown(+had, lambda code: system_of(code) in ("ICD-10", "ICD-9-CM", "ATC")),
        sum(bool(time) for time in times),
        sum(n for (_, _, denied), n in counts.items() if denied),
    )


def findings(found: CodesFound) -> Iterator[Finding]:
    """Codes that may be meant in two ways, or in none."""
    told = {item.text: item.count for item in found.systems}
    place = f"{found.file}, codes"
    if told.get(SEVERAL):
        yield Finding(
            "decide",
            place,
            "Cells hold several codes, which are read as one that nobody knows.",
            "give each code a row of its own, or keep the one that is meant",
            told[SEVERAL],
        )
    for item in found.doubtful:
        yield Finding(
            "decide",
            place,
            f"{item.text[:1].upper()}{item.text[1:]}.",
            codes.SYSTEM_REMEDY,
            item.count,
        )
    if told.get(WORDS):
        yield Finding(
            "know",
            place,
            "Rows have words for a code; no model knows them.",
            "write a code, or source:name",
            told[WORDS],
        )
