"""Whether an electrocardiogram was recorded before the decision, by all that its file says."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest

from clinical.case.case import Case
from clinical.cohorts import folder
from clinical.dicom.write import StudyHeader, derived_uid
from clinical.dicom.write_ecg import write_ecg

HEADER = StudyHeader(
    patient_id="p",
    patient_name="SIMULATED",
    sex="female",
    age_years=64,
    acquired=datetime(2024, 10, 27, 0, 0, tzinfo=UTC),
    study_uid=derived_uid("study"),
    series_uid=derived_uid("series"),
    instance_uid=derived_uid("ecg"),
    institution="Simulated clinic",
    manufacturer="Triptych simulation",
)
STATED = ("AcquisitionDateTime", "StudyDate", "StudyTime", "ContentDate", "ContentTime")
OFFSET = "TimezoneOffsetFromUTC"


@pytest.mark.parametrize(
    ("decided", "zone", "attributes", "says"),
    [
        ("2024-10-27T03:00", "Europe/Berlin", {"AcquisitionDateTime": "20241027024500"}, ""),
        (
            "2024-10-27T02:30+02:00",
            "Europe/Berlin",
            {"AcquisitionDateTime": "20241027021500+0100"},
            "after the decision",
        ),
        (
            "2024-10-27T02:15+01:00",
            "Europe/Berlin",
            {"AcquisitionDateTime": "20241027023000+0200"},
            "",
        ),
        (
            "2024-10-27T03:00",
            "Europe/Berlin",
            {"AcquisitionDateTime": "20241026", "StudyDate": "20241104"},
            "after the decision",
        ),
        (
            "2024-10-27T08:00-05:00",
            "",
            {"AcquisitionDateTime": "20241027110000"},
            "names no zone",
        ),
    ],
)
def test_times_are_compared_as_instants_and_the_latest_counts(
    tmp_path: Path, decided: str, zone: str, attributes: dict[str, str], says: str
) -> None:
    steps = np.random.default_rng(0).integers(-400, 400, (2, 1500))
    samples = np.asarray(steps * 0.0025, np.float32)
    write_ecg(tmp_path / "a.dcm", samples, (("2:1", "I"), ("2:2", "II")), 500.0, HEADER)
    found = pydicom.dcmread(tmp_path / "a.dcm")
    for keyword in (*STATED, "SeriesDate", "SeriesTime", "AcquisitionDate", OFFSET):
        if keyword in found:
            delattr(found, keyword)
    for keyword, text in attributes.items():
        setattr(found, keyword, text)
    found.save_as(tmp_path / "a.dcm")
    table = f"case_id,patient_id,decision_time,sex\nc,p,{decided},f\n"
    (tmp_path / "cases.csv").write_text(table, encoding="utf-8")
    (tmp_path / "ecgs.csv").write_text("case_id,path\nc,a.dcm\n", encoding="utf-8")
    if zone:
        (tmp_path / "cohort.toml").write_text(f'time_zone = "{zone}"\n', encoding="utf-8")
    (case,) = folder.read(tmp_path)
    assert isinstance(case, Case)
    assert ("ecg" in case.inputs) == (not says)
    assert [says in problem.reason for problem in case.problems] == ([True] if says else [])
