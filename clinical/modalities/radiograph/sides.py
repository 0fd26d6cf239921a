"""How the two halves of a film differ: all that a mirrored film has otherwise.

Mirroring the film changes the sign of every number here and nothing else, so that whatever adds
them up with weights says of a mirrored film the opposite of what it says of the film.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clinical.modalities.radiograph import traits
from clinical.modalities.radiograph.traits import MIRRORED

CELLS = 16
"""Cells of a side of the grid over the film, whose mean ranks of brightness are compared."""

_SIZE = 0.3  # brings the log odds of the network to the size of a difference of ranks
_LEAST = 1e-9


def sides(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """[129] of a film [rows, columns], brighter is denser.

    Of each of 16 x 8 cells of the left half, by how much it is brighter than its mirror image; then
    by how much more the network of `traits` takes the film for a mirrored one than its mirror
    image.
    """
    # The mirror image is looked at by itself: thinning a film is not the same from both sides.
    films = np.stack([traits.seen(values), traits.seen(values[:, ::-1])])
    side = traits.SEEN // CELLS
    cells = films.reshape(2, CELLS, side, CELLS, side).mean(axis=(2, 4), dtype=np.float64)
    halves = (cells[0] - cells[1])[:, : CELLS // 2]
    film, image = (_mirrored(row) for row in traits.run(films, traits.weights()))
    return np.append(halves, _SIZE * (film - image))


def _mirrored(logits: NDArray[np.float32]) -> float:
    """Log odds of a mirrored film against one that stands as it should."""
    found = traits.of_logits(logits)
    mirrored, upright = found.doubts[MIRRORED], found.postures[0]
    return float(np.log(mirrored + _LEAST) - np.log(upright + _LEAST))
