"""A cohort read once for training: cases without their pixels, and frozen image features.

Frozen features are cached on disk under their content (pixels, settings and augmentation seed), so
a second run, another fold or a resumed one does not decode and encode again. Plain `.npy` files,
never pickle.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from clinical import canonical
from clinical.case import Array, Case, Problem, Shape, SkippedCase
from clinical.cohorts.cohort import CaseEntry, Source
from clinical.config import StudyConfig
from clinical.encoders import radiograph
from clinical.encoders.catalogue import encoder, encoder_for
from clinical.encoders.encoding import Prepared
from clinical.model import EncoderSpec
from pipelines.progress import track


@dataclass(frozen=True, eq=False)
class CachedCase:
    """A case for training: small inputs as they are, images as frozen features.

    Attributes:
        case: without its arrays.
        images: modality to [plain, augmented 1, augmented 2, ...].
    """

    case: Case
    images: Mapping[str, tuple[Prepared, ...]]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Everything that training needs of a cohort.

    Attributes:
        cases: usable cases in cohort order.
        diagnoses: names of the labels.
        labels: [cases, diagnoses]; 1, 0 or NaN for unknown.
        skipped: cases that could not be read.
        problems: rows and files that could not be used.
    """

    cases: tuple[CachedCase, ...]
    diagnoses: tuple[str, ...]
    labels: np.ndarray
    skipped: tuple[SkippedCase, ...]
    problems: tuple[Problem, ...]

    @property
    def patients(self) -> list[str]:
        """Patient of every case."""
        return [cached.case.patient_id for cached in self.cases]


def read_dataset(
    source: Source, root: Path, study: StudyConfig, cache: Path | None, augmentations: int
) -> Dataset:
    """Read a cohort, encode its images with the frozen backbone, and join the outcomes."""
    entries: Sequence[CaseEntry] = source.index(root)
    if study.cohort.limit:
        entries = entries[: study.cohort.limit]
    wanted = frozenset(entry.case_id for entry in entries)
    cases: list[CachedCase] = []
    skipped: list[SkippedCase] = []
    problems: list[Problem] = []
    readings = track(
        _per_case(source.read(root, wanted), problems), "read and encode", len(entries)
    )
    for reading in readings:
        if isinstance(reading, SkippedCase):
            skipped.append(reading)
        else:
            problems.extend(reading.problems)
            cases.append(_cache_images(reading, study, cache, augmentations))
    declared = tuple(diagnosis.name for diagnosis in source.describe(root).diagnoses)
    diagnoses = study.diagnoses or declared
    labels = _labels(source, root, [cached.case.case_id for cached in cases], diagnoses)
    return Dataset(tuple(cases), diagnoses, labels, tuple(skipped), tuple(problems))


def _per_case(
    readings: Iterable[Case | SkippedCase | Problem], problems: list[Problem]
) -> Iterator[Case | SkippedCase]:
    for reading in readings:
        if isinstance(reading, Problem):
            problems.append(reading)
        else:
            yield reading


def _labels(
    source: Source, root: Path, case_ids: Sequence[str], diagnoses: Sequence[str]
) -> np.ndarray:
    row = {case_id: number for number, case_id in enumerate(case_ids)}
    column = {name: number for number, name in enumerate(diagnoses)}
    labels = np.full((len(row), len(column)), np.nan)
    for outcome in source.outcomes(root):
        if outcome.case_id in row and outcome.diagnosis in column and outcome.value is not None:
            labels[row[outcome.case_id], column[outcome.diagnosis]] = float(outcome.value)
    return labels


def _cache_images(
    case: Case, study: StudyConfig, cache: Path | None, augmentations: int
) -> CachedCase:
    images: dict[str, tuple[Prepared, ...]] = {}
    small: dict[str, Shape] = {}
    for name, shape in case.inputs.items():
        if not isinstance(shape, Array):
            small[name] = shape
            continue
        spec = blank_spec(name, shape, study)
        images[name] = tuple(
            _encode(shape, spec, copy, study.seed, cache) for copy in range(1 + augmentations)
        )
    return CachedCase(replace(case, inputs=small), images)


def blank_spec(modality: str, shape: Shape, study: StudyConfig) -> EncoderSpec:
    """Encoder and unfitted settings for a modality of a study."""
    name = study.model.modalities.get(modality) or encoder_for(shape)
    settings_type = encoder(name).Settings
    known = set(settings_type.__dataclass_fields__)
    wanted = {f: getattr(study.model, f) for f in ("width", "components", "image_size")}
    return EncoderSpec(name, settings_type(**{k: v for k, v in wanted.items() if k in known}))


def _encode(shape: Array, spec: EncoderSpec, copy: int, seed: int, cache: Path | None) -> Prepared:
    module = encoder(spec.encoder)
    settings: Mapping[str, Any] = asdict(spec.settings)
    key = canonical.digest(
        [spec.encoder, shape.digest, settings.get("image_size"), copy, seed if copy else 0]
    )
    file = cache / key[:2] / f"{key}.npy" if cache else None
    rng = np.random.default_rng([seed, copy, _number(shape.digest)]) if copy else None
    if file is not None and file.exists():
        patches = np.load(file, allow_pickle=False)
        return Prepared({"patch": patches}, radiograph.grid_sources(len(patches)))
    prepared = module.prepare(shape, spec.settings, rng=rng)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".part.npy")
        np.save(unfinished, prepared.features["patch"], allow_pickle=False)
        unfinished.replace(file)
    return prepared


def _number(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)
