"""Do prediction sets keep their promise? Achieved coverage and size, on unseen patients."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def covered(true: NDArray[np.bool_], members: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether all true diagnoses of a case are in its prediction set; if none is true, they are.

    Args:
        true: [..., diagnoses].
        members: of the set [..., diagnoses].

    Returns:
        [...].
    """
    return np.asarray((~true | members).all(axis=-1))
