"""What a suggestion means and based on, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from reading_fixture import make_assessment, make_case

from clinical.case.assessment import HeatMap, ModalityLedger, PredictionSet, Suggestion
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


def test_what_it_rests_on_is_said_in_sentences_whose_clauses_lead_to_their_evidence() -> None:
    case = make_case(1)
    made = reasons.strip(case, make_assessment(case), "bacterial_pneumonia")

    assert "The main evidence for bacterial pneumonia (" in made
    assert "C-reactive protein 187 mg/L (high)</span>" in made
    assert 'data-evidence="measurements value 1988-5"' in made
    assert 'data-evidence="notes sentence 0 0"' in made
    assert made.count('role="button"') == made.count('tabindex="0"') == made.count("data-evidence=")


def test_a_place_on_the_film_is_told_to_the_viewer_in_its_pixels() -> None:
    case = make_case(1)
    whole = HeatMap("image", ((0.0, 0.0), (1.0, 0.0)), (0, 0, 640, 560))
    plain = make_assessment(case)
    told = replace(plain.explanations[0], items=(), heat_maps=(whole,))
    made = str(
        reasons.strip(case, replace(plain, explanations=(told,)), plain.suggestions[0].diagnosis)
    )
    assert 'data-film="image" data-box="320,0,640,280"' in made


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
