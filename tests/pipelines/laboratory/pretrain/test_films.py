from __future__ import annotations

from pathlib import Path

import numpy as np

from pipelines.laboratory.pretrain import films
from pipelines.laboratory.simulate import clinic

SEED = 3


def _showing(finding: str) -> int:
    """The first film of the clinic of films that shows a finding."""
    table = films.table_of_films()
    drawn = ((n, clinic.draw_patient(SEED, n, table=table)) for n in range(200))
    return next(n for n, patient in drawn if finding in patient.image_findings)


def test_the_same_film_is_the_same_numbers() -> None:
    first, second = films.draw(SEED, 4), films.draw(SEED, 4)
    np.testing.assert_array_equal(first.stem, second.stem)
    np.testing.assert_array_equal(first.outlines, second.outlines)


def test_a_mass_is_named_and_outlined_within_the_chest() -> None:
    film = films.draw(SEED, _showing("mass"))
    assert film.present[films.named().index("mass")]
    outline = film.outlines[films.OUTLINED.index("mass")].reshape(films.CELLS, films.CELLS)
    assert 0 < outline.max() <= 1
    rows, columns = np.nonzero(outline)
    assert 2 < rows.mean() < films.CELLS - 2
    assert 2 < columns.mean() < films.CELLS - 2


def test_what_is_rare_in_the_hospitals_is_common_here() -> None:
    table = films.table_of_films()
    drawn = [clinic.draw_patient(SEED, n, table=table) for n in range(150)]
    ordinary = [clinic.draw_patient(SEED, n) for n in range(150)]
    for finding in ("mass", "pneumothorax", "collapse"):
        here = sum(finding in patient.image_findings for patient in drawn)
        there = sum(finding in patient.image_findings for patient in ordinary)
        assert here > 1.5 * there
    assert all(patient.radiograph is not None for patient in drawn)


def test_a_film_that_is_there_is_not_drawn_again(tmp_path: Path) -> None:
    (first, *_) = films.kept(tmp_path, 2, SEED, jobs=1)
    written = first.stat().st_mtime_ns
    again = list(films.kept(tmp_path, 3, SEED, jobs=1))
    assert len(again) == 3
    assert first.stat().st_mtime_ns == written
    np.testing.assert_array_equal(films.load(first).stem, films.draw(SEED, 0).stem)
