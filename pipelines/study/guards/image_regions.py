"""Can the label be predicted from what lies outside the lungs?

An image's border and what surrounds the lungs hold letters, shutters and the device's processing
(Zech et al. 2018, PLoS Medicine 15:e1002683; Maguolo and Nanni 2021, Information Fusion 76:1-7).
The label is predicted from the whole image, from its border alone, from what is outside the lungs
and from the four corners alone (`image_parts`), in the same way.

Masks matter: on the simulated clinic, which has no shortcut, the border tells effusion and
pneumothorax as long as it holds the corners of the lungs, where these are seen. Where the lungs are
known they are blanked from the border too; where they are not, such a firing has to be looked into.
Large lungs are a finding as well (chronic obstructive disease), and the rectangle that hides them
shows how large they are: on 468 simulated films its four edges alone told the disease with AUROC
0.78. Where the lungs are known, what the edges, their squares and products explain is therefore
taken out of the features of the parts by least squares, without looking at a label (confound
regression: Snoek, Miletic and Scholte 2019, NeuroImage 184:741-760). The planted token lost
nothing by it (0.79 after, 0.78 before).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.statistics.metrics import Interval
from pipelines.study.guards.guard import (
    SURELY_AUROC,
    Finding,
    GuardResult,
    Skipped,
    clears,
    told_from,
)
from pipelines.study.guards.image_parts import Parts
from pipelines.study.guards.out_of_fold import (
    Judging,
    Values,
    label_auroc,
    table_scores,
    too_few,
)
from pipelines.training.dataset import Dataset

NAME = "image_regions"
WORDS = {
    "border alone": "the border of the image alone",
    "without the lungs": "the image without the lungs",
    "corners alone": "the corners of the image alone",
}
"""What is looked at beside the whole image, and in words."""

BORDER, OUTSIDE, CORNERS = WORDS
SHARE_OF_WHOLE = 0.5

LEAST_WITH_EDGES = 150
"""Cases with known lungs, ten for each column of `_columns`; with fewer nothing is taken out."""


@dataclass(frozen=True, eq=False)
class RegionRows:
    """Features of cases' images and of their parts [cases, size]; NaN where none were taken.

    Attributes:
        whole, border, outside, corners: of the image, its border alone, without the lungs, and of
            its corners alone.
        masked: how many images had a mask of the lungs.
    """

    whole: Values
    border: Values
    outside: Values
    corners: Values
    masked: int


def region_rows(case_ids: Sequence[str], found: Mapping[str, Parts]) -> RegionRows:
    """Rows of cases in order, from the features of those whose images were looked at.

    From the parts, not from the whole, is taken out what the edges of the blanked lungs explain.
    """
    shape = next((parts.features.shape for parts in found.values()), (4, 0))
    rows = np.full((len(case_ids), *shape), np.nan)
    for number, case_id in enumerate(case_ids):
        if case_id in found:
            rows[number] = found[case_id].features
    masked = sum(found[case_id].masked for case_id in case_ids if case_id in found)
    known = [n for n, case_id in enumerate(case_ids) if case_id in found and found[case_id].edges]
    if len(known) >= LEAST_WITH_EDGES:
        edges = np.array([found[case_ids[number]].edges for number in known])
        for part in range(1, rows.shape[1]):
            rows[known, part] = _unexplained(rows[known, part], edges)
    return RegionRows(rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3], masked)


def _unexplained(rows: Values, edges: Values) -> Values:
    """Rows [cases, size] without their least-squares fit to edges [cases, 4]; means are kept."""
    columns = _columns(edges)
    fit = columns @ np.linalg.lstsq(columns, rows, rcond=None)[0]
    return np.asarray(rows - fit + rows.mean(axis=0))


def _columns(edges: Values) -> Values:
    """A constant, the edges, their squares and products [cases, 15], on one scale."""
    spread = edges.std(axis=0)
    plain = (edges - edges.mean(axis=0)) / np.where(spread > 0, spread, 1)
    first, second = np.triu_indices(plain.shape[1])
    return np.hstack([np.ones((len(plain), 1)), plain, plain[:, first] * plain[:, second]])


def image_regions(
    dataset: Dataset, rows: RegionRows, judging: Judging | None = None
) -> tuple[Finding, ...]:
    """Three findings for each diagnosis: from the border, without the lungs, from the corners.

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
            found += [Skipped(NAME, f"{name}, {part}", reason) for part in WORDS]
            continue
        whole, border, outside, corners = (
            label_auroc(
                table_scores(values, seen, dataset.patients, judging),
                seen,
                dataset.patients,
                judging,
            )
            for values in (rows.whole, rows.border, rows.outside, rows.corners)
        )
        counts = {"images with a mask of the lungs": rows.masked}
        found.append(_result(name, BORDER, border, whole, {}))
        found.append(_result(name, OUTSIDE, outside, whole, counts))
        found.append(_result(name, CORNERS, corners, whole, counts))
    return tuple(found)


def _result(
    name: str, part: str, found: Interval, whole: Interval, counts: Mapping[str, int]
) -> GuardResult:
    threshold = 0.5 + SHARE_OF_WHOLE * max((whole.value or 0.5) - 0.5, 0.0)
    fires = clears(found, threshold, SURELY_AUROC)
    worry = "unless the disease extends there, much of what the image tells is not the disease"
    sentence = told_from(name, WORDS[part], found, threshold, fires, worry)
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
