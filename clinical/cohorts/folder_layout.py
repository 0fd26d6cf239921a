"""The folder format: its tables, their columns, and cohort.toml (docs/cohort-format.md)."""

from __future__ import annotations

import tomllib
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from clinical.case.case import Problem
from clinical.cohorts.cohort import CohortDescription, Diagnosis
from clinical.cohorts.folder_told import SETTINGS, know, tables, text
from clinical.errors import CohortError
from clinical.modalities.kit import kits
from clinical.tables import sexes, table
from clinical.tables.case_rows import CaseTable
from clinical.tables.csv_text import RESAVE
from clinical.tables.form import Told
from clinical.tables.sexes import Meaning
from clinical.tables.table import Columns, Table
from clinical.terms import loinc

INPUT_TABLES: dict[str, CaseTable] = {
    kit.table.stem: kit.table for kit in kits().values() if kit.table
}
"""Tables that hold inputs; none of them has to exist."""

ENDINGS = (".csv", ".csv.gz", ".parquet")
"""Of files that hold a table."""

AGES = ("age_years", "age_months", "birth_date", "birth_year")
"""Columns that say how old somebody is; the first one that is filled in counts."""

CASES = Columns(
    ("case_id", "patient_id"),
    ("decision_time", "site", "split", "sex", *AGES),
    aliases={"gender": "sex", "age": "age_years"},
    ids=("case_id", "patient_id"),
    numbers=("age_years", "age_months"),
    times=("decision_time", "birth_date"),
    instead=AGES,
)
OUTCOMES = Columns(
    ("case_id", "diagnosis", "value"),
    ("time", "offset_days"),
    ids=("case_id",),
    numbers=("offset_days",),
    times=("time",),
    timed=True,
)
TABLES: dict[str, Columns] = {
    "cases": CASES,
    **{stem: known.kinds for stem, known in INPUT_TABLES.items()},
    "outcomes": OUTCOMES,
}
"""Every table of the format."""


KEYS = ("name", "source", "licence", "time_zone", "diagnoses", "csv", "columns", "codes")


@dataclass(frozen=True)
class FolderSettings:
    """What cohort.toml says.

    Attributes:
        description: name, source, licence and diagnoses.
        zone: of times that name none; None where the cohort does not say.
        told: table to what is said about its file and columns.
        codes: the cohort's own names and codes of measurements, to LOINC codes or known names.
    """

    description: CohortDescription
    zone: tzinfo | None
    told: Mapping[str, Told]
    codes: Mapping[str, str] = field(default_factory=dict)


def find(root: Path, stem: str) -> tuple[str | None, tuple[Problem, ...]]:
    """The file that holds a table, the first of `ENDINGS`, or None; and what was left unused."""
    there = [name for ending in ENDINGS if (root / (name := stem + ending)).exists()]
    unused = (
        Problem(name, f"not used, because {there[0]} exists.", remedy="remove one of the two")
        for name in there[1:]
    )
    return (there[0] if there else None), tuple(unused)


def cases(root: Path) -> tuple[Table, tuple[Problem, ...]]:
    """The table of cases and the problems of its file.

    Raises:
        CohortError: if it is absent or cannot be used.
    """
    if not root.is_dir():
        raise CohortError("The cohort's folder does not exist.", remedy="give an existing folder")
    file, problems = find(root, "cases")
    if file is None:
        raise CohortError(
            "cases.csv does not exist in the cohort's folder.",
            remedy="add cases.csv (or cases.parquet) with the columns case_id and patient_id",
        )
    found = table.demand(table.load(root, file, CASES, told=settings(root).told["cases"]))
    return found, (*problems, *found.problems)


def sexes_of(cases: Table, told: Told) -> Meaning:
    """What the cells of the column sex mean, decided by all of them."""
    return sexes.meaning((row["sex"] for row in cases.rows if not row.fault), told.sexes)


def settings(root: Path) -> FolderSettings:
    """Read cohort.toml; every key has a default, an unknown one is an error.

    Raises:
        CohortError: if the file is there and is not what it should be.
    """
    data = _toml(root / SETTINGS) if (root / SETTINGS).exists() else {}
    know(data, KEYS, SETTINGS)
    description = CohortDescription(
        text(data, "name", root.resolve().name),
        text(data, "source", "folder"),
        text(data, "licence", "not stated"),
        _diagnoses(data.get("diagnoses", [])),
    )
    zone = _zone(text(data, "time_zone", "")) if "time_zone" in data else None
    return FolderSettings(description, zone, tables(data, TABLES), _codes(data.get("codes", {})))


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise CohortError(f"{SETTINGS}: byte {error.start} is not UTF-8.", remedy=RESAVE) from None
    except tomllib.TOMLDecodeError as error:
        raise CohortError(f"{SETTINGS} is not TOML: {error}.", remedy="correct that line") from None


def _diagnoses(found: Any) -> tuple[Diagnosis, ...]:
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise CohortError(
            f"{SETTINGS}: diagnoses is not a list of tables.",
            remedy='write [[diagnoses]] and below it name = "..."',
        )
    for item in found:
        know(item, ("name", "code"), f"{SETTINGS}: diagnoses")
    diagnoses = tuple(Diagnosis(text(d, "name", ""), text(d, "code", "")) for d in found)
    names = [diagnosis.name for diagnosis in diagnoses]
    if "" in names or len(set(names)) < len(names):
        raise CohortError(
            f"{SETTINGS}: a diagnosis has no name, or the same name as another.",
            remedy="give each diagnosis its own name",
        )
    return diagnoses


def _codes(found: Any) -> dict[str, str]:
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise CohortError(
            f"{SETTINGS}: codes is not a table of texts.",
            remedy='write [codes] and below it "Krea (Serum)" = "2160-0"',
        )
    for target in found.values():
        if not loinc.candidates(target):
            near = loinc.nearest(target)
            raise CohortError(
                f"{SETTINGS}: codes: {target!r} is neither a LOINC code nor a known name.",
                remedy=f"did you mean {near!r}?"
                if near
                else "use a LOINC code of the table of measurements",
            )
    return found


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise CohortError(
            f"{SETTINGS}: time_zone is not a known zone.",
            remedy="write an IANA name such as Europe/Berlin",
        ) from None
