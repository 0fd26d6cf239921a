"""Text of a case can never become markup."""

from __future__ import annotations

import pytest
from reading_fixture import HOSTILE

from clinical.case.assessment import EvidenceItem
from clinical.case.shapes import Event, Events, Measurement, Measurements, Text, Texts
from ui.panels import measurements_panel, story_panel
from ui.words.markup import Markup, bar, joined, tag


def evidence(start: int, end: int, relevance: float = 0.2) -> EvidenceItem:
    return EvidenceItem("notes", 0, "sentence 1", relevance, start, end)


def test_tag_escapes_text_and_attributes() -> None:
    made = tag("td", "<b>&", tag("i", "fine"), title='"><script>', class_="a")

    assert made == ('<td title="&#34;&gt;&lt;script&gt;" class="a">&lt;b&gt;&amp;<i>fine</i></td>')


def test_attributes_that_are_none_or_false_are_left_out() -> None:
    assert tag("p", hidden=True, title=None, disabled=False, data_pick="x") == (
        '<p hidden data-pick="x"></p>'
    )


def test_a_bar_stays_within_its_ends() -> None:
    assert "width:100.0%" in bar(7.0)
    assert "width:0.0%" in bar(-1.0)


@pytest.mark.parametrize(
    "marks",
    [
        [],
        [evidence(0, 5)],
        [evidence(3, 20), evidence(10, 30)],
        [evidence(0, len(HOSTILE))],
        [evidence(5, 3), evidence(-4, 2), evidence(0, len(HOSTILE) + 1)],
    ],
    ids=["none", "inside a tag", "overlapping", "all", "out of range"],
)
def test_a_hostile_note_comes_out_as_the_text_it_is(marks: list[EvidenceItem]) -> None:
    made = story_panel.marked(HOSTILE, marks, 0.2)

    for tag_name in ("img", "script", "b", "a"):
        assert f"<{tag_name}" not in made
    without_numbers = made.replace("<sup>", "\x00").replace("</sup>", "\x01")
    kept = "".join(part.split("\x01")[-1] for part in without_numbers.split("\x00"))
    assert Markup(kept).striptags() == Markup(joined([HOSTILE])).striptags()


def test_marked_sentences_carry_sign_and_words() -> None:
    made = story_panel.marked(
        "Fever. No cough.", [evidence(0, 6, 0.2), evidence(7, 16, -0.05)], 0.2
    )

    assert '<mark class="for s3" data-at="notes sentence 0 0">Fever.' in made
    assert "+20%" in made
    assert '<mark class="against s1" data-at="notes sentence 0 7">No cough.' in made
    assert "against this diagnosis" in made


def test_every_text_of_the_story_is_escaped() -> None:
    bad = "<script>x</script>"
    made = story_panel.history("history", Events((Event(bad, bad),)), None, None)
    made += story_panel.notes("notes", Texts((Text(bad, bad),)), None, None)

    assert "<script" not in made
    assert made.count("&lt;script&gt;") == 4


def test_every_text_of_a_measurement_is_escaped() -> None:
    bad = "<img src=x>"
    item = Measurement(bad, bad, None, "", None, bad, bad, problem=bad)
    made = measurements_panel.measurement_table(bad, Measurements((item,)), None, None)

    assert "<img" not in made
