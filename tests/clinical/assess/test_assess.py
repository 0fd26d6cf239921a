"""The one road from a case to an assessment."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
from clinic_of_two import NOW, make_case

from clinical.assess.assess import Assessor
from clinical.case.assessment import NO_SETS, Assessment, as_json, from_json
from clinical.case.case import Case, Problem, input_digest
from clinical.case.shapes import Event, Events, Measurement, Measurements
from clinical.model.ages import AgeRange
from clinical.model.conflict import Rule, Rules
from clinical.model.model import Model


@pytest.fixture
def assessor(model_of_two: Model) -> Assessor:
    return Assessor(model_of_two)


def sick(inflamed: bool = True, failing: bool = False) -> Case:
    return make_case(1, inflamed, failing, np.random.default_rng(0))


def probability(assessment: Assessment, diagnosis: str) -> float:
    return next(s.probability for s in assessment.suggestions if s.diagnosis == diagnosis)


def test_the_planted_truth_is_found(assessor: Assessor) -> None:
    first, second = assessor.assess(sick(True, False)), assessor.assess(sick(False, True))
    assert probability(first, "inflammation") > 0.8 > 0.2 > probability(first, "failure")
    assert probability(second, "failure") > 0.8 > 0.2 > probability(second, "inflammation")


def test_the_explanation_points_at_what_was_planted(assessor: Assessor) -> None:
    inflamed = {e.diagnosis: e for e in assessor.assess(sick(True, True)).explanations}
    assert inflamed["inflammation"].items[0].label == "1988-5"
    assert inflamed["failure"].items[0].label == "I50.9"
    for explanation in inflamed.values():
        assert sum(explanation.share.values()) == pytest.approx(1)
        assert sum(abs(item.relevance) for item in explanation.items) <= 1 + 1e-9


def test_a_change_is_what_the_case_without_that_piece_would_give(assessor: Assessor) -> None:
    case = sick(True, True)
    whole = assessor.assess(case)
    labs = case.inputs["measurements"]
    assert isinstance(labs, Measurements)
    codes = {item.code for item in labs.items}
    for code in sorted(codes):
        left = replace(labs, items=tuple(item for item in labs.items if item.code != code))
        part = assessor.assess(replace(case, inputs={**case.inputs, "measurements": left}))
        for explanation in whole.explanations:
            told = [item.change for item in explanation.items if item.label == code]
            before, after = (probability(a, explanation.diagnosis) for a in (whole, part))
            assert told == [pytest.approx(before - after, abs=1e-6)] * len(told)


def test_what_nothing_rests_on_is_held_back(assessor: Assessor) -> None:
    """Notes of this clinic say nothing of either diagnosis."""
    for explanation in assessor.assess(sick(True, False)).explanations:
        assert set(explanation.held_back) >= {"notes"}
        assert not [item for item in explanation.items if item.modality in explanation.held_back]
        assert "notes" in explanation.share


def test_what_was_held_back_and_what_changed_is_in_the_record(assessor: Assessor) -> None:
    made = assessor.assess(sick())
    assert from_json(as_json(made)) == made
    older = replace(
        made,
        explanations=tuple(
            replace(e, held_back={}, items=tuple(replace(i, change=None) for i in e.items))
            for e in made.explanations
        ),
    )
    written = as_json(older)["explanations"][0]
    assert "held_back" not in written
    assert not any("change" in item for item in written["items"])
    assert from_json(as_json(older)) == older


def test_the_ledger_has_each_modality_alone_and_left_out(assessor: Assessor) -> None:
    ledger = assessor.assess(sick(True, False)).ledger
    assert set(ledger.alone) == set(ledger.without) == {"measurements", "history", "notes"}
    assert ledger.alone["measurements"]["inflammation"] > 0.7
    assert ledger.without["measurements"]["inflammation"] < 0.6


@pytest.mark.parametrize("size", [1, 2])
def test_alone_is_what_the_same_case_with_only_that_would_give(
    assessor: Assessor, size: int
) -> None:
    case = sick()
    whole = assessor.assess(case)
    for kept in itertools.combinations(("history", "measurements", "notes"), size):
        left_out = set(case.inputs) - set(kept)
        part = assessor.assess(case.without(*left_out))
        assert set(part.used) == set(kept)
        assert set(part.missing) == left_out
        if size == 1:
            expected = whole.ledger.alone[kept[0]]
        else:
            expected = whole.ledger.without[left_out.pop()]
        for suggestion in part.suggestions:
            assert suggestion.probability == pytest.approx(expected[suggestion.diagnosis], abs=1e-5)


def test_a_modality_that_tells_nothing_is_withheld(assessor: Assessor) -> None:
    only_note = assessor.assess(sick().without("measurements", "history"))
    assert all(s.withheld_because for s in only_note.suggestions)


def test_an_empty_case_gives_the_prior_and_withholds_it(assessor: Assessor) -> None:
    empty = assessor.assess(Case("c", "p", NOW, {}))
    assert empty.out_of_distribution.flagged
    assert all(s.withheld_because and 0 < s.probability < 1 for s in empty.suggestions)
    assert empty.ledger.alone == {}


def test_a_modality_that_the_model_does_not_read_is_named_and_changes_nothing(
    assessor: Assessor,
) -> None:
    case = sick()
    item = Measurement("x:y", "y", 1.0, "1", NOW, "1", "1")
    case = Case("c", "p", NOW, {**case.inputs, "sonography": Measurements((item,))})
    found = assessor.assess(case)
    assert found.unknown == ("sonography",)
    assert found.suggestions == assessor.assess(sick()).suggestions


def test_codes_that_the_model_was_not_trained_on_are_counted_and_named(
    assessor: Assessor,
) -> None:
    case = sick()
    measured, history = case.inputs["measurements"], case.inputs["history"]
    assert isinstance(measured, Measurements)
    assert isinstance(history, Events)
    iron = Measurement("2498-4", "Iron", 20.0, "ug/dL", NOW, "20", "ug/dL")
    refused = replace(iron, value=None, unit="", problem="not a number")
    events = (*history.items, Event("4280", "heart failure"), Event("x" * 200, "words"))
    odd = {
        **case.inputs,
        "measurements": Measurements((*measured.items, iron, refused)),
        "history": replace(history, items=events),
    }
    plain, found = assessor.assess(case), assessor.assess(replace(case, inputs=odd))
    values, codes = len(measured.items), len(history.items)
    assert set(found.unknown_codes) == {
        f"measurements: 1 of {values + 1} items are unknown to this model: Iron",
        f"history: 2 of {codes + 2} items are unknown to this model: 4280, {'x' * 40}…",
    }
    assert from_json(as_json(found)) == found
    assert plain.unknown_codes == ()
    assert "unknown_codes" not in as_json(plain), "digests of what was recorded before hold"


def never_so_far(model: Model, *names: str) -> Model:
    """With rules for these inputs by which each case disagrees more than 99 honest ones."""
    weights = (1.0, *[0.0] * (1 + len(model.specs)))
    rules = {name: Rule(weights, (-1000.0,) * 99) for name in names}
    return replace(model, conflict=Rules(rules, "made up"))


def test_an_input_that_disagrees_as_hardly_any_honest_case_does_is_named(
    model_of_two: Model,
) -> None:
    assessor = Assessor(never_so_far(model_of_two, "history"))
    (conflict,) = assessor.assess(sick(True, False)).conflicts
    assert re.fullmatch(
        r"history against measurements and notes: of cases whose inputs belong together"
        r" about 1 in 100 disagrees as much; most about (inflammation|failure):"
        r" history alone gives \d+%,"
        r" the others \d+%",
        conflict,
    )


def test_of_two_inputs_that_disagree_with_each_other_one_is_named_and_counted_twice(
    model_of_two: Model,
) -> None:
    assessor = Assessor(never_so_far(model_of_two, "measurements", "history"))
    (conflict,) = assessor.assess(sick(True, False)).conflicts
    assert "about 1 in 50 disagrees" in conflict, "either could have been the rare one"


def test_a_model_without_rules_and_a_case_of_one_input_have_no_conflict(
    model_of_two: Model,
) -> None:
    silent = Assessor(replace(model_of_two, conflict=None))
    assert silent.assess(sick(True, False)).conflicts == ()
    strict = Assessor(never_so_far(model_of_two, "measurements", "history"))
    assert strict.assess(sick(True, False).without("history", "notes")).conflicts == ()


def test_a_withheld_number_is_not_shown_as_a_conflict(model_of_two: Model) -> None:
    assessor = Assessor(never_so_far(model_of_two, "history"))
    case = sick(True, False)
    strangers = tuple(Measurement(f"x:{n}", "x", 1.0, "1", NOW, "1", "1") for n in range(9))
    measured = case.inputs["measurements"]
    assert isinstance(measured, Measurements)
    odd = {**case.inputs, "measurements": Measurements((*measured.items, *strangers))}
    assessment = assessor.assess(Case("c", "p", NOW, odd))
    assert assessment.out_of_distribution.flagged
    assert assessment.conflicts == ()


def test_the_same_case_gives_the_same_bits(assessor: Assessor) -> None:
    cases = [sick(True, False), sick(False, True), sick(True, True)]
    forward = [as_json(assessor.assess(case)) for case in cases]
    backward = [as_json(assessor.assess(case)) for case in reversed(cases)]
    assert forward == backward[::-1]


def test_an_assessment_survives_json_and_names_its_inputs(assessor: Assessor) -> None:
    case = sick()
    found = assessor.assess(case)
    assert from_json(as_json(found)) == found
    assert found.input_digest == input_digest(case)


def test_problems_of_the_case_are_shown(assessor: Assessor) -> None:
    case = sick()
    problem = Problem("images.csv", "The image is missing.", 3, "path", "add it.", "c0001")
    case = Case(case.case_id, "p", NOW, case.inputs, problems=(problem,))
    assert "images.csv, row 3" in assessor.assess(case).problems[0]


def test_the_set_holds_what_the_rule_does_not_exclude(model_of_two: Model) -> None:
    found = Assessor(model_of_two).assess(sick(True, False))
    rule = model_of_two.set_rules["history+measurements+notes"]
    assert {s.diagnosis for s in found.suggestions if s.in_set} == {"inflammation"}
    for suggestion in found.suggestions:
        assert suggestion.in_set == (suggestion.probability >= rule.cuts[suggestion.diagnosis])
    assert found.prediction_set.coverage == rule.coverage
    assert found.prediction_set.pooled == rule.pooled


def test_a_model_without_sets_says_so(model_of_two: Model) -> None:
    found = Assessor(replace(model_of_two, set_rules={})).assess(sick())
    assert found.prediction_set == NO_SETS
    assert all(s.in_set is None for s in found.suggestions)


def test_no_set_is_promised_for_an_input_unlike_the_training_cases(assessor: Assessor) -> None:
    empty = assessor.assess(Case("c", "p", NOW, {}))
    assert empty.prediction_set.absent_because == "the input is unlike the training cases"
    assert all(s.in_set is None for s in empty.suggestions)


def test_of_an_age_that_it_has_not_learnt_a_model_says_nothing(model_of_two: Model) -> None:
    adults = Assessor(replace(model_of_two, ages=AgeRange(18.0)))
    because = "the model was trained on patients of 18 years and older"
    child = replace(sick(), inputs={**sick().inputs, "history": of_age(1.0)})

    for assessment in (
        adults.assess(child),
        adults.assess(child.without("history"), age_years=1.0),
    ):
        assert all(because in str(s.withheld_because) for s in assessment.suggestions)
        assert {s.in_set for s in assessment.suggestions} == {None}
        assert because in str(assessment.prediction_set.absent_because)
        assert assessment.conflicts == ()
    grown = adults.assess(replace(child, inputs={**child.inputs, "history": of_age(40.0)}))
    assert not any(because in str(s.withheld_because) for s in grown.suggestions)


def of_age(years: float) -> Events:
    history = sick().inputs["history"]
    assert isinstance(history, Events)
    return replace(history, age_years=years)
