"""Every label in every group of patients, and the gaps between groups, corrected once over all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.folds.cross_validate import OutOfFold
from pipelines.folds.methods import OURS
from pipelines.statistics.gaps import Gap, corrected
from pipelines.study import subgroup_columns
from pipelines.study.subgroups import subgroups
from pipelines.study.thresholds import Chosen

SUPPRESSED = ("label", "column", "group", "because")


@dataclass(frozen=True)
class Fairness:
    """Groups, gaps and what is not told.

    Attributes:
        groups: one entry for each label and group, also for each availability pattern of inputs.
        gaps: one entry for each label, column and figure; p-values by Holm over all of them.
        unstated: column to cases without a group.
        suppressed: rows of `suppressed.csv`.
    """

    groups: tuple[dict[str, Any], ...]
    gaps: tuple[dict[str, Any], ...]
    unstated: Mapping[str, int]
    suppressed: tuple[dict[str, str], ...]


def fairness(
    tested: OutOfFold,
    chosen: Sequence[Chosen],
    stated: Mapping[str, Sequence[str]],
    *,
    samples: int,
    seed: int,
) -> Fairness:
    """Subgroups of every label, of the model in its first repeat.

    Args:
        tested: out of fold.
        chosen: thresholds of every label.
        stated: column to the group of every case.
        samples, seed: of the patient bootstrap; as many permutations.
    """
    dataset = tested.dataset
    patterns = [subgroup_columns.inputs(cached) for cached in dataset.cases]
    groups: list[dict[str, Any]] = []
    suppressed: list[dict[str, str]] = []
    gaps: list[Gap] = []
    owners: list[str] = []
    for column, label in enumerate(dataset.diagnoses):
        one = chosen[column]
        found = subgroups(
            tested.scores[OURS][0][:, column],
            dataset.labels[:, column],
            dataset.patients,
            {**stated, subgroup_columns.INPUTS: patterns},
            None if one.without else one.cuts,
            samples=samples,
            permuted=samples,
            seed=seed,
        )
        groups += [{"label": label, **asdict(group)} for group in found.groups]
        suppressed += [
            {"label": label, "column": s.column, "group": s.name, "because": s.because}
            for s in found.suppressed
        ]
        # Inputs are no trait of a patient: how they differ is shown, and tests nobody's fairness.
        own = [gap for gap in found.gaps if gap.column != subgroup_columns.INPUTS]
        gaps += own
        owners += [label] * len(own)
    shown = tuple(
        {"label": label, **asdict(gap)} for label, gap in zip(owners, corrected(gaps), strict=True)
    )
    unstated = {name: sum(not group for group in row) for name, row in stated.items()}
    return Fairness(tuple(groups), shown, unstated, tuple(suppressed))
