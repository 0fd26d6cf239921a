"""Why nothing is suggested: the reason of a new assessment, and of one that was read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from clinical.case import withheld
from clinical.case.assessment import Assessment, OutOfDistribution, as_json, from_json
from clinical.case.withheld import Kind, Reason

HAND = ("it is a hand", "it is a left one")
INSIDE, OUTSIDE = OutOfDistribution(0.5, False), OutOfDistribution(2.0, True, HAND)


@pytest.fixture
def found(example: Any) -> Assessment:
    assessment: Assessment = example.assessment(example.case())
    return replace(assessment, out_of_distribution=INSIDE)


def for_this(assessment: Assessment, reason: Reason) -> Assessment:
    """The assessment with every suggestion withheld for one reason."""
    withheld_all = (replace(s, withheld_because=reason.sentence) for s in assessment.suggestions)
    return replace(assessment, suggestions=tuple(withheld_all))


@pytest.mark.parametrize(
    ("reason", "domain", "kind"),
    [
        (withheld.other_age("patients of 18 years and older"), INSIDE, "age"),
        (withheld.unlike_training(HAND), OUTSIDE, "unlike"),
        (Reason("support", "the model knows none of this case's inputs"), INSIDE, "support"),
        (withheld.read_without(), INSIDE, "study"),
    ],
)
def test_a_record_gives_back_the_kind_of_its_reason(
    found: Assessment, reason: Reason, domain: OutOfDistribution, kind: Kind
) -> None:
    made = replace(for_this(found, reason), out_of_distribution=domain)
    assert reason.kind == kind
    assert withheld.kind(from_json(as_json(made))) == kind


def test_what_a_reason_rests_on_stands_behind_it() -> None:
    assert withheld.unlike_training(HAND).sentence == (
        "the input is unlike the training cases: it is a hand; it is a left one"
    )
    assert Reason("support", "image alone did not").sentence == "image alone did not"


def test_of_a_child_the_age_is_said_however_unlike_its_film_is(found: Assessment) -> None:
    child = for_this(found, withheld.other_age("patients of 18 years and older"))
    assert "of this age" in withheld.needed(replace(child, out_of_distribution=OUTSIDE))
