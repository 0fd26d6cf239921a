"""The folder format: its tables, their columns, and cohort.toml (docs/cohort-format.md)."""

from __future__ import annotations

import difflib
import tomllib
import zoneinfo
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from clinical.case.case import Problem
from clinical.cohorts.cohort import CohortDescription, Diagnosis
from clinical.errors import CohortError
from clinical.modalities.kit import kits
from clinical.tables import table
from clinical.tables.case_rows import CaseTable
from clinical.tables.table import Columns, Table
from clinical.terms import loinc

SETTINGS = "cohort.toml"

INPUT_TABLES: dict[str, CaseTable] = {
    kit.table.stem: kit.table for kit in kits().values() if kit.table
}
"""Tables that hold inputs; none of them has to exist."""

CASES = Columns(
    ("case_id", "patient_id"),
    ("decision_time", "site", "split", "sex", "birth_year", "age_years"),
)
OUTCOMES = Columns(("case_id", "diagnosis", "value"))


@dataclass(frozen=True)
class FolderSettings:
    """What cohort.toml says.

    Attributes:
        description: name, source, licence and diagnoses.
        zone: of times that name none.
        codes: the cohort's own names and codes of measurements, to LOINC codes or known names.
        stated: keys that the file has.
    """

    description: CohortDescription
    zone: tzinfo
    codes: Mapping[str, str] = field(default_factory=dict)
    stated: frozenset[str] = field(default=frozenset(), repr=False)


def find(root: Path, stem: str) -> tuple[str | None, tuple[Problem, ...]]:
    """The file that holds a table: CSV, else Parquet, else None; and what was left unused."""
    csv, parquet = f"{stem}.csv", f"{stem}.parquet"
    if not (root / csv).exists():
        return (parquet if (root / parquet).exists() else None), ()
    if not (root / parquet).exists():
        return csv, ()
    unused = Problem(parquet, f"not used, because {csv} exists.", remedy="remove one of the two")
    return csv, (unused,)


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
    found = table.demand(table.load(root, file, CASES))
    return found, (*problems, *found.problems)


def settings(root: Path) -> FolderSettings:
    """Read cohort.toml; every key has a default, an unknown one is an error.

    Raises:
        CohortError: if the file is there and is not what it should be.
    """
    data = _toml(root / SETTINGS) if (root / SETTINGS).exists() else {}
    _known(data, ("name", "source", "licence", "time_zone", "diagnoses", "codes"), SETTINGS)
    description = CohortDescription(
        _text(data, "name", root.resolve().name),
        _text(data, "source", "folder"),
        _text(data, "licence", "not stated"),
        _diagnoses(data.get("diagnoses", [])),
    )
    zone = _zone(_text(data, "time_zone", "UTC"))
    return FolderSettings(description, zone, _codes(data.get("codes", {})), frozenset(data))


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise CohortError(
            f"{SETTINGS}: byte {error.start} is not UTF-8.", remedy=table.RESAVE
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise CohortError(f"{SETTINGS} is not TOML: {error}.", remedy="correct that line") from None


def _known(data: Mapping[str, Any], keys: Iterable[str], where: str) -> None:
    keys = tuple(keys)
    for key in data:
        if key not in keys:
            near = difflib.get_close_matches(key, keys, n=1, cutoff=0.5)
            remedy = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(keys)}"
            raise CohortError(f"{where}: unknown key {key!r}.", remedy=remedy)


def _text(data: Mapping[str, Any], key: str, default: str) -> str:
    value = data.get(key, default)
    if not isinstance(value, str):
        raise CohortError(f"{SETTINGS}: {key} is not text.", remedy=f'write {key} = "..."')
    return value


def _diagnoses(found: Any) -> tuple[Diagnosis, ...]:
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise CohortError(
            f"{SETTINGS}: diagnoses is not a list of tables.",
            remedy='write [[diagnoses]] and below it name = "..."',
        )
    for item in found:
        _known(item, ("name", "code"), f"{SETTINGS}: diagnoses")
    diagnoses = tuple(Diagnosis(_text(d, "name", ""), _text(d, "code", "")) for d in found)
    names = [diagnosis.name for diagnosis in diagnoses]
    if "" in names or len(set(names)) < len(names):
        raise CohortError(
            f"{SETTINGS}: a diagnosis has no name, or the name of another.",
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
                f"{SETTINGS}: codes: {target!r} is neither a LOINC code nor a name that is known.",
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
