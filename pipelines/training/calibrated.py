"""Logits of many cases as calibrated probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from clinical.model import calibration
from clinical.model.calibration import Support


def calibrated(
    support: Mapping[str, Mapping[str, Support]],
    diagnoses: Sequence[str],
    logits: NDArray[np.float64],
    used: Sequence[calibration.Pattern],
) -> NDArray[np.float64]:
    """Probabilities [cases, diagnoses], each case calibrated for the modalities it has."""
    identity = Support()
    rows = [support.get(calibration.pattern_key(names), {}) for names in used]
    return np.array(
        [
            [
                calibration.apply(x, row.get(name, identity))
                for x, name in zip(line, diagnoses, strict=True)
            ]
            for line, row in zip(logits, rows, strict=True)
        ]
    )
