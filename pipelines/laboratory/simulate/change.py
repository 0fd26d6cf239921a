"""What findings do to one lung: the change in tissue they share, and where it is seen."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipelines.laboratory.simulate.habitus import Habitus
from pipelines.laboratory.simulate.thorax import Lung
from pipelines.laboratory.simulate.xray import Field, Frame

Mask = NDArray[np.bool_]

APPRECIABLE = 5.0
"""mm of water-equivalent added; about 10% of the signal behind it."""

HEIGHT = {"upper": 0.24, "middle": 0.56, "lower": 0.84}
"""Middle of each zone: 0 apex, 1 base."""


def appreciable(added: Field, lung: Lung) -> Mask:
    """Where `added` matters: `APPRECIABLE`, or half its maximum where the whole is slighter."""
    within = np.where(lung.chord > 10, added, 0)
    return np.asarray(within > min(APPRECIABLE, 0.5 * float(within.max())))


def place(patient: Habitus, lung: Lung, frame: Frame) -> tuple[Field, Field]:
    """Height in the lung, 0 apex to 1 base, and distance across it, 0 midline to 1 wall."""
    height = frame.y / max(lung.floor - 0.55 * patient.dome, 1)
    across = frame.x * lung.sign / np.maximum(frame.x * lung.sign + lung.wall, 1)
    return np.asarray(height, np.float32), np.asarray(across, np.float32)


@dataclass(eq=False)
class Change:
    """What the findings of one lung do to it. Filled in place while findings are inserted.

    Attributes:
        filled: share of the remaining air replaced by fluid, 0..1.
        fluid: share of the depth that is fluid or solid and holds no bronchi, 0..1.
        gas: share of the lung field that holds gas only, 0..1.
        lines: mm of added tissue in thin structures.
        collapse: factor by which the vessels are drawn to the hilum.
        masks: finding name to where it is appreciable.
    """

    filled: Field
    fluid: Field
    gas: Field
    lines: Field
    collapse: float = 1.0
    masks: dict[str, Mask] = field(default_factory=dict)

    def mark(self, name: str, where: Mask) -> None:
        """Add `where` to the mask of finding `name`."""
        self.masks[name] = self.masks[name] | where if name in self.masks else where

    def fill(self, share: Field) -> None:
        """Fill `share` of what air is left."""
        self.filled = 1 - (1 - self.filled) * (1 - np.clip(share, 0, 1))

    def replace(self, share: Field) -> None:
        """Put matter without air or bronchi in place of `share` of the depth."""
        self.fluid = np.asarray(1 - (1 - self.fluid) * (1 - np.clip(share, 0, 1)), np.float32)
