"""Pathology: what each finding does to the lungs, and where.

Every finding is a change of matter, never of grey values: air replaced by fluid or exudate, lung
replaced by gas, lines of thickened interstitium. Its mask is where that change is appreciable.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from pipelines.laboratory.simulate import solids, xray
from pipelines.laboratory.simulate.change import HEIGHT, Change, appreciable, place
from pipelines.laboratory.simulate.examination import (
    Consolidation,
    LinearAtelectasis,
    RadiographSpec,
)
from pipelines.laboratory.simulate.habitus import Habitus
from pipelines.laboratory.simulate.thorax import Lung
from pipelines.laboratory.simulate.xray import Field, Frame


def insert(
    spec: RadiographSpec, patient: Habitus, lung: Lung, frame: Frame, rng: np.random.Generator
) -> Change:
    """All findings of `spec` that concern `lung`."""
    zero = np.zeros((frame.rows, frame.columns), np.float32)
    change = Change(zero, zero.copy(), zero.copy(), zero.copy())
    side = "left" if lung.sign > 0 else "right"
    # One stream each, so that a finding does not depend on which others are present.
    seeds = rng.integers(2**63, size=8)
    streams = [np.random.default_rng(seed) for seed in seeds]
    if spec.interstitial > 0:
        _interstitial(change, spec.interstitial, patient, lung, frame, streams[0])
    if spec.edema > 0:
        _edema(change, spec.edema, patient, lung, frame, streams[1])
    for focus in spec.consolidations:
        if focus.side == side:
            _consolidation(change, focus, patient, lung, frame, streams[2])
    for band in spec.atelectasis:
        if band.side == side:
            _atelectasis(change, band, patient, lung, frame, streams[3])
    effusion = spec.effusion_left if side == "left" else spec.effusion_right
    if effusion > 0:
        _effusion(change, effusion, patient, lung, frame, streams[4])
    gas = spec.pneumothorax_left if side == "left" else spec.pneumothorax_right
    if gas > 0:
        _pneumothorax(change, gas, patient, lung, frame, streams[5])
    for mass in spec.masses:
        if mass.side == side:
            solids.mass(change, mass, patient, lung, frame, streams[6])
    for collapse in spec.collapses:
        if collapse.side == side:
            solids.collapse(change, collapse, patient, lung, frame, streams[7])
    return change


_ACROSS = {"upper": (0.38, 0.66), "middle": (0.30, 0.56), "lower": (0.36, 0.64)}


def _consolidation(
    change: Change,
    focus: Consolidation,
    patient: Habitus,
    lung: Lung,
    frame: Frame,
    rng: np.random.Generator,
) -> None:
    """A lobar or segmental airspace opacity with a ragged edge that stops at a fissure."""
    height, across = place(patient, lung, frame)
    cy = HEIGHT[focus.zone] + rng.normal(0, 0.035)
    # The middle lobe and the lingula lie on the heart, the lower lobes on the diaphragm.
    low, high = _ACROSS[focus.zone]
    cx = rng.uniform(low, high)
    size = 0.13 + 0.25 * focus.extent
    tilt = rng.normal(0, 0.25)
    medial = 0.45 if focus.zone == "middle" else 0.7 if focus.zone == "lower" else 1.0
    u = (across - cx) * np.where(across < cx, medial, 1.0) * 0.62 + tilt * (height - cy) * 0.5
    v = height - cy
    distance = np.sqrt((u / (size * rng.uniform(0.85, 1.15))) ** 2 + (v / size) ** 2)
    ragged = 0.24 * xray.noise(frame, 17, rng) + 0.10 * xray.noise(frame, 6, rng)
    blob = special.expit((0.85 - distance - ragged) * (7 - 2.0 * focus.extent))
    if focus.zone == "upper" and lung.sign < 0:
        blob = blob * special.expit((0.47 + 0.03 * (across - 0.5) - height) / 0.008)
    elif focus.zone == "middle" and lung.sign < 0:
        blob = blob * special.expit((height - 0.47) / 0.012)
    patchy = np.clip(0.88 + 0.16 * xray.noise(frame, 9, rng), 0.4, 1.0)
    share = np.asarray(blob * patchy * focus.density * 0.88, np.float32)
    change.fill(share)
    added = share * lung.chord * (1 - patient.air)
    change.mark("consolidation", appreciable(added, lung) & (share > 0.3 * share.max()))


def _interstitial(
    change: Change,
    severity: float,
    patient: Habitus,
    lung: Lung,
    frame: Frame,
    rng: np.random.Generator,
) -> None:
    """Patchy ground glass, peripheral and basal, with a fine net of lines."""
    height, across = place(patient, lung, frame)
    where = 0.35 + 0.75 * np.clip(across, 0, 1) ** 1.5
    where = where * (0.35 + 0.75 * np.clip(height, 0, 1.1))
    patches = xray.noise(frame, 30, rng) + 0.55 * xray.noise(frame, 12, rng)
    patches = special.expit((patches + 2.4 * (severity - 0.55)) * 2.2)
    glass = np.asarray(
        where * patches * (0.10 + 0.62 * severity) * min(severity * 3, 1), np.float32
    )
    change.fill(glass)
    net = _net(frame, 9.0, rng) + 0.7 * _net(frame, 5.5, rng)
    depth = np.minimum(lung.chord / 90, 1)
    lines = net * where * patches * depth * (10 * severity)
    change.lines += np.asarray(lines, np.float32)
    added = glass * lung.chord * (1 - patient.air) + xray.blur(change.lines, 4 / frame.spacing)
    change.mark("interstitial", appreciable(added, lung))


def _net(frame: Frame, scale: float, rng: np.random.Generator) -> Field:
    """Zero crossings of smooth noise: thin curved lines that meet."""
    waves = xray.noise(frame, scale, rng)
    return np.asarray(np.exp(-((waves / 0.16) ** 2)), np.float32)


def _edema(
    change: Change,
    severity: float,
    patient: Habitus,
    lung: Lung,
    frame: Frame,
    rng: np.random.Generator,
) -> None:
    """Perihilar haze, septal (Kerley B) lines at the bases; vessels are handled by `congestion`."""
    dx = (frame.x - lung.hilum[0] - lung.sign * 12) / (0.36 * patient.half_width)
    dy = (frame.y - lung.hilum[1] - 0.10 * patient.lung) / (0.31 * patient.lung)
    patches = 1 + 0.35 * xray.noise(frame, 20, rng) + 0.16 * xray.noise(frame, 7, rng)
    wing = np.exp(-0.5 * (np.abs(dx) ** 2.4 + np.abs(dy) ** 2.4)) * np.clip(patches, 0.1, 1.8)
    basal = np.clip(frame.y / lung.floor, 0, 1) ** 2 * 0.16 * np.clip(patches, 0.3, 1.6)
    haze = np.asarray((wing * 0.68 * severity**1.25 + basal * severity), np.float32)
    change.fill(haze)
    lines = _kerley(severity, patient, lung, frame, rng)
    cuffs = _net(frame, 6.0, rng) * wing * 3.0 * severity
    change.lines += np.asarray((lines + cuffs) * (lung.chord > 10), np.float32)
    added = haze * lung.chord * (1 - patient.air) + xray.blur(lines, 3 / frame.spacing)
    change.mark("edema", appreciable(added, lung))


def _kerley(
    severity: float, patient: Habitus, lung: Lung, frame: Frame, rng: np.random.Generator
) -> Field:
    """Short horizontal lines that touch the lateral wall above the costophrenic angle."""
    total = np.zeros((frame.rows, frame.columns), np.float32)
    many = int(rng.integers(5, 9) + 7 * severity)
    y = lung.floor - 0.5 * patient.dome - np.sort(rng.uniform(0, 75, many))
    for level in y:
        row = int(np.clip((level - frame.top) / frame.spacing, 0, frame.rows - 1))
        wall = float((lung.wall[row] + frame.x[0] * lung.sign)[0])
        length = rng.uniform(8, 19)
        s = np.linspace(0, 1, 12)
        x = lung.sign * (wall - 3 - length * s)
        total += xray.tube(
            frame,
            x,
            level + rng.normal(0, 2.0) * s + rng.normal(0, 0.4, 12) * 0.5,
            np.full(12, 0.45),
        )
    return total * np.float32(5.5 * severity**0.8)


def congestion(spec: RadiographSpec, patient: Habitus, y: np.ndarray) -> np.ndarray:
    """Factor on vessel radii at heights `y`: upper-lobe diversion, and pruning in emphysema."""
    upper = special.expit((0.42 - y / patient.lung) / 0.06)
    wide = 1 + spec.edema * (0.75 * upper + 0.18)
    return np.asarray(wide * (1 - 0.25 * spec.hyperinflation))


def _atelectasis(
    change: Change,
    band: LinearAtelectasis,
    patient: Habitus,
    lung: Lung,
    frame: Frame,
    rng: np.random.Generator,
) -> None:
    level = HEIGHT[band.zone] * (lung.floor - 0.55 * patient.dome) + rng.normal(0, 8)
    start = rng.uniform(0.35, 0.6) * patient.half_width
    length = rng.uniform(25, 60) * patient.half_width / 139
    s = np.linspace(0, 1, 30)
    x = lung.sign * (start + length * (s - 0.3))
    y = level + length * rng.normal(0.0, 0.22) * s + 3 * np.sin(np.pi * s) * rng.normal()
    radius = (0.5 + 2.0 * band.thickness) * np.sin(np.pi * (0.1 + 0.85 * s)) ** 0.5
    line = xray.tube(frame, x, y, radius) * np.float32(4.0) * (lung.chord > 12)
    change.lines += xray.blur(line, 0.7 / frame.spacing)
    change.mark("atelectasis", line > 1.0)


def _effusion(
    change: Change,
    severity: float,
    patient: Habitus,
    lung: Lung,
    frame: Frame,
    rng: np.random.Generator,
) -> None:
    """Free fluid: a meniscus that climbs the wall; behind the lung as a veil when lying."""
    floor = lung.floor
    rise = (0.05 + 0.95 * severity) * 0.92 * floor
    across = np.clip(frame.x * lung.sign / np.maximum(wall_sum(frame, lung), 1), 0, 1)
    climb = (14 + 74 * severity * (1.15 - 0.6 * severity)) * patient.half_width / 139
    meniscus = climb * (
        np.exp((across - 1) / 0.16) + 0.45 * np.exp(-across / 0.16) * min(severity * 2, 1)
    )
    level = floor + 3 - rise * 0.86 - meniscus + rng.normal(0, 1.5) + 0.28 * climb
    soft = (3.0 + 5 * severity) * (2.5 if patient.portable else 1)
    share = special.expit((frame.y - level) / soft)
    if patient.portable:
        # Lying fluid spreads behind the lung: a veil that thickens downwards.
        veil = np.clip(0.12 + 0.9 * (frame.y / floor), 0, 1) * min(1.0, 1.2 * severity)
        share = np.maximum(share, 0.62 * veil)
    share = np.asarray(share, np.float32)
    change.fluid = np.maximum(change.fluid, share)
    added = share * lung.chord * (1 - patient.air)
    change.mark("effusion", appreciable(added, lung))


def wall_sum(frame: Frame, lung: Lung) -> Field:
    """Distance from midline to lateral wall in mm, [rows, columns]."""
    return np.asarray(frame.x * lung.sign + lung.wall, np.float32)


def _pneumothorax(
    change: Change,
    severity: float,
    patient: Habitus,
    lung: Lung,
    frame: Frame,
    rng: np.random.Generator,
) -> None:
    """Gas over apex and side up to the visceral pleura, which shows as a thin line."""
    size = patient.half_width / 139
    height = np.clip(frame.y / lung.floor, 0, 1)
    wander = (
        1
        + 0.10 * np.sin(frame.y / 31 + rng.uniform(0, 6))
        + 0.05 * np.sin(frame.y / 13 + rng.uniform(0, 6))
    )
    if patient.portable:
        # Lying: gas rises to the front and the base, and the sulcus beside the liver turns deep.
        lateral = severity * (46 + 44 * height) * size * wander
        top = (2 + 46 * severity) * size * severity**0.3
    else:
        lateral = severity * (88 - 46 * height * (1 - severity)) * size * wander
        top = (6 + 62 * severity) * size * severity**0.15
    from_side = lung.wall - lateral
    from_top = frame.y - lung.apex - top * (1 + 0.2 * wander)
    # Smooth minimum, so that the collapsed lung has a round shoulder.
    radius = 14 + 22 * severity
    corner = np.maximum(radius - np.abs(from_side - from_top), 0)
    edge = np.minimum(from_side, from_top) - corner**2 / (4 * radius)
    gas = special.expit(-edge / (0.55 * frame.spacing + 0.2))
    within = lung.chord > 6
    change.gas = np.asarray(gas * within, np.float32)
    if patient.portable:
        low = 0.55 * severity**0.5 * special.expit((height - 0.72) / 0.06)
        change.gas = np.maximum(change.gas, np.asarray(low * within, np.float32))
    line = np.exp(-(((edge - 0.4) / 0.75) ** 2)) * within
    change.lines += np.asarray(
        line * np.minimum(lung.chord / 70, 1) * (9 + 4 * severity), np.float32
    )
    change.collapse = float(1 - 0.55 * severity)
    change.mark("pneumothorax", (gas > 0.5) & within)
