"""Gas outside the lungs: trachea, main bronchi, stomach and colon."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from pipelines.laboratory.simulate import xray
from pipelines.laboratory.simulate.habitus import Habitus
from pipelines.laboratory.simulate.xray import Field, Frame


def gas(patient: Habitus, frame: Frame, rng: np.random.Generator) -> Field:
    """Air in trachea, main bronchi, stomach and sometimes colon."""
    shift = patient.shift + patient.moved(15)
    size = patient.half_width / 139
    carina = 0.335 * patient.lung
    w = patient.wobble
    bend = np.array([0.0, 1.0 + w[9], -3.0 - w[9], -2.0]) * size + shift * np.array(
        [0, 0.3, 0.8, 1]
    )
    y = np.array([-110.0, 0.0, 0.24 * patient.lung, carina])
    fine = np.linspace(y[0], y[-1], 60)
    air = xray.tube(
        frame,
        PchipInterpolator(y, bend)(fine),
        fine,
        np.full(60, 8.8 * size) * np.clip((fine + 112) / 40, 0.6, 1),
    )
    for x_end, drop, radius in ((-30, 34, 6.2), (38, 33, 5.4)):
        s = np.linspace(0, 1, 20)
        air += 0.8 * xray.tube(
            frame,
            bend[-1] + x_end * size * s,
            carina - 4 + drop * s**1.2,
            radius * size * (1 - 0.25 * s),
        )
    # The carina is where three tubes overlap; air cannot be counted twice.
    air = np.minimum(air, 16 * size)
    return np.asarray(air + _bowel(patient, frame, rng), np.float32)


def _bowel(patient: Habitus, frame: Frame, rng: np.random.Generator) -> Field:
    """Gas in stomach and colon: often little, at times much, walls uneven, folds across."""
    size = patient.half_width / 139
    base = patient.lung + patient.drop[0] - patient.dome + 12
    total = np.zeros((frame.rows, frame.columns), np.float32)
    ragged = 0.16 * xray.noise(frame, 16, rng) + 0.09 * xray.noise(frame, 7, rng)
    if rng.random() < 0.65:
        half = (rng.uniform(14, 40) * size, rng.uniform(8, 22))
        place = (rng.uniform(46, 84) * size, base + half[1] + rng.uniform(-1, 6))
        depth = rng.uniform(10, 60)
        bubble = _pocket(frame, place, half, ragged) * depth
        if not patient.portable:
            # Standing, the gas lies on a level of fluid.
            bubble *= np.clip((place[1] + 0.45 * half[1] - frame.y) / 2 + 0.5, 0.25, 1)
        total += bubble
    for _ in range(int(rng.poisson(1.8))):
        place = (
            float(rng.choice([-1, 1], p=[0.25, 0.75])) * rng.uniform(20, 125) * size,
            base + rng.uniform(22, 85),
        )
        half = (rng.uniform(7, 22) * size, rng.uniform(6, 15))
        total = np.maximum(total, _pocket(frame, place, half, ragged) * rng.uniform(5, 24))
    return xray.blur(total, 0.9 / frame.spacing)


def _pocket(
    frame: Frame, place: tuple[float, float], half: tuple[float, float], ragged: Field
) -> Field:
    """0 to 1 over one pocket of gas."""
    rest = ((frame.x - place[0]) / half[0]) ** 2 + ((frame.y - place[1]) / half[1]) ** 2
    return np.asarray(np.sqrt(np.maximum(1 - rest - 1.3 * ragged, 0)) * (rest < 1.6), np.float32)
