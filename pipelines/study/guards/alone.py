"""Labels predicted from columns that are not evidence of disease, one finding per diagnosis."""

from __future__ import annotations

import numpy as np

from pipelines.study.guards.guard import (
    ALONE_AUROC,
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
from pipelines.training.dataset import Dataset


def told_alone(
    guard: str, dataset: Dataset, rows: Values, judging: Judging, *, what: str, worry: str
) -> tuple[Finding, ...]:
    """Every diagnosis from `rows` alone; fires above 0.65 with the low end above 0.6.

    Args:
        guard: its name.
        dataset: labels and patients.
        rows: [cases, columns]; NaN where there is no value.
        judging: folds, bootstrap samples and seed.
        what: the columns in words.
        worry: what it means where they tell.
    """
    columns = [column for column in rows.T if _varies(column)]
    if not columns:
        reason = f"cases do not differ in {what}"
        return tuple(Skipped(guard, diagnosis, reason) for diagnosis in dataset.diagnoses)
    told = np.stack(columns, axis=1)
    return tuple(
        _told(guard, name, told, label, dataset.patients, judging, (what, worry))
        for name, label in zip(dataset.diagnoses, dataset.labels.T, strict=True)
    )


def _told(
    guard: str,
    name: str,
    rows: Values,
    labels: Values,
    patients: list[str],
    judging: Judging,
    words: tuple[str, str],
) -> Finding:
    reason = too_few(labels, patients, judging)
    if reason:
        return Skipped(guard, name, reason)
    scores = table_scores(rows, labels, patients, judging)
    found = label_auroc(scores, labels, patients, judging)
    fires = clears(found, ALONE_AUROC, SURELY_AUROC)
    sentence = told_from(name, f"{words[0]} alone", found, ALONE_AUROC, fires, words[1])
    counts = {"columns": rows.shape[1]}
    return GuardResult(guard, name, "AUROC", found, ALONE_AUROC, fires, sentence, counts=counts)


def _varies(column: Values) -> bool:
    known = column[~np.isnan(column)]
    return bool(len(known) and np.ptp(known) > 1e-9)
