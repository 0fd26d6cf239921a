"""Electrocardiograms of a folder: what they are, what is left out and why, and what is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from clinical.dicom.write import StudyHeader, derived_uid
from clinical.dicom.write_ecg import write_ecg
from clinical.modalities.ecg import wfdb
from clinical.modalities.ecg.leads import code_of
from clinical.modalities.ecg.waveform import Samples, Waveform
from pipelines.checking.check import check
from pipelines.checking.findings import Shown
from pipelines.checking.folder_cohort import Options
from pipelines.checking.found import CheckFound


def samples(seconds: float = 10, rate: int = 500, seed: int = 1) -> Samples:
    """Two leads with a beat each second."""
    time = np.arange(int(seconds * rate)) / rate
    beats = np.exp(-(((time % 1) - 0.5) ** 2) / (2 * 0.012**2))
    noise = np.random.default_rng(seed).normal(0, 0.01, (2, len(time)))
    return np.asarray(np.stack([0.9 * beats, 1.3 * beats]) + noise, np.float32)


def as_csv(path: Path, values: Samples, names: Sequence[str] = ("I", "II", "V1")) -> None:
    columns = [*values, values[0]][: len(names)]
    lines = [
        ",".join(names),
        *(",".join(f"{cell:.4f}" for cell in row) for row in zip(*columns, strict=True)),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def as_dicom(path: Path, values: Samples, patient_id: str = "p1") -> None:
    header = StudyHeader(
        patient_id=patient_id,
        patient_name="SIMULATED",
        sex="female",
        age_years=61,
        acquired=datetime(2021, 3, 12, 8, tzinfo=UTC),
        study_uid=derived_uid("study"),
        series_uid=derived_uid("series"),
        instance_uid=derived_uid("ecg"),
        institution="Simulated clinic",
        manufacturer="Triptych simulation",
    )
    write_ecg(path, values, [(code_of(lead), lead) for lead in ("I", "II")], 500.0, header)


def cohort(root: Path, *rows: str) -> CheckFound:
    cases = "case_id,patient_id,decision_time\nc1,p1,2021-03-12T12:00Z\nc2,p2,2021-03-12T12:00Z\n"
    (root / "cases.csv").write_text(cases, encoding="utf-8")
    table = "\n".join(["case_id,path,time,rate,unit", *rows, ""])
    (root / "ecgs.csv").write_text(table, encoding="utf-8")
    return check(root, "", Options())


def told(found: Mapping[str, Shown]) -> dict[str, dict[str, int]]:
    return {name: {one.text: one.count for one in said.counts} for name, said in found.items()}


def test_leads_rate_unit_and_duration_of_every_format(tmp_path: Path) -> None:
    as_csv(tmp_path / "a.csv", samples(rate=250))
    wfdb.write(tmp_path, "b", Waveform(("I", "II"), samples(), 500.0))
    as_dicom(tmp_path / "c.dcm", samples(seconds=8, seed=2))
    found = cohort(
        tmp_path,
        "c1,a.csv,2021-03-12T08:00Z,250,mV",
        "c1,b.hea,2021-03-12T08:00Z,,",
        "c1,c.dcm,,,",
    )
    traits = told(found.tracings.traits)
    assert (found.tracings.files, found.tracings.read, found.tracings.refused) == (3, 3, ())
    assert traits["format"] == {"CSV": 1, "WFDB": 1, "DICOM 12-lead ECG": 1}
    assert traits["leads"] == {"2 recorded, 4 computed": 2, "3 recorded, 4 computed": 1}
    assert traits["lacking"] == {"V1 V2 V3 V4 V5 V6": 2, "V2 V3 V4 V5 V6": 1}
    assert traits["rate"] == {"500 per second": 2, "250 per second": 1}
    assert traits["unit"] == {"stated in the file": 2, "mV, by the table": 1}
    assert traits["duration"] == {"10 s": 2, "8 s": 1}
    assert found.to_decide == ()


@pytest.mark.parametrize(
    ("row", "level", "says"),
    [
        ("c1,a.csv,2021-03-12T08:00Z,,mV", "decide", "The sampling rate is not stated"),
        ("c1,a.csv,2021-03-12T08:00Z,500,", "decide", "The unit of the samples is not stated"),
        ("c1,a.csv,2021-03-12T08:00Z,500,furlong", "decide", "The unit is not known"),
        ("c1,a.csv,,500,mV", "decide", "Nobody says when the electrocardiogram was taken"),
        ("c1,a.csv,2021-03-12T08:00Z,5000,mV", "know", "lasts 1.0 s"),
        ("c1,a.csv,2021-03-12T08:00Z,500,V", "know", "above 100 mV"),
        ("c2,d.dcm,2021-03-12T08:00Z,,", "know", "belongs to a different patient"),
        ("c1,late.dcm,,,", "know", "recorded after the decision"),
        ("c1,none.csv,2021-03-12T08:00Z,500,mV", "know", "do not exist"),
    ],
)
def test_what_would_be_left_out_or_is_asked(
    tmp_path: Path, row: str, level: str, says: str
) -> None:
    as_csv(tmp_path / "a.csv", samples())
    as_dicom(tmp_path / "d.dcm", samples())
    as_dicom(tmp_path / "late.dcm", samples())
    if "late" in row:
        late = (tmp_path / "late.dcm").read_bytes().replace(b"20210312", b"20210313")
        (tmp_path / "late.dcm").write_bytes(late)
    found = cohort(tmp_path, row)
    (said,) = (one for one in found.findings if one.place == "electrocardiograms")
    assert says in said.text
    assert said.level == level


def test_one_tracing_of_two_patients_is_asked_about(tmp_path: Path) -> None:
    as_csv(tmp_path / "a.csv", samples())
    as_csv(tmp_path / "b.csv", samples())
    row = "2021-03-12T08:00Z,500,mV"
    found = cohort(tmp_path, f"c1,a.csv,{row}", f"c2,b.csv,{row}")
    assert [one.text for one in found.to_decide] == [
        "One and the same electrocardiogram belongs to several patients."
    ]


def test_a_lead_that_is_not_connected_is_counted(tmp_path: Path) -> None:
    values = samples()
    values[0] = 0
    as_csv(tmp_path / "a.csv", values, ("I", "II"))
    found = cohort(tmp_path, "c1,a.csv,2021-03-12T08:00Z,500,mV")
    assert any(one.text.startswith("Flat: I") for one in found.tracings.doubts)


def test_a_folder_of_recordings_is_no_folder_of_images(tmp_path: Path) -> None:
    """A DICOM waveform is told from an image by its SOP class, whatever its name ends in."""
    as_dicom(tmp_path / "1.dcm", samples())
    as_dicom(tmp_path / "2", samples(seed=2))
    wfdb.write(tmp_path, "b", Waveform(("I", "II"), samples(seed=3), 500.0))
    as_csv(tmp_path / "a.csv", samples(seed=4))
    as_csv(tmp_path / "many.csv", samples(seed=5), ("V1", "V2", "V3"))
    found = check(tmp_path, "", Options())
    assert (found.tracings.files, found.tracings.read) == (4, 3)
    assert found.images.files == 0
    assert [(one.text, one.count) for one in found.tracings.refused] == [
        ("The unit of the samples is not stated.", 1)
    ]


def test_only_so_many_are_read_as_are_asked_for(tmp_path: Path) -> None:
    for number in range(6):
        as_dicom(tmp_path / f"{number}.dcm", samples(seed=number))
    found = check(tmp_path, "", Options(images=2))
    assert (found.tracings.files, found.tracings.read) == (6, 2)
