"""One small case, its assessment and a workspace to keep them in, for the tests of the record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from postgres_server import Server
from sqlalchemy import Engine

from clinical.case.assessment import (
    Assessment,
    EvidenceItem,
    Explanation,
    HeatMap,
    ModalityLedger,
    ModelIdentity,
    OutOfDistribution,
    PredictionSet,
    ReviewDecision,
    Suggestion,
    assessment_digest,
)
from clinical.case.case import Case, Problem, input_digest
from clinical.case.shapes import (
    Array,
    Arrays,
    Event,
    Events,
    Measurement,
    Measurements,
    Text,
    Texts,
)
from clinical.review.intake import record_assessment, record_opened
from clinical.workspace.database import open_workspace, writing

NOON = datetime(2025, 3, 4, 12, 0, tzinfo=UTC)
READER = "dr.ada"


@dataclass(frozen=True)
class Example:
    """Builds the values that the tests of the record use; the times are fixed."""

    noon: datetime = NOON
    reader: str = READER

    def case(self, case_id: str = "case-1", note: str = "Cough and fever. No trauma.") -> Case:
        image = np.add.outer(np.arange(40.0), np.arange(30.0)).astype(np.float32) * 50
        window = (1700.0, 3500.0)
        hour = timedelta(hours=1)
        return Case(
            case_id,
            f"patient of {case_id}",
            NOON,
            {
                "image": Arrays(
                    (Array(image, spacing=(0.5, 0.5), window=window, source={"view": "PA"}),)
                ),
                "measurements": Measurements(
                    (
                        measurement("1988-5", "C-reactive protein", 184.0, "mg/L", (None, 5.0)),
                        measurement("2823-3", "Potassium", 4.1, "mmol/L", (3.5, 5.1)),
                        replace(
                            measurement("2951-2", "Sodium", 128.0, "mmol/L", (135.0, 145.0)),
                            time=NOON - hour,
                        ),
                        Measurement(
                            "2345-7", "Glucose", None, "", None, "n/a", "", problem="not a number"
                        ),
                    )
                ),
                "history": Events(
                    (
                        Event("ICD-10:I10", "Essential hypertension", NOON - 900 * 24 * hour),
                        Event("ICD-10:J44", "COPD", None, present=False),
                    ),
                    age_years=71.0,
                    sex="female",
                ),
                "notes": Texts((Text("Presenting complaint", note, NOON - hour),)),
            },
            site="A",
            problems=(Problem("measurements.csv", "The value is not a number.", 5, "value"),),
        )

    def assessment(self, case: Case, model: str = "simulated-chest") -> Assessment:
        names = ("image", "measurements", "history", "notes")
        diagnoses = ("bacterial_pneumonia", "heart_failure", "pneumothorax", "pulmonary_embolism")
        alone = {
            name: dict(zip(diagnoses, (0.6 + 0.05 * i, 0.2, 0.02, 0.1), strict=True))
            for i, name in enumerate(names)
        }
        return Assessment(
            case_id=case.case_id,
            patient_id=case.patient_id,
            model=ModelIdentity(model, "a" * 64, "b" * 64),
            input_digest=input_digest(case),
            used=names,
            missing=("ecg",),
            unknown=(),
            suggestions=(
                Suggestion("bacterial_pneumonia", 0.83, 0.4, 0.2, in_set=True),
                Suggestion("heart_failure", 0.22, 0.35, 0.2, in_set=True),
                Suggestion("pneumothorax", 0.004, 0.3, 0.1, in_set=False),
                Suggestion("pulmonary_embolism", 0.3, 0.3, 0.1, "D-dimer is missing.", True),
            ),
            ledger=ModalityLedger(alone, alone),
            explanations=tuple(explanation(name) for name in diagnoses),
            conflicts=("The image speaks for pneumonia, the history against it.",),
            out_of_distribution=OutOfDistribution(1.2, True, ("The image is very small.",)),
            problems=("measurements.csv, row 5: the value is not a number.",),
            prediction_set=PredictionSet(0.9, 575),
        )

    def recorded(self, engine: Engine, case: Case | None = None) -> tuple[str, Assessment]:
        """A case assessed and opened by the reader."""
        case = case or self.case()
        assessment = self.assessment(case)
        with writing(engine) as connection:
            record_assessment(connection, case, assessment, "system", time=NOON)
        record_opened(engine, case.case_id, READER, time=NOON + timedelta(minutes=1))
        return assessment_digest(assessment), assessment

    def decision(self, digest: str, **changes: object) -> ReviewDecision:
        plain = ReviewDecision(
            "case-1",
            digest,
            "bacterial_pneumonia",
            "accept",
            "",
            READER,
            NOON + timedelta(minutes=2),
        )
        return replace(plain, **changes)  # type: ignore[arg-type]


def measurement(
    code: str,
    name: str,
    value: float,
    unit: str,
    reference: tuple[float | None, float | None],
) -> Measurement:
    return Measurement(
        code, name, value, unit, NOON - timedelta(minutes=90), str(value), unit, reference
    )


def explanation(diagnosis: str) -> Explanation:
    return Explanation(
        diagnosis,
        "gradient-weighted attention",
        {"image": 0.5, "measurements": 0.25, "history": 0.05, "notes": 0.2},
        (HeatMap("image", ((0.0, 0.2), (0.4, 1.0)), (0.0, -5.0, 40.0, 35.0)),),
        (
            EvidenceItem("measurements", 0, "1988-5", 0.2),
            EvidenceItem("notes", 0, "sentence 1", 0.15, 0, 16),
            EvidenceItem("measurements", 1, "2823-3", -0.05),
            EvidenceItem("history", 0, "ICD-10:I10", -0.03),
            EvidenceItem("history", -1, "age", 0.02),
        ),
    )


@pytest.fixture(scope="session")
def example() -> Example:
    return Example()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is marked so on both databases; what opens no workspace runs once."""
    marked = metafunc.definition.get_closest_marker("both_databases")
    if marked and "workspace" in metafunc.fixturenames:
        metafunc.parametrize("workspace", ["folder", "server"], indirect=True)


@pytest.fixture
def workspace(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An empty one: in a folder, or on a server as the role that may only record."""
    if getattr(request, "param", "folder") == "server":
        keys = tmp_path / "keys"
        keys.mkdir()
        server: Server = request.getfixturevalue("server")
        engine = open_workspace(server.empty_workspace(keys))
    else:
        engine = open_workspace(tmp_path / "workspace", create=True)
    yield engine
    engine.dispose()
