"""A reader study from drawing its cases to its report, with readers who sign."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from clinical.audit import ledger, verifier
from clinical.case import withheld
from clinical.case.assessment import (
    Assessment,
    Explanation,
    ModalityLedger,
    ModelIdentity,
    OutOfDistribution,
    ReviewDecision,
    Suggestion,
)
from clinical.case.case import Case, input_digest
from clinical.errors import ConfigError
from clinical.review import decisions, intake, progress, signature
from clinical.review.signature import Signature
from clinical.review.times import Attention
from clinical.workspace import store
from clinical.workspace.database import opened
from pipelines.cli import app
from pipelines.reader_study import altered, collected, setting_up
from pipelines.reader_study.plan import Plan, read, session_folder

READERS = ("anna", "ben", "cleo")
ILL = "pneumonia"
START = datetime(2031, 3, 1, 8, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def _later() -> Iterator[None]:
    """The readings are of 2031, where no clock of a computer is yet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verifier, "AHEAD", timedelta(days=36500))
        yield


class ByCrp:
    """Stands for a model: it reads C-reactive protein and suggests pneumonia above 100 mg/L."""

    def __init__(self) -> None:
        self.model = self
        self.identity = ModelIdentity("by crp", "ab" * 32, "cd" * 32)

    def assess(self, case: Case) -> Assessment:
        value = case.inputs["measurements"].items[0].value  # type: ignore[union-attr]
        probability = min(0.99, float(value or 0) / 200)
        said = [Suggestion(ILL, probability, 0.5, 0.5), Suggestion("other", 0.4, 0.5, 0.5)]
        said.sort(key=lambda one: -one.probability)
        return Assessment(
            case.case_id,
            case.patient_id,
            self.identity,
            input_digest(case),
            ("measurements",),
            (),
            (),
            tuple(said),
            ModalityLedger({"measurements": {ILL: probability}}, {}),
            tuple(Explanation(s.diagnosis, "by hand", {"measurements": 1.0}, (), ()) for s in said),
            (),
            OutOfDistribution(0.1, False),
        )


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen visits of fourteen patients, half of them ill, whom CRP tells apart."""
    folder = tmp_path_factory.mktemp("cohort")
    (folder / "cohort.toml").write_text(
        f'name = "few"\nsource = "made up"\nlicence = "none"\ndiagnoses = [{{ name = "{ILL}" }}]\n'
    )
    noon = "2030-01-01T12:00:00+00:00"
    cases = [f"v{n},p{min(n, 13)},{noon}" for n in range(16)]
    crp = [f"v{n},1988-5,{180 if n % 2 else 20},mg/L,2030-01-01T10:00:00+00:00" for n in range(16)]
    truth = [f"v{n},{ILL},{n % 2}" for n in range(16)]
    _table(folder / "cases.csv", "case_id,patient_id,decision_time", cases)
    _table(folder / "measurements.csv", "case_id,code,value,unit,time", crp)
    _table(folder / "outcomes.csv", "case_id,diagnosis,value", truth)
    return folder


def _table(file: Path, header: str, rows: list[str]) -> None:
    file.write_text("\n".join([header, *rows, ""]))


@pytest.fixture(scope="module")
def study(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study as it was set up by the command."""
    out = tmp_path_factory.mktemp("studies") / "study"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setting_up, "load_assessor", lambda _model: ByCrp())
        readers = [part for name in READERS for part in ("--reader", name)]
        told = CliRunner().invoke(
            app,
            [
                *("reading", "study", "plan", str(cohort), "--out", str(out)),
                *("--diagnosis", ILL, "--cases", "12", "--mistakes", "0.34", *readers),
            ],
        )
    assert told.exit_code == 0, told.output
    assert "12 cases, 6 with pneumonia; the model is made to err in 4" in told.output
    return out


def test_one_case_of_each_patient_is_drawn(study: Path) -> None:
    plan = read(study)
    assert len(plan.truths) == 12
    assert sum(name in plan.truths for name in ("v13", "v14", "v15")) <= 1  # one patient's


def test_who_set_it_up_again_is_told(study: Path, cohort: Path) -> None:
    wanted = setting_up.Wanted(cohort, "folder", None, study, READERS, ILL, ("none", "suggestions"))
    with pytest.raises(ConfigError, match="holds a reader study already"):
        setting_up.set_up(wanted)


@dataclass(frozen=True)
class Seen:
    """One case as a session's workspace holds it."""

    condition: str
    mistake: bool
    truth: bool
    assessment: Assessment


def seen(study: Path, plan: Plan, reader: str, session: int) -> list[Seen]:
    found = []
    folder = session_folder(study, plan, reader, session)
    with opened(folder) as engine, engine.connect() as connection:
        for place in plan.places:
            if (place.reader, place.session) == (reader, session):
                _, made = store.require_assessment(connection, place.shown_as)
                mistake, truth = place.case_id in plan.mistakes, plan.truths[place.case_id]
                found.append(Seen(place.condition, mistake, truth, made))
    return found


def test_each_condition_shows_what_it_says(study: Path) -> None:
    plan = read(study)
    for one in seen(study, plan, "anna", 2):
        silent = one.condition == "none"
        assert withheld.whole(one.assessment) == silent
        assert not (silent and {s.probability for s in one.assessment.suggestions} - {0.5})
        explained = bool(one.assessment.explanations)
        assert explained == (one.condition == "explanations")
        assert bool(one.assessment.ledger.alone) == explained


