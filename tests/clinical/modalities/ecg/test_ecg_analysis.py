"""Measurements: what a real device measured, and what is known of simulated ones."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from pydicom.data import get_testdata_file

from clinical.modalities.ecg import beats, criteria, delineation, quality, reading
from clinical.modalities.ecg.analysis import Analysis, analyse
from clinical.modalities.ecg.tokens import POINTS, RHYTHM_NAMES, grid_ms, stretches, tokens_of
from clinical.modalities.ecg.waveform import Waveform, canonical
from pipelines.laboratory.simulate.ecg import heart as ecg
from pipelines.laboratory.simulate.ecg.trace import LEADS, Truth, draw_trace


def simulated(
    *,
    seed: int = 3,
    rate: int = 75,
    site: str = "A",
    territory: ecg.Territory = "inferior",
    **f: float,
) -> tuple[Waveform, Truth]:
    heart = ecg.draw_heart(np.random.default_rng(seed))
    device = ecg.load().device(site)
    spec = ecg.EcgSpec(MappingProxyType(f), rate, territory, 1.0, heart, device)
    trace = draw_trace(spec, np.random.default_rng(seed))
    return canonical(Waveform(LEADS, trace.samples, float(trace.rate))), trace.truth


def names(analysis: Analysis) -> set[str]:
    return {criterion.name for criterion in criteria.met(analysis)}


def test_a_real_ecg_is_measured_as_its_device_measured_it() -> None:
    # The device wrote its own measurements into the file's annotations.
    found = analyse(reading.read(Path(str(get_testdata_file("waveform_ecg.dcm")))))
    assert found.beats == 10
    assert found.rr_ms == pytest.approx(982, abs=3)
    assert found.pr_ms == pytest.approx(161, abs=15)
    assert found.qrs_ms == pytest.approx(75, abs=10)
    assert found.qt_ms == pytest.approx(368, abs=20)
    assert found.axis_deg == pytest.approx(52, abs=10)
    assert found.rhythm == "sinus rhythm"


@pytest.mark.parametrize("site", ["A", "B", "C"])
@pytest.mark.parametrize(("rate", "rhythm"), [(52, "sinus bradycardia"), (75, "sinus rhythm")])
def test_intervals_of_a_quiet_heart(site: str, rate: int, rhythm: str) -> None:
    waveform, truth = simulated(rate=rate, site=site)
    found = analyse(waveform)
    assert found.rate == pytest.approx(rate, abs=2)
    assert found.pr_ms == pytest.approx(truth.pr_ms, abs=12)
    assert found.qrs_ms == pytest.approx(truth.qrs_ms, abs=10)
    assert found.qt_ms == pytest.approx(truth.qt_ms, abs=15)
    assert found.axis_deg == pytest.approx(truth.axis_deg, abs=10)
    assert found.rhythm == rhythm
    assert not names(found) - {"sinus_bradycardia"}


def test_every_beat_is_found_where_it_is() -> None:
    waveform, truth = simulated(rate=140, site="B")
    found = beats.find(waveform)
    inner = [at for at in truth.peaks if 0.2 < at < 9.6]
    for at in inner:
        assert np.abs(found.peaks / waveform.rate - at).min() < 0.02
    assert abs(len(found.peaks) - len(truth.peaks)) <= 2


def test_qt_is_corrected_for_the_rate() -> None:
    found = analyse(simulated(rate=75)[0])
    assert found.qt_ms is not None
    assert found.qtc_bazett_ms == pytest.approx(found.qt_ms / np.sqrt(0.8), rel=0.01)
    assert found.qtc_fridericia_ms == pytest.approx(found.qt_ms / 0.8 ** (1 / 3), rel=0.01)


def test_a_fast_sinus_rhythm_is_a_tachycardia() -> None:
    found = analyse(simulated(rate=118)[0])
    assert found.rhythm == "sinus tachycardia"
    assert found.p_present
    assert "sinus_tachycardia" in names(found)


def test_fibrillation_has_no_p_waves_and_no_rhythm() -> None:
    seen = [analyse(simulated(seed=s, rate=110, atrial_fibrillation=0.08)[0]) for s in range(6)]
    assert [found.rhythm for found in seen].count("atrial fibrillation") >= 5
    assert all(found.pr_ms is None for found in seen if found.rhythm == "atrial fibrillation")


@pytest.mark.parametrize(
    ("finding", "extent", "criterion"),
    [
        ("right_strain", 0.95, "s1q3t3"),
        ("right_strain", 0.95, "t_inverted_right"),
        ("p_pulmonale", 1.0, "tall_p"),
        ("st_elevation", 0.35, "st_elevation"),
        ("st_depression", 0.25, "st_depression"),
        ("t_inversion", 0.40, "t_inversion"),
        ("left_hypertrophy", 0.9, "left_hypertrophy_voltage"),
        ("low_voltage", 0.7, "low_voltage"),
    ],
)
def test_a_marked_finding_meets_its_criterion(finding: str, extent: float, criterion: str) -> None:
    assert criterion in names(analyse(simulated(**{finding: extent})[0]))
    assert criterion not in names(analyse(simulated()[0]))


def test_st_is_measured_in_every_lead() -> None:
    waveform, truth = simulated(st_elevation=0.3, territory="anterior")
    found = analyse(waveform)
    for lead in LEADS:
        assert found.amplitudes[lead].st == pytest.approx(truth.st_mv[lead], abs=0.04)
    elevated = next(c for c in criteria.met(found) if c.name == "st_elevation")
    assert set(elevated.leads) & {"V2", "V3"}
    assert elevated.part == "ST"


def test_what_needs_a_lead_that_is_absent_is_not_measured() -> None:
    waveform, _ = simulated()
    chest = Waveform(("V2", "V3"), np.array([waveform.lead("V2"), waveform.lead("V3")]), 500.0)
    found = analyse(chest)
    assert (found.axis_deg, found.sokolow_lyon_mv, found.limb_mv) == (None, None, None)
    assert found.rate == pytest.approx(75, abs=2)


def test_a_line_without_beats_measures_nothing_and_says_so() -> None:
    noise = np.random.default_rng(0).normal(0, 0.001, (2, 5000)).astype(np.float32)
    flat = Waveform(("I", "II"), noise * 0, 500.0)
    found = analyse(flat)
    assert found.beats == 0
    assert (found.rate, found.pr_ms, found.rhythm) == (None, None, "undetermined")
    assert {t.kind for t in quality.troubles(flat, found)} == {"flat", "no beats"}


def test_a_good_recording_has_no_trouble() -> None:
    waveform, _ = simulated()
    assert quality.troubles(waveform, analyse(waveform)) == ()


def changed(waveform: Waveform, **leads: np.ndarray) -> Waveform:
    rows = [leads.get(lead, waveform.lead(lead)) for lead in waveform.leads]
    return Waveform(waveform.leads, np.array(rows), waveform.rate)


def kinds(waveform: Waveform) -> dict[str, tuple[str, ...]]:
    return {t.kind: t.leads for t in quality.troubles(waveform, analyse(waveform))}


def test_a_loose_electrode_is_told() -> None:
    waveform, _ = simulated()
    assert kinds(changed(waveform, V4=waveform.lead("V4") * 0)) == {"flat": ("V4",)}


def test_a_disturbed_lead_is_told() -> None:
    waveform, _ = simulated()
    noise = np.random.default_rng(1).normal(0, 0.2, 5000).astype(np.float32)
    assert kinds(changed(waveform, V4=waveform.lead("V4") + noise)) == {"noisy": ("V4",)}


def test_limb_leads_that_contradict_each_other_are_told() -> None:
    waveform, _ = simulated()
    assert "contradiction" in kinds(changed(waveform, III=waveform.lead("I")))


def test_exchanged_arms_are_told() -> None:
    waveform, _ = simulated()
    get = waveform.lead
    swapped = changed(
        waveform, I=-get("I"), II=get("III"), III=get("II"), aVR=get("aVL"), aVL=get("aVR")
    )
    assert "arms exchanged" in kinds(swapped)


def test_waves_are_marked_in_order() -> None:
    marks = delineation.delineate(beats.find(simulated()[0]))
    assert marks is not None
    order = (marks.p_on, marks.p_peak, marks.p_off, marks.qrs_on, marks.qrs_off, marks.t_peak)
    assert all(mark is not None for mark in order)
    assert list(order) == sorted(order, key=lambda mark: mark or 0)
    assert marks.qrs_on < 0 < marks.qrs_off


def test_tokens_hold_the_median_beat_of_every_lead_and_the_rhythm() -> None:
    waveform, _ = simulated()
    found = tokens_of(waveform)
    assert found.beats.shape == (12, POINTS)
    assert found.rhythm.shape == (len(RHYTHM_NAMES),)
    assert found.leads == LEADS
    two = found.beats[1]
    assert abs(grid_ms()[int(np.argmax(two))]) < 10
    assert two.max() == pytest.approx(found.analysis.amplitudes["II"].r, rel=0.15)
    assert abs(two[np.abs(grid_ms() + 60) < 10]).max() < 0.1
    assert np.isfinite(found.rhythm).all()


def test_a_part_of_a_token_lies_at_the_same_place_in_every_beat() -> None:
    found = tokens_of(simulated()[0])
    parts = stretches(found, 100.0, 300.0)
    assert len(parts) >= 10
    for (start, end), peak in zip(parts, found.peaks, strict=False):
        assert start == pytest.approx(peak + 0.1)
        assert end == pytest.approx(min(peak + 0.3, 10.0))
