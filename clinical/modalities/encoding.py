"""The interface of every encoder: prepared inputs, batches of them, and tokens.

An encoder is the module `encoder` in the folder of its modality, with

- `SHAPE`: the input shape it reads;
- `EMBEDDING`: name of the feature that is a frozen embedding, for the domain check, or "";
- `VOCABULARY`: whether it knows a list of codes, so that unknown ones say how strange a case is;
- `pooled(prepared)`: one row of numbers for comparators that cannot read tokens, or None;
- `pooled_parts(prepared)`: what each token adds to that row [tokens, size]; no columns without it;
- `TOKEN_OF`: column of the kit to the label of its token, where they differ;
- `Settings`: a frozen dataclass of JSON-compatible values, vocabulary and scales included;
- `weights_files(settings)`: the files of frozen weights, for the digest in a checkpoint; or absent;
- `sides(value)` and the `SIDES_WEIGHTS` it rests on: numbers that change their sign, and nothing
  else, in a mirrored image, or None; absent where an input has no left and right;
- `fit(values, settings) -> Settings`: vocabulary and scales, from training cases only;
- `prepare(value, settings, rng=None) -> Prepared`: the one way from an input to numbers, used by
  training and by assessment; with `rng` it gives an augmented copy;
- `Encoder(settings)`: a torch module; `forward(Batch)` gives an `Encoding`; `adapt(prepared)` fits
  its buffers (for example principal components) on training cases; `reduced(prepared)` does the
  frozen part of `forward` once, so that training need not do it in every epoch;
- `evidence(name, part, prepared, scale)`: relevance of its tokens as heat maps and items of
  evidence (`evidence_items` does for most);
- `EXAMPLE`: one value of `SHAPE`.

The contract tests pick up every module that has these names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clinical.case.assessment import EvidenceItem, HeatMap

LATER = "later"
"""In the metadata of a field of `Settings`: it came after checkpoints had been written, and their
description leaves it out where it has its default."""

PLACE = "place"
"""In the metadata of a field of `Settings`: it says where a file lies on this machine, and is never
described."""


@dataclass(frozen=True)
class TokenSource:
    """What one token came from.

    Attributes:
        index: position of the item in its input (notes: of the section; images: of the image).
        label: a code, "age", "sex", "sentence 3", "patch" or the name of a lead; never a value.
        start, end: for notes, the characters of the sentence in its section; for signals over
            time, ms from the first sample.
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
        boxes: for images, of each image the source pixels (top, left, bottom, right) that its
            patches cover.
        columns: what the kit of a table says of the input (`Kit.columns`), for readers that want
            values and not tokens; empty for images, texts and signals.
        doubts: why what is read of this input cannot be trusted, each in words; where there is
            one, a model withholds everything.
    """

    features: dict[str, NDArray[np.generic]]
    sources: tuple[TokenSource, ...]
    unknown: int = 0
    boxes: tuple[tuple[float, float, float, float], ...] = ()
    columns: Mapping[str, float] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Batch:
    """Prepared inputs of several cases, padded to the longest.

    Attributes:
        features: name to tensor [cases, tokens, ...].
        mask: [cases, tokens] bool, True where a token is real.
    """

    features: dict[str, Tensor]
    mask: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        moved = {name: values.to(device) for name, values in self.features.items()}
        return Batch(moved, self.mask.to(device))


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


def mean_embedding(prepared: Prepared, feature: str) -> NDArray[np.float32] | None:
    """Mean of a frozen embedding [size] over the tokens of an input, or None without one."""
    rows = prepared.features.get(feature)
    if rows is None or not len(rows):
        return None
    mean: NDArray[np.float32] = rows.astype(np.float32).mean(axis=0)
    return mean


def evidence_items(
    name: str, part: NDArray[np.float64], prepared: Prepared, scale: float
) -> tuple[tuple[HeatMap, ...], tuple[EvidenceItem, ...]]:
    """Every token as an item of evidence: what most encoders have as `evidence`.

    Args:
        name: of the input.
        part: signed relevance of every token [tokens].
        prepared: what the tokens were made from.
        scale: makes relevance a share of all evidence of a case.
    """
    return (), tuple(
        EvidenceItem(name, source.index, source.label, float(value), source.start, source.end)
        for source, value in zip(prepared.sources, part * scale, strict=True)
    )
