"""History: one token per coded event seen in training, and one each for age and sex.

A stated absence ("no haemoptysis") is evidence and has a token of its own; silence has none.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from clinical.case.shapes import Event, Events
from clinical.modalities import scale
from clinical.modalities.encoding import (
    Batch,
    Encoding,
    Prepared,
    TokenSource,
    evidence_items,
)

SHAPE = Events
EMBEDDING = ""
VOCABULARY = True
TOKEN_OF: Mapping[str, str] = {"female": "sex"}

_AGE, _FEMALE, _MALE = "age", "sex=female", "sex=male"


@dataclass(frozen=True)
class Settings:
    """Vocabulary and scales.

    Attributes:
        width: length of a token.
        bins: bins of the piecewise linear encoding of age.
        least: minimum number of training cases for a code to enter the vocabulary.
        codes: event codes, in the order of their embeddings, after age and the two sexes.
        ages: edges of the age scale; empty where no training case gives an age.
    """

    width: int = 96
    bins: int = 8
    least: int = 5
    codes: Sequence[str] = ()
    ages: Sequence[float] = ()


EXAMPLE = Events(
    (Event("I50.9", "Heart failure"), Event("R04.2", "Haemoptysis", present=False)), 71.0, "female"
)


def fit(values: Iterable[Events], settings: Settings) -> Settings:
    """Vocabulary of event codes and edges of the age scale from training values."""
    seen: Counter[str] = Counter()
    ages: list[float] = []
    for value in values:
        seen.update({event.code for event in value.items})
        if value.age_years is not None:
            ages.append(value.age_years)
    codes = tuple(sorted(code for code, count in seen.items() if count >= settings.least))
    edges = scale.quantile_edges(ages, settings.bins) if ages else ()
    return replace(settings, codes=codes, ages=edges)


def prepare(
    value: Events,
    settings: Settings,
    *,
    decision_time: datetime | None = None,
    rng: np.random.Generator | None = None,  # noqa: ARG001 - part of the contract
) -> Prepared:
    """One row per known event, then age and sex where given.

    Features: code [T] int64, present [T] float32 (1 or 0), age [T, bins] (only the age token),
    onset [T, 2] (whether known, log days before the decision).
    """
    vocabulary = {
        code: number for number, code in enumerate((_AGE, _FEMALE, _MALE, *settings.codes))
    }
    none = np.zeros(settings.bins, dtype=np.float32)
    rows: list[tuple[int, float, np.ndarray, tuple[float, float]]] = []
    sources: list[TokenSource] = []
    unknown = 0
    for index, event in enumerate(value.items):
        if event.code not in vocabulary:
            unknown += 1
            continue
        rows.append(
            (vocabulary[event.code], float(event.present), none, _onset(event, decision_time))
        )
        sources.append(TokenSource(index, event.code))
    if value.age_years is not None and settings.ages:
        rows.append((0, 1.0, scale.encode(value.age_years, settings.ages), (0.0, 0.0)))
        sources.append(TokenSource(len(value.items), "age"))
    if value.sex is not None:
        rows.append((vocabulary[f"sex={value.sex}"], 1.0, none, (0.0, 0.0)))
        sources.append(TokenSource(len(value.items) + 1, "sex"))
    features: dict[str, NDArray[np.generic]] = {
        "code": np.asarray([row[0] for row in rows], dtype=np.int64),
        "present": np.asarray([row[1] for row in rows], dtype=np.float32),
        "age": np.asarray([row[2] for row in rows], dtype=np.float32).reshape(-1, settings.bins),
        "onset": np.asarray([row[3] for row in rows], dtype=np.float32).reshape(-1, 2),
    }
    return Prepared(features, tuple(sources), unknown)


def _onset(event: Event, decision_time: datetime | None) -> tuple[float, float]:
    if event.onset is None or decision_time is None:
        return 0.0, 0.0
    days = max(0.0, (decision_time - event.onset).total_seconds() / 86400)
    return 1.0, math.log1p(days) / 8


evidence = evidence_items


def pooled(prepared: Prepared) -> NDArray[np.float64] | None:  # noqa: ARG001
    """None: comparators read the values themselves, as columns."""
    return None


def pooled_parts(prepared: Prepared) -> NDArray[np.float64]:
    """Nothing, from any token."""
    return np.empty((len(prepared.sources), 0))


class Encoder(nn.Module):
    """Code embeddings for presence and for stated absence, plus age and onset."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        codes = 3 + len(settings.codes)
        self.present = nn.Embedding(codes, settings.width)
        self.absent = nn.Embedding(codes, settings.width)
        self.age = nn.Linear(settings.bins, settings.width, bias=False)
        self.onset = nn.Linear(2, settings.width, bias=False)
        self.mix = nn.Sequential(
            nn.LayerNorm(settings.width), nn.Linear(settings.width, settings.width), nn.GELU()
        )
        for table in (self.present, self.absent):
            nn.init.normal_(table.weight, std=0.5)

    def adapt(self, prepared: Sequence[Prepared]) -> None:
        """Nothing to fit: the vocabulary is part of the settings."""

    def reduced(self, prepared: Prepared) -> Prepared:
        """The input itself: nothing is frozen here."""
        return prepared

    def forward(self, batch: Batch) -> Encoding:
        """Tokens [cases, events, width]."""
        code = batch.features["code"]
        present = batch.features["present"][..., None]
        tokens = torch.lerp(self.absent(code), self.present(code), present)
        tokens = tokens + self.age(batch.features["age"]) + self.onset(batch.features["onset"])
        return Encoding(tokens + self.mix(tokens), batch.mask)
