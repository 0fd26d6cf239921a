"""From a table of traces to a trained model, its evidence in words, the store and the page.

Run by test_add_a_modality.py with the plugin `with_capnogram`; elsewhere there is no such modality.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from clinic_of_two import STUDY
from PIL import Image
from streamlit.testing.v1 import AppTest
from waiting import SECONDS

from clinical.assess.assess import Assessor
from clinical.case.case import Case, Problem, input_digest
from clinical.case.held_back import AS_A_WHOLE
from clinical.cohorts import folder
from clinical.modalities import kit
from clinical.review.intake import record_assessment
from clinical.workspace import store
from clinical.workspace.database import open_workspace, writing
from pipelines.folds.splits import hold_out
from pipelines.training.dataset import CachedCase, Dataset
from pipelines.training.train import train_model

RATE = 20  # samples a second
CASES = 160
NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def breathing(seconds: float, generator: np.random.Generator) -> list[str]:
    """Half a minute of breaths that take so long each, one pressure a line."""
    time = np.arange(30 * RATE) / RATE
    out = np.sin(2 * np.pi * time / seconds) > 0
    pressure = np.where(out, 38.0, 1.0) + generator.normal(0, 0.5, len(time))
    return [f"{max(value, 0):.2f}" for value in pressure]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every second patient breathes slowly; every patient has a radiograph that says nothing."""
    root, generator = tmp_path_factory.mktemp("cohort"), np.random.default_rng(5)
    cases, traces = ["case_id,patient_id,decision_time"], ["case_id,path,rate_hz,time"]
    images = ["case_id,path,time"]
    film = generator.integers(0, 255, (64, 64), dtype=np.uint8)
    Image.fromarray(film).save(root / "film.png")
    for number in range(CASES):
        cases.append(f"c{number:03d},p{number:03d},{NOW.isoformat()}")
        traces.append(f"c{number:03d},t{number}.txt,{RATE},2026-01-01T11:00Z")
        images.append(f"c{number:03d},film.png,2026-01-01T10:00Z")
        lines = breathing(7.0 if number % 2 else 3.0, generator)
        (root / f"t{number}.txt").write_text("\n".join(lines), encoding="utf-8")
    for name, rows in {"cases": cases, "capnograms": traces, "images": images}.items():
        (root / f"{name}.csv").write_text("\n".join([*rows, ""]), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def cases(cohort: Path) -> list[Case]:
    return [reading for reading in folder.read(cohort) if isinstance(reading, Case)]


@pytest.fixture(scope="module")
def assessor(cases: list[Case]) -> Assessor:
    plain = [replace(case, inputs={"capnogram": case.inputs["capnogram"]}) for case in cases]
    labels = np.array([[float(number % 2)] for number in range(CASES)])
    cached = tuple(CachedCase(case, {}, input_digest(case)) for case in plain)
    dataset = Dataset(cached, ("slow_breathing",), labels, (), ())
    training, validation = hold_out(dataset.patients, dataset.labels, 0.3, seed=0)
    return Assessor(train_model(dataset, training, validation, STUDY).model)


def test_traces_and_radiographs_of_a_case_are_kept_apart(cases: list[Case]) -> None:
    assert len(cases) == CASES
    for case in cases[:4]:
        assert [one.name for one, _, _ in kit.read_by(case)] == ["radiograph", "capnogram"]
        assert [array.axes for _, array in kit.arrays(case)] == [("row", "column"), ("time",)]


def test_a_line_that_is_no_pressure_is_reported_with_its_place(
    cohort: Path, tmp_path: Path
) -> None:
    for name in ("cases.csv", "capnograms.csv"):
        lines = (cohort / name).read_text(encoding="utf-8").splitlines()[:3]
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "t0.txt").write_text("12\nhigh\n", encoding="utf-8")
    readings = list(folder.read(tmp_path))
    problems = [p for p in readings if isinstance(p, Problem)]
    problems += [r.problem for r in readings if hasattr(r, "problem")]
    assert {(p.file, p.row, p.column) for p in problems} == {
        ("capnograms.csv", 2, "path"),
        ("capnograms.csv", 3, "path"),
    }


def test_a_model_learns_from_it_and_says_which_breath_it_was_or_that_none_stands_out(
    assessor: Assessor, cases: list[Case]
) -> None:
    found = [assessor.assess(case) for case in cases[:8]]
    chances = [assessment.suggestions[0].probability for assessment in found]
    assert min(chances[1::2]) > max(chances[::2])
    assert found[1].used == ("capnogram",)
    # Slow breaths are all alike: where none stands out, the record says so.
    explanation = found[1].explanations[0]
    told = [kit.label(cases[1], item) for item in explanation.items]
    assert told or explanation.held_back == {"capnogram": AS_A_WHOLE}
    assert all("mmHg" in words for words in told)


def test_it_is_stored_with_its_samples(
    assessor: Assessor, cases: list[Case], tmp_path: Path
) -> None:
    engine = open_workspace(tmp_path, create=True)
    with writing(engine) as connection:
        record_assessment(connection, cases[0], assessor.assess(cases[0]), "system")
        again = store.get_case(connection, cases[0].case_id)
    engine.dispose()
    assert again.inputs["capnogram"].items[0].digest == cases[0].inputs["capnogram"].items[0].digest
    assert again.inputs["capnogram"].items[0].spacing == (1 / RATE,)


def test_the_page_has_a_panel_for_it(cohort: Path) -> None:
    def page(root: str) -> None:
        from pathlib import Path

        from clinical.cohorts import folder
        from ui.panels import inputs

        case = next(iter(folder.read(Path(root), {"c001"})))
        for panel in inputs.at("below", case):
            if "capnogram" in panel.READS:
                panel.render(case, None, None, "")

    shown = AppTest.from_function(page, kwargs={"root": str(cohort)}, default_timeout=SECONDS).run()
    assert not shown.exception
    assert [title.value for title in shown.subheader] == ["Capnogram"]
