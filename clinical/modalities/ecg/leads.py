"""The leads of an electrocardiogram: their names, their codes, and what follows from what.

Order of the limb leads and the two limb leads from which the others follow: Einthoven 1912,
Goldberger 1942. Codes: PS3.16 CID 3001 "ECG Lead" (MDC of ISO/IEEE 11073-10101, and the older
SCP-ECG codes of EN 1064, which number the leads alike).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

LIMB = ("I", "II", "III", "aVR", "aVL", "aVF")
"""The limb leads, in the order of a report."""

CHEST = ("V1", "V2", "V3", "V4", "V5", "V6")
"""The chest leads, from the right of the breastbone to the left side."""

STANDARD = LIMB + CHEST
"""The twelve leads, in the order in which every `Waveform` of the product holds them."""

EXTRA = ("V7", "V8", "V9", "V3R", "V4R", "V5R", "V6R")
"""Leads that are recognised and kept, after the twelve, but on no standard page."""

# From I and II: III = II - I, and Goldberger's augmented leads.
FROM_I_AND_II: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"III": (-1.0, 1.0), "aVR": (-0.5, -0.5), "aVL": (1.0, -0.5), "aVF": (-0.5, 1.0)}
)
"""How much of I and of II is in each limb lead that follows from these two."""

_NUMBERS = MappingProxyType(
    {
        **{1: "I", 2: "II", 61: "III", 62: "aVR", 63: "aVL", 64: "aVF"},
        **{number: f"V{number - 2}" for number in range(3, 10)},
        **{66: "V8", 67: "V9", 11: "V3R", 12: "V4R", 13: "V5R", 14: "V6R"},
    }
)
_CODED = MappingProxyType({name: number for number, name in _NUMBERS.items()})
_ALIASES = MappingProxyType(
    {
        **{name.upper(): name for name in STANDARD + EXTRA},
        **{f"MDC_ECG_LEAD_{name.upper()}": name for name in STANDARD + EXTRA},
        **{"VR": "aVR", "VL": "aVL", "VF": "aVF"},
        **{f"C{number}": f"V{number}" for number in range(1, 7)},
        **{"L1": "I", "L2": "II", "L3": "III", "DI": "I", "DII": "II", "DIII": "III"},
    }
)
_NOISE = re.compile(r"\(.*\)|\b(?:LEAD|ECG|EKG|CHANNEL|DERIVATION)\b|[\s.]+")


def lead_named(name: str) -> str | None:
    """The lead that a column, a channel or a signal is named after, or None.

    Case, blanks and the words "lead" and "ECG" do not matter: "aVR", "AVR", "Lead aVR" and
    "MDC_ECG_LEAD_AVR" are the same.
    """
    text = name.strip().upper()
    return _ALIASES.get(text) or _ALIASES.get(_NOISE.sub("", text))


def lead_coded(code: str, scheme: str) -> str | None:
    """The lead of a code of PS3.16 CID 3001, or None: ("2:62", "MDC"), ("5.6.3-9-62", "SCPECG")."""
    match = re.fullmatch(r"(?:2:|5\.6\.3-9-)(\d{1,3})", code.strip())
    if match and scheme.strip().upper() in ("MDC", "SCPECG"):
        return _NUMBERS.get(int(match[1]))
    return _ALIASES.get(code.strip().upper()) if scheme.strip().upper() == "MDC" else None


def code_of(lead: str) -> str:
    """The MDC code of a lead that has one (PS3.16 CID 3001).

    Raises:
        KeyError: if the lead has none.
    """
    return f"2:{_CODED[lead]}"


def limb_leads(
    one: NDArray[np.float32], two: NDArray[np.float32]
) -> dict[str, NDArray[np.float32]]:
    """III, aVR, aVL and aVF from I and II, each [samples] in the unit of the two."""
    return {
        lead: np.asarray(of_one * one + of_two * two, np.float32)
        for lead, (of_one, of_two) in FROM_I_AND_II.items()
    }