def test_the_machine_errs_where_it_is_made_to_and_nowhere_else(study: Path) -> None:
    plan = read(study)
    shown = [one for session in (1, 2, 3) for one in seen(study, plan, "ben", session)]
    asked = [one for one in shown if one.condition != "none"]
    assert sum(one.mistake for one in asked) == 8  # four cases under two conditions
    for one in asked:
        assert altered.right(one.assessment, ILL, one.truth) is not one.mistake
        order = [s.probability for s in one.assessment.suggestions]
        assert order == sorted(order, reverse=True)


def test_no_assessment_of_a_study_passes_for_the_models_own(study: Path) -> None:
    plan = read(study)
    identities = {one.assessment.model for one in seen(study, plan, "cleo", 1)}
    (identity,) = identities
    assert identity.name == "by crp, altered for a reader study"
    assert identity.digest != ByCrp().identity.digest


def sign_all(study: Path, plan: Plan, reader: str, session: int) -> None:
    """A reader who follows the machine, and alone sees who is ill in two of three cases."""
    day = START + timedelta(days=30 * session)
    with opened(session_folder(study, plan, reader, session)) as engine:
        own = [p for p in plan.places if (p.reader, p.session) == (reader, session)]
        for minute, place in enumerate(own):
            now = day + timedelta(minutes=10 * minute)
            intake.record_opened(engine, place.shown_as, reader, time=now)
            with engine.connect() as connection:
                past = progress.progress(ledger.events(connection, case_id=place.shown_as))
            assert past.subject is not None
            aided = place.condition != "none"
            number = int(place.case_id[1:]) + READERS.index(reader)
            alone = plan.truths[place.case_id] != (number % 3 == 0)
            for diagnosis in past.subject.to_decide if aided else (ILL,) if alone else ():
                decisions.decide(
                    engine,
                    ReviewDecision(
                        place.shown_as,
                        past.subject.digest,
                        diagnosis,
                        "accept" if aided else "add",
                        "",
                        reader,
                        now + timedelta(minutes=1),
                        confidence="high" if aided else "low",
                    ),
                )
            with engine.connect() as connection:
                after = progress.progress(ledger.events(connection, case_id=place.shown_as))
            digest = signature.decisions_digest(after.of(reader))
            spent = timedelta(seconds=20 if aided else 40)
            done = now + timedelta(minutes=2)
            signature.sign(
                engine,
                Signature(place.shown_as, past.subject.digest, reader, "reader", digest, done),
                attention=Attention(now, done, now, spent),
            )


def test_a_study_that_was_read_is_collected_and_analysed(study: Path, tmp_path: Path) -> None:
    plan = read(study)
    for reader in READERS:
        for session in (1, 2, 3):
            sign_all(study, plan, reader, session)
    told = CliRunner().invoke(app, ["reading", "study", "collect", str(study)])
    assert told.exit_code == 0, told.output
    assert "108 of 108 readings are signed" in told.output
    found = collected.collect(study, plan)
    assert (found.missing, found.too_soon, found.others) == (0, 0, 0)
    aided = [one for one in found.rated if one.condition != "none"]
    assert all(one.call == (one.truth != one.mistake) for one in aided)
    assert {one.rating for one in found.rated} == {0.0, 1.0, 3.0}
    assert {one.seconds for one in found.rated} == {20.0, 40.0}

    out = tmp_path / "report"
    table = str(study / "ratings.csv")
    told = CliRunner().invoke(app, ["reading", "study", "analyse", table, "--out", str(out)])
    assert told.exit_code == 0, told.output
    numbers = json.loads((out / "reader_study.json").read_text())
    misled = numbers["figures"]["right where it errs"]["figures"]
    conditions = numbers["conditions"]
    assert misled[conditions.index("suggestions")] == [0.0, 0.0, 0.0]
    assert min(misled[conditions.index("none")]) > 0
    (helped,) = [c for c in numbers["changes"]["suggestions"] if c["reader"] == "anna"]
    assert helped["helped"] > 0
    assert helped["harmed"] > 0
    assert (out / "reader_study.pdf").read_bytes().startswith(b"%PDF")
    page = (out / "reader_study.html").read_text()
    assert "Automation bias" in page
    assert "The shortest time between two readings of a case by the same reader was 2" in page


def test_the_plan_is_a_table_too(study: Path) -> None:
    with (study / "plan.csv").open(encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 108
    assert {row["condition"] for row in rows} == {"none", "suggestions", "explanations"}
    assert (study / "plan.csv").stat().st_mode & 0o077 == 0


def test_a_folder_without_a_plan_is_told(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["reading", "study", "collect", str(tmp_path)])
    assert told.exit_code != 0


def test_mistakes_that_the_model_cannot_be_made_to_make_are_refused() -> None:
    with pytest.raises(ConfigError, match="too few to make it err"):
        altered.chosen_to_err({"a": _wrong()}, {"a": True}, ILL, 1.0, 1)


def _wrong() -> Assessment:
    return Assessment(
        "a",
        "p",
        ByCrp().identity,
        "",
        (),
        (),
        (),
        (Suggestion(ILL, 0.1, 0.5, 0.5),),
        ModalityLedger({}, {}),
        (),
        (),
        OutOfDistribution(0.1, False),
    )
