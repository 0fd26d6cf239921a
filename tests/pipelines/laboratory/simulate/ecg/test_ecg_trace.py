"""The drawn trace: leads that agree, waves where they should be, findings that can be seen."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pytest

from pipelines.laboratory.simulate.ecg import heart as ecg
from pipelines.laboratory.simulate.ecg.trace import LEADS, Trace, axis_of, draw_trace

QUIET = ecg.Device(500, (0.05, 150.0), 0.0, 0.0, 0.0, 0.0001, "test")


def trace(
    *,
    rate: int = 75,
    seed: int = 0,
    territory: ecg.Territory = "inferior",
    device: ecg.Device = QUIET,
    **findings: float,
) -> Trace:
    """A trace without noise, of a heart that is the same for all."""
    heart = ecg.Heart(45.0, 160.0, 94.0, 410.0, 1.0, 1.0, ((0.0, 0.0, 0.0),) * 6, 1.0)
    spec = ecg.EcgSpec(MappingProxyType(findings), rate, territory, 1.0, heart, device)
    return draw_trace(spec, np.random.default_rng(seed))


def beat(found: Trace, lead: str) -> np.ndarray:
    """Median of the lead from 300 ms before R to 500 ms after it, from the level before QRS."""
    values = found.samples[LEADS.index(lead)]
    rate = found.rate
    at = [round(p * rate) for p in found.truth.peaks if 0.4 < p < 9.4]
    stack = np.array([values[p - round(0.3 * rate) : p + round(0.5 * rate)] for p in at])
    middle = np.median(stack, axis=0)
    return middle - np.median(middle[round(0.22 * rate) : round(0.235 * rate)])


def qrs(found: Trace, lead: str) -> np.ndarray:
    return beat(found, lead)[round(0.24 * found.rate) : round(0.37 * found.rate)]


def t_wave(found: Trace, lead: str) -> float:
    part = beat(found, lead)[round(0.48 * found.rate) : round(0.68 * found.rate)]
    return float(part[int(np.argmax(np.abs(part)))])


def test_twelve_leads_of_ten_seconds() -> None:
    found = trace()
    assert found.samples.shape == (12, 5000)
    assert found.samples.dtype == np.float32


@pytest.mark.parametrize("site", ["A", "B", "C"])
def test_the_limb_leads_agree_whatever_the_noise(site: str) -> None:
    samples = trace(device=ecg.load().device(site)).samples.astype(float)
    one, two, three, right, left, foot = samples[:6]
    for gap in (one + three - two, right + left + foot, left - (one - three) / 2):
        assert np.abs(gap).max() < 1e-5


def test_the_chest_leads_go_from_s_to_r() -> None:
    found = trace()
    r = [qrs(found, lead).max() for lead in LEADS[6:]]
    s = [-qrs(found, lead).min() for lead in LEADS[6:]]
    assert r[0] < s[0]
    assert r[5] > s[5]
    assert r == sorted(r[:4]) + r[4:]
    assert all(t_wave(found, lead) > 0 for lead in ("I", "II", "V2", "V3", "V4", "V5", "V6"))
    assert t_wave(found, "aVR") < 0


@pytest.mark.parametrize("rate", [50, 75, 120, 160])
@pytest.mark.parametrize("finding", [{}, {"atrial_fibrillation": 0.1}])
def test_the_rate_is_the_one_asked_for(rate: int, finding: dict[str, float]) -> None:
    peaks = np.array(trace(rate=rate, **finding).truth.peaks)
    assert 60 / np.diff(peaks).mean() == pytest.approx(rate, rel=0.08)


def test_fibrillation_has_no_p_and_no_rhythm() -> None:
    sinus, fibrillation = trace(rate=90), trace(rate=90, atrial_fibrillation=0.1)

    def irregularity(found: Trace) -> float:
        spans = np.diff(found.truth.peaks)
        return float(np.sqrt(np.mean(np.diff(spans) ** 2)) / spans.mean())

    assert irregularity(sinus) < 0.06 < 0.15 < irregularity(fibrillation)
    assert fibrillation.truth.pr_ms is None
    before = slice(round(0.1 * 500), round(0.23 * 500))
    assert beat(sinus, "II")[before].max() > 0.08


@pytest.mark.parametrize("axis", [-20.0, 20.0, 60.0, 85.0])
def test_the_axis_is_the_one_asked_for(axis: float) -> None:
    heart = ecg.Heart(axis, 160.0, 94.0, 410.0, 1.0, 1.0, ((0.0, 0.0, 0.0),) * 6, 1.0)
    spec = ecg.EcgSpec(MappingProxyType({}), 75, "inferior", 1.0, heart, QUIET)
    found = draw_trace(spec, np.random.default_rng(0))
    areas = np.array([qrs(found, "I").sum(), qrs(found, "II").sum()])
    assert float(axis_of(areas)) == pytest.approx(axis, abs=6)
    assert found.truth.axis_deg == pytest.approx(axis, abs=6)


def test_right_strain_is_s1q3t3_and_inverted_t_on_the_right() -> None:
    found = trace(right_strain=0.9)
    assert qrs(found, "I").min() < -0.15
    assert qrs(found, "III")[:25].min() < -0.15
    assert t_wave(found, "III") < -0.1
    assert all(t_wave(found, lead) < -0.1 for lead in ("V1", "V2"))
    assert found.truth.axis_deg > trace().truth.axis_deg + 20


def test_incomplete_block_ends_with_r_in_v1_and_below_120_ms() -> None:
    found = trace(incomplete_right_bundle_block=0.9)
    late = qrs(found, "V1")[round(0.07 * 500) :]
    assert late.max() > qrs(trace(), "V1")[round(0.07 * 500) :].max() + 0.1
    assert found.truth.qrs_ms < 120


def test_p_pulmonale_is_tall_in_ii() -> None:
    before = slice(round(0.08 * 500), round(0.24 * 500))
    assert beat(trace(p_pulmonale=1.0), "II")[before].max() > 0.22
    assert beat(trace(), "II")[before].max() < 0.18


@pytest.mark.parametrize(
    ("territory", "most"), [("inferior", "III"), ("anterior", "V3"), ("lateral", "V5")]
)
def test_st_is_elevated_by_so_much_in_its_territory(territory: ecg.Territory, most: str) -> None:
    level = trace(st_elevation=0.3, territory=territory).truth.st_mv
    without = trace().truth.st_mv
    raised = {lead: level[lead] - without[lead] for lead in LEADS}
    assert max(raised.values()) == pytest.approx(0.3, abs=0.06)
    assert raised[most] > 0.2
    assert min(raised[lead] for lead in LEADS if lead != "aVR") < 0


@pytest.mark.parametrize("territory", ["inferior", "anterior", "lateral"])
def test_st_is_depressed_and_t_inverted_by_so_much(territory: ecg.Territory) -> None:
    level = trace(st_depression=0.2, territory=territory).truth.st_mv
    assert min(level[lead] for lead in LEADS if lead != "aVR") == pytest.approx(-0.2, abs=0.05)
    found = trace(t_inversion=0.3, territory=territory)
    lowest = min(t_wave(found, lead) for lead in LEADS if lead != "aVR")
    assert lowest == pytest.approx(-0.3, abs=0.06)


def test_hypertrophy_has_voltage_and_strain() -> None:
    found = trace(left_hypertrophy=0.9)
    sokolow = -qrs(found, "V1").min() + max(qrs(found, lead).max() for lead in ("V5", "V6"))
    assert sokolow > 3.5
    assert t_wave(found, "V6") < -0.1
    healthy = trace()
    assert -qrs(healthy, "V1").min() + qrs(healthy, "V5").max() < 3.0


def test_low_voltage_takes_its_share_of_every_lead() -> None:
    found, healthy = trace(low_voltage=0.6), trace()
    for lead in LEADS:
        assert np.ptp(qrs(found, lead)) == pytest.approx(0.4 * np.ptp(qrs(healthy, lead)), rel=0.05)
    assert max(np.ptp(qrs(found, lead)) for lead in LEADS[:6]) < 0.55


def test_qt_shortens_as_the_heart_quickens() -> None:
    slow, fast = trace(rate=60).truth.qt_ms, trace(rate=120).truth.qt_ms
    assert fast / slow == pytest.approx(0.5 ** (1 / 3), rel=0.01)


def test_a_device_leaves_its_steps_and_its_band() -> None:
    found = trace(device=ecg.load().device("C"))
    assert found.rate == 250
    steps = found.samples[0] / 0.005
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
    spectrum = np.abs(np.fft.rfft(found.samples[1]))
    hertz = np.fft.rfftfreq(found.samples.shape[1], 1 / 250)
    # Its muscle filter ends at 40 Hz.
    assert spectrum[hertz > 80].max() < 0.05 * spectrum[(hertz > 5) & (hertz < 20)].max()


def test_the_same_seed_gives_the_same_trace() -> None:
    device = ecg.load().device("B")
    one, two = trace(seed=4, device=device), trace(seed=4, device=device)
    np.testing.assert_array_equal(one.samples, two.samples)
    assert not np.array_equal(one.samples, trace(seed=5, device=device).samples)
