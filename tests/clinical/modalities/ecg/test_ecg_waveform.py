"""From any source to one canonical electrocardiogram."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file

from clinical.dicom.recording import Channel, Recording
from clinical.errors import WaveformError
from clinical.modalities.ecg import reading
from clinical.modalities.ecg.leads import STANDARD, code_of, lead_coded, lead_named
from clinical.modalities.ecg.waveform import Waveform, canonical, per_unit


def waveform(leads: tuple[str, ...] = ("I", "II"), rate: float = 500.0) -> Waveform:
    """5 s of sines of 5 Hz, each lead as many tenths of mV as its place."""
    time = np.arange(round(5 * rate)) / rate
    rows = [0.1 * (place + 1) * np.sin(2 * np.pi * 5 * time) for place in range(len(leads))]
    return Waveform(leads, np.array(rows, np.float32), rate)


def test_a_real_ecg_becomes_twelve_leads_at_500_hz() -> None:
    found = reading.read(Path(str(get_testdata_file("waveform_ecg.dcm"))))
    assert found.leads == STANDARD
    assert found.samples.shape == (12, 5000)
    assert (found.rate, found.seconds) == (500.0, 10.0)
    assert found.source["recorded_rate"] == "1000"
    assert found.derived == ()
    # Einthoven holds in what the device recorded, up to its own rounding.
    gap = found.lead("I") + found.lead("III") - found.lead("II")
    assert float(np.abs(gap).max()) < 0.01


def test_limb_leads_follow_from_two_and_are_said_to_be_derived() -> None:
    found = canonical(waveform(("V1", "II", "I")))
    assert found.leads == ("I", "II", "III", "aVR", "aVL", "aVF", "V1")
    assert found.derived == ("III", "aVR", "aVL", "aVF")
    one, two = found.lead("I"), found.lead("II")
    np.testing.assert_allclose(found.lead("III"), two - one, atol=1e-6)
    np.testing.assert_allclose(found.lead("aVR"), -(one + two) / 2, atol=1e-6)
    np.testing.assert_allclose(found.lead("aVL"), one - two / 2, atol=1e-6)
    np.testing.assert_allclose(found.lead("aVF"), two - one / 2, atol=1e-6)


def test_a_lead_that_is_absent_stays_absent() -> None:
    found = canonical(waveform(("I", "V5")))
    assert found.leads == ("I", "V5")
    with pytest.raises(KeyError):
        found.lead("II")


@pytest.mark.parametrize("rate", [250.0, 360.0, 1000.0, 257.0])
def test_resampling_keeps_time_and_voltage(rate: float) -> None:
    found = canonical(waveform(rate=rate))
    expected = waveform(rate=500.0)
    assert found.samples.shape[1] == pytest.approx(2500, abs=2)
    # The ends have no samples beyond them to interpolate with.
    np.testing.assert_allclose(found.samples[:2, 50:2400], expected.samples[:, 50:2400], atol=2e-3)


def test_a_short_gap_is_bridged_and_told() -> None:
    samples = waveform().samples.copy()
    samples[0, 100:110] = np.nan
    found = canonical(Waveform(("I", "II"), samples, 500.0))
    assert found.source["bridged"] == "I"
    assert np.isfinite(found.samples).all()


def test_a_lead_with_a_long_gap_is_left_out_and_told() -> None:
    samples = waveform().samples.copy()
    samples[0, 100:200] = np.nan
    found = canonical(Waveform(("I", "II"), samples, 500.0))
    assert found.leads == ("II",)
    assert found.source["left_out"] == "I"
    samples[1] = np.nan
    with pytest.raises(WaveformError, match="without a gap"):
        canonical(Waveform(("I", "II"), samples, 500.0))


@pytest.mark.parametrize(
    ("leads", "shape", "rate", "why"),
    [
        (("I",), (2, 2500), 500.0, "1 leads"),
        (("I", "I"), (2, 2500), 500.0, "given twice"),
        (("I", "resp"), (2, 2500), 500.0, "unknown"),
        (("I", "II"), (2, 2500), 50.0, "sampling rate is 50 Hz"),
        (("I", "II"), (2, 500), 500.0, "lasts 1.0 s"),
        (("I", "II"), (2, 500_000), 500.0, "lasts 1000.0 s"),
    ],
)
def test_what_is_no_resting_ecg_is_refused(
    leads: tuple[str, ...], shape: tuple[int, int], rate: float, why: str
) -> None:
    with pytest.raises(WaveformError, match=why):
        Waveform(leads, np.zeros(shape, np.float32), rate)


def test_microvolts_taken_for_millivolts_are_refused() -> None:
    samples = waveform().samples * 1000
    with pytest.raises(WaveformError, match="above 100 mV"):
        canonical(Waveform(("I", "II"), samples, 500.0))


@pytest.mark.parametrize("name", ["aVR", "AVR", "avr", "Lead aVR", "MDC_ECG_LEAD_AVR", " VR "])
def test_a_lead_has_many_names(name: str) -> None:
    assert lead_named(name) == "aVR"


def test_a_lead_has_one_number_in_both_coding_schemes() -> None:
    for lead in STANDARD:
        number = code_of(lead).removeprefix("2:")
        assert lead_coded(f"2:{number}", "MDC") == lead
        assert lead_coded(f"5.6.3-9-{number}", "SCPECG") == lead
    assert lead_coded("2:1", "SCT") is None
    assert lead_named("Lead I (Einthoven)") == "I"
    assert lead_named("Pleth") is None


@pytest.mark.parametrize(("unit", "scale"), [("mV", 1.0), ("uV", 1e-3), ("\u00b5V", 1e-3)])
def test_units(unit: str, scale: float) -> None:
    assert per_unit(unit) == scale


@pytest.mark.parametrize("unit", [None, "", "ADU", "MV"])
def test_a_unit_that_is_not_stated_or_not_known_is_refused(unit: str | None) -> None:
    with pytest.raises(WaveformError, match="unit"):
        per_unit(unit)


def recording(*channels: Channel) -> Recording:
    values = np.zeros((len(channels), 2500), np.float32)
    return Recording(channels, values, 500.0, {"format": "DICOM"})


def test_a_channel_is_known_by_its_code_or_its_label() -> None:
    found = reading.from_recording(
        recording(Channel("2:1", "MDC", ""), Channel("", "", "V1"), Channel("", "", "RESP"))
    )
    assert found.leads == ("I", "V1")
    assert found.source["not_leads"] == "1"


@pytest.mark.parametrize(
    ("channels", "why"),
    [
        ((Channel("2:1", "MDC", "II"),), "coded as lead I, but labelled as II"),
        ((Channel("2:1", "MDC", ""), Channel("", "", "I")), "Two channels are lead I"),
        ((Channel("", "", "RESP"),), "No channel is a lead"),
    ],
)
def test_channels_that_contradict_each_other_are_refused(
    channels: tuple[Channel, ...], why: str
) -> None:
    with pytest.raises(WaveformError, match=why):
        reading.from_recording(recording(*channels))
