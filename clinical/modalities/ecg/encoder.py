"""Electrocardiogram: a token for each part of the median beat of each lead, one for the rhythm.

The shape of a part (P, QRS, ST–T) is reduced to its principal components over all leads; what a
component means depends on the lead, so every part of every lead has a linear map of its own. The
token of the rhythm has what was measured: rate, irregularity, intervals, axis, voltages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from clinical.case.shapes import Array, Arrays
from clinical.errors import ConfigError
from clinical.modalities.components import PrincipalComponents
from clinical.modalities.ecg.evidence import PARTS, RHYTHM, span
from clinical.modalities.ecg.leads import STANDARD
from clinical.modalities.ecg.tokens import POINTS, RHYTHM_NAMES, Tokens, grid_ms
from clinical.modalities.ecg.tracing import array_of, tokens
from clinical.modalities.ecg.waveform import RATE, Waveform
from clinical.modalities.encoding import Batch, Encoding, Prepared, TokenSource, evidence_items

SHAPE = Arrays
EMBEDDING = "wave"
VOCABULARY = False
TOKEN_OF: Mapping[str, str] = {}

CODES = len(STANDARD) * len(PARTS)
"""Number of the token of the rhythm; those of leads come before it, part by part."""

COARSE = 16
"""Points of each lead in the row that comparators read."""

_STARTS = [int(np.searchsorted(grid_ms(), begin)) for _, begin, _ in PARTS]
SIZES = tuple(int(size) for size in np.diff([*_STARTS, POINTS]))
"""Points of the parts of a beat."""


@dataclass(frozen=True)
class Settings:
    """Sizes.

    Attributes:
        width: length of a token.
        shapes: principal components kept of each part of a beat.
        tracings: how many tracings of a case are read at most, the first ones.

    Raises:
        ConfigError: for a number that cannot be.
    """

    width: int = 96
    shapes: int = 10
    tracings: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.shapes <= min(SIZES):
            raise ConfigError(
                f"model.ecg.shapes is {self.shapes}.", remedy=f"choose 1 to {min(SIZES)}"
            )
        if self.tracings < 1:
            raise ConfigError(f"model.ecg.tracings is {self.tracings}.", remedy="choose 1 or more")


def _example() -> Array:
    """Ten seconds of a regular heart, with waves that differ from lead to lead."""
    time = np.arange(round(10 * RATE)) / RATE
    waves = ((-0.16, 0.02, 0.1), (0.0, 0.012, 1.0), (0.03, 0.012, -0.2), (0.28, 0.05, 0.3))
    beat = np.zeros_like(time)
    for peak in np.arange(0.5, 10, 0.8):
        for at, width, height in waves:
            beat += height * np.exp(-0.5 * ((time - peak - at) / width) ** 2)
    sizes = np.linspace(0.4, 1.5, len(STANDARD))[:, None]
    return array_of(Waveform(STANDARD, (sizes * beat).astype(np.float32), RATE))


EXAMPLE = Arrays((_example(),))


def fit(values: Iterable[Arrays], settings: Settings) -> Settings:  # noqa: ARG001
    """Nothing to fit: components and scales are buffers of the encoder."""
    return settings


def prepare(
    value: Arrays,
    settings: Settings,
    *,
    decision_time: datetime | None = None,  # noqa: ARG001 - part of the contract
    rng: np.random.Generator | None = None,
) -> Prepared:
    """Three rows for each of the twelve leads that is there, and one for the rhythm.

    Features: code [T] int64, tracing [T] int64, wave [T, 128] float32 (the whole beat of the lead
    in mV; 0 for the rhythm), rhythm [T, 30] float32 (0 for a lead).
    """
    codes: list[int] = []
    numbers: list[int] = []
    waves: list[NDArray[np.float32]] = []
    rhythms: list[NDArray[np.float32]] = []
    sources: list[TokenSource] = []
    for number, tracing in enumerate(value.items[: settings.tracings]):
        found = tokens(tracing) if rng is None else _augmented(tokens(tracing), rng)
        for code, wave, source in _of_leads(found, number):
            codes.append(code)
            waves.append(wave)
            rhythms.append(np.zeros(len(RHYTHM_NAMES), np.float32))
            sources.append(source)
        codes.append(CODES)
        waves.append(np.zeros(POINTS, np.float32))
        rhythms.append(found.rhythm)
        sources.append(TokenSource(number, RHYTHM))
        numbers += [number] * (len(codes) - len(numbers))
    features: dict[str, NDArray[np.generic]] = {
        "code": np.asarray(codes, dtype=np.int64),
        "tracing": np.asarray(numbers, dtype=np.int64),
        "wave": np.asarray(waves, dtype=np.float32).reshape(-1, POINTS),
        "rhythm": np.asarray(rhythms, dtype=np.float32).reshape(-1, len(RHYTHM_NAMES)),
    }
    return Prepared(features, tuple(sources))


def _of_leads(found: Tokens, number: int) -> Iterable[tuple[int, NDArray[np.float32], TokenSource]]:
    """Code, beat and source of each part of each lead; of no lead where there is no beat."""
    places = [place for place in range(len(PARTS)) if span(found, place)]
    for lead, wave in zip(found.leads, found.beats, strict=True):
        for place in places if lead in STANDARD else ():
            start, end = span(found, place) or (0, 0)
            code = STANDARD.index(lead) * len(PARTS) + place
            yield code, wave, TokenSource(number, lead, start, end)


def _augmented(found: Tokens, rng: np.random.Generator) -> Tokens:
    """Another gain, level and noise, and now and then a lead that fell off."""
    kept = rng.random(len(found.leads)) >= 0.05
    gain = float(np.exp(0.06 * rng.standard_normal()))
    level = 0.015 * rng.standard_normal((len(found.leads), 1))
    noise = 0.008 * rng.standard_normal(found.beats.shape)
    beats = (gain * found.beats + level + noise).astype(np.float32)[kept]
    leads = tuple(lead for lead, there in zip(found.leads, kept, strict=True) if there)
    return replace(found, leads=leads, beats=beats)


evidence = evidence_items


def pooled(prepared: Prepared) -> NDArray[np.float64] | None:
    """The first tracing as one row: what was measured, and every lead's beat, coarsely."""
    first = np.array([source.index == 0 for source in prepared.sources])
    code = np.asarray(prepared.features["code"], dtype=np.int64)
    waves = prepared.features["wave"].astype(np.float64)
    row = np.zeros((len(STANDARD), COARSE))
    for at in np.flatnonzero(first & (code < CODES)):
        row[code[at] // len(PARTS)] = waves[at].reshape(COARSE, -1).mean(axis=1)
    rhythm = prepared.features["rhythm"][first & (code == CODES)].astype(np.float64)
    return np.concatenate([rhythm[0], row.ravel()])


def pooled_parts(prepared: Prepared) -> NDArray[np.float64]:
    """What each token adds: its own beat, or what was measured."""
    first = np.array([source.index == 0 for source in prepared.sources])
    code = np.asarray(prepared.features["code"], dtype=np.int64)
    waves = prepared.features["wave"].astype(np.float64)
    rhythm = prepared.features["rhythm"].astype(np.float64)
    found = np.zeros((len(code), rhythm.shape[1] + len(STANDARD) * COARSE))
    # Of several parts of one lead the last one counts, as in `pooled`.
    places = {int(code[at]) // len(PARTS): at for at in np.flatnonzero(first & (code < CODES))}
    for lead, at in places.items():
        start = rhythm.shape[1] + lead * COARSE
        found[at, start : start + COARSE] = waves[at].reshape(COARSE, -1).mean(axis=1)
    for at in np.flatnonzero(first & (code == CODES))[:1]:
        found[at, : rhythm.shape[1]] = rhythm[at]
    return found


class Encoder(nn.Module):
    """Code embedding plus a code's own linear map of the shape of its part, or of the rhythm."""

    centre: Tensor
    spread: Tensor

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        width, shapes = settings.width, settings.shapes
        self.reduce = PrincipalComponents(*SIZES, components=shapes)
        self.code = nn.Embedding(CODES + 1, width)
        self.shape = nn.Parameter(torch.randn(CODES + 1, shapes, width) / shapes**0.5)
        self.rhythm = nn.Linear(len(RHYTHM_NAMES), width)
        self.register_buffer("centre", torch.zeros(len(RHYTHM_NAMES)))
        self.register_buffer("spread", torch.ones(len(RHYTHM_NAMES)))
        several = settings.tracings > 1
        self.tracing = nn.Embedding(settings.tracings, width) if several else None
        self.mix = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU())
        nn.init.normal_(self.code.weight, std=0.5)

    def adapt(self, prepared: Sequence[Prepared]) -> None:
        """Fit components and scales on training cases."""
        waves, rhythms = [], []
        for item in prepared:
            code = np.asarray(item.features["code"], dtype=np.int64)
            # Every beat once, not once for each of its parts.
            waves.append(item.features["wave"][(code < CODES) & (code % len(PARTS) == 1)])
            rhythms.append(item.features["rhythm"][code == CODES].astype(np.float64))
        if sum(map(len, waves)):
            self.reduce.fit(np.concatenate(waves))
        if sum(map(len, rhythms)):
            known = np.concatenate(rhythms)
            self.centre.copy_(torch.from_numpy(known.mean(axis=0).astype(np.float32)))
            spread = np.maximum(known.std(axis=0), 0.05).astype(np.float32)
            self.spread.copy_(torch.from_numpy(spread))

    def reduced(self, prepared: Prepared) -> Prepared:
        """The components of an input, taken once."""
        return self.reduce.reduced(prepared, "wave")

    def forward(self, batch: Batch) -> Encoding:
        """Tokens [cases, tokens, width]."""
        code = batch.features["code"]
        of_lead = (code < CODES).unsqueeze(-1)
        kept = self.reduce.of(batch, "wave")
        shapes = kept.reshape(*kept.shape[:-1], len(PARTS), -1)
        part = (code % len(PARTS))[..., None, None].expand(*code.shape, 1, shapes.shape[-1])
        own = shapes.gather(-2, part).squeeze(-2) * of_lead
        rhythm = self.rhythm((batch.features["rhythm"] - self.centre) / self.spread)
        tokens = self.code(code) + torch.einsum("btk,btkd->btd", own, self.shape[code])
        tokens = tokens + rhythm * ~of_lead
        if self.tracing is not None:
            tokens = tokens + self.tracing(batch.features["tracing"])
        return Encoding(tokens + self.mix(tokens), batch.mask)
