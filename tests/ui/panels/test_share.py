"""What the head of a panel says of its inputs."""

from __future__ import annotations

from dataclasses import replace

from reading_fixture import make_assessment, make_case

from ui.panels import share


def test_the_share_of_an_input_is_said() -> None:
    made = make_assessment(make_case(1))
    explanation = replace(made.explanations[0], share={"image": 0.3, "notes": 0.7})
    assert share.of("image", ["image"], made, explanation) == "30% of this suggestion"


def test_an_input_whose_explanation_is_held_back_says_where_the_reason_is() -> None:
    made = make_assessment(make_case(1))
    explanation = replace(
        made.explanations[0], share={"image": 0.3, "notes": 0.7}, held_back={"image": "it does not"}
    )
    said = share.of("image", ["image"], made, explanation)
    assert said == f"30% of this suggestion{share.HELD}"
    assert share.of("notes", ["notes"], made, explanation) == "70% of this suggestion"
