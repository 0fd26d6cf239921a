"""Measurements: one token per observation. Absent means no token, nothing is imputed.

A token knows its code, its value (piecewise linear between training quantiles of that code), how
far the value lies outside its reference range, and how old it was at the decision.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from clinical.case.shapes import Measurement, Measurements
from clinical.modalities import scale
from clinical.modalities.encoding import (
    Batch,
    Encoding,
    Prepared,
    TokenSource,
    evidence_items,
)
from clinical.terms import normalise

SHAPE = Measurements
EMBEDDING = ""
VOCABULARY = True
TOKEN_OF: Mapping[str, str] = {}

_ABNORMALITY_LIMIT = 5.0


@dataclass(frozen=True)
class Settings:
    """Vocabulary and scales.

    Attributes:
        width: length of a token.
        bins: bins of the piecewise linear encoding.
        least: minimum number of training values for a code to enter the vocabulary.
        edges: code to the `bins` + 1 edges of its scale.
    """

    width: int = 96
    bins: int = 8
    least: int = 5
    edges: Mapping[str, Sequence[float]] = field(default_factory=dict)


EXAMPLE = Measurements(
    (
        Measurement("1988-5", "CRP", 84.0, "mg/L", datetime(2026, 1, 1, tzinfo=UTC), "84", "mg/L"),
        Measurement("6690-2", "WBC", None, "", None, "hemolysed", "", problem="not a number"),
    )
)


def fit(values: Iterable[Measurements], settings: Settings) -> Settings:
    """Vocabulary and quantile edges from training values; a bound counts as its limit."""
    seen: dict[str, list[float]] = defaultdict(list)
    for value in values:
        for item in value.items:
            if item.value is not None:
                seen[item.code].append(item.value)
    edges = {
        code: scale.quantile_edges(numbers, settings.bins)
        for code, numbers in sorted(seen.items())
        if len(numbers) >= settings.least
    }
    return replace(settings, edges=edges)


def prepare(
    value: Measurements,
    settings: Settings,
    *,
    decision_time: datetime | None = None,
    rng: np.random.Generator | None = None,  # noqa: ARG001 - part of the contract
) -> Prepared:
    """One row per observation with a known code and a normalised value.

    Features: code [T] int64, value [T, bins], context [T, 4] (abnormality clipped to 5 range
    widths, whether the age is known, log hours before the decision, whether a range is known).
    """
    vocabulary = {code: number for number, code in enumerate(settings.edges)}
    codes, numbers, context, sources = [], [], [], []
    unknown = 0
    for index, item in enumerate(value.items):
        if item.value is None:
            continue
        if item.code not in vocabulary:
            unknown += 1
            continue
        codes.append(vocabulary[item.code])
        numbers.append(scale.encode(item.value, settings.edges[item.code]))
        context.append(_context(item, decision_time))
        sources.append(TokenSource(index, item.code))
    features: dict[str, NDArray[np.generic]] = {
        "code": np.asarray(codes, dtype=np.int64),
        "value": np.asarray(numbers, dtype=np.float32).reshape(-1, settings.bins),
        "context": np.asarray(context, dtype=np.float32).reshape(-1, 4),
    }
    return Prepared(features, tuple(sources), unknown)


def _context(item: Measurement, decision_time: datetime | None) -> tuple[float, ...]:
    limit = _ABNORMALITY_LIMIT
    abnormality = min(limit, max(-limit, normalise.abnormality(item)))
    ranged = item.reference != (None, None)
    if item.time is None or decision_time is None:
        return abnormality, 0.0, 0.0, float(ranged)
    hours = max(0.0, (decision_time - item.time).total_seconds() / 3600)
    return abnormality, 1.0, math.log1p(hours) / 3, float(ranged)


evidence = evidence_items


def pooled(prepared: Prepared) -> NDArray[np.float64] | None:  # noqa: ARG001
    """None: comparators read the values themselves, as columns."""
    return None


def pooled_parts(prepared: Prepared) -> NDArray[np.float64]:
    """Nothing, from any token."""
    return np.empty((len(prepared.sources), 0))


class Encoder(nn.Module):
    """Code embedding plus a code's own linear map of its value plus a shared map of its context."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        codes, width, bins = max(1, len(settings.edges)), settings.width, settings.bins
        self.code = nn.Embedding(codes, width)
        self.value = nn.Parameter(torch.randn(codes, bins, width) * (1 / math.sqrt(bins)))
        self.abnormality = nn.Embedding(codes, width)
        self.context = nn.Linear(4, width)
        self.mix = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU())
        nn.init.normal_(self.code.weight, std=0.5)
        nn.init.normal_(self.abnormality.weight, std=0.2)

    def adapt(self, prepared: Sequence[Prepared]) -> None:
        """Nothing to fit: scales are part of the settings."""

    def reduced(self, prepared: Prepared) -> Prepared:
        """The input itself: nothing is frozen here."""
        return prepared

    def forward(self, batch: Batch) -> Encoding:
        """Tokens [cases, observations, width]."""
        code: Tensor = batch.features["code"]
        context = batch.features["context"]
        value = torch.einsum("btk,btkd->btd", batch.features["value"], self.value[code])
        tokens = self.code(code) + value + context[..., :1] * self.abnormality(code)
        tokens = tokens + self.context(context)
        return Encoding(tokens + self.mix(tokens), batch.mask)
