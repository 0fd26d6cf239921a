"""Can the label be predicted from what is missing, without a single value?

What is measured follows what a clinician suspects, and in an assembled cohort often where a case
was found (Agniel, Kohane and Weber 2018, BMJ 361:k1479). The columns say only whether each modality
is there, whether each code of a measurement has a value, and whether age and sex are known. Single
events of the history are not asked for: one that is not recorded mostly did not happen, so
its absence is a value, not a gap.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clinical.modalities.kit import read_by
from pipelines.study.guards.alone import told_alone
from pipelines.study.guards.guard import Finding
from pipelines.study.guards.out_of_fold import Judging, Values
from pipelines.training.dataset import CachedCase, Dataset

NAME = "missingness"


def missingness(dataset: Dataset, judging: Judging | None = None) -> tuple[Finding, ...]:
    """One finding for each diagnosis: its AUROC from what is there and what is not."""
    rows, _ = presence(dataset.cases)
    return told_alone(
        NAME,
        dataset,
        rows,
        judging or Judging(),
        what="what is present and what is missing",
        worry="a model may have learnt who was tested",
    )


def presence(cases: Sequence[CachedCase]) -> tuple[Values, list[str]]:
    """1 where an item is there and 0 where not [cases, items], and the items' names, sorted."""
    there = [_there(cached) for cached in cases]
    names = sorted(set().union(*there))
    rows = [[float(name in found) for name in names] for found in there]
    return np.array(rows, dtype=np.float64).reshape(len(cases), len(names)), names


def _there(cached: CachedCase) -> set[str]:
    found = {*cached.case.inputs, *cached.images}
    for kit, modality, value in read_by(cached.case):
        found |= {f"{modality}:{name}" for name in kit.stated(value)}
    return found
