"""A cohort read once for a study: what training needs, and what only the pixels can tell.

Pixels are gone once they are encoded, so how an image was made, what it looks like and what its
border alone would tell is kept as the reader yields its case: a few words, a small grid of grey
levels and, of a sample, the features of its parts.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from clinical.case.case import Case, Outcome
from clinical.cohorts.cohort import CaseEntry, CohortDescription, Reading, Source
from clinical.config import StudyConfig
from pipelines.study.guards.acquisition import Facts, facts_of
from pipelines.study.guards.image_parts import Parts, lungs_of, parts
from pipelines.study.image_fingerprint import Fingerprint, fingerprints
from pipelines.study.patient_sample import whole_patients
from pipelines.training import masks
from pipelines.training.dataset import Dataset, read_dataset

MOST_LOOKED_AT = 1000
"""Cases whose images are looked at in parts; more would make an AUROC little surer."""


@dataclass(frozen=True, eq=False)
class Cohort:
    """A cohort as it was read.

    Attributes:
        description: name, origin and licence.
        dataset: before any rule.
        facts: how images were made (`pipelines.study.guards.acquisition.facts_of`).
        prints: of every image.
        parts: case to the features of the parts of its image, of a sample of patients
            (`pipelines.study.guards.image_parts`); empty where the guards are off.
        joined: the two cohorts that this one was made of, learnt from and tested
            (`pipelines.study.external_cohort`); empty where it is one.
    """

    description: CohortDescription
    dataset: Dataset
    facts: Facts
    prints: tuple[Fingerprint, ...]
    parts: Mapping[str, Parts]
    joined: tuple[Dataset, ...] = ()


class _Watched:
    """A source whose cases are looked at as they pass; those of a sample in parts."""

    def __init__(self, source: Source, sample: Container[str], cache: Path) -> None:
        self.NAME = source.NAME
        self._source, self._sample, self._cache = source, sample, cache
        self.facts: dict[str, dict[str, str]] = {}
        self.prints: list[Fingerprint] = []
        self.parts: dict[str, Parts] = {}

    def describe(self, root: Path) -> CohortDescription:
        return self._source.describe(root)

    def index(self, root: Path) -> tuple[CaseEntry, ...]:
        return self._source.index(root)

    def outcomes(self, root: Path) -> Iterator[Outcome]:
        return self._source.outcomes(root)

    def read(self, root: Path, wanted: Container[str] | None = None) -> Iterator[Reading]:
        known = masks.read_masks(root)
        for reading in self._source.read(root, wanted):
            if isinstance(reading, Case):
                self.prints.extend(fingerprints([reading]))
                for fact, groups in facts_of([reading]).items():
                    self.facts.setdefault(fact, {}).update(groups)
                images = reading.inputs.get(masks.IMAGE)
                if images is not None and reading.case_id in self._sample:
                    lungs = lungs_of(known, reading.case_id)
                    self.parts[reading.case_id] = parts(images.arrays[0], lungs, self._cache)
            yield reading


def read_cohort(source: Source, study: StudyConfig, cache: Path, *, guards: bool = True) -> Cohort:
    """Read and encode a cohort.

    Args:
        source: reader of the cohort.
        study: where it lies, and how images are encoded.
        cache: folder of frozen features.
        guards: look at the parts of some images too.

    Raises:
        CohortError: if the cohort cannot be read, or has no outcomes.
        ConfigError: if the study names a diagnosis that it does not have.
    """
    root = Path(study.cohort.path)
    entries = source.index(root)[: study.cohort.limit or None]
    patients = [entry.patient_id for entry in entries] if guards else []
    rows = whole_patients(patients, MOST_LOOKED_AT, study.seed)
    watched = _Watched(source, frozenset(entries[row].case_id for row in rows), cache)
    dataset = read_dataset(watched, root, study, cache, study.training.augmentations)
    return Cohort(
        source.describe(root), dataset, watched.facts, tuple(watched.prints), watched.parts
    )
