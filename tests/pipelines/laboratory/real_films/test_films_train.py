"""The rule by which a reader of real films is chosen, and the model that it leads to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from made_films import films_of

from pipelines.laboratory.real_films import own_reader
from pipelines.laboratory.real_films.judge import EVERY_VIEW, Result
from pipelines.laboratory.real_films.train import (
    CANDIDATES,
    PARTS,
    Choice,
    choose,
    groups,
    parted,
    speaks_of,
)
from pipelines.statistics.metrics import Interval

WHOLE, LUNGS, COARSE = CANDIDATES
PLACES = (("nih", "AP"), ("nih", "PA"), ("kermany", "AP"))


def row(
    reader: str, place: tuple[str, str], low: float, *, cases: int = 80, positives: int = 40
) -> Result:
    area = Interval(low + 0.05, low, low + 0.1, cases, positives)
    return Result(reader, *place, area, 0.5, 100)


def rows(reader: str, lows: Sequence[float]) -> list[Result]:
    return [row(reader, place, low) for place, low in zip(PLACES, lows, strict=True)]


def test_the_reader_that_carries_to_most_groups_is_chosen() -> None:
    found = [*rows(WHOLE, (0.4, 0.6, 0.4)), *rows(LUNGS, (0.52, 0.4, 0.6))]
    assert choose(found) == Choice(LUNGS, "kermany", ("AP",))


def test_of_several_the_one_with_the_best_mean_rank_then_the_simplest() -> None:
    better = [*rows(WHOLE, (0.51, 0.4, 0.4)), *rows(LUNGS, (0.52, 0.41, 0.41))]
    assert choose(better).reader == LUNGS
    alike = [*rows(COARSE, (0.6, 0.4, 0.6)), *rows(LUNGS, (0.6, 0.4, 0.6))]
    assert choose(alike).reader == LUNGS


def test_the_source_with_most_groups_gives_calibration_and_domain() -> None:
    assert choose(rows(LUNGS, (0.51, 0.52, 0.7))) == Choice(LUNGS, "nih", ("AP", "PA"))


def test_a_reader_that_carries_nowhere_may_speak_of_nothing() -> None:
    assert choose(rows(WHOLE, (0.4, 0.45, 0.3))).views == ()


def test_few_films_of_a_label_and_whole_sources_are_no_group() -> None:
    few = row(WHOLE, ("covid", "PA"), 0.9, cases=97, positives=93)
    whole = row(WHOLE, ("nih", EVERY_VIEW), 0.9)
    kept = row(WHOLE, ("nih", "AP"), 0.5)
    assert groups([few, whole, kept]) == [kept]


@pytest.mark.parametrize(
    ("source", "age", "counts"),
    [("nih", 17.9, False), ("nih", 18, True), ("kermany", None, True), ("kermany", 6.0, False)],
)
def test_each_source_is_of_some_ages(source: str, age: float | None, counts: bool) -> None:
    assert speaks_of(source, age) is counts


def test_films_of_one_patient_are_of_one_part() -> None:
    found = parted(films_of([("a", "AP", 1.0, 100)]))
    assert Counter(found.values()) == {name: round(100 * share) for name, share in PARTS.items()}
    assert parted(films_of([("a", "AP", 1.0, 100)])) == found


def test_films_come_as_often_as_their_cell_counts_and_none_is_lost() -> None:
    films = films_of([("a", "AP", 1.0, 30), ("a", "AP", 0.0, 10), ("b", "PA", 1.0, 5)])
    chosen = own_reader.repeated(films, np.full(45, True))
    labels = films.any_dataset.labels[chosen, 0]
    assert Counter(labels.tolist()) == {1.0: 30, 0.0: 30}
    assert set(chosen.tolist()) == set(range(40)), "b has one label only and teaches nothing"
    part = own_reader.repeated(films, np.arange(45) % 2 == 0)
    assert all(film % 2 == 0 for film in part)
