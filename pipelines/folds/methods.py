"""Names of the methods of a cross-validation, in records, tables and reports."""

from __future__ import annotations

OURS = "triptych"
COMPARATORS = "comparators"
AUTOML = "AutoML"
AS_THEY_ARE = "as they are"
"""Cases with the modalities that they have, where others are judged under one pattern."""


def alone(modality: str) -> str:
    """Name of the model that sees one modality only."""
    return f"{OURS}: {modality} alone"


def hidden(modality: str) -> str:
    """Name of the full model from which one modality is hidden."""
    return f"{OURS}: {modality} hidden"


def untaught(modality: str) -> str:
    """Name of the model that was trained without one modality."""
    return f"{OURS}: trained without {modality}"


def taught_on(share: float) -> str:
    """Name of the model trained on a share of the patients only."""
    return f"{OURS}: taught on {share:g} of the patients"


def dedicated(modality: str) -> str:
    """Name of the comparator that was made for one modality."""
    return f"{modality}: own model"
