"""A small workspace to open the page on: drawn radiographs, made-up patients, a hostile note."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clinical.case.assessment import (
    Assessment,
    EvidenceItem,
    Explanation,
    HeatMap,
    ModalityLedger,
    ModelIdentity,
    OutOfDistribution,
    PredictionSet,
    Suggestion,
)
from clinical.case.case import Case, input_digest
from clinical.case.shapes import (
    Array,
    Arrays,
    Event,
    Events,
    Measurement,
    Measurements,
    Shape,
    Text,
    Texts,
)
from clinical.review import intake
from clinical.workspace.database import open_workspace, writing
from clinical.workspace.place import Place

DIAGNOSES = (
    "bacterial_pneumonia",
    "viral_pneumonia",
    "heart_failure",
    "pleural_effusion",
    "pneumothorax",
    "pulmonary_embolism",
    "none_of_these",
)
DECISION = datetime(2031, 3, 4, 9, 40, tzinfo=UTC)
HOSTILE = (
    "<img src=http://example.org/beacon.png onerror=alert(1)> "
    "![beacon](http://example.org/b.png) <script>document.title='owned'</script> "
    "[click](javascript:alert(1)) <b>bold</b> &amp; **stars**."
)
NOTE = (
    "Cough with rust-coloured sputum and right-sided chest pain for four days. "
    "Rigors last night. No leg swelling, no orthopnoea."
)


def radiograph(seed: int, rows: int = 640, columns: int = 560) -> NDArray[np.float32]:
    """A drawn chest, 12-bit values, larger is denser: enough to see windows and overlays work."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    u, v = (x - columns / 2) / (columns / 2), (y - rows / 2) / (rows / 2)
    body = 2300 * np.exp(-((u / 0.95) ** 6) - ((v / 1.25) ** 8))
    for side in (-1, 1):
        lung = ((u - side * 0.42) / 0.33) ** 2 + ((v + 0.08) / 0.66) ** 2
        body -= 750 * (1 - np.tanh(7 * (lung - 1)))
        for rib in np.linspace(-0.65, 0.5, 9):
            arc = v - rib - 0.35 * (abs(u) - 0.4) ** 2 * 2
            body += 190 * np.exp(-((arc / 0.022) ** 2)) * (lung < 1.15)
    body += 900 * np.exp(-(((u - 0.12) / 0.24) ** 2) - ((v - 0.28) / 0.3) ** 2)
    body += 700 * np.exp(-((u / 0.075) ** 2))
    body += 900 * np.exp(-(((u + 0.45) / 0.16) ** 2) - ((v - 0.18) / 0.14) ** 2)
    body += rng.normal(0, 18, body.shape)
    return np.clip(np.rint(body + 200), 0, 4095).astype(np.float32)


def lab(
    code: str,
    name: str,
    value: float,
    unit: str,
    hours: float,
    reference: tuple[float | None, float | None],
) -> Measurement:
    """A measurement some hours before the decision."""
    time = DECISION - timedelta(hours=hours)
    return Measurement(code, name, value, unit, time, f"{value:g}", unit, reference)


