"""What reading many films asks of a GPU: counted, not measured.

    python -m pipelines.benchmarks.gpu

Operations are counted by PyTorch (`torch.utils.flop_counter`; a multiplication with its addition
are two) on its device without numbers. What a GPU does of them in a second is its maker's figure
times a stated share.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from clinical.modalities.radiograph import encoder
from clinical.modalities.radiograph.backbones import Recipe, feature_grid, network_of, recipe_named

FILMS = 200_000
PEAK = 989e12
"""Operations a second of an H100 SXM in bfloat16, dense (NVIDIA's data sheet)."""

SHARES = (0.1, 0.4)
"""Of the peak: of one film after the other, and of a network that is fed in large batches."""

SHIPPED = "those that ship"
NAMED = (
    ("torchxrayvision-densenet121", 0),
    ("dinov2-small", 0),
    ("dinov2-base", 0),
    ("rad-dino", 0),
    ("dinov2-large", 518),
)
"""Backbones and the side in pixels; 0 is that of their authors."""


@dataclass(frozen=True)
class Need:
    """What one film asks.

    Attributes:
        name: of the backbone.
        side: pixels of the side of what it reads.
        operations: of one look at one film.
        numbers: of the features of one film, each two bytes.
    """

    name: str
    side: int
    operations: int
    numbers: int

    def minutes(self, films: int, share: float) -> float:
        """Of one GPU, for one look at each film."""
        return films * self.operations / (PEAK * share) / 60

    def gigabytes(self, films: int) -> float:
        """Of features, for one look at each film."""
        return films * self.numbers * 2 / 1e9


def need_of(recipe: Recipe, side: int) -> Need:
    """What a backbone asks of one film."""
    with torch.device("meta"):
        network = network_of(recipe).to("meta")
        images = torch.zeros(1, len(recipe.mean), side, side)
        with torch.inference_mode(), FlopCounterMode(display=False) as counter:
            found = feature_grid(recipe, network, images)
    return Need(recipe.name, side, counter.get_total_flops(), found.numel())


def shipped() -> Need:
    """What the two networks that ship ask of one film."""
    side = encoder.Settings().image_size
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        found = encoder.features_of(torch.zeros(1, 3, side, side))
    return Need(SHIPPED, side, counter.get_total_flops(), found.numel())


def needs() -> list[Need]:
    """Of every backbone of the table."""
    named = []
    for name, side in NAMED:
        recipe = recipe_named(name)
        named.append(need_of(recipe, side or recipe.image_size))
    return [shipped(), *named]


def table(films: int = FILMS) -> str:
    """The table of docs/gpu.md, in Markdown."""
    low, high = (f"minutes of one H100 at {share:.0%} of its peak" for share in SHARES)
    lines = [
        f"| backbone | side | 10^9 operations a film | {low} | {high} | GB of features |",
        "|---|---|---|---|---|---|",
    ]
    for need in needs():
        times = " | ".join(f"{need.minutes(films, share):.1f}" for share in SHARES)
        lines.append(
            f"| {need.name} | {need.side} | {need.operations / 1e9:.1f} | {times} |"
            f" {need.gigabytes(films):.0f} |"
        )
    return "\n".join(lines)


def seconds_to_scale(rows: int = 2500, columns: int = 2048, times: int = 5) -> float:
    """Median processor time that one core takes from pixels to what a network is fed."""
    torch.set_num_threads(1)
    film = np.random.default_rng(0).normal(size=(rows, columns)).astype(np.float32)
    taken = []
    for _ in range(times):
        started = time.process_time()
        encoder.grey_levels(film, encoder.Settings().image_size)
        taken.append(time.process_time() - started)
    return statistics.median(taken)


if __name__ == "__main__":
    sys.stdout.write(f"{table()}\n\nscaling a film of 2500 x 2048 pixels on this machine:")
    sys.stdout.write(f" {seconds_to_scale():.2f} s of one core\n")
