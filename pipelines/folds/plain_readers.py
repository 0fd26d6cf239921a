"""The simple rivals fitted as plain readers (`clinical.model.plain_readers`).

Late fusion of own models, and the mean of it with a second late fusion in which trees over all
tables at once stand for the tables: where a cohort has tables alone, that one is boosting. How much
each counts is chosen out of fold on training patients, pulled to one half each. The models
themselves can then be fitted to more patients than the choice was made on, as any search refits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit, logit
from torch import Tensor

from clinical.model.plain_readers import SPEAKING, PlainReaders
from clinical.model.trees import ALL_TABLES, Trees, no_trees, together
from pipelines.folds.comparators.boosting import boosting
from pipelines.folds.comparators.cut import Cut, Scores, projection
from pipelines.folds.comparators.fitting import (
    BoostedTrees,
    Chosen,
    Predict,
    RidgeModel,
    prior_of,
)
from pipelines.folds.comparators.late_fusion import evidence, late_fusion, stacker
from pipelines.folds.splits import Indices
from pipelines.folds.tabular import Rows, Vectors
from pipelines.training.stacking import steady_stack

TABLES = "all tables"
LEAST = 20
"""Cases of a pattern of modalities, for trees over all tables to be asked about it."""


@dataclass(frozen=True, eq=False)
class Choice:
    """All that is chosen on training patients; only models are left to be fitted.

    Attributes:
        singles: modality to the model of each label.
        joint: trees over all tables, of each label; empty where there is one table or none.
        prior: log odds of every label [labels].
        seen: patterns of modalities that those trees are asked about [patterns, modalities].
        bias, weight, flag: as in `PlainReaders`, before the roots of the trees.
        trees: what those trees count [labels].
    """

    singles: Mapping[str, tuple[Chosen, ...]]
    joint: tuple[Chosen, ...]
    prior: Rows
    seen: NDArray[np.bool_]
    bias: Rows
    weight: Rows
    flag: Rows
    trees: Rows


@dataclass(frozen=True, eq=False)
class _Late:
    """A late fusion: log odds = bias + sum of weight * evidence + flag, of what is there.

    Attributes:
        bias: [labels].
        weight, flag: [members, labels].
    """

    bias: Rows
    weight: Rows
    flag: Rows


def trees_over_tables(cut: Cut) -> Scores | None:
    """Boosting on all tables at once; None where there is one table or none."""
    if len(cut.vectors.tables) < 2:
        return None
    return boosting(replace(cut, vectors=Vectors(cut.vectors.tables, {}), reduced={}))


def choose(cut: Cut, singles: Mapping[str, Scores], late: Scores, trees: Scores | None) -> Choice:
    """Choose on the training cases of a cut, of which nobody is judged by what has seen them.

    Args:
        cut: nobody of it need be tested.
        singles: own model of every modality.
        late: their late fusion.
        trees: `trees_over_tables`.
    """
    labels = cut.labels[cut.train]
    prior = logit(np.array([prior_of(y) for y in labels.T]))
    first = _late(singles, labels, prior)
    chosen = {name: scores.chosen for name, scores in singles.items()}
    nothing = np.zeros(labels.shape[1])
    never = np.zeros((0, len(singles)), dtype=bool)
    bias, weight, flag = (np.stack([x] * 2) for x in (first.bias, first.weight, first.flag))
    alone = Choice(chosen, (), prior, never, bias, weight, flag, nothing)
    if trees is None:
        return alone
    return _with_trees(alone, cut, singles, first, _odds(late.inside), trees)


def _with_trees(
    alone: Choice,
    cut: Cut,
    singles: Mapping[str, Scores],
    first: _Late,
    late: Rows,
    found: Scores,
) -> Choice:
    """The mean of late fusion and of one where trees over all tables stand for the tables."""
    labels, prior, names = cut.labels[cut.train], alone.prior, list(singles)
    here = np.stack([cut.vectors.present(name)[cut.train] for name in names], axis=1)
    known = np.asarray(here[:, [name in cut.vectors.tables for name in names]].any(axis=1))
    others = {name: s for name, s in singles.items() if name not in cut.vectors.tables}
    told = Scores(np.where(known[:, None], found.inside, np.nan), found.test)
    members = {TABLES: told, **others}
    second = _late(members, labels, prior)
    seen = _frequent(here[known])
    speaking = (here[:, None] == seen).all(axis=2).any(axis=1)
    rival = _odds(late_fusion(members, cut).inside)
    # A half of the log odds each: where nothing else is learnt, the stack is their mean.
    half = {"late": (late - prior) / 2, "trees": (rival - prior) / 2}
    stack = steady_stack(
        {k: x[speaking] for k, x in half.items()},
        labels[speaking],
        prior,
        cut.inner(cut.train[speaking]),
    )
    share, more = stack.weights["late"] / 2, stack.weights["trees"] / 2
    weight, flag, bias = alone.weight.copy(), alone.flag.copy(), alone.bias.copy()
    weight[SPEAKING], flag[SPEAKING] = share * first.weight, share * first.flag
    for place, name in enumerate(others, start=1):
        weight[SPEAKING, names.index(name)] += more * second.weight[place]
        flag[SPEAKING, names.index(name)] += more * second.flag[place]
    trees = more * second.weight[0]
    beyond = share * (first.bias - prior) + more * (second.bias + second.flag[0] - prior)
    bias[SPEAKING] = stack.bias + beyond - trees * prior
    return replace(
        alone,
        joint=found.chosen,
        seen=seen,
        bias=bias,
        weight=weight,
        flag=flag,
        trees=trees,
    )


def _late(members: Mapping[str, Scores], labels: Rows, prior: Rows) -> _Late:
    """The stackers of all labels, fitted to all training cases."""
    size = len(members), labels.shape[1]
    bias, weight, flag = prior.copy(), np.zeros(size), np.zeros(size)
    for column in range(labels.shape[1]):
        rows = evidence([s.inside[:, column] for s in members.values()], expit(prior[column]))
        model = stacker(rows, labels[:, column])
        if model is not None:
            bias[column] = model.intercept_[0]
            weight[:, column], flag[:, column] = model.coef_[0].reshape(2, -1)
    return _Late(bias, weight, flag)


def _frequent(here: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Patterns [patterns, modalities] that enough cases have."""
    patterns, counts = np.unique(here, axis=0, return_counts=True)
    return np.asarray(np.atleast_2d(patterns)[counts >= LEAST])


