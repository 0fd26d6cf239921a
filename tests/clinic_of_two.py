"""A made-up clinic with two diagnoses whose truth is known, small enough to train on in seconds.

"inflammation" raises CRP, "failure" is told by a coded event, and the note says nothing of use.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from clinical.case.case import Case, input_digest
from clinical.case.shapes import Event, Events, Measurements, Text, Texts
from clinical.config import CohortConfig, EvaluationConfig, ModelConfig, StudyConfig, TrainingConfig
from clinical.terms import normalise
from pipelines.training.dataset import CachedCase, Dataset

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
DIAGNOSES = ("inflammation", "failure")

STUDY = StudyConfig(
    name="two",
    cohort=CohortConfig(path="made-up"),
    seed=3,
    model=ModelConfig(width=32, heads=2, layers=1, dropout=0.0, components=8),
    training=TrainingConfig(
        alone_epochs=20,
        epochs=6,
        patience=6,
        learning_rate=1e-3,
        teachers=False,
        batch_size=32,
        augmentations=0,
        space_epochs=2,
    ),
    evaluation=EvaluationConfig(bootstrap=200),
)


def make_case(number: int, inflamed: bool, failing: bool, generator: np.random.Generator) -> Case:
    crp = generator.lognormal(np.log(90 if inflamed else 4), 0.5)
    items = [
        normalise.measurement("1988-5", f"{crp:.1f}", "mg/L", time=NOW - timedelta(hours=2)),
        normalise.measurement(
            "2951-2", f"{generator.normal(140, 2):.0f}", "mmol/L", time=NOW - timedelta(hours=5)
        ),
    ]
    events = [Event("I10", "Hypertension")] if generator.random() < 0.5 else []
    if failing:
        events.append(Event("I50.9", "Heart failure", NOW - timedelta(days=400)))
    return Case(
        f"c{number:04d}",
        f"p{number // 2:04d}",
        NOW,
        {
            "measurements": Measurements(tuple(items)),
            "history": Events(tuple(events), float(generator.integers(30, 90)), "female"),
            "notes": Texts((Text("complaint", "Unwell since yesterday. Seen at home."),)),
        },
    )


def make_dataset(cases: int = 240, seed: int = 1) -> Dataset:
    generator = np.random.default_rng(seed)
    labels = (generator.random((cases, 2)) < 0.4).astype(float)
    made = [make_case(i, bool(row[0]), bool(row[1]), generator) for i, row in enumerate(labels)]
    cached = tuple(CachedCase(case, {}, input_digest(case)) for case in made)
    return Dataset(cached, DIAGNOSES, labels, (), ())


def write_cohort(folder: Path, cases: int = 12) -> Path:
    """The same clinic in the folder format, without images."""
    dataset = make_dataset(cases, seed=9)
    tables: dict[str, list[str]] = {
        "cases.csv": ["case_id,patient_id,decision_time,sex,age_years"],
        "measurements.csv": ["case_id,code,value,unit,time"],
        "history.csv": ["case_id,code,display,onset"],
        "notes.csv": ["case_id,section,text,time"],
        "outcomes.csv": ["case_id,diagnosis,value"],
    }
    for cached, labels in zip(dataset.cases, dataset.labels, strict=True):
        case = cached.case
        history, measured = case.inputs["history"], case.inputs["measurements"]
        assert isinstance(history, Events)
        assert isinstance(measured, Measurements)
        name = case.case_id
        tables["cases.csv"].append(
            f"{name},{case.patient_id},{NOW.isoformat()},female,{history.age_years}"
        )
        for m in measured.items:
            assert m.time is not None
            tables["measurements.csv"].append(
                f"{name},{m.code},{m.raw_value},{m.raw_unit},{m.time.isoformat()}"
            )
        for event in history.items:
            onset = event.onset.isoformat() if event.onset else ""
            tables["history.csv"].append(f"{name},{event.code},{event.display},{onset}")
        tables["notes.csv"].append(f"{name},complaint,Unwell since yesterday. Seen at home.,")
        for diagnosis, label in zip(DIAGNOSES, labels, strict=True):
            tables["outcomes.csv"].append(f"{name},{diagnosis},{int(label)}")
    folder.mkdir(parents=True)
    for file, lines in tables.items():
        (folder / file).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "cohort.toml").write_text(
        'name = "two"\nsource = "made up"\nlicence = "CC0"\ntime_zone = "UTC"\n'
        + "".join(f'[[diagnoses]]\nname = "{name}"\n' for name in DIAGNOSES),
        encoding="utf-8",
    )
    return folder
