"""The contrastive loss: modalities of one case lie together, those of other patients apart."""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor

from clinical.fusion import Tokens
from clinical.space import Space

_LEAST = 2  # one case alone has nothing to be told from


def alignment_loss(space: Space, tokens: Tokens, patients: Tensor) -> Tensor:
    """Symmetric InfoNCE (van den Oord et al. 2018, arXiv 1807.03748), mean over modality pairs.

    Each pair of modalities is compared on the cases that have both. Another case of the same
    patient is neither the match nor a negative.

    Args:
        space: the projection heads.
        tokens: of a batch.
        patients: [cases] integer, equal for cases of one patient.

    Returns:
        a scalar; 0 where no two cases share a pair of modalities.
    """
    located = space(tokens)
    losses = []
    for one, other in combinations(located.values(), 2):
        rows = (one.present & other.present).nonzero()[:, 0]
        if len(rows) < _LEAST:
            continue
        logits = one.vectors[rows] @ other.vectors[rows].T / space.temperature
        people = patients[rows]
        own = torch.eye(len(rows), dtype=torch.bool)
        logits = logits.masked_fill((people[:, None] == people[None, :]) & ~own, -torch.inf)
        match = torch.arange(len(rows))
        for view in (logits, logits.T):
            losses.append(torch.nn.functional.cross_entropy(view, match))
    return torch.stack(losses).mean() if losses else tokens.values.new_zeros(())
