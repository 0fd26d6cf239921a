"""Find the beats of an electrocardiogram, and the one beat that stands for all of them.

QRS complexes are where all leads together change fastest (the energy of the band-passed derivative,
after Pan 1985 IEEE Trans Biomed Eng 32:230, summed over the leads). The beats are then laid over
each other, and the median of those that look alike is the beat that everything is measured on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical.modalities.ecg.filters import averaged, filtered, highest_around, maxima
from clinical.modalities.ecg.waveform import Samples, Waveform

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

BEFORE, AFTER = 0.36, 0.56
"""Seconds before and after the R peak that a beat spans."""

REFRACTORY = 0.20
"""Seconds within which no second beat can be."""

ALIKE = 0.85
"""Correlation with the median beat from which on a beat counts as one of its kind."""

_BAND = (8.0, 30.0)
_SMOOTH = 0.08
_SHARE = 0.30
_EDGE = 0.06
_LEVEL = 0.5
_SHIFT = 0.03


@dataclass(frozen=True, eq=False)
class Beats:
    """The beats of one electrocardiogram.

    Attributes:
        peaks: number of the sample of each R peak (of all leads together), ascending.
        alike: which of them look like the median beat; others are ectopic or disturbed.
        median: float32 [leads, samples], mV; from `BEFORE` seconds before the R peak to `AFTER`
            after it, level between P and QRS not yet taken out.
        halves: float32 [2, leads, samples]: the median of every other beat, and of the rest; what
            both show is there in every beat.
        centre: number of the sample in `median` at which the R peak is.
        rate: samples per second.
    """

    peaks: Indices
    alike: NDArray[np.bool_]
    median: Samples
    halves: Samples
    centre: int
    rate: float

    @property
    def spans(self) -> Floats:
        """Seconds from each beat to the next."""
        return np.asarray(np.diff(self.peaks) / self.rate)


def find(waveform: Waveform) -> Beats:
    """Find the beats. There may be none, and then the median beat is zero everywhere."""
    rate = waveform.rate
    level = steady(waveform.samples.astype(np.float64), rate)
    peaks = _peaks(level, rate)
    before, after = round(BEFORE * rate), round(AFTER * rate)
    peaks = peaks[(peaks >= before // 4) & (peaks < level.shape[1] - after // 4)]
    if not len(peaks):
        empty = np.zeros((len(level), before + after + 1), np.float32)
        return Beats(peaks, np.zeros(0, bool), empty, np.stack([empty, empty]), before, rate)
    peaks, stack = _aligned(level, peaks, before, after)
    alike = _alike(stack, round(0.06 * rate), before)
    chosen = stack[alike]
    median, *halves = (
        np.nan_to_num(_median(part)).astype(np.float32)
        for part in (chosen, chosen[::2], chosen[1::2] if len(chosen) > 1 else chosen)
    )
    return Beats(peaks, alike, median, np.stack(halves), before, rate)


def _median(beats: Floats) -> Floats:
    """Median over beats; 0 where no beat lies inside of the recording."""
    nowhere = np.isnan(beats).all(axis=0)
    return np.asarray(np.nanmedian(np.where(nowhere, 0.0, beats), axis=0))


def steady(samples: Floats, rate: float) -> Floats:
    """Samples [leads, samples] without the wandering of the baseline, by a zero-phase filter."""
    padded = min(samples.shape[1] - 1, int(3 * rate))
    return filtered(samples, rate, "highpass", _LEVEL, padded=padded)


def _peaks(level: Floats, rate: float) -> Indices:
    """Where QRS complexes are, by the energy of all leads."""
    slope = np.gradient(filtered(level, rate, "bandpass", _BAND), axis=1)
    # A lead with more voltage or more noise than the others must not decide alone.
    slope /= np.maximum(np.percentile(np.abs(slope), 98, axis=1, keepdims=True), 1e-9)
    energy = averaged((slope**2).mean(axis=0), max(1, round(_SMOOTH * rate)))
    # The ends of the recording ring; nothing there may set the scale.
    edge = round(_EDGE * rate)
    inner = energy[edge:-edge]
    around = highest_around(energy, round(2.5 * rate))
    typical = np.median(around)
    threshold = _SHARE * np.minimum(around, 1.5 * typical)
    if not len(inner) or float(inner.max()) <= 0:
        return np.zeros(0, np.intp)
    found = maxima(energy, max(1, round(REFRACTORY * rate)))
    found = found[energy[found] > threshold[found]]
    return np.asarray(_without_t(found, level, energy, rate), np.intp)


def _without_t(found: Indices, level: Floats, energy: Floats, rate: float) -> Indices:
    """Leave out steep T waves: soon after a beat, and far weaker than it."""
    kept: list[int] = []
    for at in found:
        soon = kept and (at - kept[-1]) / rate < 0.36
        if soon and energy[at] < 0.5 * energy[kept[-1]]:
            continue
        kept.append(int(at))
    reach = round(0.07 * rate)
    speed = np.sqrt((level**2).sum(axis=0))
    placed = []
    for at in kept:
        first = max(at - reach, 0)
        placed.append(first + int(np.argmax(speed[first : at + reach + 1])))
    return np.unique(np.array(placed, np.intp))


def _aligned(level: Floats, peaks: Indices, before: int, after: int) -> tuple[Indices, Floats]:
    """Peaks moved until the beats lie on each other, and the beats [beats, leads, samples].

    What lies outside of the recording is NaN.
    """
    padded = np.pad(level, ((0, 0), (before + 200, after + 200)), constant_values=np.nan)
    offset = before + 200

    def cut(at: Indices) -> Floats:
        spans = at[:, None] + offset + np.arange(-before, after + 1)[None]
        return np.asarray(padded[:, spans].transpose(1, 0, 2))

    # Correlation with the mean of the QRS complexes, over shifts of up to 30 ms.
    width = max(3, before // 6)
    shifts = np.arange(-(width // 2), width // 2 + 1)
    for _ in range(2):
        stack = cut(peaks)
        inner = slice(before - width, before + width + 1)
        model = np.nanmedian(stack[:, :, inner], axis=0)
        moved = []
        for at in peaks:
            options = cut(np.asarray(at + shifts))[:, :, inner]
            score = np.nansum(options * model, axis=(1, 2)) - 0.5 * np.nansum(
                options**2, axis=(1, 2)
            )
            moved.append(int(at + shifts[int(np.argmax(score))]))
        peaks = np.unique(np.array(moved, np.intp))
    return peaks, cut(peaks)


def _alike(stack: Floats, half: int, centre: int) -> NDArray[np.bool_]:
    """Which beats have the QRS of most of them."""
    inner = np.nan_to_num(stack[:, :, centre - half : centre + half + 1])
    flat = inner.reshape(len(inner), -1)
    model = np.median(flat, axis=0)
    size = np.linalg.norm(flat, axis=1) * np.linalg.norm(model)
    likeness = flat @ model / np.maximum(size, 1e-12)
    alike = np.asarray(likeness >= ALIKE)
    return alike if alike.any() else np.ones(len(stack), bool)
