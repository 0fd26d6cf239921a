"""An image, padded to a square and resampled to the side that the networks read.

The arithmetic is that of MONAI's SpatialPad and Resize, to the last bit
(tests/clinical/modalities/radiograph/test_resampling.py), without the three seconds that importing
MONAI takes whoever assesses one case.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_TRUNCATED = 4.0  # standard deviations on each side of the kernel
_HALF_ROOT = 0.70710678  # of two, with MONAI's digits: more would change the last bits
_FINER = 1.5  # so many pixels on one are smoothed first, or fine lines would become false patterns


def resample(image: Tensor, sides: tuple[int, int], size: int) -> Tensor:
    """Pad an image with black, the same on both sides, and resample it.

    Args:
        image: float32 [1, rows, columns].
        sides: rows and columns to pad to, no less than it has.
        size: side of the result in pixels.

    Returns:
        [1, size, size].
    """
    padded = _padded(image, sides)
    if sides == (size, size):
        return padded
    # How many pixels become one, in single precision like everything here.
    factors = torch.div(torch.tensor(sides, dtype=torch.float32), float(size))
    if max(sides) > _FINER * size:
        padded = _smoothed(padded, torch.clamp((factors - 1) / 2, min=0))
    return functional.interpolate(padded[None], size=(size, size), mode="bilinear")[0]


def _padded(image: Tensor, sides: tuple[int, int]) -> Tensor:
    rows, columns = (side - have for side, have in zip(sides, image.shape[1:], strict=True))
    top, left = rows // 2, columns // 2
    return functional.pad(image, (left, columns - left, top, rows - top))


def _smoothed(image: Tensor, sigmas: Tensor) -> Tensor:
    """Smooth along the rows, then along the columns; beyond the edge it is black."""
    down, across = map(_kernel, sigmas)
    reach, aside = len(down) // 2, len(across) // 2
    image = functional.pad(image[None], (aside, aside, reach, reach))
    return functional.conv2d(
        functional.conv2d(image, down[None, None, :, None]), across[None, None, None]
    )[0]


def _kernel(sigma: Tensor) -> Tensor:
    """Each weight is what a Gaussian has over one pixel."""
    tail = int(max(float(sigma) * _TRUNCATED, 0.5) + 0.5)
    at = torch.arange(-tail, tail + 1, dtype=torch.float32)
    scale = _HALF_ROOT / sigma
    return (0.5 * ((scale * (at + 0.5)).erf() - (scale * (at - 0.5)).erf())).clamp(min=0)
