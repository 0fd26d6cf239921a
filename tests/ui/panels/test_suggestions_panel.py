"""The cards of the suggestions."""

from __future__ import annotations

from clinical.case.assessment import Suggestion
from ui.panels.suggestions_panel import cards


def card(in_set: bool | None, withheld: str | None = None) -> str:
    suggestion = Suggestion("heart_failure", 0.22, 0.4, 0.14, withheld, in_set)
    return str(cards((suggestion,), "", {}, 0.9))


def test_a_card_says_whether_its_diagnosis_is_on_the_list() -> None:
    assert ">on the 90% list<" in card(True)
    assert ">not on the 90% list<" in card(False)
    assert "list<" not in card(None)
    assert "excluded" not in card(False)


def test_a_withheld_suggestion_may_be_on_the_list_and_shows_no_number() -> None:
    shown = card(True, "the note alone did not tell it apart")
    assert "on the 90% list" in shown
    assert "22%" not in shown
