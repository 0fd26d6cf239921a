"""History as a time line, and panels of a case that no model has looked at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from reading_fixture import DECISION, make_assessment, make_case
from streamlit.testing.v1 import AppTest
from waiting import SECONDS

from clinical.case.shapes import Event, Events
from ui.panels import share, sparkline, story_panel

EVENTS = Events(
    (
        Event("A", "Later", datetime(2030, 1, 1, tzinfo=UTC)),
        Event("B", "Undated"),
        Event("C", "Absent", datetime(2029, 1, 1, tzinfo=UTC), present=False),
        Event("D", "First", datetime(2011, 1, 1, tzinfo=UTC)),
    )
)


def test_history_is_a_time_line_then_what_has_no_date_then_what_is_denied() -> None:
    made = str(story_panel.history("history", EVENTS, DECISION, None))

    places = [made.index(word) for word in ("First", "Later", "Undated", "No absent")]
    assert places == sorted(places)
    assert "2011 · 20 y" in made
    assert made.index("Date unknown") < made.index("Undated")
    assert made.index("Denied") < made.index("No absent")


def test_empty_history_says_so() -> None:
    assert "Nothing recorded" in str(story_panel.history("history", Events(), DECISION, None))


def alone() -> None:
    """The panels as a page shows them where no model has spoken."""
    from reading_fixture import make_case

    from ui.panels import measurements_panel, story_panel

    measurements_panel.render(make_case(1), None, None, "")
    story_panel.render(make_case(1), None, None, "")


def test_panels_work_without_a_model() -> None:
    page = AppTest.from_function(alone, default_timeout=SECONDS)
    page.secrets.update(reader="dr.test", role="reader")
    page.run()
    shown = "".join(element.proto.body for element in page.get("html"))

    assert not page.exception
    assert "Cough with rust-coloured sputum" in shown
    assert "C-reactive protein" in shown
    assert "of this suggestion" not in shown
    assert make_case(1).case_id not in shown


def test_what_the_model_was_not_trained_on_is_a_line_of_its_input() -> None:
    sentences = (
        "history: 2 of 3 items are unknown to this model: 4280, <b>",
        "measurements: 1 of 9 items are unknown to this model: Iron",
    )
    told = replace(make_assessment(make_case(1)), unknown_codes=sentences)

    (line,) = share.unknown_codes(["history", "notes"], told)
    assert str(line) == (
        '<p class="quiet">History: 2 of 3 items are unknown to this model: 4280, &lt;b&gt;.</p>'
    )
    assert share.unknown_codes(["history"], None) == []


def test_a_line_runs_from_old_to_new_within_its_box() -> None:
    made = str(sparkline.drawing([9.0, 12.0, 6.0], (4.0, 10.0)))
    assert 'points="2.0,7.0 22.0,2.0 42.0,12.0"' in made
    assert "rect" in made
    assert "rect" not in str(sparkline.drawing([9.0, 9.0], (None, None)))
