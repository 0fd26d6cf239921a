"""The oracle's posteriors from `triptych compute-oracle`, joined to cases by case_id.

Columns: case_id, evidence (history, image, measurements, notes or all), diagnosis, probability. No
training reads them unless its study asks for soft targets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clinical.config import StudyConfig
from clinical.errors import CohortError
from pipelines.training.dataset import Dataset

ALL = "all"
_COLUMNS = ("case_id", "evidence", "diagnosis", "probability")


def posteriors_of(dataset: Dataset, study: StudyConfig) -> dict[str, NDArray[np.float64]]:
    """The oracle's posteriors of a study's cases, or nothing where it names none."""
    if not study.evaluation.oracle:
        return {}
    file = Path(study.cohort.path) / study.evaluation.oracle
    case_ids = [cached.case.case_id for cached in dataset.cases]
    return read_posteriors(file, case_ids, dataset.diagnoses)


def read_posteriors(
    file: Path, case_ids: Sequence[str], diagnoses: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """Evidence to probabilities [cases, diagnoses]; NaN where the file says nothing.

    Raises:
        CohortError: if the file is absent, lacks a column, or holds something that is not a
            probability.
    """
    if not file.exists():
        raise CohortError(
            f"{file} does not exist.", remedy="make it with `triptych compute-oracle`"
        )
    read = pd.read_csv(file, dtype={"case_id": str, "evidence": str, "diagnosis": str})
    missing = [name for name in _COLUMNS if name not in read.columns]
    if missing:
        raise CohortError(
            f"{file} has no column {missing[0]!r}.", remedy=f"columns: {', '.join(_COLUMNS)}"
        )
    values = pd.to_numeric(read["probability"], errors="coerce").to_numpy(dtype=np.float64)
    bad = np.flatnonzero(~((values >= 0) & (values <= 1)))
    if len(bad):
        raise CohortError(
            f"{file}, row {bad[0] + 2}, column probability: not between 0 and 1.",
            remedy="make it again with `triptych compute-oracle`",
        )
    row = read["case_id"].map({name: number for number, name in enumerate(case_ids)})
    column = read["diagnosis"].map({name: number for number, name in enumerate(diagnoses)})
    known = (row.notna() & column.notna()).to_numpy()
    found = {}
    for evidence in sorted(read["evidence"].dropna().unique()):
        chosen = known & (read["evidence"] == evidence).to_numpy()
        table = np.full((len(case_ids), len(diagnoses)), np.nan)
        table[row[chosen].astype(int), column[chosen].astype(int)] = values[chosen]
        found[str(evidence)] = table
    return found


def soft_targets(
    labels: NDArray[np.float64], posteriors: Mapping[str, NDArray[np.float64]]
) -> dict[str, NDArray[np.float64]]:
    """Evidence to the posterior where there is one, else the outcome [cases, diagnoses].

    The mean of the posterior given everything is that of the outcome under every availability
    pattern, its variance is smaller. Where one modality alone is learnt, the posterior given that
    one has next to no variance left.

    Raises:
        CohortError: if there is no posterior given all evidence.
    """
    if ALL not in posteriors:
        raise CohortError(
            "The oracle's file has no rows with evidence all.", remedy="make it again"
        )
    return {name: np.where(np.isnan(found), labels, found) for name, found in posteriors.items()}
