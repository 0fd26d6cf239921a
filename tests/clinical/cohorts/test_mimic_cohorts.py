"""MIMIC-III and MIMIC-IV: what an item is, when a result was known, and what is one case."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import relational_layouts

from clinical.case.case import Case, SkippedCase
from clinical.case.shapes import Events, Measurements, Texts
from clinical.cohorts import mimic_iii, mimic_iv
from clinical.cohorts.cohort import Source

LayOut = Callable[[str], Path]


def case(source: Source, root: Path, case_id: str) -> Case:
    (found,) = source.read(root, {case_id})
    assert isinstance(found, Case)
    return found


def values(found: Case) -> list[tuple[str, float | None, str]]:
    shape = found.inputs["measurements"]
    assert isinstance(shape, Measurements)
    return [(m.code, m.value, m.unit) for m in shape.items]


def test_mimic_iii_reads_items_by_code_and_by_label_where_the_code_is_of_something_else(
    lay_out: LayOut,
) -> None:
    found = case(mimic_iii, lay_out("mimic_iii"), "100")
    assert values(found) == [
        ("2160-0", 1.2, "mg/dL"),
        ("706-2", 0.4, "%"),
        ("urine:Glucose", None, ""),
    ]
    reported = {(p.file, p.row): p.reason for p in found.problems}
    assert reported["labevents.csv", 3].startswith("the LOINC code that d_labitems gives")
    assert reported["labevents.csv", 4] == "a value of urine, and no value of urine is read."
    assert "after the decision" in reported["labevents.csv", 5]


def test_mimic_iii_takes_who_was_born_300_years_ago_for_90(lay_out: LayOut) -> None:
    assert case(mimic_iii, lay_out("mimic_iii"), "100").inputs["history"] == Events(
        (), 90, "female"
    )


def test_mimic_iii_labels_are_of_the_stay_in_hospital(lay_out: LayOut) -> None:
    root = lay_out("mimic_iii")
    (skipped,) = mimic_iii.read(root, {"200"})
    assert isinstance(skipped, SkippedCase)
    assert [(o.case_id, o.diagnosis, o.value) for o in mimic_iii.outcomes(root)] == [
        ("100", "hospital_death", True),
        ("100", "pneumonia", True),
        ("200", "hospital_death", False),
        ("200", "pneumonia", False),
        ("101", "hospital_death", False),
        ("101", "pneumonia", False),
    ]


def test_mimic_iv_reads_a_study_with_what_was_stored_before_its_last_image(lay_out: LayOut) -> None:
    root = lay_out("mimic_iv")
    found = case(mimic_iv, root, "s50414267")
    assert str(found.decision_time) == "2180-05-06 21:30:15+00:00"
    assert values(found) == [("2160-0", 0.9, "mg/dL")]
    notes = found.inputs["notes"]
    assert isinstance(notes, Texts)
    assert [text.text for text in notes.items] == ["Lungs are clear.\nNo effusion."]
    frontal = found.inputs["image"].arrays[0]
    assert frontal.source["ViewPosition"] == "PA"
    assert found.inputs["history"] == Events((), 52, "female")
    assert {(p.file, p.row, p.column) for p in found.problems} == {
        ("hosp/labevents.csv", 3, "storetime"),
        ("hosp/labevents.csv", 4, "charttime"),
        ("note/radiology.csv", 3, "storetime"),
        ("note/radiology.csv", 4, "storetime"),
    }


def test_mimic_iv_knows_no_label_where_the_report_is_uncertain(lay_out: LayOut) -> None:
    pneumonia = {
        o.case_id: o.value
        for o in mimic_iv.outcomes(lay_out("mimic_iv"))
        if o.diagnosis == "pneumonia"
    }
    assert pneumonia == {"s50414267": True, "s56699142": None, "s57199142": None}


@pytest.fixture
def units(lay_out: LayOut) -> Path:
    """MIMIC-IV without radiographs: stays in a unit."""
    root = lay_out("mimic_iv")
    shutil.rmtree(root / "cxr-jpg")
    stays = {
        "icu/icustays.csv": (
            "subject_id,hadm_id,stay_id,first_careunit,intime,outtime\n"
            "10000032,7,300,MICU,2180-05-06 20:30:00,2180-05-09 10:00:00\n"
        ),
        "hosp/admissions.csv": "subject_id,hadm_id,hospital_expire_flag\n10000032,7,1\n",
        "hosp/diagnoses_icd.csv": (
            "subject_id,hadm_id,seq_num,icd_code,icd_version\n10000032,7,1,J189,10\n"
        ),
    }
    relational_layouts.write_tables(root, stays)
    return root


def test_mimic_iv_without_radiographs_reads_stays(units: Path) -> None:
    found = case(mimic_iv, units, "300")
    assert [value for _, value, _ in values(found)] == [0.9, 1.9]
    assert {d.name for d in mimic_iv.describe(units).diagnoses} == {"hospital_death", "pneumonia"}
    assert [(o.diagnosis, o.value) for o in mimic_iv.outcomes(units)] == [
        ("hospital_death", True),
        ("pneumonia", True),
    ]
