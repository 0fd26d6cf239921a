"""What a model says of a case when pieces of it are taken away.

To this model a piece that is taken away is absent, which it has learnt to read; nothing is put in
its place. Repeated values of one thing are one piece, since each alone stands for the others. The
rest of the case stays as it is, and so does its calibration. All pieces of a case make one batch
that no other case is part of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from clinical.modalities.encoding import Prepared, TokenSource
from clinical.model.fusion import Tokens
from clinical.model.model import Network

Values = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Pieces:
    """The pieces of one input.

    Attributes:
        first: place of its first token on the token axis.
        drawn: True where it is shown as a map, whose cells are no pieces that a person would name.
        members: of every piece, the places of its tokens on the token axis.
    """

    first: int
    drawn: bool
    members: tuple[Places, ...]

    def tokens(self, chosen: Places) -> Places:
        """Places of the tokens of some pieces."""
        return np.concatenate([self.members[piece] for piece in chosen])

    @property
    def places(self) -> Places:
        """Of all its tokens."""
        return np.concatenate(self.members)


def pieces(tokens: Tokens, prepared: Mapping[str, Prepared]) -> dict[str, Pieces]:
    """Name of an input that has a token to its pieces."""
    found = {}
    for name, (first, _) in tokens.spans.items():
        sources = prepared[name].sources
        if not sources:
            continue
        grouped: dict[object, list[int]] = {}
        for place, source in enumerate(sources):
            grouped.setdefault(_piece(source, place), []).append(first + place)
        drawn = any(source.cell is not None for source in sources)
        found[name] = Pieces(first, drawn, tuple(np.array(group) for group in grouped.values()))
    return found


def _piece(source: TokenSource, place: int) -> object:
    """What tokens of one piece have in common; a sentence and a patch are pieces of their own."""
    return place if source.cell is not None or source.start is not None else source.label


def log_odds(network: Network, tokens: Tokens, taken: Sequence[Places]) -> Values:
    """Logits of a single case without each set of tokens [sets, diagnoses], before calibration."""
    if not taken:
        return np.zeros((0, len(network.fusion.bias)))
    masks = tokens.mask.repeat(len(taken), 1)
    for row, places in enumerate(taken):
        masks[row, torch.from_numpy(places)] = False
    with torch.inference_mode():
        logits: Values = network(tokens.under(masks))[0].double().numpy()
    return logits
