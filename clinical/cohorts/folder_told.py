"""What cohort.toml says about tables: `[csv]`, and `[columns.TABLE]` for each of them."""

from __future__ import annotations

import codecs
import difflib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from clinical.case.shapes import Sex
from clinical.errors import CohortError
from clinical.tables.form import Told
from clinical.tables.header import Columns
from clinical.tables.numbers import NumberFormat
from clinical.tables.times import Order

SETTINGS = "cohort.toml"
CSV_KEYS = ("delimiter", "decimal", "thousands", "encoding")
ORDERS: dict[str, Order] = {"day first": "day", "month first": "month"}
SEXES: dict[str, Sex | None] = {"female": "female", "male": "male", "unknown": None, "other": None}
THOUSANDS = {".": ",", ",": "."}
"""Decimal mark to what stands between thousands where the cohort does not say."""


def tables(data: Mapping[str, Any], known: Mapping[str, Columns]) -> dict[str, Told]:
    """Each table to what is said about it.

    Args:
        data: the whole file.
        known: table to its columns.

    Raises:
        CohortError: for a key or a value that is not one.
    """
    csv, columns = table(data, "csv"), table(data, "columns")
    know(csv, (*CSV_KEYS, *known), f"{SETTINGS}: csv")
    know(columns, known, f"{SETTINGS}: columns")
    every = {key: value for key, value in csv.items() if key in CSV_KEYS}
    found = {}
    for stem, ours in known.items():
        own = table(csv, stem)
        know(own, CSV_KEYS, f"{SETTINGS}: csv.{stem}")
        found[stem] = _columns(table(columns, stem), stem, ours, _csv({**every, **own}))
    return found


def know(data: Mapping[str, Any], keys: Iterable[str], where: str) -> None:
    """Demand that every key is known.

    Raises:
        CohortError: names the first that is not, and the nearest known one.
    """
    keys = tuple(keys)
    for key in data:
        if key not in keys:
            near = difflib.get_close_matches(key, keys, n=1, cutoff=0.5)
            remedy = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(keys)}"
            raise CohortError(f"{where}: unknown key {key!r}.", remedy=remedy)


def table(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A table of the file, empty where it is not there.

    Raises:
        CohortError: if it is something else.
    """
    found = data.get(key, {})
    if not isinstance(found, Mapping):
        raise CohortError(f"{SETTINGS}: {key} is not a table.", remedy=f"write it as [{key}]")
    return found


def text(data: Mapping[str, Any], key: str, default: str) -> str:
    """A text of the file.

    Raises:
        CohortError: if it is something else.
    """
    value = data.get(key, default)
    if not isinstance(value, str):
        raise CohortError(f"{SETTINGS}: {key} is not text.", remedy=f'write {key} = "..."')
    return value


def _csv(data: Mapping[str, Any]) -> Told:
    delimiter, encoding = text(data, "delimiter", ""), text(data, "encoding", "")
    decimal, thousands = text(data, "decimal", ""), data.get("thousands")
    if delimiter and (len(delimiter) != 1 or delimiter in '"\r\n'):
        remedy = 'write one character, such as ";" or "\\t"'
        raise CohortError(f"{SETTINGS}: delimiter is not one character.", remedy=remedy)
    if encoding:
        try:
            encoding = codecs.lookup(encoding).name
        except LookupError:
            remedy = 'write "utf-8", "utf-16", "cp1252" or another name that Python knows'
            raise CohortError(f"{SETTINGS}: encoding is not known.", remedy=remedy) from None
    if decimal not in ("", ".", ","):
        remedy = 'write decimal = "." or decimal = ","'
        raise CohortError(f"{SETTINGS}: decimal is neither a point nor a comma.", remedy=remedy)
    if thousands is not None and (thousands not in ("", ".", ",", "'", " ") or not decimal):
        remedy = 'write decimal too, and thousands as ".", ",", "\'", " " or ""'
        raise CohortError(
            f"{SETTINGS}: thousands is not such a mark, or decimal is missing.",
            remedy=remedy,
        )
    if decimal and thousands == decimal:
        remedy = "write two different marks"
        raise CohortError(f"{SETTINGS}: decimal and thousands are the same mark.", remedy=remedy)
    number = None
    if decimal:
        number = NumberFormat(decimal, THOUSANDS[decimal] if thousands is None else thousands)
    return Told(delimiter=delimiter, encoding=encoding, number=number)


def _columns(data: Mapping[str, Any], stem: str, ours: Columns, told: Told) -> Told:
    where = f"{SETTINGS}: columns.{stem}"
    special = ("ignore", "dates", *(("sex_values",) if "sex" in ours.known else ()))
    know(data, (*ours.known, *special), where)
    names = {key: text(data, key, "") for key in data if key in ours.known}
    if len(set(names.values())) < len(names) or "" in names.values():
        remedy = "name one column of the file for each of ours"
        raise CohortError(f"{where}: a column name is empty or given twice.", remedy=remedy)
    ignore = data.get("ignore", [])
    if not isinstance(ignore, list) or not all(isinstance(name, str) for name in ignore):
        remedy = 'write ignore = ["..."]'
        raise CohortError(f"{where}: ignore is not a list of columns.", remedy=remedy)
    dates = text(data, "dates", "")
    if dates and dates not in ORDERS:
        remedy = 'write dates = "day first" or dates = "month first"'
        raise CohortError(f"{where}: dates is not an order of day and month.", remedy=remedy)
    return replace(
        told,
        columns=names,
        ignore=tuple(ignore),
        order=ORDERS.get(dates),
        sexes=_sexes(table(data, "sex_values"), where),
    )


def _sexes(data: Mapping[str, Any], where: str) -> dict[str, Sex | None]:
    if any(not isinstance(value, str) or value not in SEXES for value in data.values()):
        remedy = 'write sex_values = { "0" = "female", "1" = "male" }'
        raise CohortError(f"{where}: sex_values names something that is not a sex.", remedy=remedy)
    return {key: SEXES[value] for key, value in data.items()}
