"""The cards of the suggestions."""

from __future__ import annotations

from clinical.case.assessment import Suggestion
from ui.panels.suggestions_panel import cards


def card(in_set: bool | None, withheld: str | None = None) -> str:
    suggestion = Suggestion("heart_failure", 0.22, 0.4, 0.14, withheld, in_set)
    return str(cards((suggestion,), "", {}, 0.9))


def test_a_card_says_whether_its_diagnosis_can_be_excluded() -> None:
    assert ">not excluded at 90%" in card(True)
    assert ">excluded at 90%" in card(False)
    assert "excluded" not in card(None)


def test_a_withheld_suggestion_may_still_not_be_excludable_and_shows_no_number() -> None:
    shown = card(True, "the note alone did not tell it apart")
    assert "not excluded at 90%" in shown
    assert "22%" not in shown
