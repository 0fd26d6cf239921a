"""Devices that lie over or in the chest, as mm of metal (or radiopaque plastic)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from pipelines.simulate import xray
from pipelines.simulate.examination import RadiographSpec
from pipelines.simulate.habitus import Habitus
from pipelines.simulate.xray import Field, Frame

# Column bits of a 5 x 7 dot-matrix letter, top row in the lowest bit.
_LETTERS = {
    "L": (127, 64, 64, 64, 64),
    "R": (127, 9, 25, 41, 70),
    "A": (126, 9, 9, 9, 126),
    "P": (127, 9, 9, 9, 6),
}


def project(
    spec: RadiographSpec, patient: Habitus, frame: Frame, rng: np.random.Generator
) -> tuple[Field, NDArray[np.bool_]]:
    """All devices of `spec` and the side marker, and where the token lies if it was asked for."""
    metal = _marker(frame, rng)
    seeds = rng.integers(2**63, size=5)
    drawers = (
        (spec.pacemaker, _pacemaker),
        (spec.ecg_leads, _ecg_leads),
        (spec.central_line, _central_line),
        (spec.tube, _tube),
    )
    for (wanted, draw), seed in zip(drawers, seeds, strict=False):
        if wanted:
            metal = metal + draw(patient, frame, np.random.default_rng(seed))
    disc = np.zeros_like(metal)
    if spec.token:
        disc = _token(frame, np.random.default_rng(seeds[4]))
    return metal + disc, disc > 0


def _token(frame: Frame, rng: np.random.Generator) -> Field:
    """A lead disc of 9 mm in one upper corner of the field, clear of the collimator's blades."""
    side = -1 if rng.random() < 0.5 else 1
    reach = frame.columns * frame.spacing
    x = frame.left + reach / 2 + side * reach * rng.uniform(0.385, 0.42)
    y = frame.top + reach * rng.uniform(0.08, 0.115)
    return np.asarray(0.3 * xray.ellipsoid(frame, (x, y), (4.5, 4.5, 4.5)), np.float32)


def _wire(frame: Frame, nodes: list[tuple[float, float]], radius: float) -> Field:
    points = np.array(nodes)
    chord = np.hypot(*np.diff(points, axis=0).T)
    at = np.concatenate([[0.0], np.cumsum(chord)])
    s = np.linspace(0, at[-1], 160)
    x, y = (PchipInterpolator(at, points[:, k])(s) for k in range(2))
    return xray.tube(frame, x, y, np.full(160, radius))


def _pacemaker(patient: Habitus, frame: Frame, rng: np.random.Generator) -> Field:
    """Generator under the left clavicle, one lead to the right ventricle, one to the atrium."""
    size = patient.half_width / 139
    cx, cy = (96 + rng.normal(0, 6)) * size, (52 + rng.normal(0, 6)) * size
    u, v = np.abs(frame.x - cx) / 21, np.abs(frame.y - cy) / 19
    inside = np.clip((1 - (u**4 + v**4) ** 0.25) * 14, 0, 1)
    parts = 0.75 + 0.25 * (np.abs(frame.y - cy + 6) < 5) * (np.abs(frame.x - cx - 3) < 12)
    case = 1.1 * inside * parts + 0.7 * np.clip(1 - np.abs(u**4 + v**4 - 0.9) * 8, 0, 1)
    vein = [(cx - 12, cy - 14), (62.0, 22.0), (30.0, 30.0), (-8.0, 52.0), (-20.0, 80.0)]
    heart = patient.shift + patient.heart_half
    low = 0.84 * patient.lung
    ventricle = _wire(
        frame,
        [*vein, (-26.0, 0.55 * patient.lung), (-10.0, 0.76 * patient.lung), (0.75 * heart, low)],
        0.75,
    )
    atrium = _wire(
        frame,
        [
            *vein,
            (-24.0, 0.5 * patient.lung),
            (-38.0, 0.62 * patient.lung),
            (-30.0, 0.56 * patient.lung),
        ],
        0.7,
    )
    tip = xray.ellipsoid(frame, (0.75 * heart, low), (2.2, 1.2, 1.0))
    return np.asarray(case + 0.45 * (ventricle + atrium) + tip, np.float32)


