"""Judge readers of real films by leaving out one whole source at a time.

Each reader learns from the films of the other sources that may teach (`sources.teaches`), and is
tested on every film of the one left out whose label is known: AUROC with a bootstrap over
patients, for all its films and for each view. A source without films of both labels cannot be
judged, and the table says so. Nothing of the source left out, not even its mean, is used.

Where view and label go together in a source, the figure over all its films says less than those of
each view.

Frozen features and what a fitted reader says are kept under what they were made from
(`pipelines.jobs.cache`), so a killed run resumes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clinical import canonical
from clinical.case.case import Case
from clinical.cohorts import folder
from clinical.cohorts.cohort import CaseEntry
from clinical.config import CohortConfig, ModelConfig, StudyConfig
from clinical.errors import CohortError
from clinical.modalities.radiograph import lungs
from clinical.modalities.radiograph.rows import IMAGE
from pipelines.jobs.cache import kept, place
from pipelines.jobs.progress import track
from pipelines.laboratory.real_films import readers
from pipelines.laboratory.real_films.gather import LEARN, OPACITY
from pipelines.laboratory.real_films.readers import LOOKS, Look
from pipelines.statistics.metrics import Interval, auroc_interval
from pipelines.training.dataset import CachedCase, Dataset, cache_images

SIZES = {"": 224, "lungs": 224, "coarse lungs": 96}
"""Crop to the side in pixels of what the frozen networks see."""

SEED = 11
EVERY_VIEW = "all"
CHANCE = 0.5

_JSON, _TABLE = "left-out.json", "left-out.md"

Values = NDArray[np.float64]
Reader = Callable[["Films"], Values]
"""From films to learn from, log odds of an opacity of every film of the cohort."""


@dataclass(frozen=True, eq=False)
class Films:
    """Films of a gathered cohort, encoded; the same films in each dataset.

    Attributes:
        encoded: crop to the dataset.
        sources, views, splits: of every film.
        brightness: of the lungs of every film [films, 8] (`lungs.brightness`).
        chosen: places of those that are meant.
        cache: folder in which what readers say is kept, or None.
    """

    encoded: dict[str, Dataset]
    sources: tuple[str, ...]
    views: tuple[str, ...]
    splits: tuple[str, ...]
    brightness: Values
    chosen: NDArray[np.intp]
    cache: Path | None = None

    def where_all(self) -> Films:
        """Every film there is."""
        return replace(self, chosen=np.arange(len(self.sources)))

    def kept_at(self, crop: str, reader: object) -> Path | None:
        """Where log odds are kept of a reader that these films taught, those that count."""
        dataset, weights = self.encoded[crop], self.weights
        read = dataset.digest(np.arange(len(dataset.cases)))
        key = canonical.digest([reader, dataset.digest(self.chosen[weights > 0]), read])
        return place(self.cache, "readers", key)

    def where(self, keep: Sequence[bool] | NDArray[np.bool_]) -> Films:
        """Those of the chosen films for which `keep`, one for each film there is, is true."""
        return replace(self, chosen=self.chosen[np.asarray(keep)[self.chosen]])

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Of every film there is: whether its label is known."""
        return np.asarray(~np.isnan(self.any_dataset.labels[:, 0]))

    @cached_property
    def may_teach(self) -> NDArray[np.bool_]:
        """Of every film there is: whether its licence lets it teach."""
        return np.array([one == LEARN for one in self.splits])

    @cached_property
    def any_dataset(self) -> Dataset:
        """One of the datasets, for what all have alike."""
        return next(iter(self.encoded.values()))

    @property
    def labels(self) -> Values:
        """Of the chosen films: 1, 0 or NaN."""
        return np.asarray(self.any_dataset.labels[self.chosen, 0])

    @property
    def patients(self) -> list[str]:
        """Of the chosen films."""
        return [self.any_dataset.patients[film] for film in self.chosen]

    @property
    def weights(self) -> Values:
        """`readers.balance` of the chosen films."""
        sources, views = ([of[film] for film in self.chosen] for of in (self.sources, self.views))
        return readers.balance(sources, views, self.labels)

    def rows(self, look: Look) -> Values:
        """What a head sees of the chosen films [n, size]."""
        cases = self.encoded[look.crop].cases
        patches = [cases[film].images[IMAGE][0].features["patch"] for film in self.chosen]
        return np.stack([readers.row(one, look) for one in patches])


@dataclass(frozen=True)
class Result:
    """One reader on one source that it did not learn from.

    Attributes:
        reader, source, view: what was judged; `EVERY_VIEW` for all films.
        auroc: with its interval.
        called: share of the films that the reader calls opaque, at even odds.
        learnt: number of films that it learnt from.
    """

    reader: str
    source: str
    view: str
    auroc: Interval
    called: float
    learnt: int


def study_of(crop: str) -> StudyConfig:
    """How films are encoded for a crop."""
    model = ModelConfig(
        modalities={IMAGE: "radiograph"},
        components=64,
        encoders={"radiograph": {"image_size": SIZES[crop], "crop": crop}},
    )
    return StudyConfig("real-films", CohortConfig("."), (OPACITY,), SEED, model)


