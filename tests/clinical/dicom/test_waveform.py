"""Electrocardiograms as DICOM waveforms: what is read, and what is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

from clinical.dicom.limits import Limits
from clinical.dicom.recording import read_recording
from clinical.dicom.write import StudyHeader, derived_uid
from clinical.dicom.write_ecg import write_ecg
from clinical.errors import WaveformError

HEADER = StudyHeader(
    patient_id="sim-1-p000001",
    patient_name="SIMULATED^sim-1-p000001",
    sex="female",
    age_years=64,
    acquired=datetime(2023, 4, 5, 6, 7, tzinfo=UTC),
    study_uid=derived_uid("study"),
    series_uid=derived_uid("series"),
    instance_uid=derived_uid("ecg"),
    institution="Simulated clinic, site A",
    manufacturer="Triptych simulation",
)
LEADS = (("2:1", "I"), ("2:2", "II"))

Change = Callable[[Dataset], None]


def samples() -> np.ndarray[Any, np.dtype[np.float32]]:
    """Two leads, 3 s at 500 Hz, that 2.5 uV can hold."""
    steps = np.random.default_rng(0).integers(-400, 400, (2, 1500))
    return np.asarray(steps * 0.0025, np.float32)


def written(path: Path, change: Change | None = None) -> Path:
    write_ecg(path, samples(), LEADS, 500.0, HEADER)
    if change is not None:
        found = pydicom.dcmread(path)
        change(found)
        found.save_as(path)
    return path


def group(found: Dataset) -> Dataset:
    return found.WaveformSequence[0]


def channel(found: Dataset, place: int = 0) -> Dataset:
    return group(found).ChannelDefinitionSequence[place]


def test_a_real_ecg_is_read_as_its_device_stored_it() -> None:
    path = Path(str(get_testdata_file("waveform_ecg.dcm")))
    found = read_recording(path)
    assert found.values.shape == (12, 10_000)
    assert found.rate == 1000
    assert found.channels[2].code == "5.6.3-9-61"  # lead III
    # The first rhythm group; the derived median beats are left out.
    assert found.source["groups_left_out"] == "1"
    assert found.source["kind"] == "12-lead ECG"
    assert found.source["dataset_digest"] == hashlib.sha256(path.read_bytes()).hexdigest()
    raw = pydicom.dcmread(path).waveform_array(0).T / 1000  # the file states uV
    np.testing.assert_allclose(found.values, raw, atol=1e-6)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    found = read_recording(written(tmp_path / "a.dcm"), expected_patient_id="sim-1-p000001")
    np.testing.assert_allclose(found.values, samples(), atol=1e-6)
    assert [(c.code, c.scheme, c.label) for c in found.channels] == [
        ("2:1", "MDC", "I"),
        ("2:2", "MDC", "II"),
    ]
    assert found.source["acquired"] == "2023-04-05T06:07:00+00:00"
    assert "SIMULATED" not in str(found.source)


def test_the_same_ecg_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = written(tmp_path / "a.dcm"), written(tmp_path / "b.dcm")
    assert first.read_bytes() == second.read_bytes()


def test_a_deflated_file_is_smaller_and_holds_the_same(tmp_path: Path) -> None:
    write_ecg(tmp_path / "a.dcm", samples(), LEADS, 500.0, HEADER, deflated=True)
    assert (tmp_path / "a.dcm").stat().st_size < written(tmp_path / "b.dcm").stat().st_size
    found = read_recording(tmp_path / "a.dcm")
    np.testing.assert_array_equal(found.values, read_recording(tmp_path / "b.dcm").values)


def test_only_what_fits_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="samples must be"):
        write_ecg(tmp_path / "a.dcm", samples() * 1000, LEADS, 500.0, HEADER)
    gap = samples()
    gap[0, 5] = np.nan
    with pytest.raises(ValueError, match="samples must be"):
        write_ecg(tmp_path / "a.dcm", gap, LEADS, 500.0, HEADER)


def test_baseline_and_correction_count(tmp_path: Path) -> None:
    def change(found: Dataset) -> None:
        channel(found).ChannelBaseline = "500"
        channel(found).ChannelSensitivityCorrectionFactor = "2"

    found = read_recording(written(tmp_path / "a.dcm", change))
    np.testing.assert_allclose(found.values[0], 2 * samples()[0] + 0.5, atol=1e-6)
    np.testing.assert_allclose(found.values[1], samples()[1], atol=1e-6)


def test_padding_is_a_gap(tmp_path: Path) -> None:
    stored = round(float(samples()[1, 7]) * 400)

    def change(found: Dataset) -> None:
        group(found).add_new("WaveformPaddingValue", "OW", np.int16(stored).tobytes())

    found = read_recording(written(tmp_path / "a.dcm", change))
    assert np.isnan(found.values[1, 7])
    assert np.isnan(found.values).sum() == (np.rint(samples() * 400) == stored).sum()


def test_groups_recorded_together_are_one_recording(tmp_path: Path) -> None:
    def change(found: Dataset) -> None:
        second = pydicom.dcmread(tmp_path / "b.dcm").WaveformSequence[0]
        late = pydicom.dcmread(tmp_path / "b.dcm").WaveformSequence[0]
        late.MultiplexGroupTimeOffset = "3000"
        found.WaveformSequence.extend([second, late])

    written(tmp_path / "b.dcm")
    found = read_recording(written(tmp_path / "a.dcm", change))
    assert found.values.shape == (4, 1500)
    assert found.source["groups_left_out"] == "1"


def ambulatory(found: Dataset) -> None:
    found.SOPClassUID = "1.2.840.10008.5.1.4.1.1.9.1.3"


def blood_pressure(found: Dataset) -> None:
    found.SOPClassUID = "1.2.840.10008.5.1.4.1.1.9.2.1"


def radiograph(found: Dataset) -> None:
    found.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1"


def one_channel_undescribed(found: Dataset) -> None:
    del group(found).ChannelDefinitionSequence[1]


def no_sensitivity(found: Dataset) -> None:
    del channel(found).ChannelSensitivity


def in_kilograms(found: Dataset) -> None:
    channel(found).ChannelSensitivityUnitsSequence[0].CodeValue = "kg"


def cut_short(found: Dataset) -> None:
    group(found).WaveformData = group(found).WaveformData[:-100]


def companded(found: Dataset) -> None:
    group(found).WaveformSampleInterpretation = "MB"


def no_rate(found: Dataset) -> None:
    del group(found).SamplingFrequency


def one_after_the_other(found: Dataset) -> None:
    channel(found, 1).ChannelSampleSkew = "40"


def only_median_beats(found: Dataset) -> None:
    group(found).WaveformOriginality = "DERIVED"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (ambulatory, "Holter"),
        (blood_pressure, "a waveform, but not an ECG"),
        (radiograph, "not an electrocardiogram"),
        (one_channel_undescribed, "has 2 channels, but describes 1"),
        (no_sensitivity, "does not state its sensitivity"),
        (in_kilograms, "no unit of voltage"),
        (cut_short, "5,900 bytes where the header claims 6,000"),
        (companded, "companded"),
        (no_rate, "does not state its channels, samples or rate"),
        (one_after_the_other, "at different times"),
        (only_median_beats, "no original waveform"),
    ],
)
def test_what_is_contradictory_or_something_else_is_refused(
    tmp_path: Path, change: Change, why: str
) -> None:
    with pytest.raises(WaveformError, match=why):
        read_recording(written(tmp_path / "a.dcm", change))


def test_another_patients_ecg_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WaveformError, match="a different patient") as caught:
        read_recording(written(tmp_path / "a.dcm"), expected_patient_id="sim-1-p000002")
    assert "sim-1" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "cannot be parsed"), (b"hello" * 100, "cannot be parsed")],
)
def test_what_is_no_dicom_file_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(content)
    with pytest.raises(WaveformError, match=why) as caught:
        read_recording(path)
    assert "image" not in str(caught.value)


def test_a_header_that_claims_too_much_is_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(WaveformError, match="2 x 1500 samples; the limit is 1,000"):
        read_recording(written(tmp_path / "a.dcm"), limits=Limits(pixels=1000))
