"""Draw the twelve leads of an electrocardiogram: rhythm, noise and device around `beat`."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from pipelines.laboratory.simulate.ecg.beat import (
    DOWER,
    FIRST_P,
    LEADS,
    T_FALL,
    Beat,
    Floats,
    axis_of,
    beat_of,
    moved,
    segment,
    t_wave,
    twelve,
)
from pipelines.laboratory.simulate.ecg.heart import FIBRILLATION, Device, EcgSpec

SECONDS = 10.0

MAINS = 50.0
"""Hz."""

_ELECTRODE = 0.06
_LEAD_IN = 1.5


@dataclass(frozen=True, eq=False)
class Truth:
    """What a perfect reader would measure.

    Attributes:
        peaks: seconds of the R peaks inside the recording.
        pr_ms: from P to QRS; None in atrial fibrillation.
        qrs_ms, qt_ms: durations; T ends where its steepest descent meets the baseline.
        axis_deg: of QRS in the frontal plane, by the areas of I and aVF.
        st_mv: of each lead 60 ms after the end of QRS, against the segment before QRS.
    """

    peaks: tuple[float, ...]
    pr_ms: float | None
    qrs_ms: float
    qt_ms: float
    axis_deg: float
    st_mv: dict[str, float]


@dataclass(frozen=True, eq=False)
class Trace:
    """A drawn electrocardiogram: samples float32 [12, samples] in mV, in the order of `LEADS`."""

    samples: NDArray[np.float32]
    rate: int
    truth: Truth


def draw_trace(spec: EcgSpec, rng: np.random.Generator) -> Trace:
    """Draw 10 s of the twelve leads as the device records them.

    Args:
        spec: what to draw.
        rng: rhythm, phase, f waves and noise.
    """
    rate = spec.device.rate
    beat = beat_of(spec)
    leads = _leads(spec)
    total = SECONDS + 2 * _LEAD_IN
    time = np.arange(round(total * rate)) / rate
    peaks = _peaks(spec, rng, total)
    vectors = _vectors(spec, beat, peaks, time)
    if FIBRILLATION in spec.findings:
        vectors += _fibrillation(spec.findings[FIBRILLATION], time, rng)
    eight = leads @ vectors
    # Breathing turns and moves the heart a little.
    breath = np.sin(2 * np.pi * rng.uniform(0.2, 0.3) * time + rng.uniform(0, 2 * np.pi))
    eight *= 1 + 0.04 * breath
    eight += _noise(spec.device, time, rng)
    first = round(_LEAD_IN * rate)
    kept = _filtered(eight, spec.device)[:, first : first + round(SECONDS * rate)]
    stored = np.round(kept / spec.device.step) * spec.device.step
    inside = tuple(float(at - _LEAD_IN) for at in peaks if _LEAD_IN <= at < _LEAD_IN + SECONDS)
    return Trace(twelve(stored).astype(np.float32), rate, _truth(spec, beat, leads, inside))


def _leads(spec: EcgSpec) -> Floats:
    """The lead vectors of this patient, [8, 3], with voltage."""
    shifts = np.array(spec.heart.electrodes)
    leads = DOWER.copy()
    # An electrode beside its place sees the heart from another side.
    leads[2:] += _ELECTRODE * shifts * np.linalg.norm(DOWER[2:], axis=1, keepdims=True)
    kept = 1 - spec.findings.get("low_voltage", 0.0)
    return np.asarray(leads * spec.heart.voltage * kept)


def _peaks(spec: EcgSpec, rng: np.random.Generator, total: float) -> Floats:
    """Seconds of the R peaks; the mean distance is that of the rate."""
    mean = 60 / spec.rate
    count = int(total / mean) + 4
    if FIBRILLATION in spec.findings:
        spans = np.exp(0.22 * rng.standard_normal(count))
        # The atrioventricular node does not conduct again at once.
        spans = np.maximum(spans, 0.26 / mean)
    else:
        # Breathing and slower waves; a fast heart varies less.
        amount = 0.022 * spec.heart.variability * float(np.clip(mean / 0.8, 0.3, 1.2)) ** 1.5
        at = np.arange(count) * mean
        breath = np.sin(2 * np.pi * 0.25 * at + rng.uniform(0, 2 * np.pi))
        slow = np.sin(2 * np.pi * 0.1 * at + rng.uniform(0, 2 * np.pi))
        spans = 1 + amount * (breath + 0.6 * slow + 0.35 * rng.standard_normal(count))
    spans *= mean / spans.mean()
    start = rng.uniform(0, 1) * mean
    for _ in range(4):
        # Few and unequal beats: those that are recorded have to have the mean, not all of them.
        peaks = np.cumsum(spans) - start
        inside = peaks[(peaks >= _LEAD_IN) & (peaks < _LEAD_IN + SECONDS)]
        spans *= mean / float(np.diff(inside).mean())
    return np.asarray(np.cumsum(spans) - start)


def _vectors(spec: EcgSpec, beat: Beat, peaks: Floats, time: Floats) -> Floats:
    """The heart's vector [3, time] over all beats."""
    total = np.zeros((3, len(time)))
    before = np.diff(peaks, prepend=peaks[0] - 60 / spec.rate)
    milliseconds = time * 1000
    for peak, span in zip(peaks * 1000, before, strict=True):
        qt = _qt(spec, span, mean=60 / spec.rate)
        near = np.flatnonzero((milliseconds > peak - 420) & (milliseconds < peak + qt + 220))
        at = milliseconds[near] - peak
        begins = beat.qrs[0] - _pr(spec)
        p = tuple(replace(w, centre=w.centre + begins) for w in beat.atrial)
        centre = beat.qrs[0] + qt - 2 * T_FALL
        t = t_wave(beat, centre)
        total[:, near] += moved((*p, *beat.ventricular, t), at) + segment(beat, centre, at)
    return total


