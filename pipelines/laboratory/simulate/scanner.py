"""Rooms and scanners: each has its own image processing, collimation and lettering."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from pipelines.laboratory.simulate import lettering
from pipelines.laboratory.simulate.examination import RadiographSpec, View
from pipelines.laboratory.simulate.xray import Field, Frame, Technique


@dataclass(frozen=True)
class Scanner:
    """What stays the same from film to film.

    Attributes:
        detail: gain of structures below about 6 mm.
        latitude: gain of structures above about 50 mm.
        dark, bright: levels given to aerated lung and to dense tissue.
        quanta: factor on the dose at the detector.
        unsharpness: mm of blur by focus, motion and resampling.
        black, white: chance that a border is shuttered black, or left unexposed and white.
        burnt: chance of words burnt into a bedside film.
        initials: of the radiographer's marker; empty for a plain letter.
        letter_mm: height of the side marker.
    """

    detail: float
    latitude: float
    dark: float
    bright: float
    quanta: float
    unsharpness: float
    black: float
    white: float
    burnt: float
    initials: str
    letter_mm: float


def find(spec: RadiographSpec, rng: np.random.Generator) -> Scanner:
    """The scanner that `spec` names, always the same for one name; any, drawn by `rng`, if none."""
    if not spec.scanner:
        return _draw(rng)
    seed = hashlib.sha256(spec.scanner.encode()).digest()[:8]
    return _draw(np.random.default_rng(int.from_bytes(seed, "little")))


def _draw(rng: np.random.Generator) -> Scanner:
    letters = list(lettering.INITIALS)
    return Scanner(
        detail=float(rng.uniform(0.8, 1.55)),
        latitude=float(rng.uniform(0.62, 0.98)),
        dark=float(rng.uniform(0.22, 0.42)),
        bright=float(rng.uniform(0.76, 0.92)),
        quanta=float(np.exp(0.4 * rng.standard_normal())),
        unsharpness=float(rng.uniform(0.05, 0.30)),
        black=float(rng.choice([0.04, 0.15, 0.35])),
        white=float(rng.choice([0.0, 0.0, 0.12])),
        burnt=float(rng.choice([0.0, 0.3, 0.9])),
        initials="".join(rng.choice(letters, int(rng.choice([0, 2, 3])))),
        letter_mm=float(rng.uniform(10, 19)),
    )


def technique(spec: RadiographSpec, scanner: Scanner, rng: np.random.Generator) -> Technique:
    """Of one exposure: the scanner's processing with the day's dose and level."""
    portable = spec.view == "AP"
    heavy = max(spec.bmi - 25, 0)
    wander = rng.standard_normal(5)
    return Technique(
        kvp=spec.kvp,
        scatter=(0.24 if portable else 0.10) * (1 + 0.02 * heavy),
        quanta=(110000 if portable else 200000)
        * scanner.quanta
        * float(np.exp(0.25 * wander[0] + 0.03 * heavy)),
        detail=scanner.detail * float(np.exp(0.06 * wander[1])),
        latitude=float(np.clip(scanner.latitude + 0.03 * wander[2], 0.5, 1.1)),
        dark=float(np.clip(scanner.dark + 0.035 * wander[3], 0.18, 0.58)),
        bright=float(np.clip(scanner.bright + 0.02 * wander[4], 0.75, 0.97)),
        unsharpness=scanner.unsharpness * (1.25 if portable else 1.0),
    )


def shutters(frame: Frame, scanner: Scanner, rng: np.random.Generator) -> tuple[Field, Field]:
    """How open the beam is, 0 to 1, and how bright the reader shows what it does not reach."""
    open_beam = np.ones((frame.rows, frame.columns), np.float32)
    level = np.zeros((frame.rows, frame.columns), np.float32)
    side = frame.rows * frame.spacing
    for axis, sign in ((0, 1), (0, -1), (1, 1), (1, -1)):
        chance, width, lean, shade = rng.random(), rng.exponential(), rng.normal(), rng.random()
        if chance > scanner.black + scanner.white:
            continue
        line = frame.y - float(frame.y.mean()) if axis == 0 else frame.x - float(frame.x.mean())
        other = frame.x if axis == 0 else frame.y
        other = other - float(other.mean())
        inwards = side * min(0.006 + 0.022 * width, 0.075)
        depth = sign * line + 0.012 * lean * other - (side / 2 - inwards)
        white = chance < scanner.white
        covered = np.clip(depth / (5.0 if white else 1.2) + 0.5, 0, 1).astype(np.float32)
        open_beam *= 1 - covered
        if white:
            level = np.maximum(level, covered * np.float32(0.75 + 0.25 * shade))
    return open_beam, level


def burnt_in(frame: Frame, view: View, scanner: Scanner, rng: np.random.Generator) -> Field:
    """0 to 1 where a bedside film carries words of the scanner's own."""
    chance, place, size = rng.random(), rng.random(4), rng.random()
    total = np.zeros((frame.rows, frame.columns), np.float32)
    if view == "PA" or chance > scanner.burnt:
        return total
    side = frame.rows * frame.spacing
    height = side * (0.011 + 0.006 * size)
    for text, x, y in (
        ("PORTABLE", 0.05 + 0.70 * (place[0] > 0.5) + 0.04 * place[1], 0.05 + 0.2 * place[2]),
        ("AP", 0.06 + 0.82 * (place[2] > 0.5), 0.03 + 0.12 * place[3]),
        ("^", 0.93 if place[3] > 0.5 else 0.04, 0.26 + 0.1 * place[0]),
    ):
        tall = 2.6 * height if text == "^" else height
        corner = (frame.left + x * side, frame.top + y * side)
        total = np.maximum(total, lettering.written(frame, text, corner, tall))
    return total
