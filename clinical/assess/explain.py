"""What each suggestion rests on: attention weighted by its gradient, in source coordinates.

Method: sum over layers and heads of attention times the gradient of the diagnosis's logit with
respect to it (Chefer et al. 2021, arXiv 2103.15679, for one-step cross-attention), the gradient
averaged while attention grows from nothing to its full strength (Hao et al. 2021, arXiv
2004.11207): at full strength alone a token that decides everything has a gradient near 0, of
either sign. Queries do not mix, so one backward pass a step serves all diagnoses. Within a
modality this ranks its tokens; how much the modality counts is its own evidence in log odds, to
which its tokens are scaled, because tokens of a modality that says nothing may cancel each other
at any size. The sign is kept for items (for or against); heat maps show the positive part. What it
was compared with, and how well each points at findings whose place is known:
docs/decisions/0009-explanations-that-point.md; measured by `triptych check-explanations`. What
plain readers say beside that (`clinical.model.plain_readers`) is a sum over tokens as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clinical.case.assessment import EvidenceItem, Explanation, HeatMap
from clinical.modalities.catalogue import encoder
from clinical.modalities.encoding import Prepared
from clinical.model.fusion import Findings, Tokens
from clinical.model.model import EncoderSpec, Network

METHOD = "attention x integrated gradient, scaled to each modality's evidence"
BESIDE = f"{METHOD}; plain readers as they add up"
_ITEMS = 40
_STEPS = 6


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


def explanations(
    scores: Tensor,
    tokens: Tokens,
    prepared: Mapping[str, Prepared],
    specs: Mapping[str, EncoderSpec],
    diagnoses: Sequence[str],
) -> tuple[Explanation, ...]:
    """One explanation for each diagnosis from `relevance` scores [diagnoses, tokens]."""
    rows = scores.double().numpy()
    return tuple(
        _explanation(rows[number], tokens, prepared, specs, name)
        for number, name in enumerate(diagnoses)
    )


def _explanation(
    row: NDArray[np.float64],
    tokens: Tokens,
    prepared: Mapping[str, Prepared],
    specs: Mapping[str, EncoderSpec],
    diagnosis: str,
) -> Explanation:
    parts = {
        name: row[first : first + len(prepared[name].sources)]
        for name, (first, _) in tokens.spans.items()
        if prepared[name].sources
    }
    method = METHOD if tokens.plain is None else BESIDE
    total = sum(float(np.abs(part).sum()) for part in parts.values())
    scale = 1 / total if total > 0 else 0.0
    share = {name: float(np.abs(part).sum()) * scale for name, part in parts.items()}
    heat_maps: list[HeatMap] = []
    items: list[EvidenceItem] = []
    for name, part in parts.items():
        drawn, listed = encoder(specs[name].encoder).evidence(name, part, prepared[name], scale)
        heat_maps += drawn
        items += listed
    items.sort(key=lambda item: -abs(item.relevance))
    return Explanation(diagnosis, method, share, tuple(heat_maps), tuple(items[:_ITEMS]))
