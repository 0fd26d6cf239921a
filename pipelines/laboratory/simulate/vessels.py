"""Pulmonary vessels and bronchi: seeded trees that branch and taper from the hila."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pipelines.laboratory.simulate import xray
from pipelines.laboratory.simulate.habitus import Habitus
from pipelines.laboratory.simulate.thorax import Lung
from pipelines.laboratory.simulate.xray import Field, Frame, Points

# Angle from lateral (0) towards the feet (90) in degrees, radius and length in mm.
_ROOTS = (
    (-82, 2.6, 30),
    (-62, 3.0, 32),
    (-48, 2.4, 30),
    (-28, 2.2, 28),
    (-8, 2.3, 30),
    (14, 2.3, 30),
    (30, 2.4, 32),
    (42, 2.8, 32),
    (52, 3.4, 34),
    (64, 4.6, 38),
    (72, 3.2, 36),
    (80, 3.4, 34),
    (94, 2.4, 30),
)
_GENERATIONS = 7


@dataclass(frozen=True, eq=False)
class Tree:
    """Short pieces of tubes of one lung; all arrays [n].

    Attributes:
        x, y: middle of each piece, mm.
        across_x, across_y: unit vector perpendicular to it.
        radius: mm.
        step: length in mm.
    """

    x: Points
    y: Points
    across_x: Points
    across_y: Points
    radius: Points
    step: Points

    def project(self, frame: Frame) -> Field:
        """mm of vessel (or of bronchial lumen) along each ray."""
        return xray.swept(
            frame, self.x, self.y, self.across_x, self.across_y, self.radius, self.step
        )

    def scaled(self, factor: Points) -> Tree:
        """Every radius times `factor` at that piece."""
        return replace(self, radius=self.radius * factor)

    def kept(self, keep: np.ndarray) -> Tree:
        """Only the pieces where `keep` is True."""
        return Tree(*(getattr(self, name)[keep] for name in Tree.__dataclass_fields__))

    def drawn_to(self, centre: tuple[float, float], factor: float) -> Tree:
        """The tree of a collapsing lung, shrunk towards its hilum."""
        return replace(
            self,
            x=centre[0] + (self.x - centre[0]) * factor,
            y=centre[1] + (self.y - centre[1]) * factor,
            step=self.step * factor,
        )


def tree(patient: Habitus, lung: Lung, frame: Frame, rng: np.random.Generator) -> Tree:
    """The vessels of one lung, arteries and veins alike."""
    size = patient.half_width / 139
    stretch = patient.lung / 262
    roots = np.array(_ROOTS)
    many = len(roots)
    angle = np.deg2rad(roots[:, 0] + rng.normal(0, 7, many))
    radius = roots[:, 1] * size * np.exp(0.14 * rng.standard_normal(many))
    length = roots[:, 2] * size * np.exp(0.15 * rng.standard_normal(many))
    hx, hy = lung.hilum
    x = np.full(many, hx) + lung.sign * rng.uniform(-6, 5, many)
    y = hy + np.interp(roots[:, 0], [-90, 90], [-10, 20]) * stretch + rng.normal(0, 3, many)
    grown = []
    for generation in range(_GENERATIONS):
        pieces, x, y, angle = _grow(lung.sign, x, y, angle, radius, length, stretch, frame, rng)
        grown.append(pieces)
        x, y, angle, radius, length = _split(x, y, angle, radius, length, generation, rng)
    joined = Tree(*(np.concatenate(p) for p in zip(*grown, strict=True)))
    return joined.kept((joined.radius > 0.18) & _inside(joined, lung, frame))


def _inside(branches: Tree, lung: Lung, frame: Frame) -> np.ndarray:
    column = np.clip((branches.x - frame.left) / frame.spacing, 0, frame.columns - 1).astype(int)
    row = np.clip((branches.y - frame.top) / frame.spacing, 0, frame.rows - 1).astype(int)
    return np.asarray(lung.chord[row, column] > 6)


def _grow(
    sign: int,
    x: Points,
    y: Points,
    angle: Points,
    radius: Points,
    length: Points,
    stretch: float,
    frame: Frame,
    rng: np.random.Generator,
) -> tuple[tuple[Points, ...], Points, Points, Points]:
    """One generation of curved segments; returns its pieces and where each segment ends."""
    count = max(4, int(np.quantile(length, 0.8) / (0.8 * frame.spacing)))
    s = (np.arange(count) + 0.5) / count
    bend = rng.normal(0, 0.30, x.size)
    wave = rng.normal(0, 0.10, x.size)
    heading = angle[:, None] + bend[:, None] * s + wave[:, None] * np.sin(6.0 * s)
    step = np.broadcast_to((length / count)[:, None], heading.shape)
    dx, dy = np.cos(heading) * sign, np.sin(heading) * stretch
    px = x[:, None] + np.cumsum(dx * step, 1)
    py = y[:, None] + np.cumsum(dy * step, 1)
    r = radius[:, None] * (1 - 0.18 * s)
    norm = np.hypot(dx, dy)
    pieces = (px, py, -dy / norm, dx / norm, r, step * norm)
    return tuple(p.ravel() for p in pieces), px[:, -1], py[:, -1], heading[:, -1]


def _split(
    x: Points,
    y: Points,
    angle: Points,
    radius: Points,
    length: Points,
    generation: int,
    rng: np.random.Generator,
) -> tuple[Points, Points, Points, Points, Points]:
    """Two children each: a main one that goes on and a thinner one that turns aside."""
    many = x.size
    side = rng.choice([-1.0, 1.0], many)
    main = angle - side * np.abs(rng.normal(0.16, 0.10, many))
    branch = angle + side * np.abs(rng.normal(0.55, 0.18, many))
    # The tree fans out: headings drift a little away from the midline.
    both = np.concatenate([main, branch])
    both -= 0.05 * np.sin(both) * (generation > 1)
    r = np.concatenate(
        [radius * rng.uniform(0.77, 0.88, many), radius * rng.uniform(0.52, 0.72, many)]
    )
    shorter = np.concatenate([rng.uniform(0.66, 0.92, many), rng.uniform(0.5, 0.9, many)])
    grown = np.maximum(np.concatenate([length, length]) * shorter, 5.0)
    return np.concatenate([x, x]), np.concatenate([y, y]), both, r, grown


def hilum(patient: Habitus, lung: Lung, frame: Frame, rng: np.random.Generator) -> Field:
    """The hilar mass, and vessels near it that run along the ray: small dense dots."""
    many = 16
    reach = np.abs(rng.normal(14, 13, many))
    angle = rng.uniform(-1.3, 1.5, many)
    x = lung.hilum[0] + lung.sign * reach * np.cos(angle)
    y = lung.hilum[1] + reach * np.sin(angle) * 1.3
    radius = rng.uniform(0.8, 1.8, many) * patient.half_width / 139
    dots = xray.swept(frame, x, y, np.ones(many), np.zeros(many), radius, 2.0 * radius)
    size = patient.half_width / 139
    centre = (lung.hilum[0] + 1 * lung.sign, lung.hilum[1] + 3)
    mass = xray.ellipsoid(frame, centre, (16 * size, 29 * size, 13 * size))
    return dots + xray.blur(mass * (1 + 0.25 * xray.noise(frame, 5, rng)), 2.2 / frame.spacing)


def bronchi(vessels: Tree, rng: np.random.Generator) -> Tree:
    """The airways that keep the larger vessels company, slightly beside them."""
    large = vessels.kept((vessels.radius > 0.75) & (vessels.radius < 3.2))
    gap = large.radius * 1.9
    drift = float(rng.choice([-1.0, 1.0]))
    return replace(
        large,
        x=large.x + large.across_x * gap * drift,
        y=large.y + large.across_y * gap * drift,
        radius=large.radius * 0.95,
    )
