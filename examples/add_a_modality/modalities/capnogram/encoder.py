"""Capnogram: one token for each breath, from how long it took and how high it rose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from torch import nn

from clinical.case.shapes import Array, Arrays
from clinical.modalities.encoding import (
    Batch,
    Encoding,
    Prepared,
    TokenSource,
    evidence_items,
)
from examples.add_a_modality.modalities.capnogram.breaths import Breath, breaths

SHAPE = Arrays
EMBEDDING = ""
VOCABULARY = False

EXAMPLE = Arrays(
    (
        Array(
            20 + 20 * np.sin(np.arange(0, 40, 0.1, dtype=np.float32)),
            axes=("time",),
            spacing=(0.04,),
            unit="mm[Hg]",
        ),
    )
)


@dataclass(frozen=True)
class Settings:
    """Sizes and scales.

    Attributes:
        width: length of a token.
        centre, spread: mean and standard deviation of the numbers of a training breath.
    """

    width: int = 96
    centre: Sequence[float] = (0.0, 0.0)
    spread: Sequence[float] = (1.0, 1.0)


def fit(values: Iterable[Arrays], settings: Settings) -> Settings:
    """Scales from the breaths of training cases."""
    found = [_numbers(b) for value in values for trace in value.items for b in breaths(trace)]
    if not found:
        return settings
    table = np.asarray(found)
    spread = np.maximum(table.std(axis=0), 1e-3)
    return replace(settings, centre=table.mean(axis=0).tolist(), spread=spread.tolist())


def prepare(
    value: Arrays,
    settings: Settings,
    *,
    decision_time: datetime | None = None,  # noqa: ARG001 - part of the contract
    rng: np.random.Generator | None = None,  # noqa: ARG001 - part of the contract
) -> Prepared:
    """One row for each breath, trace after trace. Feature: breath [T, 2] float32, standardised."""
    found = [(index, b) for index, trace in enumerate(value.items) for b in breaths(trace)]
    table = np.asarray([_numbers(b) for _, b in found], dtype=np.float64).reshape(-1, 2)
    scaled = (table - settings.centre) / settings.spread
    sources = tuple(TokenSource(index, "breath", b.start, b.end) for index, b in found)
    return Prepared({"breath": scaled.astype(np.float32)}, sources)


def _numbers(breath: Breath) -> tuple[float, float]:
    return breath.seconds, breath.end_tidal


evidence = evidence_items


def pooled(prepared: Prepared) -> NDArray[np.float64] | None:  # noqa: ARG001
    """None: comparators read the columns of the kit."""
    return None


class Encoder(nn.Module):
    """A linear map of a breath's numbers, bent once."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        width = settings.width
        self.map = nn.Linear(2, width)
        self.mix = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU())

    def adapt(self, prepared: Sequence[Prepared]) -> None:
        """Nothing to fit: scales are part of the settings."""

    def reduced(self, prepared: Prepared) -> Prepared:
        """The input itself: nothing is frozen here."""
        return prepared

    def forward(self, batch: Batch) -> Encoding:
        """Tokens [cases, breaths, width]."""
        tokens = self.map(batch.features["breath"])
        return Encoding(tokens + self.mix(tokens), batch.mask)
