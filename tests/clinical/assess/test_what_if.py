"""The answering process for real: the shipped model, one case, one changed case."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from clinical.assess import what_if
from clinical.assess.assess import Assessor, load_assessor
from clinical.case import assessment as assessments
from clinical.case.assessment import assessment_digest
from clinical.case.case import Case
from clinical.case.shapes import Event, Events, Text, Texts
from clinical.errors import ModelError
from clinical.review import intake
from clinical.workspace.database import open_workspace, writing


@pytest.fixture(scope="module")
def assessor() -> Assessor:
    return load_assessor()


@pytest.fixture(scope="module")
def case() -> Case:
    """Two inputs that need no image to be drawn."""
    return Case(
        "case-1",
        "patient-1",
        None,
        {
            "history": Events((Event("I50.9", "Heart failure"),), age_years=81, sex="female"),
            "notes": Texts((Text("Complaint", "Leg swelling and orthopnoea for a week."),)),
        },
    )


@pytest.fixture(scope="module")
def stored(
    assessor: Assessor, case: Case, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("asked")
    engine = open_workspace(folder, create=True)
    assessment = assessor.assess(case)
    with writing(engine) as connection:
        intake.record_assessment(connection, case, assessment, "system")
    engine.dispose()
    return folder, assessment_digest(assessment)


def test_the_answer_is_what_assessing_the_changed_case_gives(
    assessor: Assessor, case: Case, stored: tuple[Path, str]
) -> None:
    questions = [
        {"workspace": str(stored[0]), "assessment": stored[1], "change": {"left_out": name}}
        for name in ("notes", "hologram")
    ]
    answers = io.StringIO()
    what_if.serve(assessor, io.StringIO("\n".join(map(json.dumps, questions))), answers)
    ready, found, refused = map(json.loads, answers.getvalue().splitlines())

    assert ready == {"ready": assessor.model.identity.digest}
    assert assessments.from_json(found["assessment"]) == assessor.assess(case.without("notes"))
    assert "no such input" in refused["error"]


def test_an_assessment_by_another_model_is_refused(
    assessor: Assessor, case: Case, tmp_path: Path
) -> None:
    engine = open_workspace(tmp_path, create=True)
    real = assessor.assess(case)
    record = assessments.as_json(real)
    record["model"]["digest"] = "0" * 64
    other = assessments.from_json(record)
    with writing(engine) as connection:
        intake.record_assessment(connection, case, other, "system")
    engine.dispose()
    question = {
        "workspace": str(tmp_path),
        "assessment": assessment_digest(other),
        "change": {"left_out": "notes"},
    }
    with pytest.raises(ModelError, match="different model"):
        what_if.answer(assessor, question)


def test_without_a_checkpoint_it_says_so_and_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert what_if.main(["--checkpoint", str(tmp_path)]) == 2
    assert "holds no model" in json.loads(capsys.readouterr().out)["error"]
