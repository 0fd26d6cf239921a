"""WFDB records: three formats are read, everything else is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clinical.cohorts import folder
from clinical.errors import WaveformError
from clinical.modalities.ecg import wfdb
from clinical.modalities.ecg.waveform import Waveform

LENGTH = 1501


def stored(bits: int) -> np.ndarray:
    """Two signals [2, samples] that fill the range of so many bits, and a value that is invalid."""
    low = -(2 ** (bits - 1))
    values = np.random.default_rng(bits).integers(low + 1, -low, (2, LENGTH))
    values[1, 7] = low
    return values


def packed(values: np.ndarray, form: str) -> bytes:
    flat = values.T.ravel()
    if form == "16":
        return flat.astype("<i2").tobytes()
    if form == "80":
        return (flat + 128).astype(np.uint8).tobytes()
    flat = np.pad(flat, (0, len(flat) % 2)) & 0xFFF
    first, second = flat[::2], flat[1::2]
    middle = (first >> 8) | ((second >> 8) << 4)
    return np.stack([first & 255, middle, second & 255], axis=1).astype(np.uint8).tobytes()


def record(folder: Path, form: str = "16", bits: int = 16, **changes: str) -> Path:
    """A record of the leads I and V1, 250 Hz, 200 units per mV, 10 units at 0 mV."""
    values = stored(bits)
    (folder / "a.dat").write_bytes(packed(values, form))
    said = {"format": form, "gain": "200(10)/mV", "rate": "250", "names": "I V1", **changes}
    lines = [f"a 2 {said['rate']} {LENGTH} 10:11:12 5/4/2023", "# Age: 64, Name: nobody"]
    for name, row in zip(said["names"].split(), values, strict=True):
        total = int(row.sum()) % 65536
        lines.append(f"a.dat {said['format']} {said['gain']} {bits} 0 {row[0]} {total} 0 {name}")
    path = folder / "a.hea"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(("form", "bits"), [("16", 16), ("212", 12), ("80", 8)])
def test_three_formats(tmp_path: Path, form: str, bits: int) -> None:
    found = wfdb.read(record(tmp_path, form, bits))
    expected = (stored(bits) - 10) / 200
    assert np.isnan(found.samples[1, 7])
    expected[1, 7] = np.nan
    np.testing.assert_allclose(found.samples, expected, rtol=1e-5, atol=1e-7)
    assert (found.leads, found.rate) == (("I", "V1"), 250.0)
    assert found.source["acquired"] == "2023-04-05T10:11:12"
    assert "nobody" not in str(dict(found.source))


def test_a_signal_that_is_no_lead_is_left_out(tmp_path: Path) -> None:
    found = wfdb.read(record(tmp_path, names="resp II"))
    assert found.leads == ("II",)
    assert found.source["not_leads"] == "1"


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(0, 1, (2, 1000)).round(3).astype(np.float32)
    values[0, 5] = np.nan
    path = wfdb.write(tmp_path, "again", Waveform(("aVR", "V6"), values, 500.0))
    found = wfdb.read(path)
    assert found.leads == ("aVR", "V6")
    np.testing.assert_allclose(found.samples, values, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"format": "311"}, "format 311"),
        ({"format": "16x2"}, "different rates"),
        ({"format": "16:3"}, "different rates"),
        ({"gain": "0"}, "no gain"),
        ({"gain": "200/mmHg"}, "unit is not known"),
        ({"rate": "1e9"}, "sampling rate"),
        ({"names": "I I"}, "Two signals are lead I"),
        ({"names": "resp pleth"}, "No signal"),
    ],
)
def test_other_records_are_refused(tmp_path: Path, changes: dict[str, str], why: str) -> None:
    with pytest.raises(WaveformError, match=why):
        wfdb.read(record(tmp_path, **changes))


def test_signals_that_are_not_those_of_the_header(tmp_path: Path) -> None:
    path = record(tmp_path)
    data = bytearray((tmp_path / "a.dat").read_bytes())
    data[100] ^= 1
    (tmp_path / "a.dat").write_bytes(bytes(data))
    with pytest.raises(WaveformError, match="not those that the header describes"):
        wfdb.read(path)
    (tmp_path / "a.dat").write_bytes(bytes(data[:-2]))
    with pytest.raises(WaveformError, match="cut short: 6,002 of 6,004 bytes"):
        wfdb.read(path)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a/2 2 250 100\n", "several segments"),
        ("a 2 250 1501\na.dat 16 200 16 0 0 0 0 I\n", "as many signals"),
        ("a 1 250 1501\n../a.dat 16 200 16 0 0 0 0 I\n", "not one of a WFDB record"),
        ("hello\n", "not one of a WFDB record"),
        ("", "not one of a WFDB record"),
    ],
)
def test_headers_that_cannot_be_used(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "a.hea"
    path.write_text(text)
    with pytest.raises(WaveformError, match=why):
        wfdb.read(path)


def test_the_state_of_a_cohort_counts_the_signals_beside_the_header(tmp_path: Path) -> None:
    """A study notices that signals have changed, though the file that the table names has not."""
    (tmp_path / "cases.csv").write_text("case_id,patient_id\nc1,p1\n")
    (tmp_path / "ecgs.csv").write_text("case_id,path\nc1,a.hea\n")
    record(tmp_path)
    before = folder.digests(tmp_path)
    data = bytearray((tmp_path / "a.dat").read_bytes())
    data[100] ^= 1
    (tmp_path / "a.dat").write_bytes(data)
    assert folder.digests(tmp_path) != before


def test_only_a_readable_header_names_signal_files(tmp_path: Path) -> None:
    header = record(tmp_path)
    assert wfdb.signal_files(header) == (tmp_path / "a.dat",)
    assert wfdb.signal_files(tmp_path / "a.dat") == ()
    header.write_text("no header\n")
    assert wfdb.signal_files(header) == ()
