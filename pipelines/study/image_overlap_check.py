"""Are images of tested patients among the training images? Fold by fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.folds.splits import Fold
from pipelines.study.image_fingerprint import Fingerprint
from pipelines.study.image_overlap import find_overlap
from pipelines.training.dataset import Dataset

COLUMNS = ("fold", "test", "train", "modality", "exact", "correlation", "images")


@dataclass(frozen=True)
class SameImages:
    """What was found.

    Attributes:
        sentences: one for each fold.
        exact, near: test images that are identical, or nearly, to a training image.
        rows: of `same_images.csv`.
    """

    sentences: tuple[str, ...]
    exact: int
    near: int
    rows: tuple[dict[str, Any], ...]


def same_images(
    dataset: Dataset, folds: Sequence[Fold], prints: Sequence[Fingerprint]
) -> SameImages | None:
    """Compare the images of every fold's test and training cases; None if there is no image."""
    ids = [cached.case.case_id for cached in dataset.cases]
    own = set(ids)
    shown = [one for one in prints if one.case_id in own]
    if not shown:
        return None
    sentences, rows = [], []
    exact = near = 0
    for fold in folds:
        train, test = ([ids[i] for i in part] for part in (fold.train, fold.test))
        found = find_overlap(shown, train, test)
        sentences.append(f"{fold.name}: {found}")
        exact, near = exact + len(found.exact), near + len(found.near)
        for twin in found.twins:
            values = (fold.name, twin.test, twin.train, twin.modality, twin.exact)
            more = (f"{twin.correlation:.3f}", twin.images)
            rows.append(dict(zip(COLUMNS, (*values, *more), strict=True)))
    return SameImages(tuple(sentences), exact, near, tuple(rows))
