"""Two models that know different patients: who speaks of a case, who does not and why, on every
way that the record is read.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from clinic_of_two import make_case
from models_of_two_ages import ADULTS, CHILDREN, aged, named
from sqlalchemy import Engine

from clinical.assess.asking import ask
from clinical.assess.assess import Assessor
from clinical.audit import ledger, replay
from clinical.audit.verify import verify
from clinical.case import beside, withheld
from clinical.case.assessment import ReviewDecision, as_json, assessment_digest
from clinical.case.case import Case
from clinical.case.reading import Subject
from clinical.errors import ReviewError
from clinical.export import fhir_reading
from clinical.export.bundle import export
from clinical.export.case_page import CasePage, case_page
from clinical.export.reading import reading_of
from clinical.model.model import Model
from clinical.review import decisions, intake, signature
from clinical.review.progress import progress
from clinical.workspace import store
from clinical.workspace.database import open_workspace, writing
from clinical.workspace.worklist_row import shown
from pipelines.commands.replay import machines

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SICK = make_case(1, True, True, np.random.default_rng(0))
ADULT, CHILD = aged(SICK, 61, "adult"), aged(SICK, 9, "child")
INFANT = aged(SICK, 0.5, "infant")


@pytest.fixture(scope="module")
def adults(model_of_two: Model) -> Assessor:
    return Assessor(named(model_of_two, "adults", ADULTS))


@pytest.fixture(scope="module")
def children(model_of_two: Model) -> Assessor:
    return Assessor(named(model_of_two, "children", CHILDREN))


@pytest.fixture(scope="module")
def anyone(model_of_two: Model) -> Assessor:
    return Assessor(named(model_of_two, "anyone"))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_workspace(tmp_path / "workspace", create=True)
    yield opened
    opened.dispose()


def record(engine: Engine, case: Case, *asked: Assessor) -> None:
    with writing(engine) as connection:
        assert len(intake.record_assessments(connection, case, ask(asked, case), "system")) == len(
            asked
        )


def order(made: list[intake.Made]) -> list[str]:
    return [one.assessment.model.name for one in made]


@pytest.mark.parametrize(
    ("case", "leads", "silent"),
    [
        (ADULT, "adults", "the model was trained on patients from 2 years to below 18 years"),
        (CHILD, "children", "the model was trained on patients of 18 years and older"),
    ],
)
def test_the_model_whose_domain_contains_the_case_speaks(
    adults: Assessor, children: Assessor, case: Case, leads: str, silent: str
) -> None:
    other, first = (one.assessment for one in ask([adults, children], case))
    assert first.model.name == leads
    assert not withheld.whole(first)
    assert withheld.whole(other)
    assert silent in beside.said(other)
    assert "%" not in beside.said(other), "a number that is withheld is nowhere"


def test_where_none_contains_it_the_first_says_so_and_the_other_too(
    adults: Assessor, children: Assessor
) -> None:
    made = ask([adults, children], INFANT)
    assert order(made) == ["children", "adults"]
    assert all(withheld.whole(one.assessment) for one in made)


def test_where_several_contain_it_the_order_decides_and_nothing_is_averaged(
    adults: Assessor, anyone: Assessor
) -> None:
    first = ask([adults, anyone], ADULT)
    assert order(first) == ["anyone", "adults"]
    assert order(ask([anyone, adults], ADULT)) == ["adults", "anyone"]
    for made, assessor in zip(first, (anyone, adults), strict=True):
        assert as_json(made.assessment) == as_json(assessor.assess(ADULT))


def test_one_model_is_recorded_as_it_always_was(adults: Assessor, engine: Engine) -> None:
    record(engine, ADULT, adults)
    with engine.connect() as connection:
        (event,) = ledger.events(connection)
    assert event.payload["assessment"] == assessment_digest(adults.assess(ADULT))
    assert "beside" not in event.payload


def test_the_record_holds_every_model_and_replays_each(
    adults: Assessor, children: Assessor, anyone: Assessor, engine: Engine
) -> None:
    record(engine, CHILD, adults, children, anyone)
    with writing(engine) as connection:
        again = ask([adults, children, anyone], CHILD)
        assert intake.record_assessments(connection, CHILD, again, "system") == []
    with engine.connect() as connection:
        events = list(ledger.events(connection))
        assert [e.payload["model"]["name"] for e in events] == ["adults", "anyone", "children"]
        digests = [e.payload["assessment"] for e in events]
        assert [e.payload.get("beside", []) for e in events] == [[], digests[:1], digests[:2]]
        assert store.require_assessment(connection, "child")[1].model.name == "children"
        assert verify(connection).intact
        ready = machines([adults, children, anyone])
        found = [replay.replay(connection, event, ready).result for event in events]
        assert found == ["identical"] * 3
        assert replay.naming(connection, children.model.identity.digest) == 1
        subject = progress(events).subject
    assert subject is not None
    assert subject.digests == (digests[2], digests[0], digests[1])


def test_what_must_not_wait_counts_whoever_says_it(
    adults: Assessor, anyone: Assessor, engine: Engine
) -> None:
    other, first = (one.assessment for one in ask([adults, anyone], ADULT))
    calm = tuple(replace(s, probability=0.01) for s in first.suggestions)
    first = replace(first, suggestions=calm)
    with writing(engine) as connection:
        made = [intake.Made(other), intake.Made(first)]
        intake.record_assessments(connection, ADULT, made, "system")
    with engine.connect() as connection:
        (entry,) = store.worklist(connection, dangerous=["failure"])
        assert store.shown_probabilities(connection)["adult"] == dict(shown(first))
        assert verify(connection).intact
    assert entry.top is not None
    assert entry.top[1] == 0.01, "the list shows the model that readers begin with"
    assert entry.dangerous == ("failure", dict(shown(other))["failure"])


def test_a_reader_decides_on_what_every_model_that_speaks_suggests(
    adults: Assessor, anyone: Assessor, engine: Engine
) -> None:
    other, first = (one.assessment for one in ask([adults, anyone], ADULT))
    # The second suggests one diagnosis that the first does not.
    low = tuple(replace(s, probability=0.01) for s in first.suggestions)
    first = replace(first, suggestions=low)
    with writing(engine) as connection:
        made = [intake.Made(other), intake.Made(first)]
        intake.record_assessments(connection, ADULT, made, "system")
    intake.record_opened(engine, "adult", "dr.ada")
    with engine.connect() as connection:
        now = progress(ledger.events(connection, case_id="adult"))
    wanted = intake.to_decide(other)
    assert wanted
    assert signature.left_to_decide(now, "dr.ada") == wanted
    for diagnosis in wanted:
        decided = ReviewDecision(
            "adult", assessment_digest(other), diagnosis, "accept", "", "dr.ada", NOW
        )
        decisions.decide(engine, decided)
    with engine.connect() as connection:
        now = progress(ledger.events(connection, case_id="adult"))
    assert signature.left_to_decide(now, "dr.ada") == []
    stranger = replace(decided, assessment_digest=assessment_digest(anyone.assess(CHILD)))
    with pytest.raises(ReviewError, match="different case"):
        decisions.check_decision(stranger, other, [])


def test_everything_that_leaves_names_the_models(
    adults: Assessor, children: Assessor, engine: Engine, tmp_path: Path
) -> None:
    record(engine, CHILD, adults, children)
    with engine.connect() as connection:
        reading = reading_of(connection, "child")
        page = case_page(connection, "child")
    said = [remark for remark in reading.remarks if remark.startswith("adults was asked, too")]
    assert "18 years and older" in said[0], "so in the structured report, HL7 and FHIR"
    sent = json.dumps(fhir_reading.transaction(reading, Subject("p")))
    assert said[0] in sent
    assert isinstance(page, CasePage)
    assert ("Another model", said[0]) in page.notices
    made = export(engine, tmp_path / "record.zip", actor="auditor")
    with zipfile.ZipFile(made.out) as archive:
        archive.extractall(tmp_path / "record")
    rows = (tmp_path / "record" / "suggestions.csv").read_text(encoding="utf-8-sig").splitlines()
    assert rows[0].endswith("model,model_digest")
    assert {line.rsplit(",", 2)[1] for line in rows[1:]} == {"adults", "children"}
    lines = (tmp_path / "record" / "assessments.jsonl").read_text().splitlines()
    assert [json.loads(line)["model"]["name"] for line in lines] == ["adults", "children"]
    bundle = json.loads((tmp_path / "record" / "fhir" / "bundle.json").read_text())
    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    assert (kinds.count("Device"), kinds.count("RiskAssessment")) == (2, 2)
    checked = subprocess.run(
        [sys.executable, "-I", "-S", str(tmp_path / "record" / "verify.py")],
        cwd=tmp_path / "record",
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


def test_a_copy_without_names_keeps_who_was_asked_together(
    adults: Assessor, children: Assessor, engine: Engine, tmp_path: Path
) -> None:
    record(engine, CHILD, adults, children)
    made = export(engine, tmp_path / "copy.zip", actor="auditor", de_identified=True)
    with zipfile.ZipFile(made.out) as archive:
        events = [json.loads(line) for line in archive.read("events.jsonl").splitlines()]
    first, last = (event["payload"] for event in events if event["kind"] == "ASSESSED")
    assert last["beside"] == [first["assessment"]]
