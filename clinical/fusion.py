"""Fusion: one learned query per diagnosis attends over the tokens of all modalities.

Every token carries its modality's embedding. A mask says which tokens are real; one learned token
that is always real stands for "nothing known", so a case with a modality missing, or with none at
all, gives the learned prior and never NaN. Attention weights are kept for explanation
(`clinical.explain`), which is why the attention is written out here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from clinical.encoders.encoding import Encoding


@dataclass(frozen=True, eq=False)
class Tokens:
    """All tokens of a batch, modality after modality.

    Attributes:
        values: [cases, tokens, width].
        mask: [cases, tokens] bool, True where a token is real.
        spans: modality to (first, last + 1) along the token axis.
    """

    values: Tensor
    mask: Tensor
    spans: Mapping[str, tuple[int, int]]

    def keep(self, hidden: Sequence[str]) -> Tokens:
        """The same tokens with some modalities hidden from every case."""
        mask = self.mask.clone()
        for name in hidden:
            first, last = self.spans[name]
            mask[:, first:last] = False
        return Tokens(self.values, mask, self.spans)

    def alone(self, name: str) -> Tokens:
        """Only the tokens of one modality, after the token for "nothing known"."""
        first, last = self.spans[name]
        values = torch.cat([self.values[:, :1], self.values[:, first:last]], dim=1)
        mask = torch.cat([self.mask[:, :1], self.mask[:, first:last]], dim=1)
        return Tokens(values, mask, {name: (1, 1 + last - first)})


class CrossAttention(nn.Module):
    """Queries [B, Q, D] read tokens [B, T, D]; a pre-norm block with a feed-forward part."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.query_norm, self.token_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.output = nn.Linear(width, width)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 2 * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * width, width),
        )
        self.dropout = nn.Dropout(dropout)

    def _split(self, x: Tensor) -> Tensor:
        cases, items, width = x.shape
        return x.reshape(cases, items, self.heads, width // self.heads).transpose(1, 2)

    def forward(self, queries: Tensor, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """New queries [B, Q, D] and attention [B, heads, Q, T] (0 at masked tokens)."""
        normed = self.token_norm(tokens)
        # A few queries read many tokens. Keys and values are linear in the tokens, so their maps
        # are applied on the queries' side: the same numbers at a third of the cost.
        q = self._split(self.query(self.query_norm(queries)))
        key = self.key.weight.reshape(self.heads, -1, self.key.in_features)
        asked = (q @ key).flatten(1, 2)
        scores = (asked @ normed.transpose(-1, -2)).reshape(*q.shape[:3], -1)
        scores = scores + (q * self.key.bias.reshape(self.heads, 1, -1)).sum(-1, keepdim=True)
        scores = scores / math.sqrt(q.shape[-1])
        scores = scores.masked_fill(~mask[:, None, None, :], -torch.inf)
        attention = scores.softmax(dim=-1)
        seen = (attention.flatten(1, 2) @ normed).reshape(*q.shape[:3], -1)
        value = self.value.weight.reshape(self.heads, -1, self.value.in_features)
        # Attention sums to one, so the bias of the values passes through unweighted.
        read = (seen @ value.transpose(-1, -2)).transpose(1, 2).flatten(-2) + self.value.bias
        queries = queries + self.dropout(self.output(read))
        return queries + self.dropout(self.feed_forward(queries)), attention


class Fusion(nn.Module):
    """Logits of every diagnosis from the tokens of any subset of modalities."""

    def __init__(
        self,
        modalities: Sequence[str],
        diagnoses: int,
        *,
        width: int,
        heads: int,
        layers: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.modalities = tuple(modalities)
        self.modality = nn.Parameter(torch.randn(len(self.modalities), width) * 0.3)
        self.nothing = nn.Parameter(torch.randn(1, 1, width) * 0.3)
        self.queries = nn.Parameter(torch.randn(diagnoses, width) * 0.3)
        self.layers = nn.ModuleList(CrossAttention(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Parameter(torch.randn(diagnoses, width) / math.sqrt(width))
        self.bias = nn.Parameter(torch.zeros(diagnoses))

    def join(self, encodings: Mapping[str, Encoding], cases: int) -> Tokens:
        """Concatenate encodings in the model's order, after the token for "nothing known"."""
        values, masks = [self.nothing.expand(cases, -1, -1)], [torch.ones(cases, 1).bool()]
        spans: dict[str, tuple[int, int]] = {}
        position = 1
        for number, name in enumerate(self.modalities):
            if name not in encodings:
                continue
            encoding = encodings[name]
            values.append(encoding.tokens + self.modality[number])
            masks.append(encoding.mask)
            spans[name] = (position, position + encoding.tokens.shape[1])
            position = spans[name][1]
        return Tokens(torch.cat(values, dim=1), torch.cat(masks, dim=1), spans)

    def forward(self, tokens: Tokens) -> tuple[Tensor, list[Tensor]]:
        """Logits [cases, diagnoses]; each layer's attention [cases, heads, diagnoses, tokens]."""
        queries = self.queries.expand(tokens.values.shape[0], -1, -1)
        attentions = []
        for layer in self.layers:
            queries, attention = layer(queries, tokens.values, tokens.mask)
            attentions.append(attention)
        logits = (self.norm(queries) * self.head).sum(dim=-1) + self.bias
        return logits, attentions
