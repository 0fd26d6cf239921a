"""Where the waves of the median beat begin and end.

QRS is bounded by the speed of the heart's vector over all leads; T ends where the tangent at its
steepest descent meets the baseline (Lepeschkin 1952 Circulation 6:378), in a lead that stands for
all; P is a bump of one hump before QRS that every beat has, as f waves do not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical.modalities.ecg.beats import Beats
from clinical.modalities.ecg.filters import averaged, filtered, smoothed

Floats = NDArray[np.float64]

P_AGREES = 0.75
"""Least correlation of the P waves of every other beat with those of the rest."""

P_MV = 0.02
"""Least height of a P wave in the lead that shows it best, mV."""

_LOWPASS = 40.0
_QUIET_SHARE = 0.085
_HOLD = 0.012
_CLEAR = 0.012


@dataclass(frozen=True)
class Marks:
    """Milliseconds from the R peak; None where a wave is not there or cannot be bounded.

    Attributes:
        p_on, p_peak, p_off: of P; in a fast heart it may begin inside the T before it, and then
            only its beginning is None.
        qrs_on, qrs_off: of QRS.
        t_peak, t_off: of T.
        p_agreement: correlation, over all leads, of what lies before QRS in every other beat with
            that in the rest: near 1 where there is a P wave, near 0 where f waves are.
    """

    p_on: float | None
    p_peak: float | None
    p_off: float | None
    qrs_on: float
    qrs_off: float
    t_peak: float | None
    t_off: float | None
    p_agreement: float


def delineate(beats: Beats) -> Marks | None:
    """Bound the waves of the median beat; None where there is no beat."""
    if not len(beats.peaks):
        return None
    rate, centre = beats.rate, beats.centre
    beat = _smooth(beats.median.astype(np.float64), rate)
    on, off = _qrs(beat, centre, rate)
    span = float(np.median(beats.spans)) if len(beats.peaks) > 1 else 0.8
    level = _baseline(beat, on, rate)
    beat = beat - level[:, None]
    peak, end = _t_wave(beat, off, centre, span, rate)
    window = _before_qrs(on, span, rate, end)
    agreement = _agreement(beats, window)
    p_on, p_peak, p_off = None, None, None
    if agreement >= P_AGREES:
        p_on, p_peak, p_off = _p_wave(beat, window, rate)

    def ms(at: float | None) -> float | None:
        return None if at is None else (at - centre) / rate * 1000

    return Marks(
        p_on=ms(p_on),
        p_peak=ms(p_peak),
        p_off=ms(p_off),
        qrs_on=(on - centre) / rate * 1000,
        qrs_off=(off - centre) / rate * 1000,
        t_peak=ms(peak),
        t_off=ms(end),
        p_agreement=agreement,
    )


def level_before_qrs(beats: Beats, marks: Marks) -> Floats:
    """The level of each lead just before QRS, mV; voltages are measured from it."""
    on = round(marks.qrs_on / 1000 * beats.rate) + beats.centre
    return _baseline(beats.median.astype(np.float64), on, beats.rate)


def _smooth(beat: Floats, rate: float) -> Floats:
    if rate <= 2.5 * _LOWPASS:
        return beat
    return filtered(beat, rate, "lowpass", _LOWPASS)


def _baseline(beat: Floats, on: int, rate: float) -> Floats:
    """Median of the 16 ms before QRS in each lead."""
    first = max(0, on - max(2, round(0.016 * rate)))
    return np.asarray(np.median(beat[:, first : on + 1], axis=1))


def _qrs(beat: Floats, centre: int, rate: float) -> tuple[int, int]:
    """First and last sample of QRS, by the speed of the vector."""
    speed = np.sqrt((np.gradient(beat, axis=1) ** 2).sum(axis=0))
    speed = averaged(speed, max(1, round(0.008 * rate)))
    reach = round(0.14 * rate)
    first, last = max(0, centre - reach), min(len(speed) - 1, centre + reach)
    top = float(speed[first : last + 1].max())
    quiet = np.percentile(
        speed[max(0, centre - round(0.3 * rate)) : centre - round(0.06 * rate)], 30
    )
    threshold = max(_QUIET_SHARE * top, 2.0 * float(quiet))
    hold = max(2, round(_HOLD * rate))
    on = _left_of(speed, centre - round(0.02 * rate), first, threshold, hold)
    off = _right_of(speed, centre + round(0.02 * rate), last, threshold, 2 * hold)
    return on, off


def _left_of(speed: Floats, start: int, end: int, threshold: float, hold: int) -> int:
    """Going back from `start`: where speed falls below the threshold and stays there."""
    at = start
    while at - hold > end:
        if (speed[at - hold : at + 1] < threshold).all():
            return at
        at -= 1
    return at


def _right_of(speed: Floats, start: int, end: int, threshold: float, hold: int) -> int:
    at = start
    while at + hold < end:
        if (speed[at : at + hold + 1] < threshold).all():
            return at
        at += 1
    return at


def _principal(part: Floats) -> Floats:
    """The course that the leads share most of, upright at its greatest excursion."""
    left, _, _ = np.linalg.svd(part, full_matrices=False)
    course = left[:, 0] @ part
    return np.asarray(course * np.sign(course[int(np.argmax(np.abs(course)))] or 1.0))


def _t_wave(
    beat: Floats, off: int, centre: int, span: float, rate: float
) -> tuple[int | None, float | None]:
    """Peak and end of T."""
    first = off + round(0.05 * rate)
    last = min(beat.shape[1] - 1, centre + round(min(0.54, 0.78 * span) * rate))
    if last - first < round(0.1 * rate):
        return None, None
    part = beat[:, first : last + 1]
    course = smoothed(_principal(part), 0.006 * rate)
    peak = int(np.argmax(course))
    if course[peak] < 0.05 or peak < 2:
        return None, None
    slope = np.gradient(course)
    limit = min(len(course), peak + round(0.16 * rate))
    steepest = peak + int(np.argmin(slope[peak:limit]))
    # The level that T falls to, not the one before QRS: a fast heart does not come to rest.
    tail = course[steepest : min(len(course), steepest + round(0.12 * rate))]
    rest = min(float(tail.min()), float(course[steepest]) * 0.6)
    if slope[steepest] >= 0:
        return first + peak, None
    end = steepest + (rest - course[steepest]) / slope[steepest]
    return first + peak, float(first + min(end, len(course) + 0.05 * rate))


def _before_qrs(on: int, span: float, rate: float, t_end: float | None) -> slice:
    """Where P can be: before QRS, after the T of the beat before."""
    first = max(0, on - round(min(0.30, 0.5 * span) * rate))
    if t_end is not None:
        first = max(first, round(t_end - span * rate + 0.01 * rate))
    last = on - round(0.012 * rate)
    return slice(min(first, last - round(0.06 * rate)) if last > 0.06 * rate else 0, last)


def _levelled(part: Floats, rate: float) -> Floats:
    """[leads, samples] without the line through both ends: the slope under P is the end of T."""
    ends = max(2, round(0.012 * rate))
    low, high = part[:, :ends].mean(axis=1), part[:, -ends:].mean(axis=1)
    line = np.linspace(0, 1, part.shape[1])
    return np.asarray(part - (low[:, None] * (1 - line) + high[:, None] * line))


def _agreement(beats: Beats, window: slice) -> float:
    """Correlation of the two halves of the beats before QRS, 1 where there is only one beat."""
    one, other = (
        _levelled(_smooth(half.astype(np.float64), beats.rate)[:, window], beats.rate)
        for half in beats.halves
    )
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float((one * other).sum() / size) if size > 0 else 0.0


def _p_wave(
    beat: Floats, window: slice, rate: float
) -> tuple[float | None, float | None, float | None]:
    """Beginning, peak and end of P."""
    part = _levelled(beat[:, window], rate)
    course = smoothed(_principal(part), 0.005 * rate)
    peak = int(np.argmax(course))
    if float(np.abs(part[:, peak]).max()) < P_MV:
        return None, None, None
    begin, end = _foot(course, peak, -1, rate), _foot(course, peak, 1, rate)
    first = window.start
    # A P wave that rises at once where T ends began inside of it, nobody can say when.
    seen = begin > _CLEAR * rate
    return first + begin if seen else None, float(first + peak), first + end


def _foot(course: Floats, peak: int, step: int, rate: float) -> float:
    """Where the tangent at the steepest flank meets the lowest level on that side.

    In a fast heart P rises from the T before it, and never comes to rest.
    """
    reach = round(0.08 * rate)
    at = np.arange(peak, np.clip(peak + step * reach, -1, len(course)), step)
    if len(at) < 3:
        return float(peak)
    slope = np.gradient(course) * step
    at = at[: int(np.argmin(course[at])) + 1]
    steepest = int(at[int(np.argmin(slope[at]))])
    if slope[steepest] >= 0:
        return float(at[-1])
    down = float(course[steepest]) - max(float(course[at[-1]]), 0.0)
    return float(np.clip(steepest - step * down / slope[steepest], 0, len(course) - 1))
