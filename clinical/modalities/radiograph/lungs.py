"""Where the lungs are on a frontal film: a small U-Net, and the crop around what it outlines.

A crop that is cut to the lungs and stretched to a square has no border, no collimation, no letters
beside the chest, and neither the size nor the proportions of the file, which in public sets of
films tell the label. The film is reduced to `LOW` pixels first, so that sharpness tells less.

The network (MONAI's U-Net after Ronneberger et al. 2015, arXiv 1505.04597) learnt the lungs of
simulated films only (`triptych films teach-lungs`). docs/real-films.md says how well it finds those
of real ones.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from clinical.case.shapes import Array
from clinical.modalities.radiograph.ranks import equalised

WEIGHTS = Path(__file__).parent / "weights" / "lungs.safetensors"
SIDE = 128
"""Pixels of the side of the square that the network sees; the film is stretched to it."""

LOW = 320
"""Pixels of the longer side of the film that is cropped."""

COARSE = 40
"""The same where only the coarse distribution of brightness is to be seen (`coarse`)."""

MARGIN = 0.05
"""Of the height and width of the lungs, added on every side."""

LEAST, MOST = 0.04, 0.7
"""Share of the film that lungs cover. With less or more nothing was found, and nothing is cut."""

Place = tuple[int, int, int, int]
Box = tuple[float, float, float, float]

NUMBERS = 8
"""How many `brightness` gives."""

_ZONED = 96
_LEAST_LUNG = 0.0217
"""Share of the crop below which the outline says nothing, and all of the crop is looked at."""

_TAIL = 0.01
_CHANNELS = (12, 24, 48, 64, 64)


OUTLINED = ("lungs", "opacity")
"""What the network outlines; the opacities, which lie in lungs, teach it where lungs go on."""


class LungNetwork(nn.Module):
    """Equalised films [B, 1, 128, 128] in 0 to 1 to logits of `OUTLINED` [B, 2, 128, 128]."""

    def __init__(self) -> None:
        # MONAI takes seconds to load, and most models look at whole films.
        from monai.networks.nets.unet import UNet

        super().__init__()
        self.unet = UNet(
            spatial_dims=2,
            in_channels=1,
            out_channels=len(OUTLINED),
            channels=_CHANNELS,
            strides=(2,) * (len(_CHANNELS) - 1),
            num_res_units=1,
            norm="INSTANCE",
        )

    def forward(self, films: Tensor) -> Tensor:
        """Logits; above 0 is inside."""
        found: Tensor = self.unet(films * 2 - 1)
        return found


def lung_mask(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The lungs on the film stretched to a square [128, 128]."""
    return _logits(values) > 0


def _logits(values: NDArray[np.float32]) -> NDArray[np.float32]:
    square = equalised(_resized(values, (SIDE, SIDE)))
    with torch.inference_mode():
        found = network()(torch.from_numpy(square)[None, None])[0, 0]
    return np.asarray(found.numpy())


def brightness(image: Array) -> NDArray[np.float64]:
    """How bright the lungs are, in ranks of the crop: eight numbers that a reader can check by eye.

    Six zones (upper, middle and lower third, in each the left half of the film before the right),
    the lungs less what lies around them, and the brightest zone less the darkest.
    """
    logits = _logits(image.values)
    share = box_of(logits > 0)
    cut = _resized(_within(image.values, share), (_ZONED, _ZONED))
    ranks = equalised(cut).astype(np.float64)
    lung = _resized(_within(logits, share), (_ZONED, _ZONED)) > 0
    if lung.mean() < _LEAST_LUNG:
        lung[:] = True
    halves = slice(0, _ZONED // 2), slice(_ZONED // 2, _ZONED)
    thirds = [slice(n * _ZONED // 3, (n + 1) * _ZONED // 3) for n in range(3)]
    zones = [_mean(ranks[third, half], lung[third, half]) for third in thirds for half in halves]
    around = _mean(ranks, ~lung)
    return np.array([*zones, _mean(ranks, lung) - around, max(zones) - min(zones)])


def _within(values: NDArray[np.float32], share: Box) -> NDArray[np.float32]:
    rows, columns = values.shape
    top, left, bottom, right = share
    return values[
        round(top * rows) : round(bottom * rows), round(left * columns) : round(right * columns)
    ]


def _mean(values: NDArray[np.float64], inside: NDArray[np.bool_]) -> float:
    return float((values * inside).sum() / max(inside.sum(), 1))


def box_of(mask: NDArray[np.bool_]) -> Box:
    """Top, left, bottom and right of the lungs with their margin, as shares of the film.

    The outermost hundredth on every side is not counted, so that a stray spot moves nothing. The
    whole film where the mask cannot be a pair of lungs.
    """
    if not LEAST <= mask.mean() <= MOST:
        return 0.0, 0.0, 1.0, 1.0
    ends = []
    for place in np.nonzero(mask):
        low, high = np.quantile(place, [_TAIL, 1 - _TAIL])
        side = high + 1 - low
        ends.append(((low - MARGIN * side) / SIDE, (high + 1 + MARGIN * side) / SIDE))
    (top, bottom), (left, right) = ends
    inside = np.clip([top, left, bottom, right], 0, 1).tolist()
    return inside[0], inside[1], inside[2], inside[3]


def place(image: Array) -> Place:
    """Top, left, bottom and right of the crop, in pixels of the image."""
    rows, columns = image.values.shape
    top, left, bottom, right = box_of(lung_mask(image.values))
    return round(top * rows), round(left * columns), round(bottom * rows), round(right * columns)


def cropped(image: Array, where: Place) -> Array:
    """What lies at a place; its pixels are stretched so that the crop is a square."""
    values = _reduced(image, where, LOW)
    return _square_on_patient(image, values)


def coarse(image: Array, where: Place) -> Array:
    """The same in some 30 pixels a side, every pixel its rank among all.

    Nothing is left of sharpness, grain and exposure, which in public sets tell the label, and all
    of where the lungs are bright and where dark.
    """
    return _square_on_patient(image, equalised(_reduced(image, where, COARSE)))


def _reduced(image: Array, where: Place, low: int) -> NDArray[np.float32]:
    top, left, bottom, right = where
    values = image.values[top:bottom, left:right]
    scale = min(1.0, low / max(image.values.shape))
    rows, columns = (max(8, round(length * scale)) for length in values.shape)
    return _resized(values, (rows, columns))


def _square_on_patient(image: Array, values: NDArray[np.float32]) -> Array:
    return replace(image, values=values, spacing=(1 / values.shape[0], 1 / values.shape[1]))


def _resized(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    film = torch.from_numpy(np.array(values, np.float32))[None, None]
    small = nn.functional.interpolate(film, size, mode="bilinear", antialias=True)
    return np.asarray(small[0, 0].numpy())


@lru_cache(maxsize=1)
def network() -> LungNetwork:
    """The network as it was taught, frozen."""
    found = LungNetwork()
    found.load_state_dict({name: w.float() for name, w in load_file(WEIGHTS).items()})
    return found.eval().requires_grad_(False)
