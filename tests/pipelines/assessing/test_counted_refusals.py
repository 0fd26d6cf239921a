"""Which cases a model would refuse: the cheapest reason first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from clinical.case.case import Case
from clinical.case.shapes import Array, Arrays, Shape
from clinical.modalities.radiograph.encoder import Settings
from clinical.model.ages import AgeRange
from clinical.model.domain import Envelope
from clinical.model.model import EncoderSpec, Model
from pipelines.assessing.refusals import AGE, NO_FILM, UNLIKE, VIEW, refused


@pytest.fixture
def of_films(model_of_two: Model) -> Model:
    """A model of AP films of any age, which takes none for its own."""
    settings = Settings(image_size=64, projections=("AP",))
    size = 560
    nowhere = Envelope(np.full(size, 1e3, np.float32), np.eye(size, dtype=np.float32), 1.0)
    return replace(
        model_of_two,
        specs={"image": EncoderSpec("radiograph", settings)},
        envelopes={"image": nowhere},
    )


def case(view: str | None) -> Case:
    values = np.random.default_rng(1).random((70, 70), dtype=np.float32)
    inputs: dict[str, Shape] = {}
    if view is not None:
        inputs["image"] = Arrays((Array(values, source={"ViewPosition": view}),))
    return Case("c", "p", None, inputs)


def test_each_reason_is_found(of_films: Model) -> None:
    assert refused(of_films, case(None)) == NO_FILM
    assert refused(of_films, case("PA")) == VIEW
    assert refused(of_films, case("AP")) == UNLIKE


def test_a_film_like_the_others_is_not_refused(of_films: Model) -> None:
    everywhere = {"image": replace(of_films.envelopes["image"], limit=1e9)}
    assert refused(replace(of_films, envelopes=everywhere), case("AP")) == ""


def test_the_age_comes_before_the_film(of_films: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    from clinical.modalities.kit import Person
    from pipelines.assessing import refusals

    monkeypatch.setattr(refusals, "person", lambda _: Person(age_years=40.0))
    assert refused(replace(of_films, ages=AgeRange(1, 6)), case("PA")) == AGE
