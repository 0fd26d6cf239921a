"""A cohort read once for training: cases without pixels, and frozen image features.

Frozen features of images and sentences are kept on disk under their content (backbone, pixels or
text, settings, augmentation; `pipelines.jobs.cache`), so a second run or a resumed one does not
encode again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinical import canonical
from clinical.case.case import Case, Outcome, Problem, SkippedCase, input_digest
from clinical.case.shapes import Arrays, Shape, Text
from clinical.cohorts.cohort import CaseEntry, Source
from clinical.config import CPU, StudyConfig
from clinical.errors import CohortError, ConfigError
from clinical.modalities import devices
from clinical.modalities.catalogue import blank_settings, encoder
from clinical.modalities.encoding import Prepared
from clinical.modalities.kit import read_by
from clinical.modalities.notes import encoder as notes
from clinical.modalities.radiograph import encoder as radiograph
from clinical.model.model import EncoderSpec, backbone_digests, settings_json
from pipelines.jobs import cache as kept_arrays
from pipelines.jobs.progress import track
from pipelines.training import masks
from pipelines.training.diagnoses import diagnoses_of
from pipelines.training.kept_prepared import kept_prepared


@dataclass(frozen=True, eq=False)
class CachedCase:
    """A case for training: small inputs as they are, images as frozen features.

    Attributes:
        case: without its arrays.
        images: modality to [plain, augmented 1, augmented 2, ...].
        digest: of everything a model may see of the whole case, pixels included.
    """

    case: Case
    images: Mapping[str, tuple[Prepared, ...]]
    digest: str = ""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Everything that training needs of a cohort.

    Attributes:
        cases: usable cases in cohort order.
        diagnoses: names of the labels.
        labels: [cases, diagnoses]; 1, 0 or NaN for unknown.
        skipped: cases that could not be read.
        problems: rows and files that could not be used.
        regions: where each diagnosis shows [cases, diagnoses, patches]
        (`pipelines.training.masks.regions`),
            or None where the study does not use masks.
        splits: of every case, the cohort's own split; empty where it has none.
        days: from the decision to when each outcome was known [cases, diagnoses]; NaN where the
            source does not say, None where it says so of none.
    """

    cases: tuple[CachedCase, ...]
    diagnoses: tuple[str, ...]
    labels: np.ndarray
    skipped: tuple[SkippedCase, ...]
    problems: tuple[Problem, ...]
    regions: NDArray[np.float32] | None = None
    splits: tuple[str, ...] = ()
    days: NDArray[np.float64] | None = None

    def digest(self, indices: Sequence[int] | NDArray[np.intp]) -> str:
        """SHA-256 of the inputs, patients and labels of some cases, in order."""
        rows = [
            [self.cases[i].digest, self.cases[i].case.patient_id, str(self.labels[i].tolist())]
            for i in indices
        ]
        return canonical.digest([list(self.diagnoses), rows])

    @cached_property
    def patients(self) -> list[str]:
        """Patient of every case."""
        return [cached.case.patient_id for cached in self.cases]

    @cached_property
    def modalities(self) -> list[str]:
        """Names of all inputs that any case has, sorted."""
        return sorted({name for c in self.cases for name in (*c.case.inputs, *c.images)})

    @cached_property
    def sites(self) -> list[str]:
        """Site of every case; "" where it is not stated."""
        return [cached.case.site for cached in self.cases]


def read_dataset(
    source: Source,
    root: Path,
    study: StudyConfig,
    cache: Path | None,
    augmentations: int,
    *,
    look: Callable[[Case], CachedCase] | None = None,
) -> Dataset:
    """Read a cohort, encode its images with the frozen backbone, and join the outcomes.

    Everything that can be wrong about the outcomes is found before anything is encoded.

    Args:
        source: reader of the cohort.
        root: its folder.
        study: what is read of it.
        cache: folder of frozen features; None keeps none.
        augmentations: further looks at each image.
        look: what is done with each case instead of encoding its images.
    """
    look = look or partial(cache_images, study=study, cache=cache, augmentations=augmentations)
    told = tuple(source.outcomes(root))
    diagnoses = diagnoses_of(source, root, study.diagnoses, told)
    entries: Sequence[CaseEntry] = source.index(root)
    if study.cohort.limit:
        entries = entries[: study.cohort.limit]
    wanted = frozenset(entry.case_id for entry in entries)
    cases: list[CachedCase] = []
    skipped: list[SkippedCase] = []
    problems = [one.problem for one in told if one.problem and one.case_id in wanted]
    readings = track(
        _per_case(source.read(root, wanted), problems), "read and encode", len(entries)
    )
    for reading in readings:
        if isinstance(reading, SkippedCase):
            skipped.append(reading)
        else:
            problems.extend(reading.problems)
            cases.append(look(reading))
    names = [cached.case.case_id for cached in cases]
    labels, days = _labels(told, names, diagnoses), _days(told, names, diagnoses)
    regions = _regions(root, cases, labels, diagnoses, study)
    given = {entry.case_id: entry.split for entry in entries}
    return Dataset(
        tuple(cases),
        diagnoses,
        labels,
        tuple(skipped),
        tuple(problems),
        regions,
        tuple(given[cached.case.case_id] for cached in cases),
        days,
    )


