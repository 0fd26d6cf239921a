"""What each suggestion rests on, in source coordinates, as far as it stands a test.

Measurements, history, sentences and the like are taken away one piece at a time
(`clinical.assess.without`); what the model says without a piece is what the page shows. Cells of an
image are too many and too much alike for that: they are ranked by the sum over layers and heads of
attention times the gradient of the diagnosis's logit with respect to it (Chefer et al. 2021, arXiv
2103.15679, for one-step cross-attention), the gradient averaged while attention grows from nothing
to its full strength (Hao et al. 2021, arXiv 2004.11207): at full strength alone a token that
decides everything has a gradient near 0, of either sign. Queries do not mix, so one backward pass a
step serves all diagnoses. How much an input counts is its own evidence in log odds, to which its
tokens are scaled; what plain readers say beside that (`clinical.model.plain_readers`) is a sum over
tokens as it stands. The sign is kept for items (for or against); heat maps show the positive part.

What does not move the suggestion more than anything else would is held back
(`clinical.assess.gate`). What the methods were compared with:
docs/decisions/0009-explanations-that-point.md and 0025; measured by `triptych check-explanations`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clinical.assess import gate
from clinical.assess.without import log_odds, pieces
from clinical.case.assessment import EvidenceItem, Explanation, HeatMap
from clinical.modalities.catalogue import encoder
from clinical.modalities.encoding import Prepared
from clinical.model.fusion import Findings, Tokens
from clinical.model.model import EncoderSpec, Network

METHOD = "images: attention x integrated gradient; all else: taken away piece by piece"
BESIDE = f"{METHOD}; of images, plain readers as they add up"
_ITEMS = 40
_STEPS = 6


Calibrated = Callable[[float], float]
"""A logit as a probability."""


@dataclass(frozen=True, eq=False)
class Read:
    """A single case as the model has read it, with what attention can be derived by.

    Attributes:
        tokens: of the case.
        found: by the readers.
        logits: [diagnoses].
    """

    tokens: Tokens
    found: Findings
    logits: Tensor


def read(network: Network, tokens: Tokens) -> Read:
    """Let a network read all inputs of a single case."""
    with torch.enable_grad():
        # Tensors made in inference mode cannot take part in a gradient; clones can.
        values = tokens.values.detach().clone().requires_grad_(True)
        graph = Tokens(values, tokens.mask.clone(), tokens.spans, tokens.plain)
        found = network.fusion.find(graph)
        return Read(graph, found, network.fusion.combine(found, 1)[0])


def relevance(network: Network, seen: Read) -> Tensor:
    """Signed relevance [diagnoses, tokens] of what was read."""
    tokens, found = seen.tokens, seen.found
    with torch.enable_grad():
        total = torch.zeros(len(seen.logits), tokens.values.shape[1])
        for step in range(_STEPS if found.attentions else 0):
            weaker = network.fusion.find(tokens, (step + 0.5) / _STEPS)
            some = network.fusion.combine(weaker, 1).sum()
            gradients = torch.autograd.grad(some, weaker.attentions)
            for attention, gradient in zip(found.attentions, gradients, strict=True):
                total += (attention.detach() * gradient).sum(dim=1)[0] / _STEPS
    for name, (first, last) in tokens.spans.items():
        part = total[:, first:last]
        size = part.abs().sum(dim=1, keepdim=True).clamp(min=1e-12)
        total[:, first:last] = part / size * found.evidence[name][0].detach().abs()[:, None]
    if found.plain is not None:
        # What a plain reader says is a sum over tokens: nothing has to be derived.
        total += found.plain.tokens[0].to(total.dtype)
    return total


@dataclass(frozen=True, eq=False)
class Weighed:
    """What every token counts, and what the model says without each piece.

    Attributes:
        relevance: signed, in log odds [diagnoses, tokens]; within an input scaled to its evidence.
        whole: log odds of the whole case [diagnoses], before calibration.
        without: the same without the piece of each token [diagnoses, tokens]; NaN for what is drawn
            as a map.
        held_back: of each diagnosis, name of an input to why what is said of it is not shown.
    """

    relevance: NDArray[np.float64]
    whole: NDArray[np.float64]
    without: NDArray[np.float64]
    held_back: Sequence[Mapping[str, str]]


def weigh(network: Network, seen: Read, prepared: Mapping[str, Prepared]) -> Weighed:
    """Rank the pieces of a case, see what the model says without them, and test the ranking.

    Cells of an image are ranked by `relevance`. Other pieces are taken away one at a time: the fall
    of the log odds is what they count, so that its sign is the model's own.
    """
    inputs = pieces(seen.tokens, prepared)
    scores = relevance(network, seen).double().numpy()
    whole = seen.logits.detach().double().numpy()
    said = np.full_like(scores, np.nan)
    listed = [
        (name, members) for name, one in inputs.items() if not one.drawn for members in one.members
    ]
    logits = log_odds(network, seen.tokens, [members for _, members in listed])
    for (_, members), row in zip(listed, logits, strict=True):
        said[:, members] = row[:, None]
        scores[:, members] = (whole - row)[:, None] / len(members)
    for name in {name for name, _ in listed}:
        places = inputs[name].places
        size = np.maximum(np.abs(scores[:, places]).sum(axis=1), 1e-12)
        scores[:, places] *= (_evidence(seen.found, name) / size)[:, None]
    held = gate.held_back(network, seen.tokens, inputs, scores, whole)
    return Weighed(scores, whole, said, held)


def _evidence(found: Findings, name: str) -> NDArray[np.float64]:
    """Size of what an input says, in log odds [diagnoses], all its readers together."""
    said = found.evidence[name][0].detach().double()
    if found.plain is not None and name in found.plain.evidence:
        said = said + found.plain.evidence[name][0].detach().double()
    return np.asarray(said.abs().numpy())


def explanations(
    weighed: Weighed,
    tokens: Tokens,
    prepared: Mapping[str, Prepared],
    specs: Mapping[str, EncoderSpec],
    calibrated: Mapping[str, Calibrated],
) -> tuple[Explanation, ...]:
    """One explanation for each diagnosis.

    Args:
        weighed: the pieces of the case.
        tokens, prepared: of the case.
        specs: of the model's inputs.
        calibrated: diagnosis, in the model's order, to what makes a logit a probability.
    """
    return tuple(
        _explanation(weighed, number, tokens, prepared, specs, name, calibrate)
        for number, (name, calibrate) in enumerate(calibrated.items())
    )


def _explanation(
    weighed: Weighed,
    number: int,
    tokens: Tokens,
    prepared: Mapping[str, Prepared],
    specs: Mapping[str, EncoderSpec],
    diagnosis: str,
    calibrate: Calibrated,
) -> Explanation:
    held = weighed.held_back[number]
    spans = {
        name: slice(first, first + len(prepared[name].sources))
        for name, (first, _) in tokens.spans.items()
        if prepared[name].sources
    }
    method = METHOD if tokens.plain is None else BESIDE
    row = weighed.relevance[number]
    total = sum(float(np.abs(row[span]).sum()) for span in spans.values())
    scale = 1 / total if total > 0 else 0.0
    share = {name: float(np.abs(row[span]).sum()) * scale for name, span in spans.items()}
    heat_maps: list[HeatMap] = []
    items: list[EvidenceItem] = []
    for name, span in spans.items():
        if name in held:
            continue
        drawn, listed = encoder(specs[name].encoder).evidence(
            name, row[span], prepared[name], scale
        )
        heat_maps += drawn
        changes = _changes(weighed, number, span, calibrate)
        items += _told(listed, prepared[name], changes)
    items.sort(key=lambda item: -abs(item.relevance))
    kept = tuple(items[:_ITEMS])
    return Explanation(diagnosis, method, share, tuple(heat_maps), kept, dict(held))


def _changes(
    weighed: Weighed, number: int, span: slice, calibrate: Calibrated
) -> list[float | None]:
    """By how much the probability falls without the piece of each token."""
    whole = calibrate(float(weighed.whole[number]))
    logits = weighed.without[number, span].tolist()
    return [None if np.isnan(logit) else whole - calibrate(logit) for logit in logits]


def _told(
    items: Sequence[EvidenceItem], prepared: Prepared, changes: Sequence[float | None]
) -> list[EvidenceItem]:
    """The items, each with what its piece does to the probability."""
    keys = ((source.index, source.label, source.start) for source in prepared.sources)
    known = dict(zip(keys, changes, strict=True))
    return [replace(item, change=known.get((item.index, item.label, item.start))) for item in items]
