"""Cases for the page that shows the film first: with a prior, a tracing, all withheld, no film."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import ecg_fixture
import reading_fixture
import viewer_fixture

from clinical.case.case import Case, input_digest
from clinical.case.shapes import Arrays
from clinical.review import intake
from clinical.workspace.database import open_workspace, writing

ALL, PLAIN, NO_FILM, WITHHELD = "FILM-ALL", "CASE-001", "CASE-003", "FILM-WITHHELD"


def everything() -> Case:
    """A film with a prior, measurements, story and a tracing."""
    case = reading_fixture.make_case(1)
    films = viewer_fixture.looks()["LOOK-PRIOR"].inputs
    tracing = Arrays((ecg_fixture.tracing(2, 118),))
    inputs = {**case.inputs, **films, "ecg": tracing}
    return replace(case, case_id=ALL, patient_id="P-ALL", inputs=inputs)


def make_workspace(folder: Path) -> Path:
    """Six cases of the reading fixture, of which `NO_FILM` has no film, and the two others."""
    reading_fixture.make_workspace(folder, cases=6)
    engine = open_workspace(folder)
    silent = replace(reading_fixture.make_case(2), case_id=WITHHELD, patient_id="P-WITHHELD")
    for case in (everything(), silent):
        made = replace(reading_fixture.make_assessment(case), input_digest=input_digest(case))
        if case.case_id == WITHHELD:
            because = "the model was trained on patients of 18 years and older"
            withheld = tuple(replace(s, withheld_because=because) for s in made.suggestions)
            made = replace(made, suggestions=withheld)
        with writing(engine) as connection:
            intake.record_assessment(connection, case, made, "system")
    engine.dispose()
    return folder
