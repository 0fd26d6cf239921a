"""The page of an electrocardiogram: true to scale, every lead in its place, nothing on another."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from clinical.modalities.ecg.drawing import AGAINST, FOR, Drawing, Highlight, Strip, page
from clinical.modalities.ecg.leads import STANDARD
from clinical.modalities.ecg.waveform import Waveform, canonical

SVG = "{http://www.w3.org/2000/svg}"


def waveform(
    seconds: float = 10.0, leads: tuple[str, ...] = STANDARD, rate: float = 500.0
) -> Waveform:
    """Every lead is 0, with a spike of 1 mV each second, and 0.5 mV down 20 ms later."""
    count = round(seconds * rate)
    row = np.zeros(count, np.float32)
    row[round(0.5 * rate) :: round(rate)] = 1.0
    row[round(0.52 * rate) :: round(rate)] = -0.5
    return Waveform(leads, np.tile(row, (len(leads), 1)), rate)


def parsed(drawing: Drawing) -> ElementTree.Element:
    return ElementTree.fromstring(drawing.svg)


def traces(drawing: Drawing, colour: str = "#111111") -> list[ElementTree.Element]:
    paths = parsed(drawing).iter(f"{SVG}path")
    return [p for p in paths if p.get("class") == "trace" and p.get("stroke") == colour]


def points(path: ElementTree.Element) -> np.ndarray:
    """The points of a path in mm."""
    numbers = [int(n) for n in re.findall(r"-?\d+", path.get("d", ""))]
    steps = np.array(numbers).reshape(-1, 2)
    return np.cumsum(steps, axis=0) / 100


def test_twelve_leads_and_a_rhythm_strip_in_the_usual_order() -> None:
    found = page(waveform())
    assert [strip.lead for strip in found.strips] == [
        *("I", "aVR", "V1", "V4"),
        *("II", "aVL", "V2", "V5"),
        *("III", "aVF", "V3", "V6"),
        "II",
    ]
    assert [path.get("data-lead") for path in traces(found)] == [s.lead for s in found.strips]


def test_a_second_is_25_mm_and_a_millivolt_10_mm() -> None:
    found = page(waveform())
    view = parsed(found).get("viewBox", "").split()
    assert parsed(found).get("width") == f"{view[2]}mm"
    rhythm = points(traces(found)[-1])
    strip = found.strips[-1]
    top = rhythm[rhythm[:, 1] < strip.baseline - 9.9]
    assert len(top) == 10
    np.testing.assert_allclose(np.diff(top[:, 0]), 25, atol=0.05)
    assert rhythm[:, 1].min() == pytest.approx(strip.baseline - 10, abs=0.01)
    assert rhythm[:, 1].max() == pytest.approx(strip.baseline + 5, abs=0.01)


def test_the_calibration_pulse_is_one_millivolt_in_every_row() -> None:
    pulses = [
        p for p in parsed(page(waveform())).iter(f"{SVG}path") if p.get("class") == "calibration"
    ]
    assert len(pulses) == 4
    assert all("v-10h5v10" in (p.get("d") or "") for p in pulses)


def test_each_column_shows_its_quarter_of_the_same_ten_seconds() -> None:
    strips = page(waveform()).strips
    assert [(s.start, s.end) for s in strips[:4]] == [(0, 2.5), (2.5, 5), (5, 7.5), (7.5, 10)]
    assert (strips[-1].start, strips[-1].end) == (0, 10)
    # A beat stands above the same beat of the rhythm strip.
    assert strips[2].left + (6.0 - strips[2].start) * 25 == strips[-1].left + 6.0 * 25


def test_a_place_on_the_page_is_a_time_and_a_voltage() -> None:
    strip = page(waveform()).strips[3]
    assert strip.seconds(strip.left + 25) == pytest.approx(8.5)
    assert strip.millivolts(strip.baseline - 10) == pytest.approx(strip.level + 1)


@pytest.mark.parametrize("voltage", [0.1, 1.0, 3.5])
def test_no_row_meets_another(voltage: float) -> None:
    loud = waveform()
    found = page(Waveform(loud.leads, loud.samples * voltage, loud.rate))
    rows: dict[float, list[Strip]] = {}
    for strip in found.strips:
        rows.setdefault(strip.baseline, []).append(strip)
    assert len(rows) == 4
    assert all(baseline % 5 == 0 for baseline in rows)
    extents = []
    for path, strip in zip(traces(found), found.strips, strict=True):
        line = points(path)
        extents.append((strip.baseline, line[:, 1].min(), line[:, 1].max()))
        # The name stands above the trace.
        assert line[:, 1].min() > strip.top + 3.2
    for baseline, _, low in extents:
        assert all(top > low for other, top, _ in extents if other > baseline)
    assert max(low for _, _, low in extents) < found.height - 6.6


def test_a_lead_that_is_absent_is_named_as_absent() -> None:
    found = page(waveform(leads=("I", "II", "V1")))
    words = [text.text for text in parsed(found).iter(f"{SVG}text")]
    assert "V6 not recorded" in words
    assert "V1" in words
    assert [path.get("data-lead") for path in traces(found)] == ["I", "V1", "II", "II"]


def test_computed_leads_are_marked() -> None:
    words = [
        t.text for t in parsed(page(canonical(waveform(leads=("I", "II"))))).iter(f"{SVG}text")
    ]
    assert "aVF*" in words
    assert any("computed from I and II: III, aVR, aVL, aVF" in (word or "") for word in words)


def test_a_short_recording_leaves_the_rest_of_the_page_empty() -> None:
    found = page(waveform(seconds=4.0))
    assert points(traces(found)[-1])[:, 0].max() == pytest.approx(
        found.strips[-1].left + 100, abs=0.1
    )
    assert "V4" not in {path.get("data-lead") for path in traces(found) if len(points(path)) > 1}


def test_what_counts_is_drawn_on_the_trace_wherever_it_is_shown() -> None:
    marks = [Highlight("II", 1.2, 1.8, 1.0), Highlight("V1", 5.2, 5.8, 0.2, sign=-1)]
    found = page(waveform(), highlights=marks)
    bands = [r for r in parsed(found).iter(f"{SVG}rect") if r.get("class") == "evidence"]
    # Lead II is shown twice: in its row and as the rhythm strip.
    assert [band.get("data-lead") for band in bands] == ["II", "II", "V1"]
    assert [band.get("fill") for band in bands] == [FOR, FOR, AGAINST]
    left, width = float(bands[0].get("x", "")), float(bands[0].get("width", ""))
    assert left == pytest.approx(found.strips[4].left + 30, abs=0.01)
    assert width == pytest.approx(15, abs=0.01)
    shades = [float(band.get("fill-opacity", "")) for band in bands]
    assert shades[0] > shades[2]
    assert [path.get("data-lead") for path in traces(found, FOR)] == ["II", "II"]


def test_what_is_outside_of_the_page_is_not_marked() -> None:
    found = page(waveform(), highlights=[Highlight("V1", 0.2, 0.8, 1.0)])
    assert "evidence" not in found.svg


def test_a_page_is_small_and_keeps_the_height_of_every_spike() -> None:
    rate = 2000.0
    noisy = np.random.default_rng(0).normal(0, 0.02, (12, 20_000)).astype(np.float32)
    noisy[:, 700::2000] = 1.5
    found = page(Waveform(STANDARD, noisy, rate))
    assert len(found.svg) < 200_000
    strip = found.strips[-1]
    line = points(traces(found)[-1])
    level = strip.baseline - (1.5 - strip.level) * 10
    assert (np.abs(line[:, 1] - level) < 0.02).sum() == 10


def test_the_page_says_its_scale_and_its_rate() -> None:
    words = " ".join(
        t.text or "" for t in parsed(page(waveform(), rate_per_minute=60)).iter(f"{SVG}text")
    )
    assert "25 mm/s" in words
    assert "10 mm/mV" in words
    assert "Rate 60/min" in words
