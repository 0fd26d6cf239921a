"""The registry of encoders, one per modality folder. Everything that loads torch is loaded here."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from torch import nn

from clinical.case.assessment import EvidenceItem, HeatMap
from clinical.case.shapes import Shape
from clinical.config import build, nearest
from clinical.errors import ConfigError
from clinical.modalities.encoding import Batch, Encoding, Prepared
from clinical.modalities.kit import kits


class TokenEncoder(Protocol):
    """What `Encoder(settings)` of an encoder module gives; also a torch module."""

    def adapt(self, prepared: Sequence[Prepared]) -> None:
        """Fit buffers on training cases."""

    def reduced(self, prepared: Prepared) -> Prepared:
        """What of the forward pass is frozen, done once; `__call__` takes either."""

    def __call__(self, batch: Batch) -> Encoding:
        """Tokens of a batch."""


class EncoderModule(Protocol):
    """The names that make a module of this package an encoder (see `encoding`)."""

    SHAPE: type[Shape]
    EXAMPLE: Shape
    EMBEDDING: str
    VOCABULARY: bool
    TOKEN_OF: Mapping[str, str]
    Settings: Any

    def fit(self, values: Iterable[Any], settings: Any) -> Any:
        """Settings with vocabulary and scales of the training values."""

    def prepare(
        self,
        value: Any,
        settings: Any,
        *,
        decision_time: datetime | None = None,
        rng: np.random.Generator | None = None,
    ) -> Prepared:
        """One input as numbers."""

    def evidence(
        self, name: str, part: NDArray[np.float64], prepared: Prepared, scale: float
    ) -> tuple[tuple[HeatMap, ...], tuple[EvidenceItem, ...]]:
        """Relevance of the tokens as heat maps and items of evidence."""

    def pooled(self, prepared: Prepared) -> NDArray[np.float64] | None:
        """One input as a row of numbers, or None."""

    def pooled_parts(self, prepared: Prepared) -> NDArray[np.float64]:
        """What each token adds to that row [tokens, size]."""

    def sides(self, value: Any) -> NDArray[np.float64] | None:
        """What changes its sign in a mirrored image; absent where there is no left and right."""

    def Encoder(self, settings: Any) -> nn.Module:  # noqa: N802 - a class seen as a function
        """The torch module."""


@lru_cache(maxsize=1)
def catalogue() -> dict[str, EncoderModule]:
    """Name of the modality to its encoder module."""
    return {
        name: cast(EncoderModule, importlib.import_module(f"clinical.modalities.{name}.encoder"))
        for name in kits()
    }


def encoder(name: str) -> EncoderModule:
    """The encoder of a modality.

    Raises:
        ConfigError: if there is none.
    """
    known = catalogue()
    if name not in known:
        raise ConfigError(f"There is no encoder {name!r}.", remedy=f"choose from {sorted(known)}")
    return known[name]


def blank_settings(
    name: str, shared: Mapping[str, Any], own: Mapping[str, Mapping[str, Any]]
) -> Any:
    """Settings of an encoder before it has seen a case.

    Args:
        name: of the encoder.
        shared: settings that encoders have in common; each takes those that it knows.
        own: encoder to the settings that a study gives it alone ("[model.NAME]").

    Raises:
        ConfigError: for a setting that the encoder does not have, or a value that cannot be.
    """
    for other in own:
        if other not in kits():
            raise ConfigError(f"model.{other} is not a modality.", remedy=nearest(other, kits()))
    settings = encoder(name).Settings
    known = {field.name for field in fields(settings)}
    common = {key: value for key, value in shared.items() if key in known}
    made: Any = build(settings, {**common, **own.get(name, {})}, f"model.{name}")
    return made
