"""Where a finding lies: the masks of a simulated cohort, by diagnosis and on the grid of patches.

A cohort with known truth has masks.csv beside the tables of the folder format (case_id, finding,
path to a 1-bit PNG with the rows and columns of the image). No real cohort has one, and nothing on
the road from a case to an assessment reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from clinical.errors import CohortError
from clinical.tables import table
from clinical.tables.table import Columns

TABLE = "masks.csv"
IMAGE = "image"
"""The modality whose pixels the masks are masks of."""

FINDINGS_OF: dict[str, tuple[str, ...]] = {
    # Airspace filling. Interstitial change in such a patient is another disease's.
    "bacterial_pneumonia": ("consolidation",),
    # Ground glass and reticulation first, airspace filling where it goes on.
    "viral_pneumonia": ("interstitial", "consolidation"),
    # The three signs a reader names together; the heart is masked only where it is enlarged.
    "heart_failure": ("edema", "cardiomegaly", "effusion"),
    "pleural_effusion": ("effusion",),
    "pneumothorax": ("pneumothorax",),
    # A collapsed lobe may come of a mass but is a look-alike without one, so it does not count.
    "lung_mass": ("mass",),
}
"""Diagnosis to the findings that show it on a radiograph.

Left out because there is no place to point at: copd_exacerbation (hyperinflation is the shape of
the whole chest), pulmonary_embolism (the film is near normal), none_of_these.
"""

Masks = Mapping[str, Mapping[str, Path]]
"""Case to finding to file."""


def read_masks(root: Path) -> Masks:
    """The masks of a cohort; none where it has no masks.csv.

    Raises:
        CohortError: if the table is there and cannot be used.
    """
    if not (root / TABLE).exists():
        return {}
    rows = table.demand(table.load(root, TABLE, Columns(("case_id", "finding", "path")))).rows
    found: dict[str, dict[str, Path]] = {}
    for row in rows:
        found.setdefault(row["case_id"], {})[row["finding"]] = root / row["path"]
    return found


def load_mask(path: Path) -> NDArray[np.bool_]:
    """One mask [rows, columns].

    Raises:
        CohortError: if the file is absent or not an image.
    """
    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("1"), dtype=bool)
    except (OSError, UnidentifiedImageError):
        raise CohortError(
            f"The mask {path.name} cannot be read.", remedy=f"correct it, or remove it from {TABLE}"
        ) from None


def visible(found: Mapping[str, Path], diagnosis: str) -> NDArray[np.bool_] | None:
    """Where a true diagnosis shows on the image of one case [rows, columns], or None if nowhere.

    Args:
        found: finding to file, of the case.
        diagnosis: must be true of the case, because findings are shared between diagnoses.
    """
    masks = [load_mask(found[name]) for name in FINDINGS_OF.get(diagnosis, ()) if name in found]
    if not masks:
        return None
    together = np.logical_or.reduce(masks)
    return together if together.any() else None


def on_grid(mask: NDArray[np.bool_], cells: int) -> NDArray[np.float32]:
    """Share of each patch that a mask covers [cells, cells], 0 to 1; exact areas.

    The mask is padded to the square of its longer side first, as the encoder pads the image
    (`clinical.modalities.radiograph.encoder`).
    """
    rows, columns = (_overlap(length, max(mask.shape), cells) for length in mask.shape)
    return np.asarray(rows @ mask @ columns.T, dtype=np.float32)


def _overlap(length: int, side: int, cells: int) -> NDArray[np.float32]:
    """Share of each cell that each pixel of a centred line covers [cells, length]."""
    width = side / cells
    starts = np.arange(length) + (side - length) // 2
    low = np.arange(cells)[:, None] * width
    common = np.minimum(low + width, starts + 1) - np.maximum(low, starts)
    return np.asarray(np.clip(common, 0, None) / width, dtype=np.float32)


def regions(
    found: Masks,
    cases: Sequence[str],
    labels: NDArray[np.float64],
    diagnoses: Sequence[str],
    cells: int,
) -> NDArray[np.float32]:
    """Where each true and visible diagnosis shows [cases, diagnoses, cells * cells].

    1 at the patch that is covered most, 0 everywhere where nothing is to be pointed at. A thin
    finding (the gas of a small pneumothorax) covers no patch whole, hence the scale.
    """
    grids = np.zeros((len(cases), len(diagnoses), cells * cells), dtype=np.float32)
    for number, case in enumerate(cases):
        for column in np.flatnonzero(labels[number] == 1).tolist():
            mask = visible(found.get(case, {}), diagnoses[column])
            if mask is not None:
                grid = on_grid(mask, cells).ravel()
                grids[number, column] = grid / grid.max()
    return grids
