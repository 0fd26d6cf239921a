"""The interface of every encoder: prepared inputs, batches of them, and tokens.

An encoder is one module in this package with

- `SHAPE`: the input shape it reads;
- `Settings`: a frozen dataclass of JSON-compatible values, vocabulary and scales included;
- `fit(values, settings) -> Settings`: vocabulary and scales, from training cases only;
- `prepare(value, settings, rng=None) -> Prepared`: the one way from an input to numbers, used by
  training and by assessment; with `rng` it gives an augmented copy;
- `Encoder(settings)`: a torch module; `forward(Batch)` gives an `Encoding`; `adapt(prepared)` fits
  its buffers (for example principal components) on training cases; `reduced(prepared)` does the
  frozen part of `forward` once, so that training need not do it in every epoch;
- `EXAMPLE`: one value of `SHAPE`.

The contract tests pick up every module that has these names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class TokenSource:
    """What one token came from.

    Attributes:
        index: position of the item in its input (notes: of the section; images: of the cell).
        label: a code, "age", "sex", "sentence 3" or "patch"; never a value.
        start, end: for notes, the characters of the sentence in its section.
        cell: for images, row and column of the patch.
    """

    index: int
    label: str
    start: int | None = None
    end: int | None = None
    cell: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class Prepared:
    """One input as numbers, one row for each token to be.

    Attributes:
        features: name to array [tokens, ...]; the same names for every input of one encoder.
        sources: one for each token.
        unknown: number of usable items that the encoder has no token for (codes not in training).
        box: for images, the source pixels (top, left, bottom, right) that the patches cover.
    """

    features: dict[str, NDArray[np.generic]]
    sources: tuple[TokenSource, ...]
    unknown: int = 0
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, eq=False)
class Batch:
    """Prepared inputs of several cases, padded to the longest.

    Attributes:
        features: name to tensor [cases, tokens, ...].
        mask: [cases, tokens] bool, True where a token is real.
    """

    features: dict[str, Tensor]
    mask: Tensor


@dataclass(frozen=True, eq=False)
class Encoding:
    """Tokens of one modality.

    Attributes:
        tokens: [cases, tokens, width] float32.
        mask: [cases, tokens] bool, True where a token is real.
    """

    tokens: Tensor
    mask: Tensor


def collate(inputs: Sequence[Prepared | None]) -> Batch | None:
    """Pad and stack the inputs of several cases; None where no case has a token."""
    present = [item for item in inputs if item is not None and item.sources]
    if not present:
        return None
    length = max(len(item.sources) for item in present)
    mask = np.zeros((len(inputs), length), dtype=bool)
    features = {
        name: np.zeros((len(inputs), length, *values.shape[1:]), dtype=values.dtype)
        for name, values in present[0].features.items()
    }
    for row, item in enumerate(inputs):
        if item is None or not item.sources:
            continue
        mask[row, : len(item.sources)] = True
        for name, values in item.features.items():
            features[name][row, : len(item.sources)] = values
    tensors = {name: torch.from_numpy(values) for name, values in features.items()}
    return Batch(tensors, torch.from_numpy(mask))
