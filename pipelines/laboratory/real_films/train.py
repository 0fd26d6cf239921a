"""`triptych films train`: the model for real films that ships, as far as the evidence goes.

The rule by which it is chosen is in docs/real-films.md, and was written before the candidates were
judged. What ships are the weights that were judged: the other sources taught them, the source left
out did not. Its films, of the views to which they carry, give calibration and threshold, and what
films the model takes for its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinical.modalities.kit import person
from clinical.modalities.radiograph.encoder import EMBEDDING
from clinical.modalities.radiograph.rows import IMAGE
from clinical.modalities.radiograph.views import PROJECTIONS, projection_of
from clinical.model import calibration, domain
from clinical.model import model as models
from clinical.model.model import EncoderSpec, Model
from pipelines.laboratory.real_films import accepted, card, judge, own_reader
from pipelines.laboratory.real_films.gather import OPACITY
from pipelines.laboratory.real_films.judge import (
    CHANCE,
    EVERY_VIEW,
    SEED,
    Films,
    Reader,
    Result,
    left_out,
    read_films,
)
from pipelines.statistics.metrics import auroc_interval

NAME = "real-films"
CANDIDATES: Mapping[str, str] = {
    "own reader, whole film": "",
    "own reader, lung crop": "lungs",
    "own reader, coarse lung crop": "coarse lungs",
}
"""Readers that a checkpoint can hold, the simplest first, to the crop that each looks at."""

LEAST_OF_EACH = 20
"""Films with and without an opacity that a view of a source must have to be judged by."""

PARTS = {"fit": 0.6, "limit": 0.2, "held out": 0.2}
"""Shares of the patients of the source left out that shape the domain, set its limit, test it."""


@dataclass(frozen=True)
class Choice:
    """What the rule chose.

    Attributes:
        reader: a key of `CANDIDATES`.
        source: that was left out of what taught it.
        views: of this source to which it carries; empty where it carries to none.
    """

    reader: str
    source: str
    views: tuple[str, ...]


def groups(results: Sequence[Result]) -> list[Result]:
    """The rows that the rule counts: views with enough films of each label."""
    return [
        one
        for one in results
        if one.view != EVERY_VIEW
        and min(one.auroc.positives, one.auroc.cases - one.auroc.positives) >= LEAST_OF_EACH
    ]


def carries(one: Result) -> bool:
    """Whether a reader is better than chance there."""
    return one.auroc.low is not None and one.auroc.low > CHANCE


def choose(results: Sequence[Result]) -> Choice:
    """The reader that the rule names, and where it may speak."""
    counted = groups(results)
    places = list(dict.fromkeys((one.source, one.view) for one in counted))
    names = [name for name in CANDIDATES if any(one.reader == name for one in counted)]
    area = {(one.reader, one.source, one.view): one.auroc.value or 0.0 for one in counted}

    def rank(name: str, place: tuple[str, str]) -> int:
        return sum(area[other, *place] > area[name, *place] for other in names)

    def order(name: str) -> tuple[int, float, int]:
        won = sum(carries(one) for one in counted if one.reader == name)
        mean = float(np.mean([rank(name, place) for place in places]))
        return -won, mean, names.index(name)

    best = min(names, key=order)
    own = [one for one in counted if one.reader == best]
    carried: dict[str, list[str]] = {}
    for one in own:
        carried.setdefault(one.source, [])
        if carries(one):
            carried[one.source].append(one.view)
    lowest = {one.source: one.auroc.low or 0.0 for one in sorted(own, key=_low)}
    source = max(carried, key=lambda name: (len(carried[name]), lowest[name]))
    return Choice(best, source, tuple(carried[source]))


def _again(choice: Choice, seed: int) -> Reader:
    return own_reader.own(CANDIDATES[choice.reader], seed=seed)


def _low(one: Result) -> float:
    return one.auroc.low or 0.0


def train(cohort: Path, out: Path, *, others: Path | None = None, samples: int = 1000) -> Model:
    """Judge the candidates, choose by the rule, and write the model with its card into `out`.

    Args:
        cohort: that `gather` has written.
        out: folder; what is encoded and fitted is kept there, so that a run that was stopped
            resumes.
        others: folder of DICOM files that are no films of a chest, to count what is refused.
        samples: of the bootstrap.
    """
    films = read_films(cohort, out / "cache", tuple(CANDIDATES.values()), measure=False)
    results = [
        one
        for name, crop in CANDIDATES.items()
        for source in dict.fromkeys(films.sources)
        for one in left_out(films, name, own_reader.own(crop), source, samples)
    ]
    judge.write(results, out)
    choice = choose(results)
    made = finished(films, choice, samples=samples)
    models.save(made.model, out / NAME)
    counts = accepted.count(made.model, cohort, films, made.parts, others)
    again = [
        one
        for seed in OTHER_SEEDS
        for one in left_out(films, choice.reader, _again(choice, seed), choice.source, samples)
        if one.view in choice.views
    ]
    text = card.written(made.model, choice.reader, choice.source, results, again, counts)
    (out / NAME / "MODEL_CARD.md").write_text(text, encoding="utf-8")
    return made.model


@dataclass(frozen=True, eq=False)
class Finished:
    """The model that ships, and which films it was finished with.

    Attributes:
        model: with the calibration and the domain of the source left out.
        parts: film to the part of `PARTS` it belongs to, of the films that the domain was made of.
    """

    model: Model
    parts: Mapping[int, str]


def finished(films: Films, choice: Choice, *, samples: int = 1000) -> Finished:
    """The weights that were judged, calibrated on the source that did not teach them.

    Only patients of the ages of that source, and only films of the views to which it carries, are
    spoken of; of all frontal ones where it carries to none, and then everything is withheld.
    """
    crop = CANDIDATES[choice.reader]
    elsewhere = np.array([one != choice.source for one in films.sources])
    own = np.array([view in choice.views or not choice.views for view in films.views]) & ~elsewhere
    own &= np.array([speaks_of(choice.source, _age(films, n)) for n in range(len(own))])
    taught = own_reader.trained(films.where(elsewhere & films.may_teach & films.known), crop)
    tested = films.where(own & films.known)
    logits, labels = own_reader.said(taught, tested, crop), tested.labels
    area = auroc_interval(logits, labels, tested.patients, samples=samples, seed=SEED)
    support = replace(calibration.fit_support(logits, labels), low=area.low)
    chances = np.array([calibration.apply(x, support) for x in logits])
    parts = parted(films.where(own))
    facts: dict[str, Any] = {
        **taught.facts,
        "ages": {**AGES[choice.source], "judged": True},
        "calibrated_on": choice.source,
        "validation_cases": len(labels),
        "validation_patients": len(set(tested.patients)),
        "correction": {},
    }
    spec = taught.specs[IMAGE]
    refusing = replace(spec.settings, projections=_projections(choice.views), posture=True)
    model = models.build(
        name=NAME,
        diagnoses=taught.diagnoses,
        specs={IMAGE: EncoderSpec(spec.encoder, refusing)},
        network=taught.network,
        support={IMAGE: {OPACITY: support}},
        thresholds={OPACITY: calibration.youden_threshold(chances, labels)},
        prevalence={OPACITY: float(labels.mean())},
        envelopes={IMAGE: _envelope(films, crop, parts)},
        set_rules={},
        study=replace(taught.study, name=NAME),
        facts=facts,
    )
    return Finished(model, parts)


OTHER_SEEDS = (12, 13, 14, 15)
"""With which the chosen training is done again, to see how much of a figure is luck."""

AGES: Mapping[str, Mapping[str, float | None]] = {
    "nih": {"from": 18.0, "to": None},
    "kermany": {"from": 1.0, "to": 6.0},
}
"""Source to the ages of its patients that a model calibrated on it speaks of: from, to below."""


def speaks_of(source: str, age_years: float | None) -> bool:
    """Whether a patient of a source counts; one whose age is not known does."""
    low, high = AGES[source]["from"], AGES[source]["to"]
    if age_years is None:
        return True
    return (low is None or age_years >= low) and (high is None or age_years < high)


def _age(films: Films, film: int) -> float | None:
    return person(films.any_dataset.cases[film].case).age_years


def _projections(views: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(projection_of(view) for view in views)) or PROJECTIONS


def parted(films: Films) -> dict[int, str]:
    """The chosen films by the part of `PARTS` that their patient falls into."""
    people = np.array(sorted(set(films.patients)))
    order = np.random.default_rng(SEED).permutation(len(people))
    ends = np.round(np.cumsum([*PARTS.values()]) * len(people)).astype(int)
    part_of = {
        str(people[place]): list(PARTS)[int(np.searchsorted(ends, turn, side="right"))]
        for turn, place in enumerate(order)
    }
    return {
        int(film): part_of[patient]
        for film, patient in zip(films.chosen, films.patients, strict=True)
    }


def _envelope(films: Films, crop: str, parts: Mapping[int, str]) -> domain.Envelope:
    def rows(part: str) -> NDArray[np.float32]:
        return np.stack(
            [embedding(films, crop, film) for film, own in parts.items() if own == part]
        )

    return domain.fit_envelope(rows("fit"), rows("limit"))


def embedding(films: Films, crop: str, film: int) -> NDArray[np.float32]:
    """What the domain mark sees of a film."""
    patches = films.encoded[crop].cases[film].images[IMAGE][0].features[EMBEDDING]
    return np.asarray(patches.astype(np.float32).mean(axis=0))
