"""The model for real films that ships: whom it speaks of, and that it withholds everything else."""

from __future__ import annotations

import numpy as np
import pytest

from clinical.assess.assess import Assessor
from clinical.case.case import Case
from clinical.case.shapes import Array, Arrays
from clinical.case.withheld import kind, whole
from clinical.model import card
from clinical.model.model import Model, load


@pytest.fixture(scope="module")
def model() -> Model:
    (found,) = card.on_request()
    return load(found.folder)


def case(view: str) -> Case:
    values = np.random.default_rng(5).random((80, 80), dtype=np.float32)
    image = Array(values, source={"ViewPosition": view})
    return Case("c", "p", None, {"image": Arrays((image,))})


def test_it_ships_but_is_not_asked_by_itself() -> None:
    assert [one.name for one in card.installed()] == ["first-light"]
    (found,) = card.on_request()
    assert found.ages.words == "patients from 1 year to below 6 years"
    for heading in ("Every source left out in turn", "must not be used for", "licences"):
        assert heading in found.words


def test_it_has_one_label_that_its_judging_supports(model: Model) -> None:
    support = model.support["image"]["opacity"]
    assert model.diagnoses == ("opacity",)
    assert support.low is not None
    assert 0.55 < support.low < (support.auroc or 0) < 0.7
    assert (support.positives, support.negatives) == (400, 400)


def test_a_view_that_it_does_not_speak_of_is_named_and_all_is_withheld(model: Model) -> None:
    found = Assessor(model).assess(case("PA"), age_years=3)
    assert whole(found)
    said = found.suggestions[0].withheld_because or ""
    assert said.startswith("the input is unlike the training cases: image: the view is PA")


def test_an_adult_is_not_spoken_of(model: Model) -> None:
    found = Assessor(model).assess(case("AP"), age_years=40)
    assert kind(found) == "age"
    assert found.suggestions[0].withheld_because == (
        "the model was judged on patients from 1 year to below 6 years,"
        " and this patient is not of that age"
    )


def test_what_is_no_film_is_unlike_its_films(model: Model) -> None:
    found = Assessor(model).assess(case("AP"), age_years=3)
    assert whole(found)
    assert found.out_of_distribution.score > 1