def _per_case(
    readings: Iterable[Case | SkippedCase | Problem], problems: list[Problem]
) -> Iterator[Case | SkippedCase]:
    for reading in readings:
        if isinstance(reading, Problem):
            problems.append(reading)
        else:
            yield reading


def _labels(
    told: Sequence[Outcome], case_ids: Sequence[str], diagnoses: Sequence[str]
) -> np.ndarray:
    return _of_outcomes([(one, one.value) for one in told], case_ids, diagnoses)


def _days(
    told: Sequence[Outcome], case_ids: Sequence[str], diagnoses: Sequence[str]
) -> NDArray[np.float64] | None:
    found = _of_outcomes([(one, one.days) for one in told], case_ids, diagnoses)
    return None if np.isnan(found).all() else found


def _of_outcomes(
    told: Sequence[tuple[Outcome, float | None]],
    case_ids: Sequence[str],
    diagnoses: Sequence[str],
) -> NDArray[np.float64]:
    row = {case_id: number for number, case_id in enumerate(case_ids)}
    column = {name: number for number, name in enumerate(diagnoses)}
    found = np.full((len(row), len(column)), np.nan)
    for outcome, value in told:
        if outcome.case_id in row and outcome.diagnosis in column and value is not None:
            found[row[outcome.case_id], column[outcome.diagnosis]] = float(value)
    return found


def _regions(
    root: Path,
    cases: Sequence[CachedCase],
    labels: NDArray[np.float64],
    diagnoses: Sequence[str],
    study: StudyConfig,
) -> NDArray[np.float32] | None:
    """The masks on the grid of patches, where the study learns from them."""
    if not study.training.mask_weight:
        return None
    found = masks.read_masks(root)
    if not found:
        raise CohortError(
            f"training.mask_weight is {study.training.mask_weight}, but the cohort has no masks.",
            remedy=f"set it to 0, or give a cohort with {masks.TABLE}",
        )
    cells = radiograph.cells_of(blank_spec(masks.IMAGE, "radiograph", study).settings)
    names = [cached.case.case_id for cached in cases]
    return masks.regions(found, names, labels, diagnoses, cells)


def cache_images(
    case: Case, study: StudyConfig, cache: Path | None, augmentations: int
) -> CachedCase:
    """The case for training or testing: its images as frozen features, cached or computed."""
    images: dict[str, tuple[Prepared, ...]] = {}
    small: dict[str, Shape] = {}
    for kit, name, value in read_by(case):
        wanted = not study.model.modalities or name in study.model.modalities
        if wanted and (texts := kit.written(value)):
            _embed(texts, cache)
        if not value.arrays:
            small[name] = value
            continue
        if not wanted:
            continue
        spec = blank_spec(name, kit.name, study)
        images[name] = tuple(
            _encode(value, spec, copy, study, cache) for copy in range(1 + augmentations)
        )
    return CachedCase(replace(case, inputs=small), images, input_digest(case))


def blank_spec(name: str, modality: str, study: StudyConfig) -> EncoderSpec:
    """Encoder and unfitted settings for an input of a study.

    Args:
        name: of the input.
        modality: that reads it where the study names none.
        study: the study.

    Raises:
        ConfigError: if a setting of an encoder is not known or cannot be, or asks for a backbone
            that is taught further, which has to be done before anything is encoded.
    """
    chosen = study.model.modalities.get(name, modality)
    shared = {"width": study.model.width, "components": study.model.components}
    settings = blank_settings(chosen, shared, study.model.encoders)
    if getattr(settings, "fine_tune", radiograph.OFF) != radiograph.OFF:
        raise ConfigError(
            f"model.{chosen}.fine_tune is {settings.fine_tune!r}, and only `triptych train` teaches"
            " a backbone further.",
            remedy="train a model with this study file, then judge it on other patients by a study"
            " that names it; or remove the line",
        )
    return EncoderSpec(chosen, settings)


def _embed(written: Sequence[Text], cache: Path | None) -> None:
    """Have the sentences of a note remembered, so that every fit finds them done."""
    texts = list(notes.sentences_of(written))[: notes.Settings().longest]
    weights = backbone_digests({"notes": EncoderSpec("notes", notes.Settings())})["notes"]
    file = kept_arrays.place(cache, weights, canonical.digest(["notes", texts]))
    notes.remember(texts, kept_arrays.kept(file, lambda: notes.embed(texts)))


def _encode(
    value: Arrays, spec: EncoderSpec, copy: int, study: StudyConfig, cache: Path | None
) -> Prepared:
    """An input as frozen features; augmented where `copy` is not 0."""
    module, device = encoder(spec.encoder), devices.chosen(study.training.device)
    digests = [item.digest for item in value.items]
    # What is fitted later does not change what is frozen, so the settings of the study are enough.
    made_of: list[Any] = [spec.encoder, settings_json(spec.settings), digests, copy]
    made_of.append(study.seed if copy else 0)
    if device.type != CPU:  # whose last digits are others
        made_of.append(device.type)
    key = canonical.digest(made_of)
    weights = backbone_digests({spec.encoder: spec}).get(spec.encoder, "")
    rng = np.random.default_rng([study.seed, copy, _number(digests[0])]) if copy else None
    file = kept_arrays.place(cache, weights, key)
    with devices.using(device):
        return kept_prepared(file, lambda: module.prepare(value, spec.settings, rng=rng))


def _number(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)