def read_films(cohort: Path, cache: Path, crops: Sequence[str], *, measure: bool = True) -> Films:
    """Read and encode a cohort that `gather` has written.

    Args:
        cohort: its folder.
        cache: folder in which features are kept.
        crops: keys of `SIZES`.
        measure: whether brightness is measured; it is 0 otherwise.

    Raises:
        CohortError: if a film of it cannot be read.
    """
    entries = {entry.case_id: entry for entry in folder.index(cohort)}
    values = {told.case_id: told.value for told in folder.outcomes(cohort)}
    encoded: dict[str, list[CachedCase]] = {crop: [] for crop in crops}
    told: list[CaseEntry] = []
    bright: list[Values] = []
    for reading in track(folder.read(cohort), "read and encode", len(entries)):
        if not isinstance(reading, Case) or IMAGE not in reading.inputs:
            raise CohortError("A film cannot be read.", remedy="gather the films again")
        told.append(entries[reading.case_id])
        for crop, cases in encoded.items():
            cases.append(cache_images(reading, study_of(crop), cache, 0))
        image = reading.inputs[IMAGE].arrays[0]
        bright.append(lungs.brightness(image) if measure else np.zeros(lungs.NUMBERS))
    known = [values.get(entry.case_id) for entry in told]
    labels = np.array([[math.nan if value is None else float(value)] for value in known])
    return Films(
        {
            crop: Dataset(tuple(cases), (OPACITY,), labels, (), ())
            for crop, cases in encoded.items()
        },
        tuple(entry.site for entry in told),
        tuple(entry.columns.get("view", "") for entry in told),
        tuple(entry.split for entry in told),
        np.array(bright),
        np.arange(len(told)),
        cache,
    )


def probe(look: Look) -> Reader:
    """A head on frozen features."""

    def read(lessons: Films) -> Values:
        def odds() -> Values:
            head = readers.fitted(lessons.rows(look), lessons.labels, lessons.weights)
            return head(lessons.where_all().rows(look))

        return kept(lessons.kept_at(look.crop, asdict(look)), odds)

    return read


def zones(columns: Sequence[int]) -> Reader:
    """A head on some of the eight numbers of `lungs.brightness`."""

    def read(lessons: Films) -> Values:
        rows = lessons.brightness[:, list(columns)]
        head = readers.weighed(rows[lessons.chosen], lessons.labels, lessons.weights)
        return head(rows)

    return read


READERS: dict[str, Reader] = {
    **{look.name: probe(look) for look in LOOKS},
    "brightness of six lung zones": zones(range(6)),
    "lungs less surroundings, and range of zones": zones((6, 7)),
}
CROPS = tuple(SIZES)


def judge(cohort: Path, out: Path, *, samples: int = 1000) -> list[Result]:
    """Judge every reader on every source, and write left-out.json and left-out.md into `out`."""
    films = read_films(cohort, out / "cache", CROPS)
    results: list[Result] = []
    for name, reader in READERS.items():
        for source in dict.fromkeys(films.sources):
            results += left_out(films, name, reader, source, samples)
        write(results, out)
    return results


def left_out(
    films: Films, name: str, reader: Reader, source: str, samples: int
) -> Iterator[Result]:
    """One reader on one source: all its films, then each view."""
    elsewhere = np.array([one != source for one in films.sources])
    lessons = films.where(elsewhere & films.may_teach & films.known)
    tested = films.where(~elsewhere)
    odds = reader(lessons)[tested.chosen]
    views = np.array([films.views[film] for film in tested.chosen])
    for view in (EVERY_VIEW, *sorted(set(views.tolist()))):
        here = np.full(len(views), True) if view == EVERY_VIEW else views == view
        people = [one for one, kept in zip(tested.patients, here, strict=True) if kept]
        area = auroc_interval(odds[here], tested.labels[here], people, samples=samples, seed=SEED)
        learnt = int((lessons.weights > 0).sum())
        yield Result(name, source, view, area, float((odds[here] > 0).mean()), learnt)


def verdict(area: Interval) -> str:
    """What an interval says about chance."""
    if area.value is None or area.low is None or area.high is None:
        return "cannot be judged"
    if area.low > CHANCE:
        return "better than chance"
    return "worse than chance" if area.high < CHANCE else "not shown to be better than chance"


def write(results: Sequence[Result], out: Path) -> None:
    """The results as JSON and as a table in Markdown."""
    out.mkdir(parents=True, exist_ok=True)
    data = [asdict(one) for one in results]
    (out / _JSON).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    (out / _TABLE).write_text(table(results), encoding="utf-8")


def table(results: Sequence[Result]) -> str:
    """Every row, those that failed too."""
    lines = [
        "| reader | left out | view | films (with opacity) | AUROC | called opaque | verdict |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in results:
        area = one.auroc
        lines.append(
            f"| {one.reader} | {one.source} | {one.view} | {area.cases} ({area.positives}) | {area}"
            f" | {one.called:.0%} | {verdict(area)} |"
        )
    return "\n".join([*lines, ""])
