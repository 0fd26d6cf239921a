"""One patient's measures, and the field of view the radiographer chose for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from pipelines.laboratory.simulate import xray
from pipelines.laboratory.simulate.examination import RadiographSpec, Side
from pipelines.laboratory.simulate.pose import Pose
from pipelines.laboratory.simulate.xray import Frame


@dataclass(frozen=True)
class Habitus:
    """One patient's measures, in mm unless said otherwise.

    Attributes:
        half_width, half_depth: of the inner thorax at its widest.
        cage: apex to costophrenic angle at full inspiration; sets the ribs.
        lung: apex to costophrenic angle now; shorter in shallow inspiration.
        fat: thickness under the skin.
        muscle: of the chest wall.
        breast: thickness of the breast, 0 in men.
        belly: share by which the abdomen is deeper than the chest.
        dome: height of the diaphragm above the costophrenic angle.
        heart_half: half width of the heart on the image.
        air: water-equivalent density of the lung.
        turn: rotation in radians.
        shift: displacement of the mediastinum to the patient's left.
        drop: further descent of the left and right diaphragm (tension, hyperinflation).
        sulcus: further depth of the left and right costophrenic angle.
        portable: AP projection.
        age_years: of the patient.
        wobble: 12 standard-normal draws that make contours this patient's own.
        pose: of the day.
    """

    half_width: float
    half_depth: float
    cage: float
    lung: float
    fat: float
    muscle: float
    breast: float
    belly: float
    dome: float
    heart_half: float
    air: float
    turn: float
    shift: float
    drop: tuple[float, float]
    sulcus: tuple[float, float]
    portable: bool
    age_years: float
    wobble: tuple[float, ...]
    pose: Pose

    def moved(self, z: float) -> float:
        """Displacement on the image of what lies `z` in front of the axis of rotation."""
        return z * float(np.sin(self.turn))


def draw(spec: RadiographSpec, rng: np.random.Generator, pose: Pose) -> Habitus:
    """Draw the measures of one patient who fits `spec`, held as in `pose`."""
    wobble = rng.standard_normal(24)
    male = spec.sex == "male"
    growth = 0.45 + 0.55 * float(np.clip(spec.age_years / 17, 0, 1))
    width = ((143 if male else 128) + 5 * wobble[12] + 0.5 * (spec.bmi - 24)) * growth
    depth = (84 if male else 76) + 5 * wobble[13] + 0.12 * max(spec.age_years - 50, 0)
    cage = ((254 if male else 232) + 10 * wobble[14]) * growth
    shallow = 1 - spec.inspiration + (0.25 if spec.view == "AP" else 0)
    lung = cage * (1 - 0.19 * min(shallow, 1.1)) + 6 * wobble[15]
    over = spec.hyperinflation
    magnified = 1.08 if spec.view == "AP" else 1.0
    heart = spec.cardiothoracic_ratio * magnified * width * (1 + 0.08 * min(shallow, 1.0))
    bulky = max(spec.bmi - 19, 0)
    return Habitus(
        half_width=float(width),
        half_depth=float((depth + 14 * over) * growth),
        cage=float(cage),
        lung=float(lung),
        fat=float(
            (4 + 1.25 * bulky * (1.2 if not male else 1)) * growth * np.exp(0.1 * wobble[16])
        ),
        muscle=float((16 if male else 11) * growth * np.exp(0.12 * wobble[17])),
        belly=float(np.clip(0.10 + 0.008 * bulky + 0.05 * wobble[21], 0, 0.5)),
        breast=0.0
        if male or spec.age_years < 13
        else float((20 + 1.3 * bulky) * np.exp(0.25 * wobble[18])),
        dome=float((42 + 5 * wobble[19]) * growth * (1 - 0.6 * over)),
        heart_half=float(heart),
        air=float(np.clip(0.255 + 0.02 * wobble[20] + 0.10 * shallow - 0.07 * over, 0.15, 0.45)),
        turn=float(np.deg2rad(spec.rotation_deg)),
        shift=_shift(spec),
        drop=(
            _descent(spec, "left", spec.pneumothorax_left),
            _descent(spec, "right", spec.pneumothorax_right),
        ),
        sulcus=_sulci(spec),
        portable=spec.view == "AP",
        age_years=spec.age_years,
        wobble=tuple(float(w) for w in wobble[:12]),
        pose=pose,
    )


def _sulci(spec: RadiographSpec) -> tuple[float, float]:
    """Gas in a lying patient gathers beside the diaphragm: the deep sulcus (Gordon 1980)."""
    if spec.view == "PA":
        return 0.0, 0.0
    return 34 * spec.pneumothorax_left**0.7, 34 * spec.pneumothorax_right**0.7


def _shift(spec: RadiographSpec) -> float:
    """Fluid or gas under pressure pushes the mediastinum away, a collapsed lobe draws it near."""

    def push(fluid: float, gas: float) -> float:
        return 24 * max(fluid - 0.6, 0) + 30 * max(gas - 0.55, 0)

    right = push(spec.effusion_right, spec.pneumothorax_right)
    left = push(spec.effusion_left, spec.pneumothorax_left)
    pulled = sum(_PULL[c.lobe] * c.extent * (1 if c.side == "left" else -1) for c in spec.collapses)
    return float(right - left + pulled)


_PULL = {"upper": 13.0, "middle": 5.0, "lower": 15.0}
_RISE = {"upper": 15.0, "middle": 5.0, "lower": 21.0}
"""mm by which a wholly collapsed lobe draws the mediastinum to it, and its hemidiaphragm up."""


def _descent(spec: RadiographSpec, side: Side, gas: float) -> float:
    """mm by which one hemidiaphragm lies lower than breathing puts it."""
    lost = sum(_RISE[c.lobe] * c.extent for c in spec.collapses if c.side == side)
    return float(26 * spec.hyperinflation + 14 * max(gas - 0.5, 0) - lost)


def detector(spec: RadiographSpec, patient: Habitus, rows: int, rng: np.random.Generator) -> Frame:
    """A square field of view around the lungs, as the radiographer collimated it."""
    portable = spec.view == "AP"
    tall = patient.lung * (rng.uniform(1.18, 1.5) + 0.06 * portable)
    wide = 2 * patient.half_width * (rng.uniform(1.10, 1.34) + 0.08 * portable)
    side = float(np.clip(max(tall, wide), 255.0, 445.0))
    slack = side - patient.lung
    slip = (15.0, 14.0) if portable else (8.0, 8.0)
    x = rng.normal(0, slip[0]) + 0.5 * patient.shift
    y = side / 2 - slack * rng.uniform(0.36, 0.52) + rng.normal(0, slip[1])
    return xray.frame(rows, rows, side / rows, (x, y))


_APEX_TO_BASE = (-0.15, 0.0, 0.04, 0.1, 0.2, 0.35, 0.5, 0.68, 0.85, 1.0, 1.3)
_HALF_WIDTH = (0.25, 0.50, 0.615, 0.725, 0.835, 0.92, 0.97, 1.0, 1.0, 0.975, 0.92)
_FINE = np.linspace(-0.15, 1.3, 400)
_WALL = PchipInterpolator(_APEX_TO_BASE, _HALF_WIDTH)(_FINE)


def wall_at(patient: Habitus, y: NDArray[Any]) -> NDArray[np.float64]:
    """Inner half width of the rib cage at height `y`."""
    return np.asarray(np.interp(y / patient.cage, _FINE, _WALL) * patient.half_width)
