"""The registry of encoders: one in the folder of each modality."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol, cast

import numpy as np
from torch import nn

import clinical.modalities
from clinical.case.shapes import Shape
from clinical.errors import ConfigError
from clinical.modalities.encoding import Batch, Encoding, Prepared


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

    def Encoder(self, settings: Any) -> nn.Module:  # noqa: N802 - a class seen as a function
        """The torch module."""


@lru_cache(maxsize=1)
def catalogue() -> dict[str, EncoderModule]:
    """Name to encoder module."""
    found: dict[str, EncoderModule] = {}
    for info in pkgutil.iter_modules(clinical.modalities.__path__):
        if info.ispkg:
            module = importlib.import_module(f"clinical.modalities.{info.name}.encoder")
            found[info.name] = cast(EncoderModule, module)
    return found


def encoder(name: str) -> EncoderModule:
    """The encoder called `name`.

    Raises:
        ConfigError: if there is none.
    """
    known = catalogue()
    if name not in known:
        raise ConfigError(f"There is no encoder {name!r}.", remedy=f"choose from {sorted(known)}")
    return known[name]


def encoder_for(shape: Shape) -> str:
    """Name of the first encoder that reads this kind of shape."""
    return next(name for name, module in catalogue().items() if isinstance(shape, module.SHAPE))
