"""What a film seems to be: upside down, turned on its side, inverted, or no chest at all.

A very small network looks at the film in 64 x 64 pixels, each the rank of its brightness, and gives
a doubt in words where it is surer than a limit. The limits are such that films that stand as they
should are hardly ever doubted (docs/real-films.md has the rates, and what is missed). Nothing is
turned or changed because of a doubt.

It runs in NumPy alone, because `triptych check` looks at many films and loads no torch. A film
takes one or two milliseconds. Its weights come from `triptych films teach-traits`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image
from safetensors import safe_open

from clinical.modalities.radiograph.ranks import equalised

WEIGHTS = Path(__file__).parent / "weights" / "traits.safetensors"
LIMITS = "limits"
"""In the metadata of the weights: name of a doubt to the chance above which it is uttered."""

SIDE = 128
"""Pixels of the side of the square that a film is stretched to before ranks are taken."""

SEEN = 64
"""The same of what the network sees: means of 2 x 2 ranks."""

QUARTERS = 4
POSTURES = 2 * QUARTERS
"""Quarter turns counter-clockwise from upright, as it is, then the same of the mirrored film."""

OUTPUTS = POSTURES + 3
"""The postures, then: inverted, AP, a chest."""

CONVOLUTIONS = (1, 16, 32, 48, 64)
HIDDEN = 64
_SAMPLES = 256

UPSIDE_DOWN, TURNED, MIRRORED = "upside down", "turned", "mirrored"
INVERTED, NO_CHEST = "inverted", "no chest"
DOUBTS: Mapping[str, str] = {
    NO_CHEST: "this does not look like a frontal film of a chest",
    INVERTED: "this film seems to be inverted: air looks white and bone black",
    UPSIDE_DOWN: "this film seems to be upside down",
    TURNED: "this film seems to be turned on its side",
}
"""Name to the words; of several, those that come first make the later ones idle.

That a film is mirrored, or AP and not PA, is judged too and never told: from films of another
hospital this network does not see it (docs/real-films.md).
"""

REMEDY = "look at the film, and at its source; nothing was turned"


@dataclass(frozen=True)
class Traits:
    """Chances, 0 to 1.

    Attributes:
        postures: of each of `POSTURES`; they sum to 1.
        inverted, ap, chest: that it is inverted; was taken from front to back; shows a chest.
    """

    postures: tuple[float, ...]
    inverted: float
    ap: float
    chest: float

    @property
    def doubts(self) -> Mapping[str, float]:
        """Name of each doubt, and `MIRRORED`, to its chance."""
        turn = [self.postures[k] + self.postures[k + QUARTERS] for k in range(QUARTERS)]
        return {
            NO_CHEST: 1 - self.chest,
            INVERTED: self.inverted,
            UPSIDE_DOWN: turn[2],
            TURNED: turn[1] + turn[3],
            MIRRORED: self.postures[QUARTERS],
        }


def doubts(values: NDArray[np.float32]) -> Iterator[str]:
    """What is doubtful about a film [rows, columns], in words; one at the most is told.

    A film that is no chest, or inverted, looks turned by chance.
    """
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        return
    name = told(of(values).doubts, limits())
    if name is not None:
        yield DOUBTS[name]


def told(chances: Mapping[str, float], allowed: Mapping[str, float]) -> str | None:
    """Name of the first doubt of `DOUBTS` whose chance is above its limit."""
    return next((name for name in DOUBTS if chances[name] > allowed[name]), None)


def of(values: NDArray[np.float32]) -> Traits:
    """What a film [rows, columns] seems to be; brighter is denser."""
    return of_logits(run(seen(values)[None], weights())[0])


def of_logits(logits: NDArray[np.float32]) -> Traits:
    """What the outputs of the network say [OUTPUTS]."""
    postures = np.exp(logits[:POSTURES] - logits[:POSTURES].max())
    inverted, ap, chest = 1 / (1 + np.exp(-logits[POSTURES:]))
    return Traits(
        tuple((postures / postures.sum()).tolist()), float(inverted), float(ap), float(chest)
    )


def seen(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the network sees of a film [64, 64]."""
    rows, columns = values.shape
    # A large film is thinned first: the mean of five million pixels takes longer than all else.
    thin = values[:: max(1, rows // _SAMPLES), :: max(1, columns // _SAMPLES)]
    square = Image.fromarray(np.ascontiguousarray(thin, np.float32)).resize(
        (SIDE, SIDE), Image.Resampling.BOX
    )
    return pooled(equalised(np.asarray(square)))


def pooled(ranks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of 2 x 2 of [..., 128, 128]."""
    *several, rows, columns = ranks.shape
    parts = ranks.reshape(*several, rows // 2, 2, columns // 2, 2)
    return np.asarray(parts.mean(axis=(-3, -1)), np.float32)


def run(
    films: NDArray[np.float32], network: Mapping[str, NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Logits [n, OUTPUTS] of films [n, 64, 64], by the network that these weights are of."""
    x = films[:, None] * 2 - 1
    for layer in range(len(CONVOLUTIONS) - 1):
        kernel, bias = (
            network[f"convolutions.{layer}.weight"],
            network[f"convolutions.{layer}.bias"],
        )
        x = np.maximum(_convolved(x, kernel) + bias[:, None, None], 0)
    flat = x.reshape(len(x), -1)
    hidden = np.maximum(flat @ network["hidden.weight"].T + network["hidden.bias"], 0)
    return np.asarray(hidden @ network["out.weight"].T + network["out.bias"], np.float32)


def _convolved(x: NDArray[np.float32], kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """3 x 3, stride 2, with one pixel of zeros around."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    patches = sliding_window_view(padded, (3, 3), axis=(2, 3))[:, :, ::2, ::2]
    return np.asarray(np.einsum("nchwij,ocij->nohw", patches, kernel, optimize=True), np.float32)


@lru_cache(maxsize=1)
def weights() -> Mapping[str, NDArray[np.float32]]:
    """Those that ship."""
    with safe_open(WEIGHTS, framework="numpy") as file:
        names = list(file.keys())
        return {name: file.get_tensor(name).astype(np.float32) for name in names}


@lru_cache(maxsize=1)
def limits() -> Mapping[str, float]:
    """Name of each doubt to the chance above which it is uttered."""
    with safe_open(WEIGHTS, framework="numpy") as file:
        found: dict[str, float] = json.loads(file.metadata()[LIMITS])
    return found
