"""Test cases that lose inputs: a whole modality, or single measured values at random.

What is lost is chosen by the case and the seed alone, and who loses a value at one share has lost
it at every larger one, so that a curve is of one and the same patients.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from clinical.modalities.kit import read_by
from pipelines.training.dataset import CachedCase

SHARES = (0.25, 0.5, 0.75, 1.0)
"""Shares of the single values that are lost."""


def hides(modality: str) -> str:
    """Name of the variant in which every case loses a modality."""
    return f"without {modality}"


def thins(share: float) -> str:
    """Name of the variant in which every single measured value is lost with a probability."""
    return f"without {share:g} of the values"


def thinned(cached: CachedCase, share: float, seed: int) -> CachedCase:
    """A case whose single measured values are each lost with probability `share`.

    A modality of which no usable value is left is absent.
    """
    case = cached.case
    for kit, name, value in read_by(cached.case):
        luck = luck_of(case.case_id, name, len(value.items), seed)
        left = kit.thinned(value, [bool(u < share) for u in luck])
        case = (
            case.without(name)
            if left is None
            else replace(case, inputs={**case.inputs, name: left})
        )
    return replace(cached, case=case)


def luck_of(case_id: str, what: str, number: int, seed: int) -> np.ndarray:
    """Uniform numbers of a case [number], the same wherever the case stands in a cohort."""
    digest = hashlib.sha256(f"{case_id}\0{what}".encode()).digest()
    key = int.from_bytes(digest[:8], "big")
    return np.random.default_rng([seed, key]).random(number)
