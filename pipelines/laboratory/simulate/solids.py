"""Lung that holds no air at all: tumours, and lobes collapsed behind an obstructed bronchus.

Shapes follow Felson's signs on frontal films: a fissure that the lost volume draws along is a
sharp edge, and a border of heart or diaphragm is lost only where the airless lung touches it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from scipy import special

from pipelines.laboratory.simulate import xray
from pipelines.laboratory.simulate.change import HEIGHT, Change, appreciable, place
from pipelines.laboratory.simulate.examination import LobarCollapse, LungMass, RadiographSpec, Side
from pipelines.laboratory.simulate.habitus import Habitus
from pipelines.laboratory.simulate.thorax import Lung
from pipelines.laboratory.simulate.vessels import Tree
from pipelines.laboratory.simulate.xray import Field, Frame

SMALLEST, LARGEST = 12.0, 70.0
"""Diameters in mm of a `LungMass` of size 0 and 1; 30 mm parts nodule from mass (Fleischner)."""


def mass(
    change: Change,
    focus: LungMass,
    patient: Habitus,
    lung: Lung,
    frame: Frame,
    rng: np.random.Generator,
) -> None:
    """A lobulated body of water density, its rim drawn out into strands; at times behind heart."""
    radius = (SMALLEST + (LARGEST - SMALLEST) * focus.size) / 2
    across = rng.uniform(0.24, 0.80)
    level = HEIGHT[focus.zone] + rng.uniform(-0.11, 0.11)
    y = level * max(lung.floor - 0.55 * patient.dome, 1)
    row = int(np.clip((y - frame.top) / frame.spacing, 0, frame.rows - 1))
    wall = float(lung.wall[row, 0] + frame.x[0, 0] * lung.sign)
    x = lung.sign * min(across * wall, wall - 0.6 * radius)
    phases = rng.uniform(0, 2 * np.pi, 5)
    uneven = rng.uniform(0.02, 0.09, 5) / np.sqrt(np.arange(1, 6))
    dx, dy = frame.x - x, (frame.y - y) * float(rng.uniform(0.85, 1.15))
    distance, angle = np.hypot(dx, dy), np.arctan2(dy, dx)
    lobes = 1 + sum(
        share * np.cos(count * angle + phase)
        for count, share, phase in zip(range(2, 7), uneven, phases, strict=True)
    )
    edge = distance / (radius * lobes)
    depth = 2 * radius * np.sqrt(np.maximum(1 - edge**2, 0)) * (1 - 0.1 * xray.noise(frame, 6, rng))
    depth = xray.blur(np.asarray(depth, np.float32), 1.1 / frame.spacing)
    share = np.minimum(depth / np.maximum(lung.chord, 1), 0.9)
    added = share * lung.chord * (1 - patient.air)
    change.replace(share)
    change.mark("mass", appreciable(np.asarray(added, np.float32), lung))
    if focus.spiculation > 0:
        strands = _strands((x, y), radius, focus.spiculation, frame, rng)
        change.lines += strands * (lung.chord > 12) * np.float32(1 - patient.air)


def _strands(
    centre: tuple[float, float],
    radius: float,
    amount: float,
    frame: Frame,
    rng: np.random.Generator,
) -> Field:
    """Fine lines that stand out from the rim and taper."""
    total = np.zeros((frame.rows, frame.columns), np.float32)
    s = np.linspace(0, 1, 8)
    for angle in rng.uniform(0, 2 * np.pi, 4 + int(24 * amount)):
        length = rng.uniform(0.25, 0.9) * (5 + 0.5 * radius) * (0.5 + amount)
        r = radius * 0.85 + length * s
        turn = angle + rng.normal(0, 0.12) * s
        total += xray.tube(
            frame,
            centre[0] + r * np.cos(turn),
            centre[1] + r * np.sin(turn),
            rng.uniform(0.6, 1.3) * (1 - 0.8 * s),
        )
    return xray.blur(total, 0.4 / frame.spacing) * np.float32(2 + 4 * amount)


def collapse(
    change: Change,
    focus: LobarCollapse,
    patient: Habitus,
    lung: Lung,
    frame: Frame,
    rng: np.random.Generator,
) -> None:
    """The airless lobe; `habitus` moves mediastinum and diaphragm, `crowded` the vessels."""
    height, across = place(patient, lung, frame)
    height = height + 0.012 * xray.noise(frame, 45, rng)
    shape = _VEIL if (focus.lobe, lung.sign) == ("upper", 1) else _WEDGES[focus.lobe]
    share = shape(height, across, focus.extent, float(rng.uniform(0.9, 1.1)))
    share = np.asarray(share * np.clip(1 + 0.05 * xray.noise(frame, 14, rng), 0, 1.1), np.float32)
    change.replace(share)
    added = share * lung.chord * (1 - patient.air)
    change.mark("collapse", appreciable(added, lung) & (share > 0.3 * share.max()))


def _sharp(signed: Field) -> Field:
    """0 to 1 over a border that the rays graze: a fissure."""
    return np.asarray(special.expit(signed / 0.007), np.float32)


def _upper(height: Field, across: Field, extent: float, size: float) -> Field:
    """Right upper lobe: the minor fissure swings up from the hilum, concave below."""
    outward = np.clip((across - 0.2) / 0.8, 0, 1)
    fissure = 0.45 - 0.02 * extent - (0.04 + 0.36 * extent) * outward**0.75 * size
    # A lobe with little lost is only hazy, one that has shrunk is solid.
    return np.asarray((0.42 + 0.45 * extent) * _sharp(fissure - height), np.float32)


def _middle(height: Field, across: Field, extent: float, size: float) -> Field:
    """Middle lobe: a wedge on the heart's border, which is lost, with its tip towards the wall."""
    outward = np.clip((across - 0.18) / ((0.86 - 0.16 * extent) * size - 0.18), 0, 1)
    half = (0.19 - 0.08 * extent) * (1 - outward)
    above, below = height - (0.67 - 0.8 * half), (0.67 + 1.3 * half) - height
    # Thin towards the tip in depth as well.
    depth = (0.50 + 0.32 * extent) * np.clip((1 - outward) / 0.5, 0, 1) ** 0.7
    return np.asarray(depth * _sharp(above) * special.expit(below / 0.02), np.float32)


