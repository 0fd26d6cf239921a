"""A short list of chest diagnoses with their codes, to search when a reader adds one.

diagnoses.csv has one row per diagnosis: name, code of ICD-10 (the WHO edition of 2019, at
icd.who.int/browse10), SNOMED CT concept where we are sure of it, and words that people also search
by. The names are this project's own short ones. The list is a convenience and claims no
completeness: any other code may be typed.

ICD-10 is copyright World Health Organization; SNOMED CT is copyright SNOMED International.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class ListedDiagnosis:
    """One diagnosis of the list.

    Attributes:
        code: as decisions name it, for example "ICD-10:J18.9".
        name: what to show a person.
        snomed: concept of SNOMED CT, or "".
        also: further words that people search by, or "".
    """

    code: str
    name: str
    snomed: str
    also: str


@cache
def diagnoses() -> dict[str, ListedDiagnosis]:
    """Code to diagnosis, in the order of the list."""
    text = resources.files("clinical.terms").joinpath("diagnoses.csv").read_text("utf-8")
    listed = (
        ListedDiagnosis(f"ICD-10:{row['icd10']}", row["name"], row["snomed"], row["also"])
        for row in csv.DictReader(text.splitlines())
    )
    return {diagnosis.code: diagnosis for diagnosis in listed}


def spoken(code: str) -> str | None:
    """The name of a listed code, or None."""
    found = diagnoses().get(code)
    return found.name if found else None


def coded(name: str) -> str | None:
    """The code of a listed diagnosis by its whole name, in any letters; or None."""
    folded = name.strip().casefold()
    return next((d.code for d in diagnoses().values() if d.name.casefold() == folded), None)


def searched(word: str) -> list[str]:
    """Listed diagnoses that hold a word in their name or their further words: "Asthma (J45.9)"."""
    folded = word.strip().casefold()
    return [
        f"{d.name} ({d.code.removeprefix('ICD-10:')})"
        for d in diagnoses().values()
        if folded and folded in f"{d.name} {d.also}".casefold()
    ]
