"""The shared space: one unit vector for each modality of a case, near those of the same case.

Each modality's tokens are pooled by one learned query (which starts as the plain mean), normalised
and mapped to [space]. Training pulls the vectors of one case together and pushes those of other
patients apart (CLIP, Radford et al. 2021, arXiv 2103.00020; ConVIRT, Zhang et al. 2020, arXiv
2010.00747, for radiographs and reports).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from clinical.model.fusion import Tokens

_COLDEST, _WARMEST = 0.05, 1.0  # colder, and the loss is about its hardest few negatives only
_START = 0.2


@dataclass(frozen=True, eq=False)
class Located:
    """Where one modality of each case lies.

    Attributes:
        vectors: [cases, space] of unit length; meaningless where the modality is absent.
        present: [cases] bool, True where the case has a token of it.
    """

    vectors: Tensor
    present: Tensor


def of_case(located: Mapping[str, Located], row: int = 0) -> dict[str, NDArray[np.float32]]:
    """Modality to the unit vector [space] of one case of a batch, where it has that modality."""
    return {
        name: found.vectors[row].numpy() for name, found in located.items() if found.present[row]
    }


class Space(nn.Module):
    """A projection head for each modality, and the temperature of their comparison."""

    def __init__(self, modalities: Sequence[str], width: int, size: int) -> None:
        super().__init__()
        self.modalities = tuple(modalities)
        self.queries = nn.Parameter(torch.zeros(len(self.modalities), width))
        self.norms = nn.ModuleDict({name: nn.LayerNorm(width) for name in self.modalities})
        self.maps = nn.ModuleDict({name: nn.Linear(width, size) for name in self.modalities})
        self.log_temperature = nn.Parameter(torch.tensor(math.log(_START)))

    @property
    def temperature(self) -> Tensor:
        """What similarities are divided by; a positive scalar."""
        return self.log_temperature.clamp(math.log(_COLDEST), math.log(_WARMEST)).exp()

    def forward(self, tokens: Tokens) -> dict[str, Located]:
        """Vectors of every modality that any case of the batch has."""
        return {
            name: self._locate(number, name, tokens)
            for number, name in enumerate(self.modalities)
            if name in tokens.spans
        }

    def _locate(self, number: int, name: str, tokens: Tokens) -> Located:
        span = slice(*tokens.spans[name])
        values, mask = tokens.values[:, span], tokens.mask[:, span]
        scores = values @ self.queries[number] / math.sqrt(values.shape[-1])
        # The lowest finite number, not -inf: a case without a token must not give NaN.
        weights = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim=-1)
        pooled = (weights[..., None] * values).sum(dim=1)
        mapped = self.maps[name](self.norms[name](pooled))
        return Located(nn.functional.normalize(mapped, dim=-1), mask.any(dim=-1))
