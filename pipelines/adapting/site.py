"""The cases of a site as a model takes them, read once; pixels and values are not kept.

Outcomes are read only where labelled cases are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clinical import canonical
from clinical.case.case import Case, SkippedCase
from clinical.cohorts.cohort import Source
from clinical.cohorts.sources import numbers_rows, source
from clinical.config import CohortConfig, nearest
from clinical.errors import CohortError
from clinical.modalities.catalogue import encoder
from clinical.modalities.encoding import mean_embedding
from clinical.modalities.kit import person
from clinical.model.model import Model
from pipelines.adapting import evidence
from pipelines.adapting.evidence import Evidence, Values
from pipelines.jobs.progress import track
from pipelines.training.dataset import cache_images
from pipelines.training.fit import PreparedCase
from pipelines.training.train import prepare_cached

ALL = -1
"""As many labelled cases as there are."""

_LEAST_TOKENS = 6
"""From so many tokens on, two cases with the same inputs are not taken for chance."""


@dataclass(frozen=True)
class Place:
    """Where the cases of a site lie.

    Attributes:
        source, root: of the cohort.
        labelled: how many cases with outcomes are used, drawn patient by patient; 0: none, and
            outcomes are not read; ALL.
        trained_on: folder of the cohort that the model was trained on, to look for its patients.
        seed: of what is drawn.
    """

    source: str
    root: Path
    labelled: int = ALL
    trained_on: Path | None = None
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Site:
    """What an adaptation needs of a site's cases.

    Attributes:
        name: of the folder.
        people: who each case is of; cases with the same inputs are taken for one patient's.
        labels: [cases, diagnoses of the model]; 1, 0 or NaN for unknown or not used.
        evidence: what the network finds in each.
        embeddings: modality to the mean frozen embedding of each case [cases, size]; NaN without.
        unknown: modality to items without a token, and all items [cases, 2].
        too_old: whether a case is of an age that the model does not speak of [cases].
        skipped: cases that could not be read.
        doubled: cases whose inputs another patient has, too.
        inputs_digest: of all inputs, in any order; of what a model may see.
        labels_digest: of the outcomes that were used with them.
    """

    name: str
    people: tuple[str, ...]
    labels: Values
    evidence: Evidence
    embeddings: Mapping[str, NDArray[np.float32]]
    unknown: Mapping[str, NDArray[np.intp]]
    too_old: NDArray[np.bool_]
    skipped: int
    doubled: int
    inputs_digest: str
    labels_digest: str

    @property
    def labelled(self) -> NDArray[np.intp]:
        """Cases with a known outcome."""
        return np.flatnonzero((~np.isnan(self.labels)).any(axis=1))

    def of(self, rows: NDArray[np.intp]) -> Site:
        """Some of its cases."""
        return replace(
            self,
            people=tuple(self.people[i] for i in rows),
            labels=self.labels[rows],
            evidence=self.evidence.of(rows),
            embeddings={name: found[rows] for name, found in self.embeddings.items()},
            unknown={name: found[rows] for name, found in self.unknown.items()},
            too_old=self.too_old[rows],
        )

    def unlabelled(self) -> Site:
        """The same cases as if no outcome were known."""
        return replace(self, labels=np.full_like(self.labels, np.nan))


def read_site(model: Model, place: Place, cache: Path) -> Site:
    """Read the cases of a site and let the model's network look at each.

    Args:
        model: that is to be adapted.
        place: where the cases lie.
        cache: folder for frozen features; a run that was stopped resumes from it.

    Raises:
        CohortError: if the cohort cannot be read, has no case that the model can read, has no
            outcome of what the model tells, only one outcome of each, or shares patients with the
            training where that can be seen.
    """
    reader = source(place.source)
    entries = reader.index(place.root)
    if place.trained_on is not None:
        here = {entry.patient_id for entry in entries}
        _check_patients(model, place.source, here, place.trained_on)
    outcomes = _outcomes(model, reader, place) if place.labelled else {}
    seen, parts, skipped = _looked_at(model, reader, place, len(entries), cache)
    people, doubled = _one_person(seen)
    unknown = [float("nan")] * len(model.diagnoses)
    labels = np.array([outcomes.get(one.case_id, unknown) for one in seen])
    labels = _drawn(labels, people, place)
    rows = [_row(one.digest, row) for one, row in zip(seen, labels.tolist(), strict=True)]
    site = Site(
        name=place.root.resolve().name,
        people=people,
        labels=labels,
        evidence=evidence.joined(parts),
        embeddings=_embeddings(model, seen),
        unknown=_unknown(model, seen),
        too_old=np.array([one.too_old for one in seen]),
        skipped=skipped,
        doubled=doubled,
        inputs_digest=canonical.digest(sorted(one.digest for one in seen)),
        labels_digest=canonical.digest(sorted(rows)),
    )
    if place.labelled:
        _check_labels(site, model)
    return site


def _row(digest: str, labels: Sequence[float]) -> str:
    return f"{digest} {' '.join('?' if np.isnan(one) else str(int(one)) for one in labels)}"


@dataclass(frozen=True, eq=False)
class _Seen:
    """What is kept of one case.

    Attributes:
        case_id, patient_id: of the case.
        digest: of its inputs.
        telling: whether the inputs are so many that two patients do not share them by chance.
        too_old: whether the model does not speak of its age.
        means: modality to mean frozen embedding.
        missed: modality to items without a token, and all items.
    """

    case_id: str
    patient_id: str
    digest: str
    telling: bool
    too_old: bool
    means: Mapping[str, NDArray[np.float32]]
    missed: Mapping[str, tuple[int, int]]


def _looked_at(
    model: Model, reader: Source, place: Place, count: int, cache: Path
) -> tuple[list[_Seen], list[Evidence], int]:
    """Every case once, some at a time; what the network finds in them; and how many are skipped."""
    study = replace(model.study, cohort=CohortConfig(str(place.root), place.source))
    seen: list[_Seen] = []
    parts: list[Evidence] = []
    waiting: list[PreparedCase] = []
    skipped = 0
    for reading in track(reader.read(place.root), "read and encode", count):
        if isinstance(reading, SkippedCase):
            skipped += 1
        if not isinstance(reading, Case):
            continue
        cached = cache_images(reading, study, cache, 0)
        prepared = prepare_cached(cached, model.specs)[0]
        seen.append(_seen(reading, cached.digest, prepared, model))
        waiting.append(prepared)
        if len(waiting) == evidence.AT_ONCE:
            parts.append(evidence.gather(model.network, waiting))
            waiting = []
    if waiting:
        parts.append(evidence.gather(model.network, waiting))
    if not any(part.present.any() for part in parts):
        raise CohortError(
            f"No case of this cohort has an input that the model reads ({', '.join(model.specs)}).",
            remedy="give another model, or name the inputs as the model does",
        )
    return seen, parts, skipped


def _seen(case: Case, digest: str, prepared: PreparedCase, model: Model) -> _Seen:
    means, missed = {}, {}
    for name, value in prepared.items():
        module = encoder(model.specs[name].encoder)
        embedding = mean_embedding(value, module.EMBEDDING)
        if name in model.envelopes and embedding is not None:
            means[name] = embedding
        if module.VOCABULARY:
            missed[name] = (value.unknown, value.unknown + len(value.sources))
    tokens = sum(len(value.sources) for value in prepared.values())
    too_old = model.ages.outside(person(case).age_years) is not None
    return _Seen(
        case.case_id, case.patient_id, digest, tokens >= _LEAST_TOKENS, too_old, means, missed
    )


def _embeddings(model: Model, seen: Sequence[_Seen]) -> dict[str, NDArray[np.float32]]:
    found = {}
    for name, envelope in model.envelopes.items():
        nothing = np.full_like(envelope.mean, np.nan)
        found[name] = np.stack([one.means.get(name, nothing) for one in seen])
    return found


def _unknown(model: Model, seen: Sequence[_Seen]) -> dict[str, NDArray[np.intp]]:
    return {
        name: np.array([one.missed.get(name, (0, 0)) for one in seen], dtype=np.intp)
        for name, spec in model.specs.items()
        if encoder(spec.encoder).VOCABULARY
    }


def _outcomes(model: Model, reader: Source, place: Place) -> dict[str, list[float]]:
    """Case to what is known of each diagnosis of the model."""
    column = {name: number for number, name in enumerate(model.diagnoses)}
    others: set[str] = set()
    found: dict[str, list[float]] = {}
    for outcome in reader.outcomes(place.root):
        if outcome.diagnosis not in column:
            others.add(outcome.diagnosis)
        elif outcome.value is not None:
            row = found.setdefault(outcome.case_id, [float("nan")] * len(column))
            row[column[outcome.diagnosis]] = float(outcome.value)
    if found:
        return found
    if others:
        near = nearest(next(iter(sorted(others))), list(column))
        raise CohortError(
            f"The cohort's outcomes ({', '.join(sorted(others))}) are none of the model's"
            f" diagnoses ({', '.join(column)}).",
            remedy=f"name them as the model does ({near}), or adapt the domain alone with"
            " --cases 0",
        )
    raise CohortError(
        "The cohort has no known outcome.",
        remedy="add outcomes, or adapt the domain alone with --cases 0",
    )


def _check_labels(site: Site, model: Model) -> None:
    known = [column[~np.isnan(column)] for column in site.labels.T]
    if not any(0 < y.sum() < len(y) for y in known):
        told = [name for name, y in zip(model.diagnoses, known, strict=True) if len(y)]
        raise CohortError(
            "Every local case that is used has the same outcome"
            f" ({', '.join(told) or 'none known'}): nothing can be learnt from one class alone.",
            remedy="add cases with the other outcome, or adapt the domain alone with --cases 0",
        )


def _check_patients(model: Model, kind: str, here: set[str], trained_on: Path) -> None:
    trained = model.study.cohort.source
    numbered = [name for name in (trained, kind) if numbers_rows(name)]
    if numbered:
        raise CohortError(
            f"Patient ids of the source {numbered[0]!r} are the numbers of its rows: they do not"
            " say whether somebody is in both cohorts.",
            remedy="leave --trained-on out",
        )
    learnt = {entry.patient_id for entry in source(trained).index(trained_on)}
    shared = len(learnt & here)
    if shared:
        raise CohortError(
            f"{shared} patients of this cohort are among those that the model was trained on.",
            remedy="leave them out: what a model says of its own training cases is too good to"
            " calibrate on",
        )


def _one_person(seen: Sequence[_Seen]) -> tuple[tuple[str, ...], int]:
    """Who each case is of, cases with the same inputs being one person's; and how many were."""
    leader = {one.patient_id: one.patient_id for one in seen}

    def lead(name: str) -> str:
        while leader[name] != name:
            name = leader[name]
        return name

    first: dict[str, str] = {}
    doubled = 0
    for one in seen:
        other = first.setdefault(one.digest, one.patient_id) if one.telling else one.patient_id
        if other != one.patient_id:
            doubled += 1
            leader[lead(one.patient_id)] = lead(other)
    return tuple(lead(one.patient_id) for one in seen), doubled


def _drawn(labels: Values, people: Sequence[str], place: Place) -> Values:
    """Labels of as many cases as are asked for; those of the others are not used."""
    known = np.flatnonzero((~np.isnan(labels)).any(axis=1))
    if place.labelled == ALL or place.labelled >= len(known):
        return labels
    chosen = first_cases(known, people, place.labelled, place.seed)
    used = np.full_like(labels, np.nan)
    used[chosen] = labels[chosen]
    return used


def first_cases(
    rows: NDArray[np.intp], people: Sequence[str], number: int, seed: int
) -> NDArray[np.intp]:
    """So many of these cases, patients in random order; fewer are among more of the same seed."""
    names = np.asarray(people)[rows]
    order = np.random.default_rng([seed, 1]).permutation(np.unique(names))
    place = {name: number for number, name in enumerate(order.tolist())}
    sorted_rows = sorted(range(len(rows)), key=lambda i: (place[names[i]], i))
    return np.sort(rows[sorted_rows[:number]])
