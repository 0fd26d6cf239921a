"""Cases as plain rows of numbers, for the comparators.

Measurements and history become a table in which what is missing stays missing; images and notes
become pooled frozen embeddings, the same ones that the model reads. Nothing is fitted here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from clinical.case.case import Case
from clinical.case.shapes import Arrays
from clinical.modalities.catalogue import encoder
from clinical.modalities.kit import kit_named, kit_of, read_by
from pipelines.training.dataset import CachedCase

Rows = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Vectors:
    """Every case of a dataset as rows, modality by modality.

    Attributes:
        tables: modality to [cases, columns], for measurements and history; NaN where missing.
        embeddings: modality to [cases, size], for images and notes; all NaN where absent.
        columns: modality to the names of the columns of its table, as its kit gives them.
        kinds: modality to the name of its kit.
    """

    tables: Mapping[str, Rows]
    embeddings: Mapping[str, Rows]
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names, sorted."""
        return tuple(sorted({*self.tables, *self.embeddings}))

    def without(self, modality: str) -> Vectors:
        """The same rows as if a modality had never been recorded."""
        tables = {name: rows for name, rows in self.tables.items() if name != modality}
        embeddings = {name: rows for name, rows in self.embeddings.items() if name != modality}
        return Vectors(tables, embeddings, self.columns, self.kinds)

    def present(self, modality: str) -> NDArray[np.bool_]:
        """Which cases have a modality [cases]."""
        rows = (self.tables if modality in self.tables else self.embeddings)[modality]
        return np.asarray(~np.isnan(rows).all(axis=1))


def vectors(cases: Sequence[CachedCase], wanted: Sequence[str] = ()) -> Vectors:
    """Rows of all cases, for the `wanted` modalities, or for all where none is named."""

    def chosen(modality: str) -> bool:
        return not wanted or modality in wanted

    read = {name: kit for c in cases for kit, name, _ in read_by(c.case) if chosen(name)}
    texts = [name for name in sorted(read) if encoder(read[name].name).EMBEDDING]
    images = sorted({name for c in cases for name in c.images if chosen(name)})
    embeddings = {name: _stacked([_pooled(c, name) for c in cases]) for name in [*texts, *images]}
    rest = [name for name in sorted(read) if name not in texts]
    named = {name: _table_of([c.case for c in cases], name) for name in rest}
    columns = {name: tuple(c[len(name) + 1 :] for c in names) for name, (_, names) in named.items()}
    kinds = {name: kit.name for name, kit in read.items()}
    kinds |= {name: kit_named(name, Arrays.__name__).name for name in images}
    return Vectors({name: rows for name, (rows, _) in named.items()}, embeddings, columns, kinds)


def tables(cases: Sequence[Case], modalities: Iterable[str]) -> dict[str, Rows]:
    """Modality to its `table` of all cases."""
    return {name: _table_of(cases, name)[0] for name in modalities}


def _table_of(cases: Sequence[Case], modality: str) -> tuple[Rows, list[str]]:
    return table([_only(case, modality) for case in cases])


def _only(case: Case, modality: str) -> Case:
    return case.without(*(name for name in case.inputs if name != modality))


def _stacked(rows: Sequence[Rows | None]) -> Rows:
    size = next((len(row) for row in rows if row is not None), 0)
    none = np.full(size, np.nan)
    return np.stack([none if row is None else row for row in rows])


def _pooled(cached: CachedCase, modality: str) -> Rows | None:
    """The frozen features of an input as one row, as its encoder pools them."""
    if modality in cached.images:
        prepared = cached.images[modality][0]
        return encoder(kit_named(modality, Arrays.__name__).name).pooled(prepared)
    value = cached.case.inputs.get(modality)
    if value is None:
        return None
    module = encoder(kit_of(modality, value).name)
    return module.pooled(module.prepare(value, module.Settings()))


def table(cases: Sequence[Case], columns: Sequence[str] | None = None) -> tuple[Rows, list[str]]:
    """Cases as a table [cases, columns] with NaN for what is missing, and the column names.

    Of a repeated measurement the last value counts; an event is 1 if present, 0 if denied.
    """
    rows = [_row(case) for case in cases]
    names = list(columns) if columns is not None else sorted({name for row in rows for name in row})
    place = {name: number for number, name in enumerate(names)}
    values = np.full((len(rows), len(names)), np.nan)
    for number, row in enumerate(rows):
        for name, value in row.items():
            if name in place:
                values[number, place[name]] = value
    return values, names


def _row(case: Case) -> dict[str, float]:
    return {
        f"{name}:{column}": number
        for kit, name, value in read_by(case)
        for column, number in kit.columns(value).items()
    }
