"""The classical criteria of an electrocardiogram, each with the leads and the wave that meet it.

They are facts for rules, words and comparators. The learnt part of a model does not need them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from clinical.modalities.ecg.analysis import (
    LOW_LIMB_MV,
    SOKOLOW_LYON_MV,
    Amplitudes,
    Analysis,
)
from clinical.modalities.ecg.leads import STANDARD

Part = Literal["P", "QRS", "ST", "T", "rhythm"]

ST_UP_MV, ST_UP_V2_V3_MV, ST_DOWN_MV = 0.1, 0.2, 0.05
"""Least deviation of ST; V2 and V3 are higher in healthy people (Fourth Universal Definition)."""

T_DOWN_MV = 0.1
P_TALL_MV = 0.25
S_IN_I_MV, Q_IN_III_MV = 0.15, 0.15
QT_LONG_MS = 480.0
QRS_WIDE_MS = 120.0
PR_LONG_MS = 200.0

NAMES = (
    *("atrial_fibrillation", "sinus_tachycardia", "sinus_bradycardia"),
    *("long_pr", "wide_qrs", "long_qt"),
    *("s1q3t3", "t_inverted_right", "tall_p"),
    *("left_hypertrophy_voltage", "low_voltage"),
    *("st_elevation", "st_depression", "t_inversion"),
)
"""Of every criterion, in the order of `met`."""

_NEIGHBOURS = (
    ("II", "III", "aVF"),
    ("I", "aVL"),
    ("V1", "V2", "V3", "V4"),
    ("V4", "V5", "V6"),
)
# aVR, III, aVL and V1 may have an inverted T in healthy people.
_UPRIGHT = ("I", "II", "aVF", "V2", "V3", "V4", "V5", "V6")


@dataclass(frozen=True)
class Criterion:
    """A criterion that is met.

    Attributes:
        name: stable, for rules: "atrial_fibrillation", "st_elevation", ...
        words: for page and report.
        leads: that meet it; all that were recorded for a rhythm.
        part: of the beat in which it is seen.
    """

    name: str
    words: str
    leads: tuple[str, ...]
    part: Part


def met(analysis: Analysis) -> tuple[Criterion, ...]:
    """The criteria that are met, rhythm first."""
    seen = analysis.amplitudes
    return (
        *_rhythm(analysis),
        *_intervals(analysis),
        *_right_heart(seen),
        *_voltage(analysis),
        *_ischaemia(seen),
    )


def _rhythm(analysis: Analysis) -> Iterator[Criterion]:
    leads = tuple(analysis.amplitudes)
    if analysis.rhythm in ("atrial fibrillation", "sinus tachycardia", "sinus bradycardia"):
        name = analysis.rhythm.replace(" ", "_")
        yield Criterion(name, analysis.rhythm.capitalize(), leads, "rhythm")


def _intervals(analysis: Analysis) -> Iterator[Criterion]:
    leads = tuple(analysis.amplitudes)
    if analysis.pr_ms is not None and analysis.pr_ms > PR_LONG_MS:
        yield Criterion("long_pr", f"PR above {PR_LONG_MS:g} ms", leads, "P")
    if analysis.qrs_ms is not None and analysis.qrs_ms >= QRS_WIDE_MS:
        yield Criterion("wide_qrs", f"QRS of {QRS_WIDE_MS:g} ms or more", leads, "QRS")
    if analysis.qtc_fridericia_ms is not None and analysis.qtc_fridericia_ms > QT_LONG_MS:
        yield Criterion("long_qt", f"QTc (Fridericia) above {QT_LONG_MS:g} ms", leads, "T")


def _right_heart(seen: Mapping[str, Amplitudes]) -> Iterator[Criterion]:
    if "I" in seen and "III" in seen:
        one, three = seen["I"], seen["III"]
        if one.s >= S_IN_I_MV and three.q >= Q_IN_III_MV and three.t < 0:
            yield Criterion("s1q3t3", "S in I, Q and inverted T in III", ("I", "III"), "QRS")
    right = tuple(v for v in ("V1", "V2", "V3", "V4") if v in seen and seen[v].t <= -T_DOWN_MV)
    if len(right) >= 2 and right[0] == "V1":
        yield Criterion("t_inverted_right", f"Inverted T in {_listed(right)}", right, "T")
    tall = tuple(v for v in ("II", "III", "aVF") if v in seen and seen[v].p >= P_TALL_MV)
    if tall:
        yield Criterion("tall_p", f"P of {P_TALL_MV:g} mV or more in {_listed(tall)}", tall, "P")


def _voltage(analysis: Analysis) -> Iterator[Criterion]:
    index = analysis.sokolow_lyon_mv
    if index is not None and index >= SOKOLOW_LYON_MV:
        words = f"Sokolow-Lyon index of {SOKOLOW_LYON_MV:g} mV or more"
        leads = tuple(v for v in ("V1", "V5", "V6") if v in analysis.amplitudes)
        yield Criterion("left_hypertrophy_voltage", words, leads, "QRS")
    if analysis.limb_mv is not None and analysis.limb_mv < LOW_LIMB_MV:
        words = f"QRS below {LOW_LIMB_MV:g} mV in every limb lead"
        yield Criterion("low_voltage", words, ("I", "II", "III", "aVR", "aVL", "aVF"), "QRS")


def _ischaemia(seen: Mapping[str, Amplitudes]) -> Iterator[Criterion]:
    up = _two_together(
        {
            lead
            for lead in seen
            if seen[lead].st >= (ST_UP_V2_V3_MV if lead in ("V2", "V3") else ST_UP_MV)
        }
    )
    down = _two_together({lead for lead in seen if seen[lead].st <= -ST_DOWN_MV})
    inverted = _two_together({v for v in _UPRIGHT if v in seen and seen[v].t <= -T_DOWN_MV})
    if up:
        yield Criterion("st_elevation", f"ST elevated in {_listed(up)}", up, "ST")
    if down:
        yield Criterion("st_depression", f"ST depressed in {_listed(down)}", down, "ST")
    if inverted:
        yield Criterion("t_inversion", f"Inverted T in {_listed(inverted)}", inverted, "T")


def _two_together(leads: set[str]) -> tuple[str, ...]:
    """Those leads of which a neighbour is among them too, in standard order."""
    kept = {lead for group in _NEIGHBOURS for lead in group if len(leads & set(group)) >= 2} & leads
    return tuple(lead for lead in STANDARD if lead in kept)


def _listed(leads: tuple[str, ...]) -> str:
    return ", ".join(leads)
