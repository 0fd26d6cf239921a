"""Gas outside the lungs: trachea, main bronchi, stomach and colon."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from pipelines.simulate import xray
from pipelines.simulate.habitus import Habitus
from pipelines.simulate.xray import Field, Frame


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
    base = patient.lung + patient.drop[0] - patient.dome + 14
    bubble = (rng.uniform(48, 85) * size, base + rng.uniform(4, 12))
    gas = xray.ellipsoid(frame, bubble, (rng.uniform(16, 36), rng.uniform(9, 20), 34))
    gas *= rng.uniform(0.0, 0.8)
    for _ in range(int(rng.integers(0, 5))):
        place = (rng.uniform(20, 120) * size, base + rng.uniform(25, 70))
        gas += 0.6 * xray.ellipsoid(frame, place, (rng.uniform(8, 18), rng.uniform(7, 14), 18))
    return np.asarray(air + xray.blur(gas, 2.2 / frame.spacing), np.float32)