def measurements() -> Measurements:
    """An emergency chest case: some high, some low, one repeated, one that could not be used."""
    return Measurements(
        (
            lab("1988-5", "C-reactive protein", 187, "mg/L", 1.2, (None, 5)),
            lab("33959-8", "Procalcitonin", 2.4, "ng/mL", 1.2, (None, 0.1)),
            lab("6690-2", "Leukocytes", 16.8, "10*9/L", 1.2, (4, 10)),
            lab("6690-2", "Leukocytes", 9.1, "10*9/L", 74, (4, 10)),
            lab("718-7", "Haemoglobin", 131, "g/L", 1.2, (135, 175)),
            lab("777-3", "Platelets", 260, "10*9/L", 1.2, (150, 400)),
            lab("2160-0", "Creatinine", 88, "umol/L", 1.2, (60, 110)),
            lab("2951-2", "Sodium", 133, "mmol/L", 1.2, (135, 145)),
            lab("2823-3", "Potassium", 4.1, "mmol/L", 1.2, (3.5, 5.1)),
            lab("33762-6", "NT-proBNP", 210, "ng/L", 1.2, (None, 450)),
            lab("48065-7", "D-dimer", 0.9, "mg/L", 1.2, (None, 0.5)),
            lab("89579-7", "Troponin I", 8, "ng/L", 1.2, (None, 34)),
            lab("2524-7", "Lactate", 2.6, "mmol/L", 0.6, (0.5, 2.0)),
            lab("59408-5", "Oxygen saturation", 89, "%", 0.3, (94, 100)),
            lab("8867-4", "Heart rate", 112, "/min", 0.3, (60, 100)),
            lab("9279-1", "Respiratory rate", 26, "/min", 0.3, (12, 20)),
            lab("8310-5", "Temperature", 39.1, "Cel", 0.3, (36, 37.5)),
            lab("8480-6", "Systolic pressure", 104, "mm[Hg]", 0.3, (100, 140)),
            Measurement(
                "2532-0",
                "LDH",
                None,
                "",
                DECISION - timedelta(hours=1),
                ">1000",
                "furlong",
                problem="the unit is not one of a catalytic activity",
            ),
        )
    )


def history() -> Events:
    """Coded history with one condition that the source denies."""
    year = timedelta(days=365)
    return Events(
        (
            Event("J44.9", "COPD", DECISION - 6 * year),
            Event("I10", "Hypertension", DECISION - 11 * year),
            Event("local:smoker", "Current smoker"),
            Event("I80.2", "Deep vein thrombosis", present=False),
        ),
        age_years=67,
        sex="male",
    )


def notes(hostile: bool) -> Texts:
    """A short note; `hostile` adds markup that must come out as text."""
    sections = [Text("Presenting complaint", NOTE, DECISION - timedelta(hours=2))]
    exam = "Crackles at the right base. Percussion dull over the right lower zone. No oedema."
    sections.append(Text("Examination", exam, DECISION - timedelta(hours=1.5)))
    if hostile:
        sections.append(Text("Outside letter", HOSTILE, DECISION - timedelta(hours=1)))
    return Texts(tuple(sections))


def make_case(number: int, *, drop: tuple[str, ...] = (), hostile: bool = False) -> Case:
    """Case `number` of the fixture, without the modalities in `drop`."""
    inputs: dict[str, Shape] = {
        "image": Arrays(
            (
                Array(
                    radiograph(number),
                    spacing=(0.6, 0.6),
                    window=(1500, 2600),
                    source={"ViewPosition": "PA"},
                ),
            )
        ),
        "measurements": measurements(),
        "history": history(),
        "notes": notes(hostile),
    }
    return Case(
        f"CASE-{number:03d}",
        f"PAT-{number:03d}",
        DECISION + timedelta(hours=7 * number),
        {name: shape for name, shape in inputs.items() if name not in drop},
        site="fixture",
    )


def make_assessment(
    case: Case,
    *,
    strongest: int = 0,
    flagged: bool = False,
    conflicts: tuple[str, ...] = (),
) -> Assessment:
    """What a model might say of `case`, with `strongest` of `DIAGNOSES` in front."""
    used = tuple(n for n in ("image", "measurements", "history", "notes") if n in case.inputs)
    missing = tuple(
        n for n in ("image", "measurements", "history", "notes") if n not in case.inputs
    )
    names = DIAGNOSES[strongest:] + DIAGNOSES[:strongest]
    probabilities = (0.81, 0.22, 0.12, 0.09, 0.03, 0.06, 0.02)
    suggestions = tuple(
        Suggestion(
            name,
            probability,
            0.4,
            0.14,
            "no measurement that it needs is present" if name == "pulmonary_embolism" else None,
            None if flagged else probability >= 0.1,
        )
        for name, probability in zip(names, probabilities, strict=True)
    )
    return Assessment(
        case.case_id,
        case.patient_id,
        ModelIdentity("fixture", "ab" * 32, "cd" * 32),
        input_digest(case),
        used,
        missing,
        (),
        tuple(sorted(suggestions, key=lambda s: (bool(s.withheld_because), -s.probability))),
        _ledger(used, names, probabilities),
        tuple(_explanation(case, name, used, place) for place, name in enumerate(names)),
        conflicts,
        OutOfDistribution(
            1.6 if flagged else 0.4,
            flagged,
            ("the image is unlike the radiographs in the training data",) if flagged else (),
        ),
        prediction_set=PredictionSet(absent_because="the input is unlike the training cases")
        if flagged
        else PredictionSet(0.9, 575),
    )


