"""Guards need features, and those of a large cohort exceed memory: they run on a sample."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from clinical.case.case import Outcome
from clinical.cohorts.cohort import CaseEntry, CohortDescription, Reading, Source
from clinical.cohorts.sources import source
from clinical.config import StudyConfig
from pipelines.study.guards.guard import Finding
from pipelines.study.guards.out_of_fold import Judging
from pipelines.study.guards_only import ask
from pipelines.study.read_cohort import read_cohort

MOST_CASES = 1500
"""Their features are held in memory, and more would make an AUROC little surer."""


@dataclass(frozen=True)
class Sample:
    """Cases for the guards.

    Attributes:
        study: where the cohort lies, and how the model was made that is tested on it.
        features: folder of frozen features.
        case_ids: of the cases.
        diagnoses: labels that the cohort knows.
        judging: how the guards are judged.
    """

    study: StudyConfig
    features: Path
    case_ids: frozenset[str]
    diagnoses: tuple[str, ...]
    judging: Judging


class _Part:
    """A source that lists some of its cases only."""

    def __init__(self, source: Source, case_ids: frozenset[str]) -> None:
        self.NAME = source.NAME
        self._source, self._case_ids = source, case_ids

    def describe(self, root: Path) -> CohortDescription:
        return self._source.describe(root)

    def index(self, root: Path) -> tuple[CaseEntry, ...]:
        return tuple(e for e in self._source.index(root) if e.case_id in self._case_ids)

    def read(self, root: Path, wanted: Container[str] | None = None) -> Iterator[Reading]:
        return self._source.read(root, self._case_ids if wanted is None else wanted)

    def outcomes(self, root: Path) -> Iterator[Outcome]:
        return self._source.outcomes(root)


def guards(wanted: Sample, _: None = None) -> tuple[Finding, ...]:
    """What every guard finds in a sample, read again with its features."""
    study = replace(
        wanted.study,
        diagnoses=wanted.diagnoses,
        training=replace(wanted.study.training, augmentations=0, mask_weight=0.0),
    )
    part = _Part(source(study.cohort.source), wanted.case_ids)
    read = read_cohort(part, study, wanted.features)
    return ask(read.dataset, read, wanted.judging)
