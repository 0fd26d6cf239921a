"""Tables that explain the codes of others: an item's number to its label and its LOINC code."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from clinical.terms import loinc
from pipelines.checking.columns import SYNONYMS
from pipelines.checking.raw_table import RawTable
from pipelines.checking.tables_found import TableFound

_LOINC = re.compile(r"\d{1,5}-\d")
_LABELS = ("label", "name", "display", "description", "title", "short_title")
_SPECIMENS = ("fluid", "specimen", "system", "sample", "material")
MOST_ROWS = 50_000


@dataclass(frozen=True)
class Dictionary:
    """What such tables say.

    Attributes:
        files: the tables; they hold no measurements themselves.
        key: column of each of them that other tables have, too.
        codes: local code to LOINC code, where a table states one.
        labels: local code to what to show beside it.
        specimens: local code to what it is measured in, where a table says so.
        stated: file that states the codes.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    specimens: Mapping[str, str] = field(default_factory=dict)
    stated: str = ""

    def applied(self, raw: RawTable, found: TableFound) -> TableFound:
        """`found`, if the table has a column that a dictionary explains, as one of measurements."""
        keys = set(self.files.values()) & set(raw.names)
        if raw.file in self.files:
            return replace(found, role="dictionary", mapping={})
        value = next((n for n in ("value", *SYNONYMS["value"]) if n in raw.names), "")
        if found.role == "measurements" or not keys or not value:
            return found
        named = {c.lower(): c for c in raw.names}
        mapping = {"code": sorted(keys)[0], "value": value}
        for ours in ("case_id", "patient_id", "unit", "time"):
            known = (ours, *SYNONYMS.get(ours, ()))
            theirs = next((named[name] for name in known if name in named), "")
            if theirs:
                mapping[ours] = theirs
        mapping.setdefault("case_id", mapping.pop("patient_id", "case_id"))
        return replace(found, role="measurements", mapping=mapping, wide=())


def dictionaries(tables: Sequence[RawTable]) -> Dictionary:
    """Tables with a column that is different in each row, is in another table as well, and has
    LOINC codes beside it."""
    files: dict[str, str] = {}
    codes: dict[str, str] = {}
    labels: dict[str, str] = {}
    specimens: dict[str, str] = {}
    for one in tables:
        coded = next((n for n in one.names if _states_loinc(one, n)), "")
        key = _key(one, coded, tables) if coded and one.rows <= MOST_ROWS else ""
        if not key:
            continue
        files[one.file] = key
        label = next((n for n in one.names if n.lower() in _LABELS), "")
        specimen = next((n for n in one.names if n.lower() in _SPECIMENS), "")
        columns = (one.column(name) for name in (key, coded, label, specimen))
        for local, code, text, fluid in zip(*columns, strict=True):
            labels[local], specimens[local] = text, fluid
            if loinc.lookup(code):
                codes[local] = code
    return Dictionary(files, codes, labels, specimens, next(iter(files), ""))


def _states_loinc(one: RawTable, name: str) -> bool:
    cells = Counter(cell for cell in one.column(name) if cell)
    fits = sum(n for cell, n in cells.items() if _LOINC.fullmatch(cell))
    return fits > 0.9 * cells.total() > 0 and len(cells) > 3


def _key(one: RawTable, coded: str, tables: Sequence[RawTable]) -> str:
    for name in one.names:
        cells = one.column(name)
        shared = any(name in other.names for other in tables if other is not one)
        if name != coded and shared and len(set(cells)) == one.rows and "row_id" not in name:
            return name
    return ""
