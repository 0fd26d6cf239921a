"""A cohort read once for a study: what training needs, and what only the pixels can tell.

Pixels are gone once they are encoded, so how an image was made and what it looks like is kept as
the reader yields its case: a few words and a small grid of grey levels.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from clinical.case import Case, Outcome
from clinical.cohorts.cohort import CaseEntry, CohortDescription, Reading, Source
from clinical.config import StudyConfig
from pipelines.features import Dataset, read_dataset
from pipelines.study.fingerprint import Fingerprint, fingerprints
from pipelines.study.guards.acquisition import Facts, facts_of


@dataclass(frozen=True, eq=False)
class Cohort:
    """A cohort as it was read.

    Attributes:
        description: name, origin and licence.
        dataset: before any rule.
        facts: how images were made (`pipelines.study.guards.acquisition.facts_of`).
        prints: of every image.
    """

    description: CohortDescription
    dataset: Dataset
    facts: Facts
    prints: tuple[Fingerprint, ...]


class _Watched:
    """A source whose cases are looked at as they pass."""

    def __init__(self, source: Source) -> None:
        self.NAME = source.NAME
        self._source = source
        self.facts: dict[str, dict[str, str]] = {}
        self.prints: list[Fingerprint] = []

    def describe(self, root: Path) -> CohortDescription:
        return self._source.describe(root)

    def index(self, root: Path) -> tuple[CaseEntry, ...]:
        return self._source.index(root)

    def outcomes(self, root: Path) -> Iterator[Outcome]:
        return self._source.outcomes(root)

    def read(self, root: Path, wanted: Container[str] | None = None) -> Iterator[Reading]:
        for reading in self._source.read(root, wanted):
            if isinstance(reading, Case):
                self.prints.extend(fingerprints([reading]))
                for fact, groups in facts_of([reading]).items():
                    self.facts.setdefault(fact, {}).update(groups)
            yield reading


def read_cohort(source: Source, study: StudyConfig, cache: Path) -> Cohort:
    """Read and encode a cohort.

    Args:
        source: reader of the cohort.
        study: where it lies, and how images are encoded.
        cache: folder of frozen features.

    Raises:
        CohortError: if the cohort cannot be read, or has no outcomes.
        ConfigError: if the study names a diagnosis that it does not have.
    """
    root, watched = Path(study.cohort.path), _Watched(source)
    dataset = read_dataset(watched, root, study, cache, study.training.augmentations)
    return Cohort(source.describe(root), dataset, watched.facts, tuple(watched.prints))
