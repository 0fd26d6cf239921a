"""All guards on one dataset, in order, for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.study.guards import image_regions as regions
from pipelines.study.guards.acquisition import Facts, acquisition
from pipelines.study.guards.afterwards import afterwards
from pipelines.study.guards.guard import Finding, GuardResult, Skipped, as_json
from pipelines.study.guards.identity import identity
from pipelines.study.guards.image_regions import RegionRows
from pipelines.study.guards.missingness import missingness
from pipelines.study.guards.notes_named import notes_named
from pipelines.study.guards.out_of_fold import Judging
from pipelines.study.guards.timestamps import timestamps
from pipelines.training.dataset import Dataset


def run_all(
    dataset: Dataset,
    *,
    facts: Facts | None = None,
    called: Mapping[str, Sequence[str]] | None = None,
    rows: RegionRows | None = None,
    judging: Judging | None = None,
) -> tuple[Finding, ...]:
    """What every guard found, and what was skipped and why.

    Args:
        dataset: as it is trained on.
        facts: groups of cases by how their image was made (`acquisition.facts_of`).
        called: diagnosis to its further names (`notes_named`).
        rows: features of parts of the images (`image_regions.region_rows`).
        judging: folds, bootstrap samples and seed.
    """
    judging = judging or Judging()
    outside: tuple[Finding, ...] = (
        regions.image_regions(dataset, rows, judging)
        if rows is not None
        else (Skipped(regions.NAME, "image", "the pixels were not given"),)
    )
    return (
        *acquisition(dataset, facts, judging),
        identity(dataset, judging),
        *missingness(dataset, judging),
        *timestamps(dataset, judging),
        *notes_named(dataset, called, judging),
        *afterwards(dataset, judging),
        *outside,
    )


def findings_as_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Findings as JSON-compatible values, in order."""
    return [as_json(finding) for finding in findings]


def fired(findings: Sequence[Finding]) -> tuple[GuardResult, ...]:
    """The findings that warn."""
    return tuple(f for f in findings if isinstance(f, GuardResult) and f.fires)
