"""Coded history: in which systems, and which codes nobody will understand."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from clinical.terms import diagnoses
from pipelines.checking.findings import NOTHING, Counted, Finding, Shown, ranked, shown

SYSTEMS: dict[str, re.Pattern[str]] = {
    "LOINC": re.compile(r"\d{1,5}-\d"),
    "ICD-10": re.compile(r"[A-TV-Z]\d[0-9A-B](?:\.[0-9A-Z]{1,4})?", re.IGNORECASE),
    "ICD-10 without a point": re.compile(r"[A-TV-Z]\d[0-9A-B][0-9A-Z]{1,4}", re.IGNORECASE),
    "ATC": re.compile(r"[A-Z]\d{2}[A-Z]{2}\d{2}", re.IGNORECASE),
    "ICD-9": re.compile(r"\d{3}\.\d{1,2}|[VE]\d{2,3}\.\d{1,2}", re.IGNORECASE),
    "ICD-9 without a point, or a number": re.compile(r"[VE]?\d{3,5}", re.IGNORECASE),
    "SNOMED CT": re.compile(r"\d{6,18}"),
    "a name of the source": re.compile(r"[A-Za-z][\w-]*:\S.*"),
}
"""What a code looks like; the first that fits counts."""

SEVERAL = "several codes in one cell"


@dataclass(frozen=True)
class CodesFound:
    """The codes of one table.

    Attributes:
        file: where they stand.
        rows: with a code.
        systems: rows of each system.
        codes: different codes.
        commonest: codes that may be printed.
        onsets: rows with a time.
    """

    file: str
    rows: int = 0
    systems: tuple[Counted, ...] = ()
    codes: int = 0
    commonest: Shown = NOTHING
    onsets: int = 0


def system_of(code: str) -> str:
    """The code system that a code looks like, or "words"."""
    text = re.sub(r"\A(?:ICD-?10|ICD-?9|SNOMED|ATC)[:\s]", "", code.strip(), flags=re.IGNORECASE)
    found = next((name for name, shape in SYSTEMS.items() if shape.fullmatch(text)), "")
    parts = [part for part in re.split(r"[,;|]\s*", text) if part]
    if not found and len(parts) > 1 and all(_is_code(part) for part in parts):
        return SEVERAL
    return found or "words"


def _is_code(text: str) -> bool:
    return any(shape.fullmatch(text) for shape in SYSTEMS.values())


def of(file: str, codes: Iterable[str], times: Iterable[str] = ()) -> CodesFound:
    """What the codes of a table are."""
    counts = Counter(code for code in codes if code)
    systems = Counter[str]()
    for code, n in counts.items():
        systems[system_of(code)] += n
    # V and E codes of ICD-9 look like ICD-10 without a point; what most codes are decides.
    bare = "ICD-9 without a point, or a number"
    if systems[bare] > sum(systems[name] for name in ("ICD-10", "ICD-10 without a point")):
        systems[bare] += systems.pop("ICD-10", 0) + systems.pop("ICD-10 without a point", 0)
    return CodesFound(
        file,
        counts.total(),
        ranked(systems),
        len(counts),
        shown(counts, _is_vocabulary),
        sum(bool(time) for time in times),
    )


def _is_vocabulary(code: str) -> bool:
    return (
        system_of(code) in ("ICD-10", "ATC", "LOINC") or f"ICD-10:{code}" in diagnoses.diagnoses()
    )


def findings(found: CodesFound) -> Iterator[Finding]:
    """Codes that may be meant in two ways."""
    told = {item.text: item.count for item in found.systems}
    both = told.get("ICD-10", 0) and told.get("ICD-10 without a point", 0)
    if both:
        yield Finding(
            "know",
            f"{found.file}, column code",
            "ICD-10 codes are written with and without a point; one diagnosis has two codes.",
            "write all of them with the point",
            told["ICD-10 without a point"],
        )
    if told.get(SEVERAL):
        yield Finding(
            "decide",
            f"{found.file}, column code",
            "Cells hold several codes, which would be read as one that nobody knows.",
            "give each code a row of its own, or keep the one that is meant",
            told[SEVERAL],
        )
    if told.get("words"):
        yield Finding(
            "know",
            f"{found.file}, column code",
            "Rows have words for a code; no model knows them.",
            "write a code, or source:name",
            told["words"],
        )
