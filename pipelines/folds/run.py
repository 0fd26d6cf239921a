"""A cohort read for a study, said on the screen, and cross-validated with a progress bar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clinical.config import StudyConfig
from clinical.errors import CohortError
from pipelines.assessing import results
from pipelines.folds import cross_validate
from pipelines.folds.cross_validate import OutOfFold
from pipelines.folds.tasks import Asks
from pipelines.jobs.executors import Workers
from pipelines.jobs.progress import bar, console
from pipelines.training import soft_targets
from pipelines.training.dataset import Dataset

READING_THREADS = 2


def oracle_of(dataset: Dataset, study: StudyConfig) -> dict[str, NDArray[np.float64]]:
    """The oracle's posteriors of a study's cases, or nothing where it names none."""
    if not study.evaluation.oracle:
        return {}
    file = Path(study.cohort.path) / study.evaluation.oracle
    case_ids = [cached.case.case_id for cached in dataset.cases]
    return soft_targets.read_posteriors(file, case_ids, dataset.diagnoses)


def report_dataset(dataset: Dataset, out: Path) -> None:
    """Write what could not be read, with reasons, and say how much was.

    Raises:
        CohortError: if no case is left.
    """
    skipped = [{**asdict(s.problem), "case_id": s.case_id} for s in dataset.skipped]
    results.write_table(out / "skipped.csv", results.SKIPPED, skipped)
    problems = [asdict(problem) for problem in dataset.problems]
    results.write_table(out / "problems.csv", results.PROBLEMS, problems)
    if not dataset.cases:
        raise CohortError("No case of the cohort can be used.", remedy=f"see the reasons in {out}")
    console.print(
        f"{len(dataset.cases)} cases of {len(set(dataset.patients))} patients,"
        f" {len(dataset.skipped)} skipped, {len(dataset.problems)} rows or files set aside"
        f" (reasons in {out})"
    )


def cross_validated(
    dataset: Dataset,
    study: StudyConfig,
    out: Path,
    workers: Workers | None,
    oracle: Mapping[str, NDArray[np.float64]],
    asks: Asks | None = None,
) -> OutOfFold:
    """`cross_validate.cross_validate` with a progress bar; tasks are kept in `out`."""
    with bar() as progress:
        task = progress.add_task("cross-validate", total=None, note="")

        def report(line: str, done: int, total: int) -> None:
            progress.update(task, completed=done, total=total, note=line)

        return cross_validate.cross_validate(
            dataset,
            study,
            out / "folds",
            report,
            workers=workers,
            oracle=oracle,
            asks=asks,
        )
