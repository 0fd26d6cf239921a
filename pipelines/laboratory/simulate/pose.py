"""How the patient was positioned in front of the detector: it differs from film to film."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.laboratory.simulate.examination import RadiographSpec


@dataclass(frozen=True)
class Pose:
    """Of one exposure; pairs are left, right of the patient.

    Attributes:
        lean: radians by which the body is turned in the plane of the detector.
        raised: mm by which each shoulder stands higher than at rest.
        spread: mm by which each shoulder blade is drawn away from the lungs.
        arms: degrees by which each arm is held off the body.
    """

    lean: float
    raised: tuple[float, float]
    spread: tuple[float, float]
    arms: tuple[float, float]


def draw(spec: RadiographSpec, rng: np.random.Generator) -> Pose:
    """Hands on hips and shoulders rolled forward in PA; lying as it comes in AP."""
    portable = spec.view == "AP"
    slack = 1.8 if portable else 1.0
    both, each = rng.standard_normal(4), rng.standard_normal((3, 2))
    lean = float(np.clip(np.deg2rad(1.5 * slack * both[0]), -0.10, 0.10))
    # A leaning trunk takes one shoulder up and the other down.
    raised = (18 if portable else 0) + 7 * slack * both[1] + 3.5 * slack * each[0]
    spread = (-16 if portable else 10) + 7 * both[2] + 5 * slack * each[1]
    arms = (14 if portable else 46) + 8 * both[3] + 6 * slack * each[2]
    return Pose(lean, _pair(raised), _pair(spread), _pair(np.maximum(arms, 2)))


def _pair(values: np.ndarray) -> tuple[float, float]:
    return float(values[0]), float(values[1])
