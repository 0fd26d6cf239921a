"""An image, its border, what is outside its lungs, and its corners: the same features of each.

What is blanked takes the mean of what is kept, so that no level of grey inside is left; the lungs
are blanked as an upright rectangle around both masks, since the outline of a lung is itself a
finding.

The whole, the border and what is outside the lungs are looked at with the longer side at 192
pixels: three such looks take about as long as one at the 384 that a model reads. A lead token of
9 mm has 4 pixels there and is not seen. Letters, tokens and stickers lie in the corners, whichever
one it is, so the four of them are looked at once more: squares of a quarter of the longer side, cut
at 512 pixels of it (the token has 11) and pooled each by itself; their features are the mean over
the four, which takes no corner for another. On 372 simulated films the token was told with AUROC
0.93 so, and hardly better or worse with other ways to pool (0.88 to 0.94): what counts is how many
pixels a mark has. The mean is used because on those films it told the planted label best.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from clinical import canonical
from clinical.case.shapes import Array
from clinical.modalities.radiograph import encoder
from clinical.model.model import EncoderSpec, backbone_digests
from pipelines.jobs import cache as shelf
from pipelines.training import masks

SIDE = 192
"""Pixels of the longer side that features are taken of; a multiple of 32."""

FINE = 512
"""Pixels of the longer side that the corners are cut from."""

CORNER = 128
"""Side of a corner, a quarter of FINE; a multiple of 32."""

INNER = 0.7
"""Share of the height and of the width that is blanked for the border."""

ELLIPSE = (0.8, 0.85)
"""Height and width of the ellipse that stands for the lungs where they have no mask."""

LOOK = (SIDE, FINE, CORNER, INNER, *ELLIPSE)
"""All that features depend on beside the image, its lungs and the networks."""

LUNGS = ("lungs", "lung")

Pixels = NDArray[np.float32]
Region = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Parts:
    """Features of one image.

    Attributes:
        features: of the whole, of its border alone, of what is outside the lungs and of the
            corners [4, size].
        masked: whether the lungs were known.
        edges: of the rectangle around the lungs, from top, bottom, left and right as shares of the
            height and the width; empty where the lungs were not known.
    """

    features: NDArray[np.float32]
    masked: bool
    edges: tuple[float, ...] = ()


def parts(image: Array, lungs: Region | None, cache: Path | None) -> Parts:
    """Features of an image and of its parts, kept on disk under their content.

    Args:
        image: pixels [rows, columns].
        lungs: mask of both [rows, columns], or None; one of another size says nothing here.
        cache: folder of frozen features, or None.
    """
    known = lungs if lungs is not None and lungs.shape == image.values.shape else None
    masked = known is not None and bool(known.any())
    outline = canonical.sha256(np.packbits(known).tobytes()) if known is not None and masked else ""
    key = canonical.digest(["image parts", image.digest, outline, list(LOOK)])
    spec = EncoderSpec("radiograph", encoder.Settings(image_size=SIDE))
    file = shelf.place(cache, backbone_digests({"image": spec})["radiograph"], key)
    features = shelf.kept(file, lambda: _features(image.values, known if masked else None))
    return Parts(features, masked, edges_of(known) if known is not None and masked else ())


def _features(image: Pixels, lungs: Region | None) -> NDArray[np.float32]:
    """Features of each part [4, 2 * channels]."""
    small, known = _made_small(image, lungs, SIDE)
    shown = (small, border_only(small, known), without_lungs(small, known))
    inputs = torch.stack([encoder.network_input(part, SIDE) for part in shown])
    cut = corners(*_made_small(image, lungs, FINE))
    with torch.inference_mode():
        found = _pooled(encoder.features_of(inputs))
        cornered = _pooled(encoder.features_of(cut)).mean(dim=0, keepdim=True)
    return torch.cat([found, cornered]).numpy()


def _made_small(image: Pixels, lungs: Region | None, side: int) -> tuple[Pixels, Region | None]:
    known = None if lungs is None else shrunk(lungs.astype(np.float32), side) > 0
    return shrunk(image, side), known


def _pooled(found: Tensor) -> Tensor:
    """Mean and maximum over the patches of each image [images, 2 * channels]."""
    patches = found.flatten(2)
    return torch.cat([patches.mean(dim=2), patches.amax(dim=2)], dim=1)


def shrunk(image: Pixels, longest: int = SIDE) -> Pixels:
    """The image reduced to a longest side, each pixel the mean of the area it covers."""
    share = longest / max(image.shape)
    if share >= 1:
        return image
    rows, columns = (max(1, round(side * share)) for side in image.shape)
    picture = Image.fromarray(np.ascontiguousarray(image, dtype=np.float32))
    return np.array(picture.resize((columns, rows), Image.Resampling.BOX))


def corners(image: Pixels, lungs: Region | None) -> Tensor:
    """Network inputs of the corners without the lungs [4, 3, CORNER, CORNER], row by row.

    Grey levels are those of the whole, so that a small bright mark does not set its own contrast.
    """
    shown = without_lungs(image, lungs)
    padded = encoder.network_input(shown, FINE)
    rows, columns = (round(side * FINE / max(shown.shape)) for side in shown.shape)
    top, left = (FINE - rows) // 2, (FINE - columns) // 2
    places = [
        (down, across)
        for down in (top, top + rows - CORNER)
        for across in (left, left + columns - CORNER)
    ]
    return torch.stack(
        [padded[:, down : down + CORNER, across : across + CORNER] for down, across in places]
    )


def border_only(image: Pixels, lungs: Region | None = None) -> Pixels:
    """The image with the inner 70% of its height and width blanked, and its lungs where known.

    Lungs reach into the border of a narrow field, and an effusion there is no shortcut.
    """
    inside = np.zeros(image.shape, dtype=bool)
    top, left = (round(side * (1 - INNER) / 2) for side in image.shape)
    inside[top : image.shape[0] - top, left : image.shape[1] - left] = True
    return blanked(image, inside if lungs is None else inside | _around(lungs))


def without_lungs(image: Pixels, lungs: Region | None) -> Pixels:
    """The image with the rectangle around its lungs blanked, or without a mask an ellipse."""
    if lungs is None or not lungs.any():
        return blanked(image, _ellipse(image.shape))
    return blanked(image, _around(lungs))


def _around(mask: Region) -> Region:
    """The upright rectangle around a mask; nothing around an empty one."""
    inside = np.zeros(mask.shape, dtype=bool)
    down, across = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if len(down):
        inside[down[0] : down[-1] + 1, across[0] : across[-1] + 1] = True
    return inside


def edges_of(mask: Region) -> tuple[float, ...]:
    """Where the rectangle around a mask ends: see `Parts`."""
    found: list[float] = []
    for axis in (1, 0):
        inside = np.flatnonzero(mask.any(axis=axis))
        length = mask.shape[1 - axis]
        found += [float(inside[0] / length), float((length - 1 - inside[-1]) / length)]
    return tuple(found)


def blanked(image: Pixels, inside: Region) -> Pixels:
    """A copy whose pixels `inside` are the mean of the others; 0 where there are none."""
    kept = image[~inside]
    return np.where(inside, kept.mean() if kept.size else 0.0, image).astype(np.float32)


def _ellipse(shape: tuple[int, ...]) -> Region:
    down, across = (
        np.linspace(-1, 1, side) / share for side, share in zip(shape, ELLIPSE, strict=True)
    )
    return np.asarray(down[:, None] ** 2 + across[None] ** 2 <= 1)


def lungs_of(found: masks.Masks, case_id: str) -> Region | None:
    """The mask of both lungs of a case [rows, columns], or None; see `pipelines.training.masks`."""
    paths: Mapping[str, Path] = found.get(case_id, {})
    name = next((name for name in LUNGS if name in paths), None)
    return masks.load_mask(paths[name]) if name else None