def _odds(probabilities: Rows) -> Rows:
    return np.asarray(logit(np.clip(probabilities, 1e-4, 1 - 1e-4)))


def fit(choice: Choice, vectors: Vectors, learnt: Indices, labels: Rows, seed: int) -> PlainReaders:
    """Fit what was chosen.

    Args:
        choice: of models and what they count.
        vectors: rows of all cases.
        learnt: indices of the cases to learn from.
        labels: of all cases [cases, labels].
        seed: of principal components.
    """
    names = list(choice.singles)
    own = {
        name: _own_table(choice, vectors, name, learnt, labels)
        if name in vectors.tables
        else _own_embedding(choice, vectors, name, learnt, labels, seed)
        for name in names
    }
    in_tables = [name for name in names if name in vectors.tables]
    columns = [(name, column) for name in in_tables for column in vectors.columns[name]]
    starts = np.cumsum([0, *(len(vectors.columns[name]) for name in in_tables)])
    begins = dict(zip(in_tables, starts.tolist(), strict=False))
    parts = [no_trees()]
    for number, name in enumerate(names):
        parts += [packed(one, number, begins[name]) for one in own[name].trees]
    bias = choice.bias.copy()
    rows = np.concatenate([vectors.tables[name] for name in in_tables], axis=1) if columns else None
    for label, model in enumerate(choice.joint):
        found = None if rows is None else _fitted(model, rows[learnt], labels[learnt, label])
        base = choice.prior[label]
        if isinstance(found, BoostedTrees):
            base = found.base
            more = packed((label, found), ALL_TABLES, 0)
            parts.append(more.scaled(torch.full((len(more.label),), choice.trees[label])))
        bias[SPEAKING, label] += choice.trees[label] * base
    lines = np.concatenate(
        [np.zeros((3, labels.shape[1], 0)), *(own[name].lines for name in in_tables)], axis=2
    )
    return PlainReaders(
        modalities={name: vectors.kinds[name] for name in names},
        columns=tuple(columns),
        slope=_tensor(lines[0]),
        offset=_tensor(lines[1]),
        absent=_tensor(lines[2]),
        intercept=_tensor(np.stack([own[name].intercept for name in names])),
        pooled={name: _tensor(own[name].pooled) for name in names if name not in begins},
        trees=together(parts),
        seen=torch.from_numpy(choice.seen),
        bias=_tensor(bias),
        weight=_tensor(choice.weight),
        flag=_tensor(choice.flag),
    )


