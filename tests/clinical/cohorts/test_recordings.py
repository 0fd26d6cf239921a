"""Electrocardiograms as a browser sends them: WFDB records and tables, known by their content."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from clinical.case.shapes import Array
from clinical.cohorts import entered, folder, received
from clinical.cohorts.entered import Entered, File
from clinical.cohorts.received import Received
from clinical.modalities.ecg import table, wfdb
from clinical.modalities.ecg.leads import STANDARD
from clinical.modalities.ecg.table import Stated
from clinical.modalities.ecg.waveform import Waveform

RATE = 500.0


def waveform() -> Waveform:
    seconds = np.arange(5000) / RATE
    beat = np.exp(-(((seconds % 0.8) - 0.3) ** 2) / 0.0003)
    scale = np.linspace(0.4, 1.2, len(STANDARD))[:, np.newaxis]
    return Waveform(STANDARD, (scale * beat).astype(np.float32), RATE, {})


def record(place: Path) -> dict[str, bytes]:
    """Header and signals of a record, by their names."""
    place.mkdir(exist_ok=True)
    path = wfdb.write(place, "s0010_re", waveform())
    return {path.name: path.read_bytes(), "s0010_re.dat": path.with_suffix(".dat").read_bytes()}


def csv_of(*, seconds: bool = False, unit: str = "") -> bytes:
    made = waveform()
    head = [f"{lead} ({unit})" if unit else lead for lead in made.leads]
    rows = made.samples.T * 1000
    lines = [",".join(["seconds", *head] if seconds else head)]
    for at, row in enumerate(rows):
        cells = [f"{value:.1f}" for value in row]
        lines.append(",".join([f"{at / RATE:.4f}", *cells] if seconds else cells))
    return "\n".join(lines).encode()


def read(file: Received, place: Path, *, rate: str = "", unit: str = "") -> Array:
    what = Entered("case-1", "p1", "2024-03-01T12:00:00+00:00")
    entered.write(
        Entered(**{**vars(what), "recordings": (File(file.path, rate=rate, unit=unit),)}), place
    )
    case = entered.read(place).case
    assert case is not None
    return case.inputs["ecg"].arrays[0]


@pytest.mark.parametrize("in_a_zip", [False, True])
def test_header_and_signals_are_one_recording_in_any_order(
    tmp_path: Path, *, in_a_zip: bool
) -> None:
    files = dict(reversed(record(tmp_path / "source").items()))
    uploads = list(files.items())
    if in_a_zip:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name, data in files.items():
                archive.writestr(f"physionet/{name}", data)
        uploads = [("record.zip", packed.getvalue())]
    place = tmp_path / "place"
    place.mkdir()
    (kept,), refused = received.receive(uploads, place)
    assert not refused
    assert (kept.name, kept.sort, kept.is_recording) == ("s0010_re.hea", "recording", True)
    tracing = read(kept, place)
    assert tracing.source["dataset_digest"] == kept.digest
    received.remove(place, kept)
    assert not [path for path in (place / received.FOLDER).rglob("*") if path.is_file()]


def test_it_is_the_same_tracing_as_that_of_a_cohort(tmp_path: Path) -> None:
    files = record(tmp_path / "source")
    (kept,), _ = received.receive(list(files.items()), tmp_path)
    there = tmp_path / "cohort"
    record(there)
    (there / "cases.csv").write_text("case_id,patient_id,decision_time\nc,p1,2024-03-01T12:00Z\n")
    (there / "ecgs.csv").write_text("case_id,path\nc,s0010_re.hea\n")
    (there / "cohort.toml").write_text('name = "made"\n')
    (case,) = folder.read(there)
    assert read(kept, tmp_path).digest == case.inputs["ecg"].arrays[0].digest  # type: ignore[union-attr]


def test_a_header_without_its_signals_and_signals_without_a_header_are_told(tmp_path: Path) -> None:
    files = record(tmp_path / "source")
    header, signals = files.items()
    added, (refused,) = received.receive([header], tmp_path)
    assert not added
    assert "signal file s0010_re.dat is not with it" in refused.reason
    assert "together" in refused.remedy
    added, (refused,) = received.receive([signals], tmp_path)
    assert not added
    assert "header (.hea)" in refused.remedy


def test_a_header_of_a_kind_that_is_not_read_says_why(tmp_path: Path) -> None:
    header = b"a 1 500 5000\na.dat 61 200 16 0 0 0 0 I\n"
    _, (refused,) = received.receive([("a.hea", header)], tmp_path)
    assert "format 61" in refused.reason


def test_no_name_in_a_header_leads_out_of_the_private_place(tmp_path: Path) -> None:
    header = b"a 1 500 5000\n../a.dat 16 200 16 0 0 0 0 I\n"
    added, refused = received.receive([("a.hea", header), ("../a.dat", b"\0" * 10000)], tmp_path)
    assert not added
    assert len(refused) == 2
    assert not (tmp_path.parent / "a.dat").exists()


def test_a_table_is_asked_for_rate_and_unit_and_read_with_them(tmp_path: Path) -> None:
    data = csv_of()
    (kept,), _ = received.receive([("trace.txt", data)], tmp_path)
    assert (kept.sort, kept.rate, kept.unit) == ("samples", "", "")
    tracing = read(kept, tmp_path, rate="500", unit="uV")
    assert tracing.source["dataset_digest"] == kept.digest


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (csv_of(seconds=True, unit="uV"), Stated(500.0, "uV")),
        (csv_of(), Stated()),
        (b"lead,sample,value\nI,0,0.1\n", Stated()),
        (b"time,II\n0,0.1\n0.004,0.2\n0.008,0.1\n", Stated(250.0)),
        (b"Test;Result;Unit\nCRP;112;mg/L\n", None),
        (b"PatientID,Name\n1,Doe", None),
        (b"\x00\x01\x02", None),
    ],
)
def test_what_a_table_says_of_itself(data: bytes, says: Stated | None) -> None:
    assert table.stated(data) == says


def test_a_table_of_laboratory_values_is_refused_with_where_it_belongs(tmp_path: Path) -> None:
    _, (refused,) = received.receive([("labs.csv", b"Test,Result\nCRP,112\n")], tmp_path)
    assert "Paste a table of values" in refused.remedy
