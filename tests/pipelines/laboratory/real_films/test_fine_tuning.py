"""Who teaches a backbone, who its reader, and that the source left out teaches neither."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from made_films import films_of

from pipelines.laboratory.real_films import own_reader
from pipelines.laboratory.real_films.fine_tuning import halves_of, only

CELLS = [
    (source, "AP", label, count)
    for source in ("a", "b")
    for label, count in ((1.0, 20), (0.0, 20), (float("nan"), 4))
]


def test_patients_teach_the_backbone_or_the_reader() -> None:
    films = films_of(CELLS)
    halves = halves_of(films, "b")
    assert halves.backbone.sum() == halves.reader.sum() == 20
    assert not (halves.backbone & halves.reader).any()
    assert halves.choosing.sum() == 4
    assert not (halves.choosing & ~halves.backbone).any()


def test_the_source_left_out_and_films_without_a_label_teach_nothing() -> None:
    films = films_of(CELLS)
    halves = halves_of(films, "b")
    taught = halves.backbone | halves.reader
    assert {source for source, one in zip(films.sources, taught, strict=True) if one} == {"a"}
    assert films.known[taught].all()


def test_films_that_may_only_test_teach_no_backbone() -> None:
    films = films_of(CELLS)
    closed = replace(films, splits=("test",) * len(films.splits))
    halves = halves_of(closed, "b")
    assert not (halves.backbone | halves.reader).any()


def test_a_half_teaches_the_reader_alone() -> None:
    films = films_of(CELLS)
    halves = halves_of(films, "b")
    half = only(films, halves.reader)
    lessons = half.where(half.may_teach & half.known)
    assert np.array_equal(lessons.chosen, np.flatnonzero(halves.reader))
    assert len(own_reader.repeated(lessons, np.full(len(lessons.chosen), True))) >= 20
