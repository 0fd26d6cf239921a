"""Padding and resampling give the bits that MONAI gives, which the shipped model was trained on."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from monai.transforms import Compose, Resize, SpatialPad

from clinical.modalities.radiograph.resampling import resample


@pytest.mark.parametrize(
    ("shape", "sides", "size"),
    [
        ((512, 512), (512, 512), 512),  # nothing to do
        ((512, 430), (512, 512), 512),  # padded only
        ((301, 300), (301, 301), 512),  # coarser than the network reads
        ((700, 655), (700, 700), 512),  # finer, and too little so to be smoothed
        ((769, 600), (769, 769), 512),  # just enough to be smoothed
        ((2048, 2500), (2500, 2500), 512),  # a film
        ((1500, 400), (1500, 600), 512),  # pixels that are not square, smoothed along one side
        ((300, 900), (450, 900), 320),
        ((900, 300), (900, 450), 512),  # finer along one side, coarser along the other
    ],
)
def test_the_bits_are_those_of_monai(
    shape: tuple[int, int], sides: tuple[int, int], size: int
) -> None:
    image = torch.from_numpy(np.random.default_rng(7).random(shape, dtype=np.float32))[None]
    smooth = max(sides) > 1.5 * size
    theirs = Compose(
        [SpatialPad(sides), Resize((size, size), mode="bilinear", anti_aliasing=smooth)]
    )
    assert torch.equal(resample(image, sides, size), torch.as_tensor(theirs(image)))


def test_whoever_assesses_does_not_wait_for_monai() -> None:
    code = "import sys, clinical.modalities.radiograph.encoder; print('monai' in sys.modules)"
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr
