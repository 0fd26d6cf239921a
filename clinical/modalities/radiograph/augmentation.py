"""How a film could have looked as well: turned a little, shifted, brighter, blurred, grainy."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from monai.transforms import Compose


def augmented(grey: Tensor, rng: np.random.Generator) -> Tensor:
    """Another look at grey levels from 0 to 1 [1, rows, columns]; may lie outside them a little."""
    augment = _augment()
    augment.set_random_state(seed=int(rng.integers(2**31)))
    return torch.as_tensor(augment(grey))


@lru_cache(maxsize=1)
def _augment() -> Compose:
    # Here, for training alone: it takes three seconds, which whoever assesses a case need not wait.
    from monai.transforms import (
        Compose,
        RandAdjustContrast,
        RandAffine,
        RandGaussianNoise,
        RandGaussianSmooth,
    )

    return Compose(
        [
            RandAffine(
                prob=0.9,
                rotate_range=(0.12,),
                translate_range=(16, 16),
                scale_range=(0.1, 0.1),
                padding_mode="border",
            ),
            RandAdjustContrast(prob=0.7, gamma=(0.7, 1.4)),
            RandGaussianSmooth(prob=0.2, sigma_x=(0.3, 1.0), sigma_y=(0.3, 1.0)),
            RandGaussianNoise(prob=0.3, std=0.02),
        ]
    )