@dataclass(frozen=True, eq=False)
class _Own:
    """The fitted own models of one modality, in log odds beyond the prior.

    Attributes:
        intercept: [labels].
        lines: slope, offset and what a missing value says [3, labels, columns].
        trees: label and its trees.
        pooled: weights of pooled features [size, labels].
    """

    intercept: Rows
    lines: Rows
    trees: tuple[tuple[int, BoostedTrees], ...]
    pooled: Rows


def _own_table(choice: Choice, vectors: Vectors, name: str, learnt: Indices, labels: Rows) -> _Own:
    rows = vectors.tables[name]
    has = learnt[vectors.present(name)[learnt]]
    intercept = np.zeros(labels.shape[1])
    lines = np.zeros((3, labels.shape[1], rows.shape[1]))
    trees = []
    for label, model in enumerate(choice.singles[name]):
        found = _fitted(model, rows[has], labels[has, label])
        if isinstance(found, BoostedTrees):
            trees.append((label, found))
            intercept[label] = found.base - choice.prior[label]
        elif isinstance(found, RidgeModel):
            lines[:, label], base = found.lines()
            intercept[label] = base - choice.prior[label]
    return _Own(intercept, lines, tuple(trees), np.zeros((0, labels.shape[1])))


def _own_embedding(
    choice: Choice, vectors: Vectors, name: str, learnt: Indices, labels: Rows, seed: int
) -> _Own:
    """A regression on components is one on the pooled features themselves."""
    rows = vectors.embeddings[name]
    has = learnt[vectors.present(name)[learnt]]
    intercept = np.zeros(labels.shape[1])
    pooled = np.zeros((rows.shape[1], labels.shape[1]))
    back = projection(vectors, name, learnt, seed)
    seen = np.zeros((len(has), 1)) if back is None else back.transform(rows[has])
    for label, model in enumerate(choice.singles[name]):
        found = _fitted(model, seen, labels[has, label])
        if isinstance(found, RidgeModel):
            (slope, offset, _), base = found.lines()
            intercept[label] = base + offset.sum() - choice.prior[label]
            if back is not None:
                scale, pca = back[0], back[-1]
                on_scaled = slope @ pca.components_
                pooled[:, label] = on_scaled / scale.scale_
                intercept[label] -= scale.mean_ @ pooled[:, label] + pca.mean_ @ on_scaled
    return _Own(intercept, np.zeros((3, labels.shape[1], 0)), (), pooled)


def _fitted(model: Chosen, rows: Rows, labels: Rows) -> Predict | None:
    """The chosen kind of model, fitted to the cases whose label is known."""
    known = ~np.isnan(labels)
    return replace(model, rows=rows[known], labels=labels[known]).fitted()


def packed(one: tuple[int, BoostedTrees], owner: int, start: int) -> Trees:
    """Fitted trees node by node.

    Args:
        one: a label and its trees.
        owner: as in `Trees`.
        start: number of their first column.
    """
    label, model = one
    nodes = model.nodes()
    size = max(len(tree) for tree in nodes)
    table = np.zeros((len(nodes), size), dtype=nodes[0].dtype)
    for row, tree in enumerate(nodes):
        table[row, : len(tree)] = tree
    leaf = table["is_leaf"].astype(bool) | (np.arange(size) >= [[len(tree)] for tree in nodes])
    itself = np.broadcast_to(np.arange(size), table.shape)
    return Trees(
        torch.from_numpy(np.where(leaf, 0, table["feature_idx"]).astype(np.int64) + start),
        torch.from_numpy(table["num_threshold"].astype(np.float64)),
        torch.from_numpy(table["missing_go_to_left"].astype(bool)),
        torch.from_numpy(np.where(leaf, itself, table["left"]).astype(np.int64)),
        torch.from_numpy(np.where(leaf, itself, table["right"]).astype(np.int64)),
        torch.from_numpy(table["value"].astype(np.float64)),
        torch.full((len(nodes),), label, dtype=torch.int64),
        torch.full((len(nodes),), owner, dtype=torch.int64),
    )


def _tensor(rows: Rows) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(rows, dtype=np.float64))
