"""What a film seems to be: the network in NumPy, and the doubts that are uttered."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from clinical.case.case import Case
from clinical.cohorts import folder
from clinical.modalities.radiograph import traits
from clinical.modalities.radiograph.rows import IMAGE
from clinical.modalities.radiograph.traits import DOUBTS
from pipelines.commands.demo import SAMPLE_DATA

Film = NDArray[np.float32]


@lru_cache(maxsize=1)
def films() -> list[Film]:
    """Ten simulated films of the cohort that ships, none of which taught the network."""
    wanted = frozenset(entry.case_id for entry in folder.index(SAMPLE_DATA)[:14])
    cases = [one for one in folder.read(SAMPLE_DATA, wanted) if isinstance(one, Case)]
    found = [case.inputs[IMAGE].arrays[0].values for case in cases if IMAGE in case.inputs]
    return found[:10]


def test_films_that_stand_as_they_should_are_not_doubted() -> None:
    assert len(films()) == 10
    assert [list(traits.doubts(film)) for film in films()] == [[]] * 10


@pytest.mark.parametrize(
    ("spoil", "doubt"),
    [
        (lambda film: film[::-1, ::-1], traits.UPSIDE_DOWN),
        (lambda film: film[::-1], traits.UPSIDE_DOWN),
        (np.rot90, traits.TURNED),
        (lambda film: np.rot90(film, -1), traits.TURNED),
        (lambda film: film.max() - film, traits.INVERTED),
    ],
)
def test_what_was_done_to_a_film_is_said(spoil: Callable[[Film], Film], doubt: str) -> None:
    said = [list(traits.doubts(spoil(film))) for film in films()]
    assert said == [[DOUBTS[doubt]]] * 10


def test_an_inverted_film_is_not_also_called_turned() -> None:
    certain = {**dict.fromkeys(DOUBTS, 0.0), traits.INVERTED: 0.99, traits.TURNED: 0.99}
    assert traits.told(certain, dict.fromkeys(DOUBTS, 0.5)) == traits.INVERTED


@pytest.mark.parametrize("limit", [0.99, 1.0])
def test_what_is_not_surer_than_its_limit_is_not_said(limit: float) -> None:
    chances = dict.fromkeys(DOUBTS, 0.99)
    assert traits.told(chances, dict.fromkeys(DOUBTS, limit)) is None


def test_exposure_and_size_change_nothing_that_matters() -> None:
    film = films()[0]
    brighter = traits.of(np.kron(film, np.ones((2, 2), np.float32)) * 3 + 500)
    plain = traits.of(film)
    assert brighter.postures[0] == pytest.approx(plain.postures[0], abs=0.02)
    assert sum(plain.postures) == pytest.approx(1)


@pytest.mark.parametrize(
    "strange",
    [
        np.zeros((0, 0), np.float32),
        np.zeros((3, 8, 8), np.float32),
        np.full((64, 64), np.nan, np.float32),
    ],
)
def test_nothing_is_said_of_what_is_no_plain_picture(strange: Film) -> None:
    assert list(traits.doubts(strange)) == []


@pytest.mark.parametrize("shape", [(1, 1), (3, 700), (64, 64)])
def test_any_plain_picture_can_be_looked_at(shape: tuple[int, int]) -> None:
    seen = traits.seen(np.ones(shape, np.float32))
    assert seen.shape == (traits.SEEN, traits.SEEN)
    assert np.isfinite(traits.run(seen[None], traits.weights())).all()
