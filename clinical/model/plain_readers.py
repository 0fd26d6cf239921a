"""Plain readers: the simple rivals, inside the model, in log odds.

For each modality the own model that late fusion has for it (a regression or trees on its values, a
regression on its pooled frozen features), added up with the weights of late fusion; and trees over
all tables at once. They speak beside the readers that attend (`clinical.model.fusion`), each
diagnosis with the share that inner validation gave them: docs/decisions/0024. Nothing here learns;
`pipelines.folds.plain_readers` fits it.

What they say adds up over tokens: a value adds what its column contributes, a patch or a sentence
its part of the pooled features. What a missing value says belongs to its modality, not to a token.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from clinical.modalities.catalogue import encoder
from clinical.modalities.encoding import Prepared
from clinical.model.trees import ALL_TABLES, Trees

SILENT, SPEAKING = 0, 1
"""Whether the trees over all tables are asked about a case."""


@dataclass(frozen=True, eq=False)
class PlainInput:
    """What plain readers take of a batch.

    Attributes:
        table: [cases, columns]; NaN where missing.
        place: token that each value came from, or -1 [cases, columns].
        parts: modality to what each token adds, before any weight [cases, tokens, diagnoses].
    """

    table: Tensor
    place: Tensor
    parts: Mapping[str, Tensor]

    def of(self, cases: Tensor) -> PlainInput:
        """That of some cases only [chosen], in that order."""
        parts = {name: part[cases] for name, part in self.parts.items()}
        return PlainInput(self.table[cases], self.place[cases], parts)


@dataclass(frozen=True, eq=False)
class PlainFindings:
    """What plain readers say of a batch.

    Attributes:
        bias: log odds before any evidence [cases, diagnoses].
        evidence: modality to log odds [cases, diagnoses]; 0 where it is absent.
        tokens: what each token adds [cases, diagnoses, tokens].
    """

    bias: Tensor
    evidence: Mapping[str, Tensor]
    tokens: Tensor


@dataclass(frozen=True, eq=False)
class PlainReaders:
    """Fitted readers. Numbers are float64; D diagnoses, M modalities, C columns.

    Attributes:
        modalities: that they read, and the encoder of each.
        columns: modality and name of each column.
        slope, offset, absent: of a regression: a value x adds slope * x + offset, a missing one
            adds absent [D, C].
        intercept: what a modality says by being there [M, D].
        pooled: modality to weights of its pooled features [size, D].
        trees: of single modalities, and over all tables.
        seen: patterns of modalities that the trees over all tables have learnt enough of [P, M].
        bias, weight, flag: late fusion without and with those trees [2, D], [2, M, D], [2, M, D].
    """

    modalities: Mapping[str, str]
    columns: tuple[tuple[str, str], ...]
    slope: Tensor
    offset: Tensor
    absent: Tensor
    intercept: Tensor
    pooled: Mapping[str, Tensor]
    trees: Trees
    seen: Tensor
    bias: Tensor
    weight: Tensor
    flag: Tensor

    def read(
        self, cases: Sequence[Mapping[str, Prepared]], spans: Mapping[str, tuple[int, int]]
    ) -> PlainInput:
        """Prepared cases as these readers take them; `spans` says where their tokens are."""
        number = {column: at for at, column in enumerate(self.columns)}
        table = torch.full((len(cases), len(self.columns)), torch.nan, dtype=torch.float64)
        place = torch.full(table.shape, -1, dtype=torch.int64)
        parts = {
            name: torch.zeros(len(cases), last - first, self.bias.shape[1], dtype=torch.float64)
            for name, (first, last) in spans.items()
            if name in self.pooled
        }
        for row, case in enumerate(cases):
            for name, kind in self.modalities.items():
                prepared = case.get(name)
                if prepared is None or not prepared.sources or name not in spans:
                    continue
                if name in self.pooled:
                    added = encoder(kind).pooled_parts(prepared)
                    parts[name][row, : len(added)] = torch.from_numpy(added) @ self.pooled[name]
                    continue
                for column, value, token in _values(kind, prepared):
                    at = number.get((name, column))
                    if at is not None:
                        table[row, at] = value
                        place[row, at] = -1 if token is None else spans[name][0] + token
        return PlainInput(table, place, parts)

    def find(
        self, given: PlainInput, mask: Tensor, spans: Mapping[str, tuple[int, int]]
    ) -> PlainFindings:
        """What they say of cases whose tokens are shown as far as `mask` [cases, tokens] says."""
        cases, diagnoses = len(mask), self.bias.shape[1]
        here = torch.zeros(cases, len(self.modalities), dtype=torch.bool)
        for number, name in enumerate(self.modalities):
            if name in spans:
                here[:, number] = mask[:, slice(*spans[name])].any(dim=1)
        owner = self._owner
        shown = (given.place < 0) | mask.gather(1, given.place.clamp(min=0))
        table = torch.where(shown & here[:, owner], given.table, torch.nan)
        known = (here[:, None] == self.seen).all(dim=2).any(dim=1).long()
        weight, flag = self.weight[known], self.flag[known]
        own, joint, roots, joint_roots = self._columns(table, here, known.bool())
        tokens = torch.zeros(cases, diagnoses, mask.shape[1], dtype=torch.float64)
        by_column = own * weight[:, owner].transpose(1, 2) + joint
        at = given.place.clamp(min=0)[:, None].expand(-1, diagnoses, -1)
        known_value = ~table.isnan() & (given.place >= 0)
        if mask.shape[1]:
            tokens.scatter_add_(2, at, by_column * known_value[:, None])
        evidence = {}
        for number, name in enumerate(self.modalities):
            mine = owner == number
            said = self.intercept[number] + own[:, :, mine].sum(dim=2) + roots[number]
            if name in self.pooled and name in given.parts:
                span = slice(*spans[name])
                part = given.parts[name] * mask[:, span, None]
                said = said + part.sum(dim=1)
                tokens[:, :, span] = (part * weight[:, None, number]).transpose(1, 2)
            said = said * weight[:, number] + flag[:, number]
            evidence[name] = said * here[:, number, None] + joint[:, :, mine].sum(dim=2)
        return PlainFindings(self.bias[known] + joint_roots, evidence, tokens)

    def scaled(self, factors: Tensor) -> PlainReaders:
        """The same readers, all that they say of a diagnosis counting so many times [D]."""
        joint = self.trees.owner == ALL_TABLES
        trees = torch.where(joint, factors[self.trees.label], 1.0)
        return replace(
            self,
            trees=self.trees.scaled(trees),
            bias=self.bias * factors,
            weight=self.weight * factors,
            flag=self.flag * factors,
        )

    @property
    def mute(self) -> Tensor:
        """Diagnoses of which they say the same whatever they read [D] bool."""
        return (self.weight == 0).all(dim=1).all(dim=0) & (self.flag == 0).all(dim=1).all(dim=0)

    @property
    def _owner(self) -> Tensor:
        order = {name: number for number, name in enumerate(self.modalities)}
        return torch.tensor([order[name] for name, _ in self.columns], dtype=torch.int64)

    def _columns(
        self, table: Tensor, here: Tensor, speaking: Tensor
    ) -> tuple[Tensor, Tensor, list[Tensor], Tensor]:
        """What columns add, by own models and by joint trees, and what the roots of trees say."""
        diagnoses = self.bias.shape[1]
        known = ~table.isnan()[:, None]
        line = self.slope * table.nan_to_num()[:, None] + self.offset
        own = torch.where(known, line, self.absent) * here[:, None, self._owner]
        roots = []
        for number in range(len(self.modalities)):
            asked = (self.trees.owner == number) & here[:, number, None]
            root, added = self.trees.walk(table, asked, diagnoses)
            roots.append(root)
            own = own + added
        joint = (self.trees.owner == ALL_TABLES) & speaking[:, None]
        joint_roots, added = self.trees.walk(table, joint, diagnoses)
        return own, added, roots, joint_roots


def _values(kind: str, prepared: Prepared) -> Iterator[tuple[str, float, int | None]]:
    """Each column of a table, its value, and the token that it came from."""
    names = encoder(kind).TOKEN_OF
    places = {source.label: at for at, source in enumerate(prepared.sources)}
    for column, value in prepared.columns.items():
        yield column, value, places.get(names.get(column, column))


_TENSORS = ("slope", "offset", "absent", "intercept", "seen", "bias", "weight", "flag")


def tensors(readers: PlainReaders) -> dict[str, Tensor]:
    """All their numbers, under the names that a checkpoint keeps them by."""
    found = {name: getattr(readers, name) for name in _TENSORS}
    found |= {f"trees.{f.name}": getattr(readers.trees, f.name) for f in fields(Trees)}
    return found | {f"pooled.{name}": weights for name, weights in readers.pooled.items()}


def description(readers: PlainReaders) -> dict[str, Any]:
    """What is said of them beside their numbers, as JSON-compatible values."""
    return {
        "modalities": dict(readers.modalities),
        "columns": [list(column) for column in readers.columns],
    }


def rebuilt(described: Mapping[str, Any], kept: Mapping[str, Tensor]) -> PlainReaders:
    """Readers from `description` and `tensors`.

    Raises:
        KeyError: if a number is missing.
    """
    begins = "pooled."
    return PlainReaders(
        modalities=dict(described["modalities"]),
        columns=tuple((name, column) for name, column in described["columns"]),
        pooled={
            name.removeprefix(begins): t for name, t in kept.items() if name.startswith(begins)
        },
        trees=Trees(*(kept[f"trees.{f.name}"] for f in fields(Trees))),
        **{name: kept[name] for name in _TENSORS},
    )
