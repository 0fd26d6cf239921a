"""The public sets: what each reader makes of its own layout, and that no row is lost."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from clinical.case.case import Case, SkippedCase
from clinical.case.shapes import Array, Events, Measurements, Texts
from clinical.cohorts.sources import SOURCES
from clinical.tables.clock import OFFSET_EPOCH

LayOut = Callable[[str], Path]

TABLES = {
    "hannover": ("data.csv", 133),
    "covid_chestxray": ("metadata.csv", 142),
    "nih_chestxray": ("Data_Entry_2017_v2020.csv", 400),
    "appendicitis": ("app_data.csv", 300),
}


def read(name: str, root: Path) -> dict[str, Case]:
    return {r.case_id: r for r in SOURCES[name].read(root) if isinstance(r, Case)}


def values(case: Case, modality: str) -> dict[str, float | None]:
    found = case.inputs[modality]
    assert isinstance(found, Measurements)
    return {item.code: item.value for item in found.items}


def outcomes(name: str, root: Path) -> dict[str, list[bool | None]]:
    found: dict[str, list[bool | None]] = {}
    for outcome in SOURCES[name].outcomes(root):
        found.setdefault(outcome.diagnosis, []).append(outcome.value)
    return found


def test_hannover_leaves_out_what_came_after_the_radiograph(lay_out: LayOut) -> None:
    root = lay_out("hannover")
    first, second, third = read("hannover", root).values()
    assert first.decision_time == OFFSET_EPOCH
    assert values(first, "measurements") == {"1988-5": 44.0, "27815-0": 145.0}
    assert [(p.row, p.column) for p in first.problems] == [(2, "d-dimer_offset")]
    assert values(second, "measurements") == {"1988-5": None}
    assert [(p.row, p.column) for p in second.problems] == [(3, "crp_val")]
    assert set(third.inputs) == {"image", "history"}
    assert third.inputs["history"] == Events((), None, "male")
    image = first.inputs["image"].arrays[0]
    assert isinstance(image, Array)
    assert (image.source["ViewPosition"], image.source["Modality"]) == ("PA", "CR")


def test_hannover_tells_a_prediction_from_a_state(lay_out: LayOut) -> None:
    assert outcomes("hannover", lay_out("hannover")) == {
        "icu": [True, True, False],
        "icu_later": [True, None, False],
        "death": [False, True, False],
    }


def test_covid_patients_that_share_an_image_are_one_patient(lay_out: LayOut) -> None:
    index = SOURCES["covid_chestxray"].index(lay_out("covid_chestxray"))
    assert [(entry.case_id, entry.patient_id) for entry in index] == [
        ("7-1", "7"),
        ("7-2", "7"),
        ("8-1", "7"),
    ]


def test_covid_inputs_and_labels(lay_out: LayOut) -> None:
    root = lay_out("covid_chestxray")
    first = read("covid_chestxray", root)["7-1"]
    assert values(first, "measurements") == {
        "8310-5": 38.0,
        "59408-5": 85.0,
        "6690-2": 2.85,
        "751-8": 1.92,
        "731-0": 0.7,
    }
    notes = first.inputs["notes"]
    assert isinstance(notes, Texts)
    assert [text.text for text in notes.items] == ["Fever."]
    assert outcomes("covid_chestxray", root) == {
        "covid_19": [True, None, False],
        "icu": [True, None, None],
        "intubation": [True, None, False],
        "death": [True, None, False],
    }


def test_nih_spacing_is_that_of_the_file_not_of_the_original(lay_out: LayOut) -> None:
    root = lay_out("nih_chestxray")
    first, second, _ = read("nih_chestxray", root).values()
    image = first.inputs["image"].arrays[0]
    assert isinstance(image, Array)
    assert image.values.shape == (32, 24)
    assert image.spacing == pytest.approx((3200 * 0.139 / 32, 2400 * 0.143 / 24))
    assert second.inputs["history"] == Events((), None, "male")
    assert [(p.row, p.column) for p in second.problems] == [(3, "Patient Age")]
    labels = outcomes("nih_chestxray", root)
    assert labels["pleural_thickening"] == [False, False, True]
    assert labels["no_finding"] == [False, True, False]


def test_appendicitis_evidence_comes_in_four_inputs(lay_out: LayOut) -> None:
    first, second = read("appendicitis", lay_out("appendicitis")).values()
    assert set(first.inputs) == {"history", "examination", "measurements", "sonography"}
    history = first.inputs["history"]
    assert isinstance(history, Events)
    present = {event.code: event.present for event in history.items}
    assert present["appendicitis:PsoasSign"] is True
    assert present["appendicitis:MigratoryPain"] is False
    assert present["appendicitis:Stool=diarrhea"] is False
    assert present["appendicitis:Peritonitis=local"] is True
    assert "appendicitis:Dysuria" not in present, "an empty cell is not a no"
    assert values(first, "measurements") == {
        "6690-2": 12.4,
        "770-8": 57.9,
        "1988-5": 6.0,
        "appendicitis:KetonesInUrine": 0.0,
        "appendicitis:ErythrocytesInUrine": 1.0,
        "appendicitis:WBCInUrine": 3.0,
    }
    sonography = values(first, "sonography")
    assert sonography["appendicitis:AppendixDiameter"] == 6.0
    assert sonography["appendicitis:AppendixWallLayers=aufgehoben"] == 1.0
    assert sonography["appendicitis:TissuePerfusion=hyperperfused"] == 0.0
    assert sonography["appendicitis:TissuePerfusion=hypoperfused"] == 1.0
    assert values(second, "sonography") == {"appendicitis:AppendixOnSono": 0.0}


def test_appendicitis_value_the_set_does_not_use_is_a_problem(lay_out: LayOut) -> None:
    root = lay_out("appendicitis")
    path = root / "app_data.csv"
    path.write_text(path.read_text().replace("no,+,+++", "no,maybe,+++"))
    first = read("appendicitis", root)["child-0001"]
    assert [(p.row, p.column) for p in first.problems] == [(2, "ErythrocytesInUrine")]
    assert "appendicitis:ErythrocytesInUrine" not in values(first, "measurements")


@pytest.mark.real_data
@pytest.mark.parametrize("name", TABLES)
def test_every_row_of_the_real_set_is_a_case_or_skipped(shared_data: Path, name: str) -> None:
    file, expected = TABLES[name]
    with (shared_data / name / file).open(newline="", encoding="utf-8") as stream:
        rows = sum(1 for _ in csv.DictReader(stream))
    source = SOURCES[name]
    index = source.index(shared_data / name)
    cases, skipped = 0, 0
    for reading, entry in zip(source.read(shared_data / name), index, strict=True):
        assert isinstance(reading, Case | SkippedCase)
        assert reading.case_id == entry.case_id
        cases += isinstance(reading, Case)
        skipped += isinstance(reading, SkippedCase)
        if isinstance(reading, Case):
            check_times(reading)
    assert cases + skipped == len(index) == rows == expected
    assert skipped == 0


def check_times(case: Case) -> None:
    for shape in case.inputs.values():
        if isinstance(shape, Measurements):
            for item in shape.items:
                assert item.time is None or item.time <= OFFSET_EPOCH == case.decision_time


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "diagnosis", "counts"),
    [
        ("hannover", "icu", {True: 96, False: 37}),
        ("hannover", "icu_later", {True: 6, False: 37, None: 90}),
        ("hannover", "death", {True: 4, False: 129}),
        ("covid_chestxray", "icu", {True: 49, False: 10, None: 83}),
        ("covid_chestxray", "death", {True: 11, False: 41, None: 90}),
        ("nih_chestxray", "pneumonia", {True: 200, False: 200}),
        ("nih_chestxray", "no_finding", {True: 200, False: 200}),
        ("appendicitis", "appendicitis", {True: 172, False: 128}),
        ("appendicitis", "surgical_management", {True: 111, False: 189}),
        ("appendicitis", "complicated_appendicitis", {True: 31, False: 269}),
    ],
)
def test_labels_of_the_real_sets(
    shared_data: Path, name: str, diagnosis: str, counts: dict[bool | None, int]
) -> None:
    assert Counter(outcomes(name, shared_data / name)[diagnosis]) == counts


@pytest.mark.real_data
def test_patients_of_the_real_sets(shared_data: Path) -> None:
    patients = {
        name: len({entry.patient_id for entry in SOURCES[name].index(shared_data / name)})
        for name in TABLES
    }
    # covid_chestxray lists 86; two of them share an image and are one.
    assert patients == {
        "hannover": 49,
        "covid_chestxray": 85,
        "nih_chestxray": 349,
        "appendicitis": 300,
    }


@pytest.mark.real_data
def test_hannover_uses_a_value_only_where_it_was_there(shared_data: Path) -> None:
    cases = read("hannover", shared_data / "hannover").values()
    late = [p for case in cases for p in case.problems if p.column.endswith("_offset")]
    bounds = [p for case in cases for p in case.problems if p.column.endswith("_val")]
    kept = [m for c in cases if "measurements" in c.inputs for m in values(c, "measurements")]
    with (shared_data / "hannover" / "data.csv").open(newline="", encoding="utf-8") as stream:
        offsets = [
            float(row[column.replace("_val", "_offset")])
            for row in csv.DictReader(stream)
            for column in row
            if column.endswith("_val") and row[column]
        ]
    assert len(late) == sum(offset > 0 for offset in offsets) == 65
    assert len(kept) == sum(offset <= 0 for offset in offsets) == 541
    assert len(bounds) == 8
