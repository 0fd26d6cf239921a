"""The pointing game: does an explanation point at the finding, on cases whose truth is known?

For every unseen case where a diagnosis is true and its mask is not empty, each method gives one map
over the patches of the same model. Judged by

- hit: the strongest place lies in the mask, or within `TOLERANCE` of it (Zhang et al. 2018,
  doi:10.1007/s11263-017-1059-x, whose tolerance is 15 pixels too);
- energy: share of the map inside the mask, by exact area (Wang et al. 2020, arXiv 1910.01279).

A map that is zero everywhere points nowhere: no hit, no energy. Intervals resample whole patients,
and every difference is between methods on the same cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from clinical.case.case import Outcome
from clinical.modalities.encoding import Prepared
from clinical.model.model import Network
from pipelines.explanations.saliency import (
    GRAD_CAM_BACKBONE,
    GRAD_CAM_TOKENS,
    INPUT_GRADIENT,
    OURS,
    Scores,
    centre_map,
    model_maps,
    read,
)
from pipelines.statistics.metrics import Interval, Weights, bootstrap_weights, weighted_sums
from pipelines.training import masks
from pipelines.training.masks import IMAGE, Masks

TOLERANCE = 15 / 512
"""Of the image's longer side: 15 pixels at 512."""

CENTRE = "centre prior"
MEAN_MASK = "mean mask of training"
CHANCE = "chance"
RIVALS = (CENTRE, MEAN_MASK, GRAD_CAM_BACKBONE, GRAD_CAM_TOKENS, INPUT_GRADIENT)
"""What ours is compared with, paired."""

MACRO = "mean over diagnoses"


@dataclass(frozen=True, eq=False)
class Target:
    """Where one true diagnosis shows on one image.

    Attributes:
        allowed: [cells, cells], whether pointing at the middle of the patch is a hit.
        middle: whether pointing at the middle of the image is.
        covered: [cells, cells], share of each patch inside the mask.
    """

    allowed: NDArray[np.bool_]
    middle: bool
    covered: NDArray[np.float32]


@dataclass(frozen=True)
class Point:
    """How one method did for one diagnosis of one case."""

    case_id: str
    patient_id: str
    diagnosis: str
    method: str
    hit: float
    energy: float


@dataclass(frozen=True)
class Score:
    """One method on one diagnosis, or on the mean over diagnoses (`MACRO`)."""

    diagnosis: str
    method: str
    hit: Interval
    energy: Interval


@dataclass(frozen=True)
class Gain:
    """Ours minus another method, paired on the same cases."""

    diagnosis: str
    method: str
    hit: Interval
    energy: Interval


@dataclass(frozen=True)
class Game:
    """Everything the pointing game found."""

    cases: int
    patients: int
    scores: tuple[Score, ...]
    gains: tuple[Gain, ...]


