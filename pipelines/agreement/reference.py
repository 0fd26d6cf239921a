"""What a checkpoint keeps of its training and validation cases, to compare later cases with.

Nothing else is known of them: neither the training cases nor what the model said of them is in a
checkpoint. Read from `model.json` alone, without torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clinical import canonical
from clinical.errors import ModelError
from clinical.model import card, installed
from clinical.model.card import Card
from clinical.terms.loinc import lookup

AGE = "age_years"
"""Where measurements stand by code, the age in years stands by this name."""


@dataclass(frozen=True)
class Reference:
    """One checkpoint.

    Attributes:
        digest: of the model.
        validation_cases: how many.
        missing: modality to the share of validation cases without anything readable of it.
        placed: modalities whose embedding is compared with the training cases.
        edges: code of a measurement, or `AGE`, to quantiles of the training values at equal steps
            from the lowest to the highest.
        measured_in, aged_in: modality of the measurements and of the age, or "".
    """

    digest: str
    validation_cases: int
    missing: Mapping[str, float]
    placed: tuple[str, ...]
    edges: Mapping[str, tuple[float, ...]]
    measured_in: str = ""
    aged_in: str = ""


def references(folders: Iterable[Path] = (), workspace: Path | None = None) -> dict[str, Reference]:
    """Digest to reference, of the checkpoints that are here and of those in `folders`.

    Args:
        folders: of further checkpoints.
        workspace: folder of the workspace, whose models count, too.

    Raises:
        ModelError: if a folder holds no checkpoint, or its description was changed.
    """
    cards = [*installed.known(workspace), *(card.read(folder) for folder in folders)]
    return {one.digest: reference(one) for one in cards}


def reference(one: Card) -> Reference:
    """What one checkpoint keeps.

    Raises:
        ModelError: if its description is not the one that its digest names, or not one of a model.
    """
    described = dict(one.description)
    if canonical.digest({k: v for k, v in described.items() if k != "digest"}) != one.digest:
        raise ModelError(
            f"{one.folder} describes a different model from the one its digest names.",
            remedy="copy the checkpoint again.",
        )
    try:
        return _reference(described)
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        raise ModelError(
            f"{one.folder} does not describe a model.", remedy="copy the checkpoint again."
        ) from None


def measurement_words(code: str) -> str:
    """A measurement in words; a code that the table of terms does not know stays a code."""
    term = lookup(code)
    return "age" if code == AGE else term.name if term else code


def _reference(described: Mapping[str, Any]) -> Reference:
    cases = int(described["facts"]["validation_cases"])
    encoders = described["encoders"]
    by_kind = {encoders[name]["encoder"]: name for name in described["modalities"]}
    measured, aged = by_kind.get("measurements", ""), by_kind.get("history", "")
    edges = dict(encoders[measured]["settings"]["edges"]) if measured else {}
    ages = encoders[aged]["settings"].get("ages", ()) if aged else ()
    if ages:
        edges[AGE] = ages
    return Reference(
        digest=str(described["digest"]),
        validation_cases=cases,
        missing={
            name: 1 - _with(described["support"][name]) / cases for name in described["modalities"]
        },
        placed=tuple(described["envelopes"]),
        edges={code: tuple(float(edge) for edge in row) for code, row in edges.items()},
        measured_in=measured,
        aged_in=aged,
    )


def _with(support: Mapping[str, Mapping[str, Any]]) -> int:
    """Validation cases that have a modality, as far as an outcome of theirs is known."""
    return max(int(row["positives"]) + int(row["negatives"]) for row in support.values())