def _ledger(
    used: tuple[str, ...], names: tuple[str, ...], probabilities: tuple[float, ...]
) -> ModalityLedger:
    pairs = list(zip(names, probabilities, strict=True))
    step = {"image": 0.24, "measurements": 0.18, "history": 0.03, "notes": 0.09}
    return ModalityLedger(
        {m: {n: round(p * (0.5 + step[m] * 2), 3) for n, p in pairs} for m in used},
        {m: {n: round(p * (1 - step[m]), 3) for n, p in pairs} for m in used}
        if len(used) > 1
        else {},
    )


def _explanation(case: Case, name: str, used: tuple[str, ...], place: int) -> Explanation:
    sign = 1.0 if place == 0 else -0.6
    items = [
        EvidenceItem("measurements", 0, "1988-5", 0.14 * sign),
        EvidenceItem("measurements", 1, "33959-8", 0.09 * sign),
        EvidenceItem("measurements", 13, "59408-5", 0.05),
        EvidenceItem("measurements", 9, "33762-6", -0.04 * sign),
        EvidenceItem("history", 0, "age", 0.02),
        EvidenceItem("history", 0, "J44.9", 0.03),
        EvidenceItem("notes", 0, "sentence 1", 0.11 * sign, 0, NOTE.index(". ") + 1),
        EvidenceItem("notes", 0, "sentence 3", -0.03, NOTE.index("No leg"), len(NOTE)),
        EvidenceItem("notes", 1, "sentence 1", 0.05 * sign, 0, 27),
        EvidenceItem("notes", 2, "sentence 1", 0.01, 0, 57),
    ]
    grid = np.zeros((7, 7))
    grid[4 - place % 4, 1 + place % 5] = 1.0
    grid[min(6, 5 - place % 4), 1 + place % 5] = 0.7
    grid[4 - place % 4, 2 + place % 5] = 0.45
    box = (0.0, -40.0, 640.0, 600.0)  # a square around an image 560 wide and 640 high
    cells = tuple(tuple(float(v) for v in row) for row in grid)
    maps = (HeatMap("image", cells, box),) if "image" in used else ()
    shares = {"image": 0.46, "measurements": 0.3, "history": 0.05, "notes": 0.19}
    total = sum(shares[m] for m in used)
    return Explanation(
        name,
        "fixture",
        {m: shares[m] / total for m in used},
        maps,
        tuple(i for i in items if i.modality in used),
    )


def make_workspace(folder: Path, cases: int = 12) -> Path:
    """A workspace of `cases` assessed cases in `folder`; CASE-000 holds the hostile note."""
    open_workspace(folder, create=True).dispose()
    fill(folder, cases)
    return folder


def fill(place: Place, cases: int) -> None:
    """Put `cases` assessed cases into an empty workspace."""
    engine = open_workspace(place)
    for number in range(cases):
        drop = {3: ("image",), 5: ("notes", "history"), 7: ("measurements",)}.get(number, ())
        case = make_case(number, drop=drop, hostile=number == 0)
        conflict = "The image speaks for pneumonia, the measurements speak for heart failure"
        assessment = make_assessment(
            case,
            strongest=number % 4,
            flagged=number in (2, 9),
            conflicts=(conflict,) if number in (0, 2) else (),
        )
        with writing(engine) as connection:
            intake.record_assessment(connection, case, assessment, "system")
    engine.dispose()
