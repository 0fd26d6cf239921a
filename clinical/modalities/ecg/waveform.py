"""A 12-lead electrocardiogram as numbers, and the one road from any source to its canonical form.

Every reader gives a `Waveform` at the source's own rate, with the leads that the source has;
`canonical` brings it to the form that everything else works on: millivolts, one rate, the twelve
leads in standard order as far as they are known, no gaps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from clinical.errors import WaveformError
from clinical.modalities.ecg.filters import resampled
from clinical.modalities.ecg.leads import EXTRA, FROM_I_AND_II, STANDARD, limb_leads

Samples = NDArray[np.float32]

RATE = 500.0
"""Samples per second of a canonical waveform."""

SLOWEST, FASTEST = 100.0, 32_000.0
"""Samples per second that a source may have: below, a QRS complex is a handful of points."""

SHORTEST, LONGEST = 2.0, 300.0
"""Seconds that a recording may last; a shorter one has no rhythm, a longer one is a Holter."""

BRIDGED = 0.04
"""Longest gap in seconds that is bridged by a straight line: less than a QRS complex."""

PER_UNIT: Mapping[str, float] = MappingProxyType({"uV": 1e-3, "mV": 1.0, "V": 1e3})
"""Millivolts in each unit that a source may state, by its UCUM code."""

_SIGNS = {"\u00b5": "u", "\u03bc": "u"}
_LARGEST = 100.0


@dataclass(frozen=True, eq=False)
class Waveform:
    """One electrocardiogram.

    Attributes:
        leads: names of `leads.STANDARD` and `leads.EXTRA`, each once.
        samples: read-only float32 [leads, samples], mV; NaN where the source has no value.
        rate: samples per second.
        source: where it comes from, never a name: "format", "acquired" (ISO 8601),
            "dataset_digest" (SHA-256 of the file), "rate" as recorded, ...
        derived: leads that were computed from others, not recorded.

    Raises:
        WaveformError: if leads and samples do not fit together, or rate or duration are not those
            of a resting electrocardiogram.
    """

    leads: tuple[str, ...]
    samples: Samples
    rate: float
    source: Mapping[str, str] = field(default_factory=dict)
    derived: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        samples = np.array(self.samples, dtype=np.float32, order="C")
        _check(self.leads, samples, self.rate)
        samples.flags.writeable = False
        object.__setattr__(self, "samples", samples)
        object.__setattr__(self, "source", MappingProxyType(dict(self.source)))

    @property
    def seconds(self) -> float:
        """Duration."""
        return float(self.samples.shape[1] / self.rate)

    def lead(self, name: str) -> Samples:
        """The samples of one lead, [samples] in mV.

        Raises:
            KeyError: if the lead is absent.
        """
        if name not in self.leads:
            raise KeyError(name)
        return np.asarray(self.samples[self.leads.index(name)])


def _check(leads: tuple[str, ...], samples: Samples, rate: float) -> None:
    if samples.ndim != 2 or len(leads) != len(samples) or not leads:
        raise WaveformError(
            f"There are {len(leads)} leads, but the samples have the shape {samples.shape}.",
            remedy="Give one row of samples for each lead.",
        )
    unknown = [lead for lead in leads if lead not in STANDARD + EXTRA]
    if unknown or len(set(leads)) != len(leads):
        raise WaveformError(
            "A lead is unknown, or is given twice.",
            remedy=f"Name the leads {', '.join(STANDARD)}, each once.",
        )
    if not SLOWEST <= rate <= FASTEST:
        raise WaveformError(
            f"The sampling rate is {rate:g} Hz; an electrocardiogram has {SLOWEST:g} to "
            f"{FASTEST:g} Hz.",
            remedy="State the rate in samples per second.",
        )
    seconds = samples.shape[1] / rate
    if not SHORTEST <= seconds <= LONGEST:
        raise WaveformError(
            f"The recording lasts {seconds:.1f} s; a resting electrocardiogram lasts "
            f"{SHORTEST:g} to {LONGEST:g} s.",
            remedy="Give the resting electrocardiogram, or a part of the long recording.",
        )


def per_unit(unit: str | None) -> float:
    """Millivolts in one `unit` (mV, uV, V; the micro sign may be written either way).

    Raises:
        WaveformError: if the unit is not stated or is none of these.
    """
    stated = "".join(_SIGNS.get(letter, letter) for letter in (unit or "").strip())
    if stated not in PER_UNIT:
        raise WaveformError(
            "The unit of the samples is not stated." if not stated else "The unit is not known.",
            remedy=f"State the unit: one of {', '.join(PER_UNIT)}.",
        )
    return PER_UNIT[stated]


def stated_rate(rate: float | None) -> float:
    """The rate that whoever brings a table states, in samples per second.

    Raises:
        WaveformError: if it is not stated.
    """
    if rate is None or not np.isfinite(rate):
        raise WaveformError(
            "The sampling rate is not stated.", remedy="State the rate in samples per second."
        )
    return float(rate)


def canonical(waveform: Waveform, rate: float = RATE) -> Waveform:
    """The waveform as everything else takes it.

    Gaps of up to `BRIDGED` seconds are bridged by straight lines, and a lead with a longer gap is
    left out; III, aVR, aVL and aVF are computed from I and II where they are absent; the leads are
    put in standard order and resampled. `source` says what was done: "recorded_rate", "bridged"
    and "left_out" (leads). Leads that are not there stay absent.

    Raises:
        WaveformError: if no lead is whole, or a value cannot be a surface potential.
    """
    whole, bridged = _without_gaps(waveform)
    left_out = [lead for lead in waveform.leads if lead not in whole]
    if not whole:
        raise WaveformError(
            "No lead is recorded without a gap.", remedy="Give a recording with whole leads."
        )
    if max(float(np.abs(values).max()) for values in whole.values()) > _LARGEST:
        raise WaveformError(
            f"A sample is above {_LARGEST:g} mV, which no electrocardiogram is.",
            remedy="Check the unit and the gain of the samples.",
        )
    derived: tuple[str, ...] = ()
    if "I" in whole and "II" in whole:
        computed = limb_leads(whole["I"], whole["II"])
        derived = tuple(lead for lead in FROM_I_AND_II if lead not in whole)
        whole |= {lead: computed[lead] for lead in derived}
    leads = tuple(lead for lead in STANDARD + EXTRA if lead in whole)
    samples = resampled(np.array([whole[lead] for lead in leads]), waveform.rate, rate)
    source = {**waveform.source, "recorded_rate": f"{waveform.rate:g}"}
    source |= {"bridged": " ".join(bridged)} if bridged else {}
    source |= {"left_out": " ".join(left_out)} if left_out else {}
    kept = tuple(dict.fromkeys((*waveform.derived, *derived)))
    return replace(waveform, leads=leads, samples=samples, rate=rate, source=source, derived=kept)


def _without_gaps(waveform: Waveform) -> tuple[dict[str, Samples], list[str]]:
    """The leads whose gaps, if any, can be bridged; and the names of those that had some."""
    whole, bridged = {}, []
    longest = int(BRIDGED * waveform.rate)
    for lead, values in zip(waveform.leads, waveform.samples, strict=True):
        missing = ~np.isfinite(values)
        if missing.any():
            if missing[0] or missing[-1] or _longest_run(missing) > longest:
                continue
            bridged.append(lead)
            there = np.flatnonzero(~missing)
            values = np.interp(np.arange(len(values)), there, values[there]).astype(np.float32)
        whole[lead] = values
    return whole, bridged


def _longest_run(flags: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))
