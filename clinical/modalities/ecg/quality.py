"""What is wrong with a recording: flat, noisy or exchanged leads, leads that contradict each other.

Nothing is mended. A trouble is told beside the recording, and the reader decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from clinical.modalities.ecg.analysis import Analysis
from clinical.modalities.ecg.filters import filtered
from clinical.modalities.ecg.waveform import Waveform

FLAT_MV = 0.015
"""A lead that stays within so many mV (1st to 99th percentile) is not connected."""

NOISY_MV = 0.06
"""Standard deviation above 40 Hz from which on a lead is disturbed."""

CONTRADICTION_MV = 0.08
"""I + III - II is 0 (Einthoven); this much of it, root mean square, is a contradiction."""

_ABOVE_HZ = 40.0


@dataclass(frozen=True)
class Trouble:
    """Something wrong.

    Attributes:
        kind: "flat", "noisy", "contradiction", "arms exchanged" or "no beats".
        leads: that it concerns.
        words: one sentence for the reader.
    """

    kind: str
    leads: tuple[str, ...]
    words: str


def troubles(waveform: Waveform, analysis: Analysis) -> tuple[Trouble, ...]:
    """All that is wrong with a recording in canonical form."""
    return (
        *_flat(waveform),
        *_noisy(waveform),
        *_contradicting(waveform),
        *_exchanged(analysis),
        *_without_beats(waveform, analysis),
    )


def _flat(waveform: Waveform) -> Iterator[Trouble]:
    low, high = np.percentile(waveform.samples, (1, 99), axis=1)
    flat = _where(waveform, high - low < FLAT_MV)
    if flat:
        yield Trouble("flat", flat, f"Flat: {', '.join(flat)}. Check the electrodes.")


def _noisy(waveform: Waveform) -> Iterator[Trouble]:
    samples = waveform.samples.astype(np.float64)
    fast = filtered(samples, waveform.rate, "highpass", _ABOVE_HZ)
    # QRS is fast too, but short: the median does not see it.
    spread = 1.4826 * np.median(np.abs(fast), axis=1)
    noisy = _where(waveform, spread > NOISY_MV)
    if noisy:
        yield Trouble("noisy", noisy, f"Disturbed: {', '.join(noisy)}.")


def _where(waveform: Waveform, chosen: np.ndarray) -> tuple[str, ...]:
    return tuple(lead for lead, is_so in zip(waveform.leads, chosen, strict=True) if is_so)


def _contradicting(waveform: Waveform) -> Iterator[Trouble]:
    limb = ("I", "II", "III")
    if any(lead not in waveform.leads or lead in waveform.derived for lead in limb):
        return
    gap = waveform.lead("I") + waveform.lead("III") - waveform.lead("II")
    gap = gap - np.median(gap)
    if float(np.sqrt(np.mean(gap.astype(np.float64) ** 2))) > CONTRADICTION_MV:
        words = "Leads I, II and III contradict each other; they were not recorded together."
        yield Trouble("contradiction", limb, words)


def _exchanged(analysis: Analysis) -> Iterator[Trouble]:
    """Arm electrodes exchanged: I upside down while the chest leads are as they should be.

    In dextrocardia the R wave shrinks towards V6 as well (Batchvarov 2007 Europace 9:1081).
    """
    seen = analysis.amplitudes
    if not {"I", "V6"} <= seen.keys() or not analysis.p_present:
        return
    upside_down = seen["I"].p < -0.02 and seen["I"].net < 0
    if upside_down and seen["V6"].net > 0 and seen["V6"].r > 0.3:
        words = "The arm electrodes seem to be exchanged: P and QRS point down in I."
        yield Trouble("arms exchanged", ("I", "II", "III", "aVR", "aVL"), words)


def _without_beats(waveform: Waveform, analysis: Analysis) -> Iterator[Trouble]:
    if analysis.beats < 2:
        yield Trouble("no beats", waveform.leads, "No heart beat can be made out.")
