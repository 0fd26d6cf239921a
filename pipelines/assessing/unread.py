"""What of a cohort could not be read for a training or a study: written down, and said."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from clinical.errors import CohortError
from pipelines.assessing import results
from pipelines.jobs.progress import console
from pipelines.training.dataset import Dataset

READING_THREADS = 2
"""Of torch, while a cohort is read and encoded here; frozen features are kept, not compared."""


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
