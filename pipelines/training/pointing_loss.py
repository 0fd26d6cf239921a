"""A loss that draws attention to where a finding is, for cohorts that know where it is.

For every diagnosis that is true of a case and visible on its radiograph, minus the logarithm of the
share of the image's attention that lies inside the finding: attention is renormalised over the
patches, so how much a diagnosis looks at the image at all stays free. Supervising where a model
looks, beside what it says, is from Li et al. 2018 (arXiv 1802.10171, "Tell me where to look").

Only plain copies of an image are used. Augmented ones are rotated, moved and scaled, and their
masks are not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clinical.model.fusion import Tokens
from pipelines.training.masks import IMAGE

_LEAST = 1e-4  # keeps the loss finite where nothing yet lies inside


def pointing_loss(
    attentions: Sequence[Tensor],
    tokens: Tokens,
    regions: NDArray[np.float32],
    copies: Sequence[int],
) -> Tensor:
    """Mean loss over layers and over the visible findings of a batch; 0 where there are none.

    Args:
        attentions: of each layer [cases, heads, diagnoses, tokens], from the pass that is learnt.
        tokens: that were read in that pass; a case whose image was hidden from it is left out.
        regions: [cases, diagnoses, patches], 0 to 1 (`pipelines.training.masks.regions`).
        copies: which copy of each case the batch holds; 0 is the plain one.
    """
    if IMAGE not in tokens.spans:
        return tokens.values.sum() * 0
    plain = np.array([copy == 0 for copy in copies])
    inside = torch.from_numpy(regions * plain[:, None, None]).to(tokens.mask.device)
    shown = inside.amax(dim=-1) > 0
    shown &= tokens.mask[:, slice(*tokens.spans[IMAGE])].any(dim=1)[:, None]
    if not bool(shown.any()):
        return tokens.values.sum() * 0
    return torch.stack(
        [_outside(layer, tokens, inside)[shown].mean() for layer in attentions]
    ).mean()


def _outside(attention: Tensor, tokens: Tokens, inside: Tensor) -> Tensor:
    """Minus log of the share of the patches' attention that lies inside [cases, diagnoses]."""
    patches = attention[..., slice(*tokens.spans[IMAGE])]
    share = patches / patches.sum(dim=-1, keepdim=True).clamp(min=1e-12)
    mass = (share.mean(dim=1) * inside).sum(dim=-1)
    return -torch.log(mass.clamp(min=0) + _LEAST)
