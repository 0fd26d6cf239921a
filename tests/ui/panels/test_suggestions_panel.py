"""The list of suggestions."""

from __future__ import annotations

from clinical.case.assessment import Suggestion
from ui.panels.suggestions_panel import cards


def card(in_set: bool | None, withheld: str | None = None) -> str:
    suggestion = Suggestion("heart_failure", 0.22, 0.4, 0.14, withheld, in_set)
    return str(cards((suggestion,), "", {}, 0.9))


def test_the_tab_key_stops_once_in_the_list_at_what_is_chosen() -> None:
    names = ("heart_failure", "pneumothorax", "pleural_effusion")
    several = tuple(Suggestion(name, 0.2, 0.4, 0.1) for name in names)
    stops = [part.split(">")[0] for part in str(cards(several, names[1], {}, 0.9)).split("<div")]
    (chosen,) = [part for part in stops if 'tabindex="0"' in part]
    assert 'aria-checked="true"' in chosen
    assert names[1] in chosen
    (first,) = [part for part in str(cards(several, "", {}, 0.9)).split("<div") if '="0"' in part]
    assert names[0] in first


def test_one_line_says_what_it_has_no_room_for_on_hover() -> None:
    assert "Possible; threshold 40%; usual 14% (prevalence in the training data)" in card(True)
    withheld = card(True, "no film is there")
    assert "Withheld: no film is there; usual 14%" in withheld


def test_a_card_says_whether_its_diagnosis_is_on_the_list() -> None:
    assert ">on the 90% list<" in card(True)
    assert ">not on the 90% list<" in card(False)
    assert "list<" not in card(None)
    assert "excluded" not in card(False)


def test_a_withheld_suggestion_may_be_on_the_list_and_shows_no_number() -> None:
    shown = card(True, "the note alone did not tell it apart")
    assert "on the 90% list" in shown
    assert "22%" not in shown
