"""Cases as plain rows of numbers, for the comparators.

Measurements and history become a table in which what is missing stays missing; images and notes
become pooled frozen embeddings, the same ones that the model reads. Nothing is fitted here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical.case.case import Case
from clinical.case.shapes import Events, Measurements, Texts
from clinical.modalities.notes import encoder
from pipelines.training.dataset import CachedCase

REGIONS = 3
"""An image is pooled as a whole (mean and maximum) and over this many regions per side."""

Rows = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Vectors:
    """Every case of a dataset as rows, modality by modality.

    Attributes:
        tables: modality to [cases, columns], for measurements and history; NaN where missing.
        embeddings: modality to [cases, size], for images and notes; all NaN where absent.
    """

    tables: Mapping[str, Rows]
    embeddings: Mapping[str, Rows]

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names, sorted."""
        return tuple(sorted({*self.tables, *self.embeddings}))

    def present(self, modality: str) -> NDArray[np.bool_]:
        """Which cases have a modality [cases]."""
        rows = (self.tables if modality in self.tables else self.embeddings)[modality]
        return np.asarray(~np.isnan(rows).all(axis=1))


def vectors(cases: Sequence[CachedCase], wanted: Sequence[str] = ()) -> Vectors:
    """Rows of all cases, for the `wanted` modalities, or for all where none is named."""

    def chosen(modality: str) -> bool:
        return not wanted or modality in wanted

    shapes = {name: shape for c in cases for name, shape in c.case.inputs.items() if chosen(name)}
    texts = [name for name in sorted(shapes) if isinstance(shapes[name], Texts)]
    embeddings = {name: _stacked([_note(c, name) for c in cases]) for name in texts}
    for name in sorted({name for c in cases for name in c.images if chosen(name)}):
        embeddings[name] = _stacked([_image(c, name) for c in cases])
    rest = [name for name in sorted(shapes) if name not in texts]
    return Vectors(tables([c.case for c in cases], rest), embeddings)


def tables(cases: Sequence[Case], modalities: Iterable[str]) -> dict[str, Rows]:
    """Modality to its `table` of all cases."""
    return {name: table([_only(case, name) for case in cases])[0] for name in modalities}


def _only(case: Case, modality: str) -> Case:
    return case.without(*(name for name in case.inputs if name != modality))


def _stacked(rows: Sequence[Rows | None]) -> Rows:
    size = next((len(row) for row in rows if row is not None), 0)
    none = np.full(size, np.nan)
    return np.stack([none if row is None else row for row in rows])


def _note(cached: CachedCase, modality: str) -> Rows | None:
    shape = cached.case.inputs.get(modality)
    if not isinstance(shape, Texts):
        return None
    sentences = encoder.prepare(shape, encoder.Settings()).features["embedding"]
    return sentences.astype(np.float64).mean(axis=0) if len(sentences) else None


def _image(cached: CachedCase, modality: str) -> Rows | None:
    if modality not in cached.images:
        return None
    patches = cached.images[modality][0].features["patch"].astype(np.float64)
    side = round(len(patches) ** 0.5)
    grid = patches.reshape(side, side, -1)
    bands = np.array_split(np.arange(side), min(REGIONS, side))
    regions = [grid[np.ix_(rows, columns)].mean(axis=(0, 1)) for rows in bands for columns in bands]
    return np.concatenate([patches.mean(axis=0), patches.max(axis=0), *regions])


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
    row: dict[str, float] = {}
    for modality, shape in case.inputs.items():
        if isinstance(shape, Measurements):
            timed = sorted(shape.items, key=lambda m: (m.time is not None, m.time))
            row |= {f"{modality}:{m.code}": m.value for m in timed if m.value is not None}
        elif isinstance(shape, Events):
            row |= {f"{modality}:{e.code}": float(e.present) for e in shape.items}
            if shape.age_years is not None:
                row[f"{modality}:age"] = shape.age_years
            if shape.sex is not None:
                row[f"{modality}:female"] = float(shape.sex == "female")
    return row
