"""What the gate holds back, and what passes it that should not (`clinical.assess.gate`).

Each explanation of a suggestion is tested as it is, and once more with its relevance dealt out
blindly among the pieces of its input, which explains nothing. Maps that pass are compared with maps
that are held back: do they lie better on findings whose place is known?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical.assess import explain, gate, without
from clinical.assess.without import Pieces, Values
from clinical.modalities.encoding import Prepared
from clinical.model import calibration
from clinical.model.calibration import Support
from clinical.model.model import Model
from pipelines.explanations import pointing
from pipelines.explanations.pointing import Target
from pipelines.training import masks
from pipelines.training.masks import IMAGE, Masks

_SEED = 3


@dataclass(frozen=True)
class Passed:
    """One input of one case and diagnosis.

    Attributes:
        modality, diagnosis: of what.
        suggested: the probability is at or above the threshold.
        reason: why it is held back, or "".
        blind: whether relevance that was dealt out blindly passes.
        hit, energy: of the map, where the diagnosis is true and its place is known.
    """

    modality: str
    diagnosis: str
    suggested: bool
    reason: str
    blind: bool
    hit: float | None = None
    energy: float | None = None


@dataclass(frozen=True)
class Line:
    """Suggestions of one input: how many, the share held back and why, the share passed blindly."""

    modality: str
    suggestions: int
    held: float
    reasons: Mapping[str, int]
    blind: float


@dataclass(frozen=True)
class Maps:
    """Maps of findings whose place is known: those that pass, or those that are held back."""

    held: bool
    maps: int
    hit: float | None
    energy: float | None


def measure(
    model: Model,
    cases: Sequence[Mapping[str, Prepared]],
    names: Sequence[str],
    labels: NDArray[np.float64],
    found: Masks,
) -> list[Passed]:
    """Test every explanation of every case.

    Args:
        model: the model.
        cases: prepared.
        names: of the cases.
        labels: [cases, diagnoses].
        found: masks of findings.
    """
    lines: list[Passed] = []
    generator = np.random.default_rng(_SEED)
    for case, name, row in zip(cases, names, labels, strict=True):
        seen = explain.read(model.network, model.network.encode([case]))
        inputs = without.pieces(seen.tokens, case)
        weighed = explain.weigh(model.network, seen, case)
        dealt = _dealt(weighed.relevance, inputs, generator)
        blind = gate.held_back(model.network, seen.tokens, inputs, dealt, weighed.whole)
        support = model.support.get(calibration.pattern_key(tuple(inputs)), {})
        for column, diagnosis in enumerate(model.diagnoses):
            made = support.get(diagnosis, Support())
            probability = calibration.apply(float(weighed.whole[column]), made)
            suggested = probability >= model.thresholds[diagnosis]
            aim = _aim(found, name, diagnosis, inputs) if row[column] == 1 else None
            for modality, pieces in inputs.items():
                judged = (
                    pointing.judge(weighed.relevance[column, pieces.places].clip(min=0), aim)
                    if aim and modality == IMAGE
                    else (None, None)
                )
                reason = weighed.held_back[column].get(modality, "")
                passes = modality not in blind[column]
                lines.append(Passed(modality, diagnosis, suggested, reason, passes, *judged))
    return lines


def by_input(lines: Sequence[Passed]) -> list[Line]:
    """Of suggestions at or above their threshold, input by input."""
    found = []
    for modality in dict.fromkeys(line.modality for line in lines):
        own = [line for line in lines if line.modality == modality and line.suggested]
        if not own:
            continue
        reasons = [line.reason for line in own if line.reason]
        counts = {reason: reasons.count(reason) for reason in sorted(set(reasons))}
        blind = float(np.mean([line.blind for line in own]))
        found.append(Line(modality, len(own), len(reasons) / len(own), counts, blind))
    return found


def of_maps(lines: Sequence[Passed]) -> list[Maps]:
    """Do maps that pass lie better on the finding than maps that are held back?"""
    found = []
    for held in (False, True):
        own = [one for one in lines if one.hit is not None and bool(one.reason) == held]
        hits = [one.hit for one in own if one.hit is not None]
        energies = [one.energy for one in own if one.energy is not None]
        found.append(
            Maps(
                held,
                len(own),
                float(np.mean(hits)) if hits else None,
                float(np.mean(energies)) if energies else None,
            )
        )
    return found


def _dealt(
    relevance: Values, inputs: Mapping[str, Pieces], generator: np.random.Generator
) -> Values:
    """The same relevance, at other pieces of its input [diagnoses, tokens]."""
    dealt = relevance.copy()
    for pieces in inputs.values():
        for row, own in zip(dealt, relevance, strict=True):
            sums = generator.permutation([own[places].sum() for places in pieces.members])
            for places, total in zip(pieces.members, sums, strict=True):
                row[places] = total / len(places)
    return dealt


def _aim(found: Masks, name: str, diagnosis: str, inputs: Mapping[str, Pieces]) -> Target | None:
    if IMAGE not in inputs or name not in found:
        return None
    mask = masks.visible(found[name], diagnosis)
    cells = round(len(inputs[IMAGE].members) ** 0.5)
    # Several films have no one place; `pointing.play` leaves them out as well.
    if mask is None or not mask.any() or cells**2 != len(inputs[IMAGE].members):
        return None
    return pointing.target(mask, cells)
