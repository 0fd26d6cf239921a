"""The thorax as closed-form chords: lungs, mediastinum, heart and diaphragm.

Proportions follow frontal radiographs of adults (apex to costophrenic angle 24-28 cm, inner width
25-30 cm, right dome at the tenth posterior rib, carina near T5). y is 0 at the apex of the lungs
and grows downwards; x is positive to the patient's left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, special
from scipy.interpolate import PchipInterpolator

from pipelines.laboratory.simulate import airway, torso, xray
from pipelines.laboratory.simulate.habitus import Habitus, wall_at
from pipelines.laboratory.simulate.xray import Field, Frame


@dataclass(frozen=True, eq=False)
class Lung:
    """One lung on the image. Sides are the patient's.

    Attributes:
        sign: +1 left, -1 right.
        chord: mm of lung along each ray.
        outline: the lung field that a reader would draw.
        wall: mm from the lateral chest wall, positive inside; measured along rows.
        apex: y of the upper border, [1, columns].
        base: y of the top of the diaphragm, [1, columns].
        hilum: x, y.
        floor: y of the costophrenic angle.
    """

    sign: int
    chord: Field
    outline: Field
    wall: Field
    apex: Field
    base: Field
    hilum: tuple[float, float]
    floor: float


@dataclass(frozen=True, eq=False)
class Thorax:
    """Chords of one patient's soft tissue and air.

    Attributes:
        body: mm of tissue and lung along each ray, including fat.
        fat: mm of fat in `body`.
        lungs: left, right.
        heart: 0..1, how much of the depth the heart takes; its support is the heart's silhouette.
        airway: mm of air in trachea, bronchi and bowel.
    """

    body: Field
    fat: Field
    lungs: tuple[Lung, Lung]
    heart: Field
    airway: Field


def build(
    patient: Habitus, frame: Frame, skin: np.random.Generator, gas: np.random.Generator
) -> Thorax:
    """All soft tissue and air; `skin` belongs to the patient, `gas` in the bowel to the day."""
    heart, core = mediastinum(patient, frame)
    heart = heart * _above_diaphragm(patient, frame)
    free = (1 - core) * (1 - 0.84 * heart)
    lungs = (_lung(patient, frame, free, 1), _lung(patient, frame, free, -1))
    body, fat = torso.outline(patient, frame, skin)
    needed = lungs[0].chord + lungs[1].chord
    # The wall in front of and behind the lung is never thinner than skin, fat and muscle.
    body = np.maximum(body, needed + np.where(needed > 0, 2 * (patient.fat + patient.muscle), 0))
    return Thorax(body, fat, lungs, heart, airway.gas(patient, frame, gas))


def _lung(patient: Habitus, frame: Frame, free: Field, sign: int) -> Lung:
    """Cavity between wall, apex, diaphragm and mediastinum on one side."""
    scale = patient.half_width / 139
    x = frame.x * sign
    wall = wall_at(patient, frame.y).astype(np.float32)
    centre = 58 * scale
    arch = ((x - centre) / np.where(x > centre, 62 * scale, 40 * scale)) ** 2 * 26
    apex = np.asarray(np.minimum(arch, 200), np.float32)
    depth_in = np.clip((frame.y - apex) / (0.42 * patient.cage), 0, 1)
    depth = 2 * patient.half_depth * np.sqrt(1 - (1 - depth_in) ** 2)
    across = 1 - np.minimum(np.abs(x) / wall, 1) ** 2.5
    cavity = depth * across**0.42
    dome = _dome(patient, x, sign)
    medial = np.clip((x + 2 * scale) / (26 * scale), 0, 1) * (x > 0)
    sulcus = patient.sulcus[0 if sign > 0 else 1]
    recess = (patient.dome * 1.35 + 6 + 1.2 * sulcus) * np.clip(x / (70 * scale), 0.3, 1)
    # Steeper than a sphere's edge: behind the dome only a thin wedge of lung is left.
    open_below = 1 - np.clip((frame.y - dome) / recess, 0, 1) ** 0.36
    chord = (cavity * free * open_below * medial).astype(np.float32)
    field = ((chord > 22) & (frame.y < dome + 2)).astype(np.float32)
    floor = patient.lung + patient.drop[0 if sign > 0 else 1]
    level = 0.41 if sign < 0 else 0.385
    hilum = (sign * 33 * scale + patient.shift + patient.moved(10), level * patient.lung)
    return Lung(sign, chord, field, np.asarray(wall - x, np.float32), apex, dome, hilum, floor)


def _dome(patient: Habitus, x: Field, sign: int) -> Field:
    """y of the highest line of one hemidiaphragm, over columns."""
    floor = patient.lung + patient.drop[0 if sign > 0 else 1]
    height = patient.dome + (-5 if sign > 0 else 5) + 2 * patient.wobble[0]
    peak = (0.44 + 0.04 * patient.wobble[1]) * patient.half_width
    lateral = (x - peak) / (patient.half_width * 1.0 - peak)
    medial = (peak - x) / peak
    bow = np.where(x > peak, np.maximum(lateral, 0) ** 2.9, 0.14 * np.maximum(medial, 0) ** 2)
    # One slow scallop, seldom quite absent.
    ripple = 1.8 * np.sin(x / (17 + patient.wobble[2]) + patient.wobble[3] * 3)
    deep = patient.sulcus[0 if sign > 0 else 1] * np.clip(lateral, 0, 1) ** 2
    return np.asarray(floor - height + bow * height * 0.98 + ripple + deep, np.float32)


Line = tuple[tuple[float, float], ...]
"""A border: fraction of the way from apex to base, and mm from the midline."""


def mediastinum(patient: Habitus, frame: Frame) -> tuple[Field, Field]:
    """Heart and core as the share of the depth they take, 0 to 1, with the contour of readers.

    The heart ends below the diaphragm. The core holds spine, great vessels and oesophagus.
    """
    t = frame.y[:, 0] / patient.lung
    size = patient.half_width / 139
    shift = patient.shift + patient.moved(28)
    core = _between(frame, t, *_core_borders(patient), size, shift * 0.8, 0.6)
    heart = _between(frame, t, *_heart_borders(patient), 1.0, shift, 0.45)
    heart *= np.clip((t - 0.37) / 0.05, 0, 1)[:, None]
    # Below the hila lung lies in front of and behind the core.
    core *= (0.36 + 0.64 * special.expit((0.46 - t) / 0.05))[:, None]
    return xray.blur(heart, 0.9 / frame.spacing), xray.blur(core, 2.6 / frame.spacing)


def _core_borders(patient: Habitus) -> tuple[Line, Line]:
    """Right: veins, superior cava, azygos. Left: subclavian, aortic knob, pulmonary trunk."""
    age = float(np.clip((patient.age_years - 35) / 45, 0, 1))
    neck = ((-0.3, 44.0), (-0.05, 36.0))
    right = ((0.06, 28.0), (0.16, 24.0), (0.27, 22 + 5 * age), (0.38, 24.0), (0.46, 20.0))
    knob = 35 + 8 * age + 2 * patient.wobble[4]
    left = ((0.06, 29.0), (0.15, 24.0), (0.20, 30 + 6 * age), (0.245, knob), (0.29, 31 + 6 * age))
    trunk = ((0.335, 25.0), (0.40, 30 + 2 * patient.wobble[5]), (0.47, 27.0))
    spine = (0.7, 14.0), (1.2, 14.0)
    return (*neck, *right, *spine), (*neck, *left, *trunk, *spine)


_RIGHT_ATRIUM = (
    (0.40, 0.1), (0.44, 0.62), (0.52, 0.86), (0.62, 1.0), (0.72, 0.97), (0.80, 0.85), (0.88, 0.7),
    (1.0, 0.6),
)  # fmt: skip
_LEFT_VENTRICLE = (
    (0.36, 0.07), (0.41, 0.38), (0.47, 0.47), (0.53, 0.58), (0.60, 0.75), (0.67, 0.90),
    (0.74, 0.99), (0.80, 1.0), (0.86, 0.97), (0.92, 0.86), (1.0, 0.6),
)  # fmt: skip


def _heart_borders(patient: Habitus) -> tuple[Line, Line]:
    """Right atrium and left heart; together they are as wide as the patient's heart."""
    full = patient.heart_half * 2
    right = full * (0.31 + 0.015 * patient.wobble[6])
    return (
        tuple((t, share * right) for t, share in _RIGHT_ATRIUM),
        tuple((t, share * (full - right)) for t, share in _LEFT_VENTRICLE),
    )


def _above_diaphragm(patient: Habitus, frame: Frame) -> Field:
    dome = np.where(frame.x > 0, _dome(patient, frame.x, 1), _dome(patient, -frame.x, -1))
    return np.asarray(np.clip((dome + 20 - frame.y) / 14, 0, 1), np.float32)


def _between(
    frame: Frame,
    t: Field,
    right: Line,
    left: Line,
    size: float,
    shift: float,
    bluntness: float,
) -> Field:
    """(1 - u^2)^bluntness across the span between a right and a left border given over t."""
    borders = []
    for line in (right, left):
        at, reach = np.array(line).T
        border = PchipInterpolator(at, reach * size)(np.clip(t, at[0], at[-1]))
        borders.append(ndimage.gaussian_filter1d(border, 4.5 / frame.spacing, mode="nearest"))
    low, high = -borders[0] + shift, borders[1] + shift
    middle = ((low + high) / 2).astype(np.float32)[:, None]
    half = np.maximum((high - low) / 2, 1).astype(np.float32)[:, None]
    u = (frame.x - middle) / half
    return np.asarray(np.maximum(1 - u * u, 0) ** np.float32(bluntness), np.float32)
