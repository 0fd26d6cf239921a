"""Chords through the body's outline: trunk, neck, shoulders, arms, breasts, pectoral muscles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.laboratory.simulate import skeleton, xray
from pipelines.laboratory.simulate.habitus import Habitus, wall_at
from pipelines.laboratory.simulate.xray import Field, Frame


def outline(patient: Habitus, frame: Frame, rng: np.random.Generator) -> tuple[Field, Field]:
    """Chord through the body without regard to the lungs, and the fat in it."""
    fat_skin = patient.fat
    x = frame.x - patient.moved(-5)
    size = patient.half_width / 139
    wall = wall_at(patient, np.maximum(frame.y, 0.33 * patient.cage)).astype(np.float32)
    half = wall + 9 + patient.muscle * 0.9 + fat_skin * 0.8
    upper = np.interp(
        frame.y,
        [-80, -20, 40, 80, 125, 180, 300],
        [0.40, 0.56, 0.80, 0.93, 1.0, 1.0, 1.0 + patient.belly],
    )
    deep = 2 * (patient.half_depth + patient.muscle * 1.1 + fat_skin * 0.9 + 4)
    torso = deep * upper * np.maximum(1 - np.abs(x / half) ** 4.5, 0) ** 0.4
    flare = np.interp(frame.y, [-130, -75, -45, -15, 20], [0, 3, 10, 24, 44])
    neck_half = (54 + 0.5 * fat_skin + flare) * size
    neck = 122 * size * np.maximum(1 - (x / neck_half) ** 2, 0) ** 0.85
    neck = neck * np.clip((60 - frame.y) / 60, 0, 1) ** 0.5
    shoulders, rise = _shoulders(patient, frame, size)
    body = _union(neck, _union(torso, shoulders) * rise)
    for sign in (1, -1):
        body = _union(body, _arm(patient, frame, sign, size))
    body = body + _breasts(patient, frame, size) + _pectorals(patient, frame)
    texture = 1 + 0.012 * xray.noise(frame, 26, rng) + 0.006 * xray.noise(frame, 7, rng)
    body = body * texture
    share = np.clip(1.5 * fat_skin / np.maximum(body, 40), 0, 0.55)
    return np.asarray(body, np.float32), np.asarray(body * share, np.float32)


def _union(a: NDArray[Any], b: NDArray[Any]) -> Field:
    """Greater of two chords, rounded where they are alike."""
    low, high = np.minimum(a, b), np.maximum(a, b)
    overlap = np.maximum(1.4 * low - high, 0)
    return np.asarray(high + 0.5 * overlap**2 / np.maximum(1.4 * low + 1, 1), np.float32)


def _shoulders(patient: Habitus, frame: Frame, size: float) -> tuple[Field, Field]:
    """Mass around the scapula, and how the trapezius slope cuts the body off above, 0 to 1."""
    reach = np.abs(frame.x) / size
    left, right = patient.pose.raised
    raised = -np.where(frame.x > 0, left, right)
    slope = (
        np.interp(reach, [0, 48, 62, 90, 125, 160, 190, 220], [-95, -70, -42, -27, -17, -4, 16, 46])
        * size
        + raised * np.clip(reach / 160, 0, 1)
        - 0.4 * patient.fat
    )
    below = np.maximum(frame.y - slope, 0)
    over = np.minimum(below / np.interp(reach, [50, 150], [26, 62]), 1)
    rise = np.sqrt(over * (2 - over))
    fade = np.clip((165 * size - frame.y) / (120 * size), 0, 1) ** 0.8
    lateral = np.clip((212 * size - np.abs(frame.x)) / (40 * size), 0, 1) ** 0.5
    return (
        np.asarray((138 + 1.2 * patient.fat) * fade * lateral, np.float32),
        np.asarray(rise, np.float32),
    )


def _arm(patient: Habitus, frame: Frame, sign: int, size: float) -> Field:
    """Upper arm: abducted with the hands on the hips in PA, beside the body in AP."""
    joint = np.array(skeleton.joint(patient, sign)) * (sign, 1) - (8 * size, 8 * size)
    angle = np.deg2rad(patient.pose.arms[0 if sign > 0 else 1])
    along = np.array([np.sin(angle), np.cos(angle)])
    dx, dy = frame.x * sign - joint[0], frame.y - joint[1]
    s = np.maximum(dx * along[0] + dy * along[1], 0)
    off = (dx - s * along[0]) ** 2 + (dy - s * along[1]) ** 2
    radius = (45 + 0.55 * patient.fat + 0.4 * patient.muscle) * size
    return np.asarray(2 * np.sqrt(np.maximum(radius**2 - off, 0)), np.float32)


def _breasts(patient: Habitus, frame: Frame, size: float) -> Field:
    """Hanging soft tissue: crisp below, fading upwards."""
    total = np.zeros((frame.rows, frame.columns), np.float32)
    if patient.breast == 0:
        return total
    low = (0.70 + 0.03 * patient.wobble[7]) * patient.cage + 0.5 * patient.breast
    for sign in (1, -1):
        centre = sign * (74 + 0.15 * patient.breast) * size + patient.moved(90)
        across = (frame.x - centre) / ((52 + 0.35 * patient.breast) * size)
        drop = (low + 4 * patient.wobble[8] * sign - frame.y) / ((84 + 0.4 * patient.breast) * size)
        inside = np.maximum(
            1 - np.abs(across) ** 2.2 - (1 - 1.25 * drop.clip(0, None)) ** 2 * (drop < 0.8), 0
        )
        upper = np.clip((2.1 - drop) / 1.4, 0, 1) ** 1.6
        total += patient.breast * inside**0.6 * upper * (drop > 0)
    return total


def _pectorals(patient: Habitus, frame: Frame) -> Field:
    """Anterior axillary fold: thicker towards the armpit, oblique lower edge."""
    reach = np.abs(frame.x) / patient.half_width
    edge = patient.cage * (0.50 - 0.22 * reach)
    depth = np.clip((edge - frame.y) / 30 + 0.5, 0, 1)
    return np.asarray(
        patient.muscle * 0.55 * depth * np.clip(reach - 0.25, 0, 0.8) * (frame.y > -20), np.float32
    )
