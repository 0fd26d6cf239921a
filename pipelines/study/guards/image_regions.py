"""Is the label told by what lies outside the lungs?

An image's border and what surrounds the lungs hold letters, shutters and the device's processing
(Zech et al. 2018, PLoS Medicine 15:e1002683; Maguolo and Nanni 2021, Information Fusion 76:1-7).
The label is predicted from the whole image, from its border alone and from what is outside the
lungs, in the same way. What is blanked takes the mean of what is kept, so that no level of grey
inside is left; the lungs are blanked as an upright rectangle around both masks, since the outline
of a lung is itself a finding.

Masks matter: on the simulated clinic, which has no shortcut, the border tells effusion and
pneumothorax as long as it holds the corners of the lungs, where these are seen. Where the lungs are
known they are blanked from the border too; where they are not, such a firing has to be looked into.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines import masks
from pipelines.features import Dataset
from pipelines.metrics import Interval
from pipelines.study.guards.guard import (
    SURELY_AUROC,
    Finding,
    GuardResult,
    Skipped,
    clears,
    told_from,
)
from pipelines.study.guards.out_of_fold import (
    Judging,
    Values,
    label_auroc,
    table_scores,
    too_few,
)

NAME = "image_regions"
BORDER, OUTSIDE = "border alone", "without the lungs"
INNER = 0.7
"""Share of the height and of the width that is blanked for the border."""

ELLIPSE = (0.8, 0.85)
"""Height and width of the ellipse that stands for the lungs where they have no mask."""

SHARE_OF_WHOLE = 0.5
LUNGS = ("lungs", "lung")

Pixels = NDArray[np.float32]
Region = NDArray[np.bool_]
FeaturesOf = Callable[[Pixels], NDArray[np.floating]]
"""Pixels [rows, columns] -> one vector of fixed size."""


@dataclass(frozen=True, eq=False)
class RegionRows:
    """Features of every case's image and of its parts [cases, size]; NaN without an image.

    Attributes:
        whole, border, outside: of the image, its border alone, and without the lungs.
        masked: how many images had a mask of the lungs.
    """

    whole: Values
    border: Values
    outside: Values
    masked: int


def border_only(image: Pixels, lungs: Region | None = None) -> Pixels:
    """The image with the inner 70% of its height and width blanked, and its lungs where known.

    Lungs reach into the border of a narrow field, and an effusion there is no shortcut.
    """
    inside = np.zeros(image.shape, dtype=bool)
    top, left = (round(side * (1 - INNER) / 2) for side in image.shape)
    inside[top : image.shape[0] - top, left : image.shape[1] - left] = True
    return blanked(image, inside if lungs is None else inside | _around(lungs))


def without_lungs(image: Pixels, lungs: Region | None) -> Pixels:
    """The image with the rectangle around its lungs blanked, or without a mask an ellipse."""
    if lungs is None or not lungs.any():
        return blanked(image, _ellipse(image.shape))
    return blanked(image, _around(lungs))


def _around(mask: Region) -> Region:
    """The upright rectangle around a mask; nothing around an empty one."""
    inside = np.zeros(mask.shape, dtype=bool)
    down, across = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if len(down):
        inside[down[0] : down[-1] + 1, across[0] : across[-1] + 1] = True
    return inside


def blanked(image: Pixels, inside: Region) -> Pixels:
    """A copy whose pixels `inside` are the mean of the others; 0 where there are none."""
    kept = image[~inside]
    return np.where(inside, kept.mean() if kept.size else 0.0, image).astype(np.float32)


def _ellipse(shape: tuple[int, ...]) -> Region:
    down, across = (
        np.linspace(-1, 1, side) / share for side, share in zip(shape, ELLIPSE, strict=True)
    )
    return np.asarray(down[:, None] ** 2 + across[None] ** 2 <= 1)


def lungs_of(found: masks.Masks, case_id: str) -> Region | None:
    """The mask of both lungs of a case [rows, columns], or None; see `pipelines.masks`."""
    paths: Mapping[str, Path] = found.get(case_id, {})
    name = next((name for name in LUNGS if name in paths), None)
    return masks.load_mask(paths[name]) if name else None


def region_rows(
    images: Iterable[tuple[Pixels | None, Region | None]], features_of: FeaturesOf
) -> RegionRows:
    """Features of all images, taken one after the other; only one image is held at a time.

    Args:
        images: pixels and mask of the lungs of every case, in the dataset's order.
        features_of: as in training, or a cheaper stand-in.
    """
    rows: list[tuple[NDArray[np.floating], ...] | None] = []
    masked = 0
    for image, lungs in images:
        if image is None:
            rows.append(None)
            continue
        # A mask of another size says nothing about these pixels.
        fitting = lungs if lungs is not None and lungs.shape == image.shape else None
        masked += fitting is not None and bool(fitting.any())
        parts = (image, border_only(image, fitting), without_lungs(image, fitting))
        rows.append(tuple(features_of(part) for part in parts))
    size = next((len(row[0]) for row in rows if row is not None), 0)
    none = np.full(size, np.nan)
    whole, border, outside = (
        np.array([none if row is None else row[part] for row in rows], dtype=np.float64)
        for part in range(3)
    )
    return RegionRows(whole, border, outside, masked)


def image_regions(
    dataset: Dataset, rows: RegionRows, judging: Judging | None = None
) -> tuple[Finding, ...]:
    """Two findings for each diagnosis: from the border alone, and without the lungs.

    Fires where the part keeps more than half of what the whole image tells beyond 0.5, and the low
    end of its interval is above 0.6.

    Args:
        dataset: labels and patients.
        rows: from `region_rows`, in the dataset's order.
        judging: folds, bootstrap samples and seed.
    """
    judging = judging or Judging()
    found: list[Finding] = []
    for name, label in zip(dataset.diagnoses, dataset.labels.T, strict=True):
        seen = np.where(np.isnan(rows.whole).any(axis=1), np.nan, label)
        reason = too_few(seen, dataset.patients, judging)
        if reason or not rows.whole.size:
            reason = reason or "no case has an image"
            found += [Skipped(NAME, f"{name}, {part}", reason) for part in (BORDER, OUTSIDE)]
            continue
        whole, border, outside = (
            label_auroc(
                table_scores(values, seen, dataset.patients, judging),
                seen,
                dataset.patients,
                judging,
            )
            for values in (rows.whole, rows.border, rows.outside)
        )
        counts = {"images with a mask of the lungs": rows.masked}
        found.append(_result(name, BORDER, border, whole, {}))
        found.append(_result(name, OUTSIDE, outside, whole, counts))
    return tuple(found)


def _result(
    name: str, part: str, found: Interval, whole: Interval, counts: Mapping[str, int]
) -> GuardResult:
    threshold = 0.5 + SHARE_OF_WHOLE * max((whole.value or 0.5) - 0.5, 0.0)
    fires = clears(found, threshold, SURELY_AUROC)
    words = {BORDER: "the border of the image alone", OUTSIDE: "the image without the lungs"}[part]
    worry = "unless the disease reaches there, much of what the image tells is not the disease"
    sentence = told_from(name, words, found, threshold, fires, worry)
    return GuardResult(
        NAME,
        f"{name}, {part}",
        "AUROC",
        found,
        threshold,
        fires,
        sentence,
        {"AUROC, whole image": whole},
        counts,
    )
