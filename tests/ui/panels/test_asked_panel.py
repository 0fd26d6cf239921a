"""A case that several models were asked about: one is shown, the others are named and can be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import reading_fixture
from streamlit.testing.v1 import AppTest

from clinical.audit import ledger
from clinical.case import withheld
from clinical.case.assessment import Assessment, ModelIdentity, assessment_digest
from clinical.case.case import input_digest
from clinical.review import intake
from clinical.review.intake import Made
from clinical.workspace.database import open_workspace, writing
from ui.panels import asked_panel

OpenPage = Callable[..., AppTest]
CASE = replace(reading_fixture.make_case(1), case_id="SEVERAL")
OTHER_AGE = withheld.other_age("patients of 18 years and older").sentence


def made_by(name: str, strongest: int = 0, silent: bool = False) -> Assessment:
    found = reading_fixture.make_assessment(CASE, strongest=strongest)
    shown = found.suggestions
    if silent:
        shown = tuple(replace(one, withheld_because=OTHER_AGE) for one in shown)
    identity = ModelIdentity(name, f"{len(name):02d}" * 32, "cd" * 32)
    return replace(
        found, model=identity, suggestions=shown, input_digest=input_digest(CASE), case_id="SEVERAL"
    )


FIRST, SECOND = made_by("site model"), made_by("second model", strongest=2)
SILENT = made_by("adults only", silent=True)


@pytest.fixture
def several(workspace: Path) -> Path:
    """One more case, about which three models were asked; two of them speak."""
    engine = open_workspace(workspace)
    with writing(engine) as connection:
        asked = [Made(SILENT), Made(SECOND), Made(FIRST)]
        intake.record_assessments(connection, CASE, asked, "system")
    engine.dispose()
    return workspace


def list_of(page: AppTest) -> str:
    found = [
        str(e.proto) for e in page.get("bidi_component") if asked_panel.CAPTION in str(e.proto)
    ]
    return found[0] if found else ""


def titles_of(page: AppTest) -> str:
    return "".join(element.proto.body for element in page.get("html"))


def test_who_speaks_can_be_shown_and_who_does_not_says_why() -> None:
    asked = [(assessment_digest(one), one) for one in (FIRST, SILENT, SECOND)]
    markup = str(asked_panel.listing(asked, asked[0][0]))
    rows = markup.split("<p>")[1:]
    assert "site model" in rows[0]
    assert "shown here" in rows[0]
    assert "data-pick" not in rows[0]
    assert "18 years and older" in rows[1]
    assert "Suggests nothing, because" in rows[1]
    assert "%" not in rows[1]
    assert f'data-pick="{asked[2][0]}"' in rows[2]
    assert "uggests heart failure 81%; 5 more below their thresholds." in rows[2]


def test_with_one_model_there_is_no_list(open_page: OpenPage) -> None:
    assert list_of(open_page(case_id="CASE-001")) == ""


def test_another_model_takes_the_place_of_the_first_and_can_be_decided_on(
    open_page: OpenPage, several: Path
) -> None:
    page = open_page(case_id="SEVERAL")
    assert "second model" in list_of(page)
    assert "Suggestions of site model" in titles_of(page)
    # What the click in the list calls; the harness has no browser.
    page.session_state["triptych_model"] = assessment_digest(SECOND)
    page.run()
    assert not page.exception
    assert "Suggestions of second model" in titles_of(page)
    page.button(key="accept").click().run()
    engine = open_workspace(several)
    with engine.connect() as connection:
        (decided,) = ledger.events(connection, case_id="SEVERAL", kind="DECIDED")
    engine.dispose()
    assert decided.payload["assessment"] == assessment_digest(SECOND)
    assert decided.payload["diagnosis"] == SECOND.suggestions[0].diagnosis
