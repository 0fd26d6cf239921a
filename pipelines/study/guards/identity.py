"""Does the embedding of an image identify the patient?

Radiographs identify people (Packhaeuser et al. 2022, Scientific Reports 12:14851). That is no fault
as long as no patient is on both sides of a split; where one is, a model can remember the patient's
label in place of seeing the disease. So the guard fires only where embeddings identify patients
*and* the cohort's own split divides some of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipelines.folds.tabular import vectors
from pipelines.statistics.metrics import Interval
from pipelines.statistics.proportions import share_of_all
from pipelines.study.guards.guard import Finding, GuardResult, Skipped, clears
from pipelines.study.guards.out_of_fold import Judging, Values, label_auroc, too_few
from pipelines.training.dataset import Dataset
from pipelines.training.masks import IMAGE

NAME = "identity"
BEYOND_CHANCE = 0.1
"""Recall at 1 above chance from which embeddings are said to identify patients."""

LEAST_PATIENTS = 5
_BLOCK = 512


def identity(dataset: Dataset, judging: Judging | None = None) -> Finding:
    """Whether the image nearest to an image is of the same patient (recall at 1).

    `figures` also say how well the mean label of the patient's *other* cases predicts a case: what
    a model gains that remembers patients and is tested on the same ones.
    """
    judging = judging or Judging()
    kept = [i for i, cached in enumerate(dataset.cases) if IMAGE in cached.images]
    patients = [dataset.patients[i] for i in kept]
    asked = _repeated(patients)
    people = {patients[i] for i in np.flatnonzero(asked)}
    if len(people) < LEAST_PATIENTS or len(set(patients)) == 1:
        reason = f"{len(people)} patients have two images, where {LEAST_PATIENTS} are needed"
        return Skipped(NAME, IMAGE, reason)
    rows = vectors([dataset.cases[i] for i in kept], [IMAGE]).embeddings[IMAGE]
    ranks, chances = own_ranks(rows, patients)
    queries = [patients[i] for i in np.flatnonzero(asked)]
    found = share_of_all(ranks[asked] == 1, queries, samples=judging.samples, seed=judging.seed)
    chance = float(chances[asked].mean())
    limit = chance + BEYOND_CHANCE
    divided = _divided(dataset)
    known = clears(found, limit, limit)
    return GuardResult(
        NAME,
        IMAGE,
        "recall at 1, own other image among all",
        found,
        limit,
        known and divided > 0,
        _sentence(known, divided, float(found.value or 0), chance),
        _remembered(dataset, judging),
        {
            "images asked": len(queries),
            "patients with two images": len(people),
            "median rank of the own image": int(np.median(ranks[asked])),
            "patients on both sides of the cohort's split": divided,
        },
    )


def own_ranks(
    rows: Values, patients: Sequence[str]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Rank of the nearest other image of the same patient among all other images, by cosine.

    Args:
        rows: [images, size]; columns are standardised first, so that no large one decides.
        patients: of every image.

    Returns:
        Ranks [images] from 1 (a tie counts against), 0 where the patient has no other image; and
        the chance that a random other image is of the same patient [images].
    """
    spread = rows.std(axis=0)
    plain = (rows - rows.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    unit = plain / np.maximum(np.linalg.norm(plain, axis=1, keepdims=True), 1e-12)
    member = np.unique(np.asarray(patients), return_inverse=True)[1]
    ranks = np.zeros(len(rows), dtype=np.intp)
    chances = np.zeros(len(rows))
    for start in range(0, len(rows), _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(rows)))
        near = unit[block] @ unit.T
        near[np.arange(len(block)), block] = -np.inf
        own = member[block][:, None] == member[None]
        own[np.arange(len(block)), block] = False
        best = np.where(own, near, -np.inf).max(axis=1)
        others = (~own & (near >= best[:, None])).sum(axis=1)
        ranks[block] = np.where(own.any(axis=1), 1 + others, 0)
        chances[block] = own.sum(axis=1) / (len(rows) - 1)
    return ranks, chances


def _repeated(patients: Sequence[str]) -> NDArray[np.bool_]:
    counts = Counter(patients)
    return np.array([counts[patient] > 1 for patient in patients], dtype=bool)


def _divided(dataset: Dataset) -> int:
    """Patients with cases in more than one part of the cohort's own split."""
    parts = defaultdict(set)
    for patient, split in zip(dataset.patients, dataset.splits, strict=False):
        if split.strip():
            parts[patient].add(split.strip().lower())
    return sum(len(found) > 1 for found in parts.values())


def _remembered(dataset: Dataset, judging: Judging) -> dict[str, Interval]:
    patients = dataset.patients
    member = np.unique(np.asarray(patients), return_inverse=True)[1]
    figures = {}
    for name, label in zip(dataset.diagnoses, dataset.labels.T, strict=True):
        known = ~np.isnan(label)
        values = np.where(known, label, 0)
        others = np.bincount(member, known)[member] - known
        positive = np.bincount(member, values)[member] - values
        rows = known & (others > 0)
        if too_few(np.where(rows, label, np.nan), patients, judging):
            continue
        scores = np.where(rows, positive / np.maximum(others, 1), np.nan)
        figures[f"AUROC, the patient's other cases to {name}"] = label_auroc(
            scores, label, patients, judging
        )
    return figures


def _sentence(known: bool, divided: int, recall: float, chance: float) -> str:
    found = f"The nearest image is of the same patient in {recall:.0%} (chance {chance:.1%})"
    if not known:
        return f"{found}: images do not identify patients beyond chance."
    if divided:
        return (
            f"{found}, and {divided} patients are on both sides of the cohort's own split: results"
            " on that split are inflated; split by patient."
        )
    return (
        f"{found}: this matters only when a patient is on both sides of a split, and none is where"
        " splits are by patient."
    )
