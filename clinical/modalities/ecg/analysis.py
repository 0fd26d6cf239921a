"""What can be measured on an electrocardiogram: rate, rhythm, intervals, axis and voltages.

Everything is measured on the median beat, which every regular beat of the recording stands behind.
Own code, because the packages that do this are heavier and, on the simulated clinic's known truth,
were not better (docs/ecg.md). Conventions: QTc by Bazett 1920 and Fridericia 1920; the axis from
the areas of I and aVF; ST at 60 ms after the end of QRS, against the level just before QRS (Fourth
Universal Definition of Myocardial Infarction 2018); voltages by Sokolow and Lyon 1949.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clinical.modalities.ecg import beats as beats_of
from clinical.modalities.ecg.beats import Beats
from clinical.modalities.ecg.delineation import Marks, delineate, level_before_qrs
from clinical.modalities.ecg.leads import LIMB
from clinical.modalities.ecg.waveform import Waveform

Floats = NDArray[np.float64]

Rhythm = Literal[
    "sinus rhythm",
    "sinus tachycardia",
    "sinus bradycardia",
    "irregular rhythm with P waves",
    "atrial fibrillation",
    "undetermined",
]

SLOW, FAST = 60.0, 100.0
"""Beats per minute outside of which a sinus rhythm is a bradycardia or a tachycardia."""

IRREGULAR = 0.09
"""Root mean square of the differences of successive RR intervals, as a share of their mean, from
which on a rhythm is irregular."""

AGREES_WELL = 0.88
"""Least agreement of P waves (see `delineation.Marks`) where the rhythm is irregular."""

SOKOLOW_LYON_MV = 3.5
LOW_LIMB_MV = 0.5
J_PLUS_MS = 60.0

_FEWEST = 4


@dataclass(frozen=True)
class Amplitudes:
    """Of one lead, mV from the level before QRS. Depths are positive.

    Attributes:
        p: greatest deflection of P, signed; 0 without one.
        q: depth of the first deflection, if that is downward and before R.
        r, s: height of R, and depth of the deepest deflection after it.
        st: level 60 ms after the end of QRS.
        t: greatest deflection of T, signed.
        net: mean level during QRS, signed; for the axis.
    """

    p: float
    q: float
    r: float
    s: float
    st: float
    t: float
    net: float


@dataclass(frozen=True)
class Analysis:
    """The measurements of one electrocardiogram; None where something cannot be measured.

    Attributes:
        beats: how many were found.
        ectopic: how many of them do not look like the others.
        rate: ventricular, per minute.
        rr_ms: mean RR interval.
        irregularity: see `IRREGULAR`.
        p_present: whether a P wave comes before every QRS; None where there are too few beats.
        p_agreement: see `delineation.Marks`.
        pr_ms, qrs_ms, qt_ms: intervals.
        qtc_bazett_ms, qtc_fridericia_ms: QT corrected for the rate.
        axis_deg: of QRS in the frontal plane, -180 to 180; needs I and II.
        amplitudes: lead to its voltages.
        sokolow_lyon_mv: S in V1 and the taller R of V5 and V6.
        limb_mv: the tallest QRS of the limb leads, from peak to nadir.
        rhythm: what rate, regularity and P wave make likely.
        marks: where the waves of the median beat lie.
    """

    beats: int
    ectopic: int
    rate: float | None
    rr_ms: float | None
    irregularity: float | None
    p_present: bool | None
    p_agreement: float | None
    pr_ms: float | None
    qrs_ms: float | None
    qt_ms: float | None
    qtc_bazett_ms: float | None
    qtc_fridericia_ms: float | None
    axis_deg: float | None
    amplitudes: Mapping[str, Amplitudes]
    sokolow_lyon_mv: float | None
    limb_mv: float | None
    rhythm: Rhythm
    marks: Marks | None


def analyse(waveform: Waveform) -> Analysis:
    """Measure an electrocardiogram in canonical form."""
    return measure(waveform, beats_of.find(waveform))


def measure(waveform: Waveform, beats: Beats) -> Analysis:
    """Measure an electrocardiogram whose beats are known."""
    marks = delineate(beats)
    amplitudes = _amplitudes(waveform, beats, marks) if marks else {}
    spans = beats.spans
    mean = float(spans.mean()) if len(spans) else None
    rate = 60 / mean if mean else None
    irregularity = _irregularity(spans)
    enough = marks is not None and len(beats.peaks) >= _FEWEST
    present = _p_present(marks, irregularity) if marks and enough else None
    qt = None if marks is None or marks.t_off is None else marks.t_off - marks.qrs_on
    pr = marks.qrs_on - marks.p_on if marks and present and marks.p_on is not None else None
    return Analysis(
        beats=len(beats.peaks),
        ectopic=int((~beats.alike).sum()),
        rate=rate,
        rr_ms=None if mean is None else 1000 * mean,
        irregularity=irregularity,
        p_present=present,
        p_agreement=marks.p_agreement if marks and enough else None,
        pr_ms=pr,
        qrs_ms=None if marks is None else marks.qrs_off - marks.qrs_on,
        qt_ms=qt,
        qtc_bazett_ms=None if qt is None or mean is None else qt / mean ** (1 / 2),
        qtc_fridericia_ms=None if qt is None or mean is None else qt / mean ** (1 / 3),
        axis_deg=_axis(amplitudes),
        amplitudes=MappingProxyType(amplitudes),
        sokolow_lyon_mv=_sokolow_lyon(amplitudes),
        limb_mv=_limb_voltage(amplitudes),
        rhythm=_rhythm(rate, irregularity, present),
        marks=marks,
    )


def _p_present(marks: Marks, irregularity: float | None) -> bool:
    """Whether P is there; f waves agree by chance now and then, so irregular beats have to agree
    better."""
    irregular = irregularity is not None and irregularity > IRREGULAR
    return marks.p_peak is not None and (not irregular or marks.p_agreement >= AGREES_WELL)


def _irregularity(spans: Floats) -> float | None:
    if len(spans) < _FEWEST - 1:
        return None
    return float(np.sqrt(np.mean(np.diff(spans) ** 2)) / spans.mean())


def _rhythm(rate: float | None, irregularity: float | None, present: bool | None) -> Rhythm:
    if rate is None or irregularity is None or present is None:
        return "undetermined"
    irregular = irregularity > IRREGULAR
    if not present:
        return "atrial fibrillation" if irregular else "undetermined"
    if irregular:
        return "irregular rhythm with P waves"
    if rate > FAST:
        return "sinus tachycardia"
    return "sinus bradycardia" if rate < SLOW else "sinus rhythm"


def _amplitudes(waveform: Waveform, beats: Beats, marks: Marks) -> dict[str, Amplitudes]:
    level = level_before_qrs(beats, marks)
    beat = beats.median.astype(np.float64) - level[:, None]

    def at(ms: float) -> int:
        return int(np.clip(beats.centre + round(ms / 1000 * beats.rate), 0, beat.shape[1] - 1))

    on, off = at(marks.qrs_on), at(marks.qrs_off)
    j60 = at(marks.qrs_off + J_PLUS_MS)
    t = slice(min(j60, beat.shape[1] - 2), max(at(_t_until(marks)), j60 + 1) + 1)
    return {
        lead: _of_lead(values, on, off, j60, t, _p_range(marks, at))
        for lead, values in zip(waveform.leads, beat, strict=True)
    }


def _t_until(marks: Marks) -> float:
    return marks.t_off if marks.t_off is not None else marks.qrs_off + 320


def _p_range(marks: Marks, at: Callable[[float], int]) -> slice | None:
    if marks.p_peak is None or marks.p_off is None:
        return None
    begin = marks.p_on if marks.p_on is not None else marks.p_peak - 40
    return slice(at(begin), at(marks.p_off) + 1)


def _of_lead(values: Floats, on: int, off: int, j60: int, t: slice, p: slice | None) -> Amplitudes:
    qrs = values[on : off + 1]
    top = int(np.argmax(qrs))
    tall = float(qrs[top])
    return Amplitudes(
        p=_extreme(values[p]) if p is not None else 0.0,
        q=max(0.0, -float(qrs[: top + 1].min())) if tall > 0 else 0.0,
        r=max(0.0, tall),
        s=max(0.0, -float(qrs[top:].min())),
        st=float(values[j60]),
        t=_extreme(values[t]),
        net=float(qrs.mean()),
    )


def _extreme(values: Floats) -> float:
    """The value that is furthest from 0, signed."""
    return float(values[int(np.argmax(np.abs(values)))]) if len(values) else 0.0


def _axis(amplitudes: Mapping[str, Amplitudes]) -> float | None:
    if "I" not in amplitudes or "II" not in amplitudes:
        return None
    one, two = amplitudes["I"].net, amplitudes["II"].net
    # aVF is 2 / sqrt(3) short of a lead of the same length as I (Goldberger).
    return float(np.degrees(np.arctan2((two - one / 2) * 2 / np.sqrt(3), one)))


def _sokolow_lyon(amplitudes: Mapping[str, Amplitudes]) -> float | None:
    if "V1" not in amplitudes or not {"V5", "V6"} & amplitudes.keys():
        return None
    left = max(amplitudes[lead].r for lead in ("V5", "V6") if lead in amplitudes)
    first = amplitudes["V1"]
    return max(first.s, first.q) + left


def _limb_voltage(amplitudes: Mapping[str, Amplitudes]) -> float | None:
    heights = [a.r + max(a.s, a.q) for lead, a in amplitudes.items() if lead in LIMB]
    return max(heights) if len(heights) == len(LIMB) else None
