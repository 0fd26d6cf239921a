"""`make bench`, part 3: exporting a long record, by default 100,000 events.

A tenth as many cases, each with an image, measurements, history, a note, an assessment with
explanations, and ten events. Numbers depend on the machine and on what else it does.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from sqlalchemy import Connection, Engine

from clinical.audit import ledger
from clinical.case.assessment import (
    Assessment,
    EvidenceItem,
    Explanation,
    HeatMap,
    ModalityLedger,
    ModelIdentity,
    OutOfDistribution,
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
from clinical.export.bundle import export
from clinical.review.intake import record_assessment
from clinical.workspace.database import DATABASE_NAME, open_workspace, writing

EVENTS = 100_000
OF_A_CASE = 10
AT_ONCE = 100  # cases in one transaction
NOON = datetime(2031, 1, 1, 12, tzinfo=UTC)
DIAGNOSES = ("pneumonia", "heart_failure", "pneumothorax", "pulmonary_embolism", "lung_mass")
INPUTS = ("image", "measurements", "history", "notes")


def main(events: int) -> int:
    """Fill a workspace, export it whole and de-identified; print seconds, sizes and memory."""
    console = Console()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        engine = open_workspace(folder / "workspace", create=True)
        _fill(engine, events // OF_A_CASE)
        size = (folder / "workspace" / DATABASE_NAME).stat().st_size / 1e6
        console.print(f"{events} events, {events // OF_A_CASE} cases, database {size:.0f} MB")
        for words, de_identified in (("whole", False), ("de-identified", True)):
            out = folder / f"{words}.zip"
            started, used = time.perf_counter(), time.process_time()
            result = export(engine, out, actor="bench", de_identified=de_identified)
            seconds, computed = time.perf_counter() - started, time.process_time() - used
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            console.print(
                f"export {words}: {seconds:.0f} s ({computed:.0f} s of one core), "
                f"{result.cases} cases"
            )
            console.print(
                f"ZIP {out.stat().st_size / 1e6:.0f} MB, peak memory so far {peak:.0f} MB"
            )
        engine.dispose()
    return 0


def _fill(engine: Engine, cases: int) -> None:
    random = np.random.default_rng(0)
    for start in range(0, cases, AT_ONCE):
        with writing(engine) as connection:
            for number in range(start, min(start + AT_ONCE, cases)):
                _put(connection, _case(number, random), random)


def _put(connection: Connection, case: Case, random: np.random.Generator) -> None:
    assessment = _assessment(case, random)
    event = record_assessment(connection, case, assessment, "system")
    digest = event.payload["assessment"] if event else ""
    reader = f"reader-{random.integers(5)}"
    record = partial(ledger.append, connection, actor=reader, case_id=case.case_id)
    record("OPENED", payload={"assessment": digest})
    for number in range(OF_A_CASE - 2):
        decided = {
            "assessment": digest,
            "diagnosis": DIAGNOSES[number % len(DIAGNOSES)],
            "action": "accept",
            "reason": "",
            "replacement": "",
            "decided": NOON.isoformat(),
            "comment": "",
        }
        record("DECIDED", payload=decided)


def _case(number: int, random: np.random.Generator) -> Case:
    pixels = random.integers(0, 4096, (96, 96)).astype(np.float32)
    measured = tuple(
        Measurement(code, name, 4.0 + place, "mmol/L", NOON - timedelta(hours=place), "4", "mmol/L")
        for place, (code, name) in enumerate([("2823-3", "Potassium"), ("2951-2", "Sodium")] * 10)
    )
    history = Events((Event("ICD-10:I10", "Hypertension"), Event("ICD-10:J44", "COPD")), 71.0)
    note = Texts((Text("History", "Cough and fever for three days. No trauma. " * 5, NOON),))
    inputs: dict[str, Shape] = {
        "image": Arrays((Array(pixels),)),
        "measurements": Measurements(measured),
        "history": history,
        "notes": note,
    }
    return Case(f"case-{number:06}", f"patient-{number // 2:06}", NOON, inputs, "A")


def _assessment(case: Case, random: np.random.Generator) -> Assessment:
    values = tuple(tuple(row) for row in random.random((14, 14)).round(6).tolist())
    items = tuple(EvidenceItem("measurements", n, "2823-3", 0.3 / (n + 1)) for n in range(20))
    share = dict.fromkeys(INPUTS, 0.25)
    maps = (HeatMap("image", values, (0.0, 0.0, 96.0, 96.0)),)
    alone = {name: dict.fromkeys(DIAGNOSES, 0.3) for name in INPUTS}
    return Assessment(
        case.case_id,
        case.patient_id,
        ModelIdentity("bench", "a" * 64, "b" * 64),
        input_digest(case),
        INPUTS,
        (),
        (),
        tuple(Suggestion(name, float(random.random()), 0.4, 0.2, None, True) for name in DIAGNOSES),
        ModalityLedger(alone, alone),
        tuple(Explanation(name, "attention", share, maps, items) for name in DIAGNOSES),
        (),
        OutOfDistribution(0.5, False),
    )


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS))
