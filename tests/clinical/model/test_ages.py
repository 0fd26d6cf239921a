"""For which ages a model may speak."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clinical.errors import ModelError
from clinical.model import ages, card
from clinical.model.ages import ANY_AGE, AgeRange


@pytest.mark.parametrize(
    ("known", "low", "high"),
    [
        ([18.0, 97.0], 18.0, None),
        ([44.0, None], 18.0, None),
        ([3.5, 11.9], 2.0, 12.0),
        ([0.01, 1.0], 0.0, 2.0),
        ([17.9, 30.0], 12.0, None),
    ],
)
def test_the_age_groups_that_training_cases_came_from(
    known: list[float | None], low: float, high: float | None
) -> None:
    assert ages.seen(known) == {"from": low, "to": high}


def test_a_cohort_without_ages_limits_nothing() -> None:
    assert ages.seen([None, None]) is None
    assert ages.stated({"facts": {"ages": None}}) == ANY_AGE
    assert ANY_AGE.outside(1.0) is None


@pytest.mark.parametrize(
    ("age", "outside"), [(1.0, True), (17.99, True), (18.0, False), (99.0, False), (None, False)]
)
def test_a_model_of_adults(age: float | None, outside: bool) -> None:
    assert (AgeRange(18.0).outside(age) is not None) == outside


def test_a_model_of_children_says_nothing_of_adults() -> None:
    children = ages.stated({"facts": {"ages": {"from": 2.0, "to": 12.0}}})
    assert children.outside(5.0) is None
    reason = children.outside(40.0)
    assert reason is not None
    assert reason.kind == "age"
    assert reason.sentence == (
        "the model was trained on patients from 2 years to below 12 years,"
        " and this patient is not of that age"
    )


def test_the_shipped_model_is_one_of_adults_and_keeps_its_digest() -> None:
    (shipped,) = card.installed()
    assert shipped.ages == AgeRange(18)
    assert "ages" not in shipped.description["facts"]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        json.dumps({"model_digest": "an-other", "ages": {"from": 18, "to": None}}),
        json.dumps({"model_digest": "this", "ages": {"from": 18}}),
    ],
)
def test_a_file_beside_that_is_not_of_the_checkpoint_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / ages.BESIDE).write_text(text)
    with pytest.raises(ModelError, match="ages"):
        ages.stated({"digest": "this"}, tmp_path)
