"""An electrocardiogram as tokens for an encoder: one for its rhythm and one for each lead.

The token of a lead is its median beat on a fixed grid of milliseconds around R; the token of the
rhythm is a short vector of what was measured, with a flag for each number that could not be. Where
a stretch of a token lies in the recording is known, so what counts can be drawn on the trace.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical.modalities.ecg import beats as beats_of
from clinical.modalities.ecg.analysis import Analysis, measure
from clinical.modalities.ecg.beats import Beats
from clinical.modalities.ecg.delineation import level_before_qrs
from clinical.modalities.ecg.waveform import Waveform

POINTS = 128
"""Points of the median beat of a lead."""

FROM_MS, TO_MS = -280.0, 500.0
"""Milliseconds around R that they span."""

CLIP_MV = 4.0

# Name, typical value and spread (a healthy adult's), for numbers of about one.
_MEASURED: tuple[tuple[str, float, float], ...] = (
    ("rate", 75.0, 20.0),
    ("irregularity", 0.04, 0.08),
    ("p_agreement", 0.9, 0.3),
    ("pr_ms", 160.0, 30.0),
    ("qrs_ms", 95.0, 15.0),
    ("qtc_fridericia_ms", 410.0, 30.0),
    ("axis_deg", 45.0, 40.0),
    ("sokolow_lyon_mv", 2.0, 1.0),
    ("limb_mv", 1.2, 0.5),
)
_SPANS = 12

RHYTHM_NAMES = (
    *(name for name, _, _ in _MEASURED),
    *(f"{name}_known" for name, _, _ in _MEASURED),
    *(f"rr_{place}" for place in range(_SPANS)),
)
"""Names of the numbers of the rhythm token, R of them."""


@dataclass(frozen=True, eq=False)
class Tokens:
    """What an encoder reads of one electrocardiogram.

    Attributes:
        leads: L names, in the order of the waveform.
        beats: float32 [L, `POINTS`], mV from the level before QRS.
        rhythm: float32 [R], see `RHYTHM_NAMES`; 0 where unknown.
        peaks: seconds of the R peaks that the median beat stands for.
        seconds: duration of the recording.
        analysis: the measurements.
    """

    leads: tuple[str, ...]
    beats: NDArray[np.float32]
    rhythm: NDArray[np.float32]
    peaks: tuple[float, ...]
    seconds: float
    analysis: Analysis


def tokens_of(waveform: Waveform) -> Tokens:
    """The tokens of an electrocardiogram in canonical form."""
    beats = beats_of.find(waveform)
    analysis = measure(waveform, beats)
    peaks = tuple(float(at / waveform.rate) for at in beats.peaks[beats.alike])
    return Tokens(
        leads=waveform.leads,
        beats=_on_grid(beats, analysis),
        rhythm=_rhythm(beats, analysis),
        peaks=peaks,
        seconds=waveform.seconds,
        analysis=analysis,
    )


def grid_ms() -> NDArray[np.float64]:
    """Milliseconds from R of each of the `POINTS`."""
    return np.linspace(FROM_MS, TO_MS, POINTS)


def _on_grid(beats: Beats, analysis: Analysis) -> NDArray[np.float32]:
    level = 0.0 if analysis.marks is None else level_before_qrs(beats, analysis.marks)[:, None]
    values = np.clip(beats.median - level, -CLIP_MV, CLIP_MV)
    time = (np.arange(values.shape[1]) - beats.centre) / beats.rate * 1000
    # A grid coarser than the samples: the mean over a cell keeps what a point would miss.
    width = (TO_MS - FROM_MS) / (POINTS - 1)
    edges = np.append(grid_ms() - width / 2, TO_MS + width / 2)
    total = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    step = time[1] - time[0]
    at = (edges - time[0]) / step + 0.5
    upto = np.array([np.interp(at, np.arange(total.shape[1]), row) for row in total])
    return np.asarray(np.diff(upto, axis=1) * step / width, np.float32)


def _rhythm(beats: Beats, analysis: Analysis) -> NDArray[np.float32]:
    values, known = [], []
    for name, typical, spread in _MEASURED:
        value = getattr(analysis, name)
        known.append(float(value is not None))
        values.append(0.0 if value is None else float(np.clip((value - typical) / spread, -4, 4)))
    spans = beats.spans / beats.spans.mean() - 1 if len(beats.spans) else np.zeros(0)
    course = np.zeros(_SPANS)
    course[: min(len(spans), _SPANS)] = np.clip(4 * spans[:_SPANS], -4, 4)
    return np.array([*values, *known, *course], np.float32)


def stretches(
    tokens: Tokens, from_ms: float = FROM_MS, to_ms: float = TO_MS
) -> tuple[tuple[float, float], ...]:
    """Where a part of the median beat, in ms from R, lies: seconds (start, end) in each beat."""
    found = []
    for peak in tokens.peaks:
        start = max(0.0, peak + from_ms / 1000)
        end = min(tokens.seconds, peak + to_ms / 1000)
        if end > start:
            found.append((start, end))
    return tuple(found)
