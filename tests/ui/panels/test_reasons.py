"""What a suggestion means and based on, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from reading_fixture import make_assessment, make_case

from clinical.case.assessment import ModalityLedger, PredictionSet, Suggestion
from ui.panels import reasons

SET = PredictionSet(0.9, 575)


def suggestion(probability: float = 0.81, withheld: str | None = None) -> Suggestion:
    return Suggestion("heart_failure", probability, 0.4, 0.14, withheld, True)


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (0.81, "about 81 have it"),
        (0.01, "about 1 has it"),
        (0.001, "fewer than 1 has it"),
        (0.999, "nearly all have it"),
    ],
)
def test_a_probability_reads_as_a_frequency(probability: float, words: str) -> None:
    made = reasons.meaning(suggestion(probability), SET)
    assert words in made[0]
    assert "14% of the training cases" in made[0]
    assert made[1] == "on the list, as every true diagnosis was in 90% of cases"


def test_a_withheld_suggestion_gives_its_reason_and_no_number() -> None:
    made = " ".join(reasons.meaning(suggestion(withheld="too few cases had these inputs"), SET))
    assert "withheld: too few cases had these inputs" in made
    assert "81" not in made


def test_evidence_is_named_by_what_was_measured_recorded_and_written() -> None:
    case = make_case(1, drop=("image",))
    made = str(reasons.strip(case, make_assessment(case), "bacterial_pneumonia"))

    assert "C-reactive protein 187 mg/L (high) +14%" in made
    assert "“Cough with rust-coloured sputum" in made
    assert "NT-proBNP 210 ng/L −4%" in made
    assert "Missing: image" in made


def test_a_piece_is_named_with_the_probability_without_it() -> None:
    case = make_case(1, drop=("image",))
    plain = make_assessment(case)
    first = plain.explanations[0]
    told = replace(
        first,
        items=tuple(replace(item, change=round(item.relevance * 2, 4)) for item in first.items),
        held_back={"history": "it does not"},
    )
    made = str(reasons.strip(case, replace(plain, explanations=(told,)), "bacterial_pneumonia"))

    assert "C-reactive protein 187 mg/L (high): 53% without it" in made
    assert "NT-proBNP 210 ng/L: 89% without it" in made
    assert "% of all evidence" not in made
    assert "Not shown, because it did not stand the test" in made
    assert "history: it does not" in made


def test_all_values_of_one_thing_are_said_once() -> None:
    case = make_case(1)
    plain = make_assessment(case)
    first = plain.explanations[0]
    twice = replace(first.items[0], change=0.2), replace(first.items[0], change=0.2)
    told = replace(plain, explanations=(replace(first, items=twice),))
    made = str(reasons.strip(case, told, "bacterial_pneumonia"))
    assert made.count("without it") == 1


def test_hostile_text_stays_text() -> None:
    case = make_case(0, hostile=True)
    made = str(reasons.strip(case, make_assessment(case), "bacterial_pneumonia"))
    assert "<img" not in made


def test_an_input_that_says_the_opposite_by_itself_disagrees() -> None:
    case = make_case(1)
    alone = {"image": {"heart_failure": 0.1}, "notes": {"heart_failure": 0.9}}
    made = replace(make_assessment(case), ledger=ModalityLedger(alone, {}))
    assert reasons.disagreeing(made, suggestion(0.81)) == ["image, alone 10%"]
    assert reasons.disagreeing(made, suggestion(0.35)) == ["notes, alone 90%"]
    usual = {"image": {"heart_failure": 0.14}, "notes": {"heart_failure": 0.39}}
    near = replace(made, ledger=ModalityLedger(usual, {}))
    assert reasons.disagreeing(near, suggestion(0.81)) == []
    assert reasons.disagreeing(near, suggestion(0.35)) == []
    nothing = reasons.inputs(made, suggestion(withheld="made"), None)
    assert not any("alone" in line for line in nothing)
