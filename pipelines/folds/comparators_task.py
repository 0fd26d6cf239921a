"""The comparators on one fold, including tested patients who lose inputs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.folds import stress
from pipelines.folds.comparators.automl import automl
from pipelines.folds.comparators.boosting import BOOSTING, boosting
from pipelines.folds.comparators.cut import Cut, Scores, components
from pipelines.folds.comparators.late_fusion import LATE_FUSION, late_fusion
from pipelines.folds.comparators.ridge_regression import RIDGE, ridge_regression
from pipelines.folds.comparators.single import single_models
from pipelines.folds.methods import AUTOML, dedicated
from pipelines.folds.records import plain
from pipelines.folds.splits import Indices
from pipelines.folds.tabular import Rows, Vectors, tables
from pipelines.folds.tasks import STRESSED, VALIDATED, Bench, Task
from pipelines.statistics.metrics import macro_auroc

Values = NDArray[np.float64]


def run(bench: Bench, task: Task) -> dict[str, Any]:
    """The record of a task that fits comparators."""
    started = time.perf_counter()
    cut, variants = _cut(bench, task)
    if task.what == AUTOML:
        found = {AUTOML: automl(cut, bench.study.evaluation.automl)}
        seconds = {AUTOML: time.perf_counter() - started}
    else:
        found, seconds = _simple(cut, started)
    labels, number = cut.labels[cut.train], len(task.fold.test)
    record: dict[str, Any] = {
        "scores": {name: plain(scores.test[:number]) for name, scores in found.items()},
        "single": {
            name: macro_auroc(found[name].inside, labels)
            for name in map(dedicated, cut.vectors.modalities)
            if name in found
        },
        VALIDATED: {
            "places": list(range(len(cut.train))),
            "scores": {name: plain(scores.inside) for name, scores in found.items()},
        },
        "seconds": seconds,
    }
    if variants:
        record[STRESSED] = {
            variant: {
                name: plain(scores.test[(place + 1) * number : (place + 2) * number])
                for name, scores in found.items()
            }
            for place, variant in enumerate(variants)
        }
    return record


def _cut(bench: Bench, task: Task) -> tuple[Cut, tuple[str, ...]]:
    """What comparators are given; variants of the tested cases, if any, are tested below them."""
    dataset, train, test, seed = bench.dataset, task.fold.train, task.fold.test, bench.study.seed
    reduced = components(bench.vectors, train, seed)
    rows = Vectors(bench.vectors.tables, reduced)
    variants = _variants(bench, test, reduced) if STRESSED in task.parts(bench.asks) else {}
    below = _below([rows, *variants.values()])
    asked = np.concatenate([test, len(dataset.cases) + np.arange(len(variants) * len(test))])
    patients = tuple(dataset.patients)
    cut = Cut(below, below.embeddings, dataset.labels, patients, train, asked, seed)
    return cut, tuple(variants)


def _simple(cut: Cut, started: float) -> tuple[dict[str, Scores], dict[str, float]]:
    """Every comparator that always takes part, and the seconds that they took."""
    singles = single_models(cut)
    alone_done = time.perf_counter()
    found = {dedicated(name): scores for name, scores in singles.items()}
    found[LATE_FUSION] = late_fusion(singles, cut)
    found[RIDGE] = ridge_regression(cut)
    found[BOOSTING] = boosting(cut)
    seconds = {
        "comparators of one modality": alone_done - started,
        "comparators of all": time.perf_counter() - alone_done,
    }
    return found, seconds


def _variants(bench: Bench, test: Indices, reduced: Mapping[str, Rows]) -> dict[str, Vectors]:
    """Variant to the rows of tested cases that lose inputs."""
    plain_tables = {name: rows[test] for name, rows in bench.vectors.tables.items()}
    seen = {name: rows[test] for name, rows in reduced.items()}
    found = {}
    for name in bench.vectors.modalities:
        found[stress.hides(name)] = Vectors(_lost(plain_tables, name), _lost(seen, name))
    cases, seed = bench.dataset.cases, bench.study.seed
    whole = [cached.case for cached in cases]
    for share in stress.SHARES:
        fewer = [stress.thinned(cases[i], share, seed).case for i in test]
        # Together with the whole cases, so that columns are the same.
        both = tables([*whole, *fewer], bench.vectors.tables)
        found[stress.thins(share)] = Vectors(
            {name: rows[len(whole) :] for name, rows in both.items()}, seen
        )
    return found


def _lost(rows: Mapping[str, Rows], name: str) -> dict[str, Rows]:
    return {other: np.full_like(v, np.nan) if other == name else v for other, v in rows.items()}


def _below(parts: Sequence[Vectors]) -> Vectors:
    """All rows, those of one part below those of another."""
    first = parts[0]
    return Vectors(
        {name: np.concatenate([part.tables[name] for part in parts]) for name in first.tables},
        {
            name: np.concatenate([part.embeddings[name] for part in parts])
            for name in first.embeddings
        },
    )