def _pr(spec: EcgSpec) -> float:
    """PR shortens a little as the heart quickens; two widths before its centre P begins."""
    return spec.heart.pr_ms - 0.25 * float(np.clip(spec.rate - 70, -20, 70))


def _qt(spec: EcgSpec, span: float, *, mean: float) -> float:
    """QT in ms: Fridericia, mostly by the mean of the spans, a little by the last one."""
    return float(spec.heart.qtc_ms * (0.8 * mean + 0.2 * max(span, 0.3)) ** (1 / 3))


def _fibrillation(amplitude: float, time: Floats, rng: np.random.Generator) -> Floats:
    """f waves: 5 to 7.5 per second, never twice alike, most of all seen in V1."""
    total = np.zeros_like(time)
    for share in (1.0, 0.6, 0.4):
        hertz = rng.uniform(5, 7.5) + 0.5 * np.sin(2 * np.pi * rng.uniform(0.1, 0.4) * time)
        swell = 1 + 0.4 * np.sin(2 * np.pi * rng.uniform(0.2, 0.7) * time + rng.uniform(0, 6.28))
        phase = 2 * np.pi * np.cumsum(hertz) * (time[1] - time[0]) + rng.uniform(0, 6.28)
        total += share * swell * np.sin(phase)
    vector = np.array([-0.35, 0.35, -0.55])
    in_v1 = float((DOWER @ vector)[2])
    return np.asarray(vector[:, None] * total * amplitude / (1.6 * in_v1))


def _noise(device: Device, time: Floats, rng: np.random.Generator) -> Floats:
    """Muscle, mains and a wandering baseline in the eight leads, mV."""
    muscle = (
        device.muscle
        * np.exp(0.4 * rng.standard_normal())
        * rng.standard_normal((8, len(time)))
        * np.sqrt(device.rate / 500)
    )
    loudness = device.mains * np.exp(0.5 * rng.standard_normal((8, 1)))
    mains = loudness * np.sin(2 * np.pi * MAINS * time + rng.uniform(0, 6.28, (8, 1)))
    wander = np.zeros((8, len(time)))
    for _ in range(3):
        hertz, phase = rng.uniform(0.08, 0.45), rng.uniform(0, 6.28, (8, 1))
        wander += rng.standard_normal((8, 1)) * np.sin(2 * np.pi * hertz * time + phase)
    return np.asarray(muscle + mains + device.wander * wander)


def _filtered(values: Floats, device: Device) -> Floats:
    low, high = device.band
    top = min(high, 0.45 * device.rate)
    smooth = signal.butter(4, top, "lowpass", fs=device.rate, output="sos")
    level = signal.butter(1, low, "highpass", fs=device.rate, output="sos")
    smoothed = signal.sosfiltfilt(smooth, values, axis=1)
    return np.asarray(signal.sosfiltfilt(level, smoothed, axis=1))


def _truth(spec: EcgSpec, beat: Beat, leads: Floats, peaks: tuple[float, ...]) -> Truth:
    first, last = beat.qrs
    mean = 60 / spec.rate
    qt = _qt(spec, mean, mean=mean)
    time = np.arange(first, last, 0.5)
    area = (leads @ moved(beat.ventricular, time)).sum(axis=1)
    t = t_wave(beat, first + qt - 2 * T_FALL)
    at = np.array([last + 60])
    level = leads @ (moved((*beat.ventricular, t), at) + segment(beat, t.centre, at))
    level = twelve(level)[:, 0]
    begins = FIRST_P
    return Truth(
        peaks=peaks,
        pr_ms=_pr(spec) - begins if beat.atrial else None,
        qrs_ms=last - first,
        qt_ms=qt,
        axis_deg=float(axis_of(area[:2])),
        st_mv={lead: float(value) for lead, value in zip(LEADS, level, strict=True)},
    )
