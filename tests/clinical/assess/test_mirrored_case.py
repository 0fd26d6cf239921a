"""A film that seems to be mirrored, from the case to what is said of it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from clinical.assess.assess import Assessor, load_assessor
from clinical.assess.mirrored import seems_mirrored
from clinical.case.assessment import as_json
from clinical.case.case import Case
from clinical.case.shapes import Arrays
from clinical.cohorts import folder
from clinical.modalities.radiograph.rows import IMAGE
from clinical.model.mirrored import Rule
from pipelines.commands.demo import SAMPLE_DATA


@pytest.fixture(scope="module")
def assessor() -> Assessor:
    return load_assessor()


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    wanted = frozenset(entry.case_id for entry in folder.index(SAMPLE_DATA)[:14])
    found = [one for one in folder.read(SAMPLE_DATA, wanted) if isinstance(one, Case)]
    return [case for case in found if IMAGE in case.inputs]


def rule(assessor: Assessor) -> Rule:
    assert assessor.model.mirror is not None
    return assessor.model.mirror


def turned(case: Case) -> Case:
    value = case.inputs[IMAGE]
    assert isinstance(value, Arrays)
    first = replace(value.items[0], values=value.items[0].values[:, ::-1].copy())
    return replace(case, inputs={**case.inputs, IMAGE: Arrays((first, *value.items[1:]))})


def test_mirrored_films_are_told_and_others_are_not(assessor: Assessor, cases: list[Case]) -> None:
    found = [seems_mirrored(turned(case), rule(assessor)) for case in cases]
    assert sum(map(len, found)) >= 0.7 * len(cases)
    assert not any(seems_mirrored(case, rule(assessor)) for case in cases)


def test_it_is_said_in_words_with_how_rare_it_is(assessor: Assessor, cases: list[Case]) -> None:
    said = [words for case in cases for words in seems_mirrored(turned(case), rule(assessor))]
    for sentence in said:
        assert re.fullmatch(
            r"image against films that stand as they should, of which (about 1 in [\d,]+|none of"
            r" [\d,]+) looks like this: it may be mirrored, or the heart may lie on the right; look"
            r" at the side marker",
            sentence,
        )


def test_nothing_is_said_without_a_rule_or_a_film(assessor: Assessor, cases: list[Case]) -> None:
    assert seems_mirrored(turned(cases[0]), None) == ()
    assert seems_mirrored(cases[0].without(IMAGE), rule(assessor)) == ()


def test_an_assessment_says_it_and_is_otherwise_what_it_was(
    assessor: Assessor, cases: list[Case]
) -> None:
    case = next(one for one in map(turned, cases) if seems_mirrored(one, rule(assessor)))
    without = Assessor(replace(assessor.model, mirror=None))
    told, before = as_json(assessor.assess(case)), as_json(without.assess(case))
    (sentence,) = seems_mirrored(case, rule(assessor))
    assert told.pop("conflicts") == [*before.pop("conflicts"), sentence]
    assert told == before
