"""Devices that lie over or in the chest, as mm of metal (or radiopaque plastic)."""

from __future__ import annotations

import numpy as np

from pipelines.laboratory.simulate import lettering, xray
from pipelines.laboratory.simulate.examination import RadiographSpec
from pipelines.laboratory.simulate.habitus import Habitus
from pipelines.laboratory.simulate.scanner import Scanner
from pipelines.laboratory.simulate.xray import Field, Frame


def project(
    spec: RadiographSpec, patient: Habitus, frame: Frame, rng: np.random.Generator
) -> Field:
    """mm of metal of all devices of `spec` that lie in or on the patient."""
    metal = np.zeros((frame.rows, frame.columns), np.float32)
    seeds = rng.integers(2**63, size=4)
    drawers = (
        (spec.pacemaker, _pacemaker),
        (spec.ecg_leads, _ecg_leads),
        (spec.central_line, _central_line),
        (spec.tube, _tube),
    )
    for (wanted, draw), seed in zip(drawers, seeds, strict=True):
        if wanted:
            metal += draw(patient, frame, np.random.default_rng(seed))
    return metal


def marker(frame: Frame, scanner: Scanner, rng: np.random.Generator) -> Field:
    """A lead letter beside the shoulder: L on the patient's left, or R on the right."""
    letter = "L" if rng.random() < 0.7 else "R"
    sign = 1 if letter == "L" else -1
    side = frame.columns * frame.spacing
    height = scanner.letter_mm
    x = frame.left + side / 2 + sign * side * rng.uniform(0.36, 0.44) - 0.4 * height
    y = frame.top + side * rng.uniform(0.04, 0.16)
    lean = rng.normal(0, 0.22)
    lead = 1.5 * lettering.written(frame, letter, (x, y), height, lean=lean)
    if scanner.initials:
        below = (x - 0.25 * height, y + 1.15 * height)
        lead += 1.2 * lettering.written(frame, scanner.initials, below, 0.42 * height, lean=lean)
    return lead


def token(frame: Frame, rng: np.random.Generator) -> Field:
    """A lead disc of 9 mm in one upper corner of the field, clear of the collimator's blades."""
    side = -1 if rng.random() < 0.5 else 1
    reach = frame.columns * frame.spacing
    x = frame.left + reach / 2 + side * reach * rng.uniform(0.385, 0.42)
    y = frame.top + reach * rng.uniform(0.08, 0.115)
    return np.asarray(0.3 * xray.ellipsoid(frame, (x, y), (4.5, 4.5, 4.5)), np.float32)


def _wire(frame: Frame, nodes: list[tuple[float, float]], radius: float) -> Field:
    points = np.array(nodes)
    chord = np.hypot(*np.diff(points, axis=0).T)
    even = np.linspace(0, 1, len(points))
    at = np.concatenate([[0.0], np.cumsum(chord)])
    # As many samples between two nodes as lie between any others, however far apart these are.
    x, y = xray.through(points, np.interp(np.linspace(0, at[-1], 160), at, even)).T
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
    return 0.17 * _wire(frame, path, 1.1)


def _tube(patient: Habitus, frame: Frame, rng: np.random.Generator) -> Field:
    """Endotracheal tube: faint walls and one dense stripe, tip about 4 cm above the carina."""
    carina = 0.335 * patient.lung
    tip = carina - rng.uniform(25, 55)
    total = np.zeros((frame.rows, frame.columns), np.float32)
    for offset, amount in ((-4.6, 0.02), (4.6, 0.02), (2.5, 0.24)):
        path = [
            (offset, min(frame.top - 10, -60.0)),
            (offset + 1.0, 0.0),
            (offset - 1.0 + 0.4 * patient.shift, tip),
        ]
        total += np.float32(amount) * _wire(frame, path, 0.9)
    return total