def _lower(height: Field, across: Field, extent: float, size: float) -> Field:
    """Lower lobe: a triangle behind the heart; the oblique fissure runs down from the hilum."""
    down = np.clip((height - 0.40) / 0.55, 0, 1.4)
    edge = 0.20 + (0.66 - 0.30 * extent) * size * down**0.8
    return np.asarray(
        (0.55 + 0.37 * extent)
        * _sharp((edge - across) * 0.7)
        * special.expit((height - 0.43) / 0.02),
        np.float32,
    )


def _veil(height: Field, across: Field, extent: float, size: float) -> Field:
    """Left upper lobe, shrunk forwards: a haze from the hilum that has no lower border."""
    dy, dx = (height - 0.36) / (0.34 * size), (across - 0.22) / 0.62
    haze = np.exp(-0.5 * (np.abs(dy) ** 2.6 + np.abs(dx) ** 2.4))
    return np.asarray((0.30 + 0.32 * extent) * haze, np.float32)


_WEDGES = {"upper": _upper, "middle": _middle, "lower": _lower}
_VEIL = _veil


def of_side(spec: RadiographSpec, side: Side) -> tuple[LobarCollapse, ...]:
    """The collapsed lobes of one lung."""
    return tuple(focus for focus in spec.collapses if focus.side == side)


def crowded(branches: Tree, lung: Lung, lobes: Iterable[LobarCollapse]) -> Tree:
    """Vessels of a collapsed lobe draw together at the hilum; the others spread into its place."""
    hx, hy = lung.hilum
    for focus in lobes:
        above = special.expit((hy - branches.y) / 12)
        inside = {"upper": above, "lower": 1 - above, "middle": np.full_like(above, 0.3)}[
            focus.lobe
        ]
        closer = 1 - 0.5 * focus.extent * inside
        lifted = {"upper": -16.0, "middle": 6.0, "lower": 18.0}[focus.lobe] * focus.extent
        branches = replace(
            branches, x=hx + (branches.x - hx) * closer, y=branches.y + lifted * (1 - 0.5 * inside)
        )
    return branches