def _ecg_leads(patient: Habitus, frame: Frame, rng: np.random.Generator) -> Field:
    """Three clips and their thin wires, running off the image."""
    total = np.zeros((frame.rows, frame.columns), np.float32)
    w = patient.half_width
    edge = frame.top + frame.rows * frame.spacing
    for x, y in ((-0.62 * w, 30.0), (0.66 * w, 28.0), (0.78 * w, 0.86 * patient.lung)):
        x, y = x + rng.normal(0, 9), y + rng.normal(0, 9)
        total += 0.5 * xray.ellipsoid(frame, (x, y), (4.5, 4.5, 1.0))
        total += 0.8 * xray.ellipsoid(frame, (x + 3, y + 4), (5.5, 2.2, 1.0))
        bend = rng.normal(0, 25, 2)
        path = [
            (x, y),
            (x * 0.8 + bend[0], y + 60),
            (x * 0.7 + bend[1], y + 130),
            (x * 0.9 + 20, max(edge + 20, y + 180)),
        ]
        total += 0.30 * _wire(frame, path, 0.65)
    return total


def _central_line(patient: Habitus, frame: Frame, rng: np.random.Generator) -> Field:
    """From the right jugular vein to the lower superior vena cava."""
    size = patient.half_width / 139
    tip = (0.36 + 0.04 * rng.standard_normal()) * patient.lung
    path = [
        (-42.0 * size, frame.top - 10),
        (-38.0 * size, -40.0),
        (-30.0 * size, 15.0),
        (-25.0 * size + patient.shift, 0.24 * patient.lung),
        (-24.0 * size + patient.shift, tip),
    ]
    return 0.10 * _wire(frame, path, 1.1)


def _tube(patient: Habitus, frame: Frame, rng: np.random.Generator) -> Field:
    """Endotracheal tube: faint walls and one dense stripe, tip about 4 cm above the carina."""
    carina = 0.335 * patient.lung
    tip = carina - rng.uniform(25, 55)
    total = np.zeros((frame.rows, frame.columns), np.float32)
    for offset, amount in ((-4.6, 0.012), (4.6, 0.012), (2.5, 0.10)):
        path = [
            (offset, min(frame.top - 10, -60.0)),
            (offset + 1.0, 0.0),
            (offset - 1.0 + 0.4 * patient.shift, tip),
        ]
        total += np.float32(amount) * _wire(frame, path, 0.9)
    return total


def _marker(frame: Frame, rng: np.random.Generator) -> Field:
    """A lead letter beside the shoulder: L on the patient's left, or R on the right."""
    letter = "L" if rng.random() < 0.7 else "R"
    sign = 1 if letter == "L" else -1
    pixel = rng.uniform(1.5, 2.4)
    edge = frame.columns * frame.spacing / 2
    x0 = float(frame.x.mean()) + sign * edge * rng.uniform(0.72, 0.86) - 2.5 * pixel
    y0 = frame.top + frame.rows * frame.spacing * rng.uniform(0.05, 0.16)
    lean = rng.normal(0, 0.08)
    u = (frame.x - x0 + lean * (frame.y - y0)) / pixel
    v = (frame.y - y0) / pixel
    column, row = np.floor(u).astype(int), np.floor(v).astype(int)
    inside = (column >= 0) & (column < 5) & (row >= 0) & (row < 7)
    bits = np.array(_LETTERS[letter])[np.clip(column, 0, 4)]
    lit = inside & ((bits >> np.clip(row, 0, 6)) & 1 == 1)
    return np.asarray(1.5 * lit, np.float32)