def target(mask: NDArray[np.bool_], cells: int) -> Target:
    """What counts as a hit on an image with this mask [rows, columns], which is not empty."""
    distance = distance_transform_edt(~mask)
    allowed = distance <= TOLERANCE * max(mask.shape)
    rows, columns = (_middles(length, max(mask.shape), cells) for length in mask.shape)
    inside = (rows >= 0)[:, None] & (columns >= 0)[None, :]
    at = allowed[np.ix_(np.maximum(rows, 0), np.maximum(columns, 0))] & inside
    middle = bool(allowed[mask.shape[0] // 2, mask.shape[1] // 2])
    return Target(at, middle, masks.on_grid(mask, cells))


def _middles(length: int, side: int, cells: int) -> NDArray[np.intp]:
    """Pixel of the middle of each cell along a centred line of `length`; -1 in the padding."""
    pixels = np.floor((np.arange(cells) + 0.5) * side / cells).astype(np.intp)
    pixels -= (side - length) // 2
    return np.where((pixels >= 0) & (pixels < length), pixels, -1)


def judge(values: Scores, aim: Target) -> tuple[float, float]:
    """Hit and energy of one map [cells * cells].

    Where several patches are equally the strongest, the hit is the share of them that would be one.
    """
    values = np.maximum(values, 0)
    if not values.max() > 0:
        return 0.0, 0.0
    strongest = values == values.max()
    hit = float(aim.allowed.ravel()[strongest].mean())
    return hit, float((values * aim.covered.ravel()).sum() / values.sum())


def play(
    network: Network,
    cases: Sequence[Mapping[str, Prepared]],
    names: Sequence[tuple[str, str]],
    labels: NDArray[np.float64],
    diagnoses: Sequence[str],
    found: Masks,
    priors: Mapping[str, Scores],
) -> list[Point]:
    """Every method on every true and visible diagnosis.

    Args:
        network: in evaluation mode.
        cases: prepared, with everything the model reads.
        names: case and patient of each.
        labels: [cases, diagnoses].
        diagnoses: names of the labels.
        found: the cohort's masks.
        priors: diagnosis to the mean mask of training cases [patches] (`mean_masks`).
    """
    points: list[Point] = []
    for number, case in enumerate(cases):
        if IMAGE not in case:
            continue
        cells = round(len(case[IMAGE].sources) ** 0.5)
        for column in np.flatnonzero(labels[number] == 1).tolist():
            name = diagnoses[column]
            mask = masks.visible(found.get(names[number][0], {}), name)
            if mask is not None:
                aim = target(mask, cells)
                maps = model_maps(network, read(network, case), column)
                results = {method: judge(values, aim) for method, values in maps.items()}
                results |= _without_model(aim, cells, priors.get(name))
                points += [Point(*names[number], name, m, *won) for m, won in results.items()]
    return points


def _without_model(aim: Target, cells: int, prior: Scores | None) -> dict[str, tuple[float, float]]:
    """The priors, and what a patch drawn at random would give on average."""
    centre = (float(aim.middle), judge(centre_map(cells), aim)[1])
    chance = (float(aim.allowed.mean()), float(aim.covered.mean()))
    mean = {} if prior is None else {MEAN_MASK: judge(prior, aim)}
    return {CENTRE: centre, **mean, CHANCE: chance}


def label_table(
    outcomes: Sequence[Outcome], case_ids: Sequence[str], diagnoses: Sequence[str]
) -> NDArray[np.float64]:
    """Labels [cases, diagnoses] of a cohort of which only the outcomes are read."""
    labels = np.full((len(case_ids), len(diagnoses)), np.nan)
    row = {name: number for number, name in enumerate(case_ids)}
    for outcome in outcomes:
        if outcome.value is not None:
            labels[row[outcome.case_id], diagnoses.index(outcome.diagnosis)] = outcome.value
    return labels


def mean_masks(
    found: Masks,
    case_ids: Sequence[str],
    labels: NDArray[np.float64],
    diagnoses: Sequence[str],
    cells: int,
) -> dict[str, Scores]:
    """Where each diagnosis usually shows [patches]: a prior that knows anatomy but not the case."""
    grids = masks.regions(found, case_ids, labels, diagnoses, cells)
    shown = grids.max(axis=2) > 0
    return {
        name: grids[shown[:, column], column].mean(axis=0, dtype=np.float64)
        for column, name in enumerate(diagnoses)
        if shown[:, column].any()
    }


def summarise(points: Sequence[Point], *, samples: int = 1000, seed: int = 0) -> Game:
    """Rates of every method and what ours gains, for each diagnosis and on average."""
    pairs = sorted({(p.diagnosis, p.case_id, p.patient_id) for p in points})
    row = {pair: number for number, pair in enumerate(pairs)}
    methods = list(dict.fromkeys(p.method for p in points))
    table = np.full((len(methods), len(pairs), 2), np.nan)
    for p in points:
        pair = (p.diagnosis, p.case_id, p.patient_id)
        table[methods.index(p.method), row[pair]] = (p.hit, p.energy)
    names = np.array([pair[0] for pair in pairs])
    weights = bootstrap_weights([pair[2] for pair in pairs], samples, seed)
    scores, gains = [], []
    for diagnosis in (*sorted(set(names.tolist())), MACRO):
        groups = [diagnosis] if diagnosis != MACRO else sorted(set(names.tolist()))
        for number, method in enumerate(methods):
            rates = [mean_interval(table[number, :, k], names, groups, weights) for k in (0, 1)]
            scores.append(Score(diagnosis, method, *rates))
            if method in RIVALS:
                ahead = table[methods.index(OURS)] - table[number]
                rates = [mean_interval(ahead[:, k], names, groups, weights) for k in (0, 1)]
                gains.append(Gain(diagnosis, method, *rates))
    return Game(
        len({pair[1] for pair in pairs}),
        len({pair[2] for pair in pairs}),
        tuple(scores),
        tuple(gains),
    )


def mean_interval(
    values: Scores, names: NDArray[np.str_], groups: Sequence[str], weights: Weights
) -> Interval:
    """Mean over groups of the mean within each, with its patient-bootstrap interval.

    Args:
        values: one for each pair of case and diagnosis; NaN is left out.
        names: the group of each.
        groups: which groups to take.
        weights: [samples, pairs], how often each pair is drawn.
    """
    means, parts = [], []
    count = 0
    for group in groups:
        rows = (names == group) & ~np.isnan(values)
        if not rows.any():
            continue
        count += int(rows.sum())
        means.append(values[rows].mean())
        drawn = weights[:, rows].sum(axis=1)
        with np.errstate(invalid="ignore"):
            sums = weighted_sums(weights[:, rows], values[rows])
            parts.append(sums / np.where(drawn > 0, drawn, np.nan))
    if not means:
        return Interval(None, None, None, 0, 0)
    stack = np.stack(parts)
    stack = stack[:, ~np.isnan(stack).any(axis=0)]
    low, high = np.quantile(stack.mean(axis=0), [0.025, 0.975])
    return Interval(float(np.mean(means)), float(low), float(high), count, count)
