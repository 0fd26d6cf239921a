"""Fusion: one learned query per diagnosis reads each modality, then weighs what it read.

Every modality has a reader of its own: a query for each diagnosis attends over that modality's
tokens and gives evidence, in log odds, that adds up over modalities (Huang et al. 2020, npj Digit
Med 3:136, found late fusion hard to beat). A second attention, over what the readers found,
corrects the sum where modalities have to be read together. A mask says which tokens are real; a
modality without a real token gives no evidence, so a case with nothing at all gives the prior and
never NaN. Attention weights are kept for explanation (`clinical.assess.explain`), which is why the
attention is written out here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from clinical.modalities.encoding import Encoding
from clinical.model.plain_readers import PlainFindings, PlainInput, PlainReaders


@dataclass(frozen=True, eq=False)
class Tokens:
    """All tokens of a batch, modality after modality.

    Attributes:
        values: [cases, tokens, width].
        mask: [cases, tokens] bool, True where a token is real.
        spans: modality to (first, last + 1) along the token axis.
        plain: what plain readers take of the same cases, where the model has any.
    """

    values: Tensor
    mask: Tensor
    spans: Mapping[str, tuple[int, int]]
    plain: PlainInput | None = None

    def keep(self, hidden: Sequence[str]) -> Tokens:
        """The same tokens with some modalities hidden from every case."""
        mask = self.mask.clone()
        for name in hidden:
            first, last = self.spans[name]
            mask[:, first:last] = False
        return Tokens(self.values, mask, self.spans, self.plain)

    def under(self, masks: Tensor) -> Tokens:
        """Those of a single case under several masks [masks, tokens], as a batch."""
        plain = None if self.plain is None else self.plain.of(torch.zeros(len(masks)).long())
        return Tokens(self.values.expand(len(masks), -1, -1), masks, self.spans, plain)

    def of(self, cases: Tensor) -> Tokens:
        """Those of some cases only [chosen], in that order."""
        plain = None if self.plain is None else self.plain.of(cases)
        return Tokens(self.values[cases], self.mask[cases], self.spans, plain)

    def alone(self, name: str) -> Tokens:
        """Only the tokens of one modality."""
        span = slice(*self.spans[name])
        return Tokens(self.values[:, span], self.mask[:, span], {name: (0, span.stop - span.start)})


def joined(batches: Sequence[Tokens]) -> Tokens:
    """The tokens of several batches as those of one, each modality padded to the longest."""
    names = list(dict.fromkeys(name for batch in batches for name in batch.spans))
    values, masks, spans, position = [], [], {}, 0
    for name in names:
        parts = [batch.alone(name) if name in batch.spans else None for batch in batches]
        longest = max(part.mask.shape[1] for part in parts if part is not None)
        rows, like = sum(len(batch.mask) for batch in batches), batches[0].values
        value = like.new_zeros(rows, longest, like.shape[2])
        mask = value.new_zeros(rows, longest, dtype=torch.bool)
        row = 0
        for batch, part in zip(batches, parts, strict=True):
            if part is not None:
                place = slice(row, row + len(part.mask)), slice(part.mask.shape[1])
                value[place], mask[place] = part.values, part.mask
            row += len(batch.mask)
        values.append(value)
        masks.append(mask)
        spans[name] = (position, position + longest)
        position += longest
    return Tokens(torch.cat(values, dim=1), torch.cat(masks, dim=1), spans)


class CrossAttention(nn.Module):
    """Queries [B, Q, D] read tokens [B, T, D]; a pre-norm block with a feed-forward part.

    In two steps, `attend` and `read`, so that attention can be looked at and derived by.
    """

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

    def attend(self, queries: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        """Attention [B, heads, Q, T]; 0 at masked tokens, also where all of a case are masked."""
        normed = self.token_norm(tokens)
        # A few queries read many tokens. Keys and values are linear in the tokens, so their maps
        # are applied on the queries' side: the same numbers at a third of the cost. The bias of
        # the keys is the same for every token and falls out of the softmax.
        q = self._split(self.query(self.query_norm(queries)))
        key = self.key.weight.reshape(self.heads, -1, self.key.in_features)
        asked = (q @ key).flatten(1, 2)
        scores = (asked @ normed.transpose(-1, -2)).reshape(*q.shape[:3], -1)
        scores = scores / math.sqrt(q.shape[-1])
        real = mask[:, None, None, :]
        # The lowest finite number, not -inf: a case without a token must not give NaN.
        scores = scores.masked_fill(~real, torch.finfo(scores.dtype).min)
        attention: Tensor = scores.softmax(dim=-1) * real
        return attention

    def read(self, queries: Tensor, attention: Tensor, tokens: Tensor) -> Tensor:
        """New queries [B, Q, D]."""
        normed = self.token_norm(tokens)
        seen = (attention.flatten(1, 2) @ normed).reshape(*attention.shape[:3], -1)
        value = self.value.weight.reshape(self.heads, -1, self.value.in_features)
        bias = self.value.bias.reshape(self.heads, 1, -1) * attention.sum(dim=-1, keepdim=True)
        found = (seen @ value.transpose(-1, -2) + bias).transpose(1, 2).flatten(-2)
        queries = queries + self.dropout(self.output(found))
        states: Tensor = queries + self.dropout(self.feed_forward(queries))
        return states

    def _split(self, x: Tensor) -> Tensor:
        cases, items, width = x.shape
        return x.reshape(cases, items, self.heads, width // self.heads).transpose(1, 2)


class Reader(nn.Module):
    """One query per diagnosis, and the layers with which they read one modality."""

    def __init__(
        self, diagnoses: int, *, width: int, heads: int, layers: int, dropout: float
    ) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.randn(diagnoses, width) * 0.3)
        self.layers = nn.ModuleList(CrossAttention(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Parameter(torch.randn(diagnoses, width) / math.sqrt(width))

    def evidence(self, states: Tensor) -> Tensor:
        """Log odds [cases, diagnoses] of what was read [cases, diagnoses, width]."""
        log_odds: Tensor = (self.norm(states) * self.head).sum(dim=-1)
        return log_odds

    @torch.no_grad()
    def scale(self, factors: Tensor) -> None:
        """Let all evidence of each diagnosis count so many times as much [diagnoses].

        Evidence is linear in the head, so the factors need no place of their own in a checkpoint.
        """
        self.head.mul_(factors[:, None])


@dataclass(frozen=True, eq=False)
class Findings:
    """What the readers found in a batch.

    Attributes:
        evidence: modality to log odds [cases, diagnoses]; 0 where it is absent.
        states: modality to what was read [cases, diagnoses, width].
        present: modality to [cases] bool, whether it has a real token.
        attentions: of each layer [cases, heads, diagnoses, tokens]; within a modality it sums to 1.
        plain: what plain readers say beside that, where the model has any.
    """

    evidence: Mapping[str, Tensor]
    states: Mapping[str, Tensor]
    present: Mapping[str, Tensor]
    attentions: list[Tensor]
    plain: PlainFindings | None = None


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
        self.width, self.layers = width, layers
        sizes = {"width": width, "heads": heads, "dropout": dropout}
        self.readers = nn.ModuleDict(
            {name: Reader(diagnoses, layers=layers, **sizes) for name in self.modalities}  # type: ignore[arg-type]
        )
        self.bias = nn.Parameter(torch.zeros(diagnoses))
        self.modality = nn.Parameter(torch.randn(len(self.modalities), width) * 0.3)
        self.together = Reader(diagnoses, layers=1, **sizes)  # type: ignore[arg-type]
        self.plain: PlainReaders | None = None
        # Nothing is corrected until it is learnt that something should be.
        nn.init.zeros_(self.together.head)

    @torch.no_grad()
    def stack(self, weights: Mapping[str, Tensor], bias: Tensor) -> None:
        """Make the sum of evidence a weighted one: late fusion of the readers.

        Args:
            weights: modality to what its evidence counts for each diagnosis [diagnoses].
            bias: log odds without any evidence [diagnoses].
        """
        for name, factors in weights.items():
            cast(Reader, self.readers[name]).scale(factors)
        self.bias.copy_(bias)

    def join(self, encodings: Mapping[str, Encoding], cases: int) -> Tokens:
        """Concatenate encodings in the model's order."""
        none = self.bias.new_zeros(cases, 0)
        values, masks = [none[..., None].expand(-1, -1, self.width)], [none.bool()]
        spans: dict[str, tuple[int, int]] = {}
        position = 0
        for name in self.modalities:
            if name not in encodings:
                continue
            encoding = encodings[name]
            values.append(encoding.tokens)
            masks.append(encoding.mask)
            spans[name] = (position, position + encoding.tokens.shape[1])
            position = spans[name][1]
        return Tokens(torch.cat(values, dim=1), torch.cat(masks, dim=1), spans)

    def find(self, tokens: Tokens, strength: float = 1.0) -> Findings:
        """Let every reader read its modality; below a `strength` of 1 it reads so much less."""
        cases = tokens.values.shape[0]
        spans = {name: slice(*span) for name, span in tokens.spans.items()}
        readers = {name: cast(Reader, self.readers[name]) for name in spans}
        states = {name: r.queries.expand(cases, -1, -1) for name, r in readers.items()}
        attentions = []
        for number in range(self.layers if spans else 0):
            layers = {name: cast(CrossAttention, r.layers[number]) for name, r in readers.items()}
            parts = [
                layers[name].attend(states[name], tokens.values[:, span], tokens.mask[:, span])
                for name, span in spans.items()
            ]
            # One tensor for all modalities, and read from, so that it can be derived by.
            attention = torch.cat(parts, dim=-1) * strength
            states = {
                name: layers[name].read(states[name], attention[..., span], tokens.values[:, span])
                for name, span in spans.items()
            }
            attentions.append(attention)
        present = {name: tokens.mask[:, span].any(dim=1) for name, span in spans.items()}
        evidence = {
            name: reader.evidence(states[name]) * present[name][:, None]
            for name, reader in readers.items()
        }
        plain = None
        if self.plain is not None and tokens.plain is not None:
            plain = self.plain.find(tokens.plain, tokens.mask, tokens.spans)
        return Findings(evidence, states, present, attentions, plain)

    def forward(self, tokens: Tokens) -> tuple[Tensor, list[Tensor]]:
        """Logits [cases, diagnoses]; each layer's attention [cases, heads, diagnoses, tokens]."""
        found = self.find(tokens)
        return self.combine(found, tokens.values.shape[0]), found.attentions

    def combine(self, found: Findings, cases: int) -> Tensor:
        """Logits [cases, diagnoses]: the prior, all evidence, and the correction."""
        logits = self.bias.expand(cases, -1)
        for evidence in found.evidence.values():
            logits = logits + evidence
        logits = logits + self._correction(found) if found.states else logits
        if found.plain is None:
            return logits
        beside = found.plain.bias
        for evidence in found.plain.evidence.values():
            beside = beside + evidence
        return logits.double() + beside

    @torch.no_grad()
    def beside(self, plain: PlainReaders, shares: Tensor) -> None:
        """Let plain readers speak beside those that attend, which keep `shares` [diagnoses]."""
        for reader in self.readers.values():
            cast(Reader, reader).scale(shares)
        self.together.scale(shares)
        self.bias.mul_(shares)
        self.plain = plain.scaled(1 - shares.double())

    def _correction(self, found: Findings) -> Tensor:
        """What the modalities say together beyond what each says [cases, diagnoses]."""
        names = list(found.states)
        numbers = [self.modalities.index(name) for name in names]
        states = torch.stack([found.states[name] for name in names], dim=2)
        summaries = (states + self.modality[numbers]).flatten(0, 1)
        cases, diagnoses = states.shape[:2]
        present = torch.stack([found.present[name] for name in names], dim=1)
        mask = present[:, None].expand(-1, diagnoses, -1).flatten(0, 1)
        queries = self.together.queries.repeat(cases, 1)[:, None]
        layer = cast(CrossAttention, self.together.layers[0])
        read = layer.read(queries, layer.attend(queries, summaries, mask), summaries)
        correction = self.together.evidence(read.reshape(cases, diagnoses, -1))
        # One modality has nothing to be read together with.
        return correction * (present.sum(dim=1) > 1)[:, None]
