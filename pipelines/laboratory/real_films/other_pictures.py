"""Pictures that are no frontal film of a chest, to learn from: drawn at random, cut from films.

None of them shows another body part: no set here that may teach has one. What real pictures of
other kinds are taken for is measured on files that taught nothing (`triptych films judge-traits`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom

SIDE = 256

Picture = NDArray[np.float32]


def drawn(films: NDArray[np.uint8], count: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """So many pictures [count, 256, 256].

    Args:
        films: [n, 256, 256], of which pieces are cut.
        count: how many.
        rng: draws them.
    """
    found = []
    for _ in range(count):
        kind = _KINDS[int(rng.integers(len(_KINDS)))]
        picture = kind(films[int(rng.integers(len(films)))].astype(np.float32), rng)
        low, high = np.percentile(picture, [0.5, 99.5])
        plain = np.clip((picture - low) / max(float(high - low), 1e-6), 0, 1)
        found.append((plain * 255).astype(np.uint8))
    return np.stack(found)


def _piece(film: Picture, rng: np.random.Generator) -> Picture:
    """A third of the film or less, as large as a film."""
    side = int(rng.integers(50, 90))
    top, left = rng.integers(0, SIDE - side, 2)
    return _fitted(film[top : top + side, left : left + side])


def _shuffled(film: Picture, rng: np.random.Generator) -> Picture:
    """The film in 4 or 16 parts, in another order."""
    parts = int(rng.choice([2, 4]))
    side = SIDE // parts
    tiles = film.reshape(parts, side, parts, side).swapaxes(1, 2).reshape(-1, side, side)
    order = np.roll(rng.permutation(len(tiles)), 1)
    mixed = tiles[order].reshape(parts, parts, side, side).swapaxes(1, 2)
    return np.asarray(mixed.reshape(SIDE, SIDE))


def _clouds(_: Picture, rng: np.random.Generator) -> Picture:
    """Noise of several coarsenesses at once."""
    sides = (4, 16, 64, SIDE)
    layers = [zoom(rng.normal(size=(n, n)), SIDE // n, order=1) * rng.uniform(0, 1) for n in sides]
    return np.asarray(sum(layers), np.float32)


def _shapes(_: Picture, rng: np.random.Generator) -> Picture:
    """Ellipses in each other on a dark ground: slices of a body, limbs, heads."""
    rows, columns = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    picture = np.zeros((SIDE, SIDE))
    centre, size = rng.uniform(-0.15, 0.15, 2), rng.uniform(0.4, 0.95, 2)
    for _number in range(int(rng.integers(1, 12))):
        turn = rng.uniform(0, np.pi)
        y, x = rows - centre[0], columns - centre[1]
        along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        inside = (along / size[0]) ** 2 + (across / size[1]) ** 2 < 1
        picture = np.where(inside, rng.uniform(0, 1), picture)
        centre, size = rng.uniform(-0.5, 0.5, 2), rng.uniform(0.04, 0.4, 2)
    grain = rng.normal(0, rng.uniform(0, 0.1), picture.shape)
    return np.asarray(gaussian_filter(picture, rng.uniform(0.5, 6)) + grain, np.float32)


def _limb(_: Picture, rng: np.random.Generator) -> Picture:
    """One to five bright shafts, each in a softer shadow."""
    rows, columns = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    turn = rng.uniform(-0.6, 0.6) + np.pi / 2 * int(rng.integers(2))
    along, across = (
        columns * np.cos(turn) + rows * np.sin(turn),
        rows * np.cos(turn) - columns * np.sin(turn),
    )
    picture = np.zeros((SIDE, SIDE))
    for place in rng.uniform(-0.6, 0.6, int(rng.integers(1, 6))):
        width = rng.uniform(0.05, 0.2) * (1 + rng.uniform(0, 1) * along**2)
        off = np.abs(across - place - rng.uniform(-0.2, 0.2) * along)
        picture += 0.4 * np.exp(-((off / (2.5 * width)) ** 2)) + 0.6 * (off < width)
    return np.asarray(gaussian_filter(picture, rng.uniform(1, 3)), np.float32)


def _fan(_: Picture, rng: np.random.Generator) -> Picture:
    """Speckle in a fan, as ultrasound has it."""
    rows, columns = np.mgrid[0 : 1 : SIDE * 1j, -0.5 : 0.5 : SIDE * 1j]
    fan = (np.abs(np.arctan2(columns, rows)) < rng.uniform(0.3, 0.7)) & (
        np.hypot(rows, columns) < 1
    )
    speckle = gaussian_filter(rng.exponential(1, (SIDE, SIDE)), rng.uniform(0.5, 3))
    return np.asarray(speckle * fan * np.exp(rng.normal(0, 1) * rows), np.float32)


_KINDS: tuple[Callable[[Picture, np.random.Generator], Picture], ...] = (
    _piece,
    _shuffled,
    _clouds,
    _shapes,
    _limb,
    _fan,
)


def _fitted(piece: Picture) -> Picture:
    return np.asarray(zoom(piece, SIDE / len(piece), order=1), np.float32)[:SIDE, :SIDE]
