"""Boosted trees over a table, for many cases at once, and what each column contributes.

A tree's answer is what its root says and then, step by step, what each question on the way adds
(Saabas 2014, "Interpreting random forests"; the sum is exact), so what trees say adds up over
columns in log odds, as all other evidence does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

ALL_TABLES = -1
"""Owner of a tree that may ask about any table."""


@dataclass(frozen=True, eq=False)
class Trees:
    """Trees of all diagnoses, node after node; shorter trees are padded.

    Attributes:
        feature, threshold, missing_left: of each node's question [trees, nodes].
        left, right: which node follows; a leaf follows itself [trees, nodes].
        value: log odds at each node [trees, nodes].
        label: the diagnosis that each tree speaks of [trees].
        owner: number of the only modality that it asks about, or ALL_TABLES [trees].
    """

    feature: Tensor
    threshold: Tensor
    missing_left: Tensor
    left: Tensor
    right: Tensor
    value: Tensor
    label: Tensor
    owner: Tensor

    def walk(self, table: Tensor, asked: Tensor, diagnoses: int) -> tuple[Tensor, Tensor]:
        """What cases are told by the trees that are asked about them.

        Args:
            table: [cases, columns]; NaN where missing.
            asked: [cases, trees] bool.
            diagnoses: how many there are.

        Returns:
            What the roots say [cases, diagnoses], and what each column adds to it
            [cases, diagnoses, columns].
        """
        cases, columns = table.shape
        roots = torch.zeros(cases, diagnoses, dtype=table.dtype)
        added = torch.zeros(cases, diagnoses * columns, dtype=table.dtype)
        if not len(self.label):
            return roots, added.reshape(cases, diagnoses, columns)
        start = self.value[:, 0] * asked
        roots.scatter_add_(1, self.label.expand(cases, -1), start)
        trees = torch.arange(len(self.label))
        node = torch.zeros(cases, len(trees), dtype=torch.int64)
        while True:
            column = self.feature[trees, node]
            x = table.gather(1, column)
            goes_left = torch.where(
                x.isnan(), self.missing_left[trees, node], x <= self.threshold[trees, node]
            )
            then = torch.where(goes_left, self.left[trees, node], self.right[trees, node])
            if torch.equal(then, node):
                return roots, added.reshape(cases, diagnoses, columns)
            gain = (self.value[trees, then] - self.value[trees, node]) * asked
            added.scatter_add_(1, self.label * columns + column, gain)
            node = then

    def scaled(self, factors: Tensor) -> Trees:
        """The same trees, each saying so many times as much [trees]."""
        return self._with_value(self.value * factors[:, None])

    def _with_value(self, value: Tensor) -> Trees:
        parts = (self.feature, self.threshold, self.missing_left, self.left, self.right)
        return Trees(*parts, value, self.label, self.owner)


def together(parts: Sequence[Trees]) -> Trees:
    """The trees of several parts, padded to the largest of them."""
    size = max((part.feature.shape[1] for part in parts), default=1)

    def padded(tensors: Sequence[Tensor]) -> Tensor:
        return torch.cat([torch.nn.functional.pad(t, (0, size - t.shape[1])) for t in tensors])

    return Trees(
        padded([part.feature for part in parts]),
        padded([part.threshold for part in parts]),
        padded([part.missing_left for part in parts]),
        padded([part.left for part in parts]),
        padded([part.right for part in parts]),
        padded([part.value for part in parts]),
        torch.cat([part.label for part in parts]),
        torch.cat([part.owner for part in parts]),
    )


def no_trees() -> Trees:
    """None at all."""
    whole, number = torch.zeros(0, 1, dtype=torch.int64), torch.zeros(0, 1, dtype=torch.float64)
    none = torch.zeros(0, dtype=torch.int64)
    return Trees(
        whole, number, torch.zeros(0, 1, dtype=torch.bool), whole, whole, number, none, none
    )
