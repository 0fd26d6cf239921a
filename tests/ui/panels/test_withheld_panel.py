"""A case of which the model says nothing: one sentence instead of cards, and what can be done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import reading_fixture
from streamlit.testing.v1 import AppTest

from clinical.case import withheld
from clinical.case.assessment import Assessment, OutOfDistribution
from clinical.case.case import input_digest
from clinical.case.shapes import Arrays
from clinical.review import intake
from clinical.workspace.database import open_workspace, writing
from ui.pages import case as case_page
from ui.panels import reasons, withheld_panel

OpenPage = Callable[..., AppTest]

CASE = reading_fixture.make_case(1)


def silent(*because: str, flagged: bool = False, missing: tuple[str, ...] = ()) -> Assessment:
    made = reading_fixture.make_assessment(CASE)
    reasons_in_turn = [because[place % len(because)] for place in range(len(made.suggestions))]
    return replace(
        made,
        suggestions=tuple(
            replace(s, withheld_because=reason)
            for s, reason in zip(made.suggestions, reasons_in_turn, strict=True)
        ),
        missing=missing,
        out_of_distribution=OutOfDistribution(1.5, flagged, ("it is a hand",) if flagged else ()),
    )


OTHER_AGE = withheld.other_age("patients of 18 years and older").sentence


@pytest.mark.parametrize(
    ("assessment", "because", "needed"),
    [
        (
            silent(OTHER_AGE),
            "18 years and older",
            "a model that was trained on patients of this age",
        ),
        (silent("it is a hand", flagged=True), "it is a hand", "inputs like those"),
        (
            silent("image alone did not", "image alone did not either", missing=("notes",)),
            "told none of its 7 diagnoses apart",
            "more of what the model reads: notes",
        ),
        (silent("a", "b"), "told none of its 7", "validated with inputs like these"),
    ],
)
def test_why_and_what_would_have_to_be_there(
    assessment: Assessment, because: str, needed: str
) -> None:
    assert withheld.whole(assessment)
    assert because in withheld.because(assessment)
    assert needed in withheld.needed(assessment)


def test_one_shown_suggestion_is_enough_for_the_cards() -> None:
    assert not withheld.whole(reading_fixture.make_assessment(CASE))


def test_nothing_is_promised_that_is_not_there() -> None:
    alone = withheld_panel.possible(CASE, [])
    assert len(alone) == 2
    assert "Look for similar cases" in alone[1]
    bare = replace(CASE, inputs={"notes": CASE.inputs["notes"]})
    assert "Similar cases cannot be found" in withheld_panel.possible(bare, [])[1]
    image = CASE.inputs["image"]
    assert isinstance(image, Arrays)
    seen_before = replace(CASE, inputs={**CASE.inputs, "prior_image": image})
    assert "earlier visit" in withheld_panel.possible(seen_before, [])[1]
    assert "second-light" in withheld_panel.possible(CASE, ["second-light"])[2]


def test_what_a_withheld_suggestion_rests_on_is_withheld_with_it() -> None:
    made = reading_fixture.make_assessment(CASE)
    hidden = next(s.diagnosis for s in made.suggestions if s.withheld_because)
    first = made.suggestions[0].diagnosis

    assert case_page.explanation_of(made, hidden) is None
    assert case_page.explanation_of(made, first) is not None
    assert "main evidence" not in str(reasons.strip(CASE, made, hidden))
    assert "main evidence" in str(reasons.strip(CASE, made, first))


def test_what_is_withheld_can_be_compared_by_what_was_recorded(
    open_page: OpenPage, workspace: Path
) -> None:
    """The patient's other cases are at hand, and similar ones are found without the model."""
    case = replace(CASE, case_id="SILENT")
    engine = open_workspace(workspace)
    with writing(engine) as connection:
        made = replace(silent(OTHER_AGE), case_id="SILENT", input_digest=input_digest(case))
        intake.record_assessment(connection, case, made, "system")
    engine.dispose()
    page = open_page(case_id="SILENT")
    (visits,) = [e for e in page.get("bidi_component") if "Other cases of this" in str(e.proto)]
    assert CASE.case_id in str(visits.proto)
    page.toggle(key="similar-SILENT").set_value(True).run()
    words = "\n".join(element.proto.body for element in page.get("html"))
    assert "the model compares nothing" in words
    (found,) = [e for e in page.get("bidi_component") if "Similar cases" in str(e.proto)]
    assert "Both have" in str(found.proto)
    assert CASE.case_id not in str(found.proto), "it is of the same patient"
