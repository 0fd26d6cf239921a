"""Does a case's note find its image, and the image its note? Ranks among unseen patients.

One query is one patient; the candidates are all patients that have both modalities. What limits
the ranks: patients who share their diagnoses have much the same note and image, so the exact
partner cannot always be told. Therefore a second question is asked as well: is a *different*
patient with the same set of true diagnoses among the first k?

Intervals are 2.5 and 97.5 percentiles of a bootstrap over the querying patients; the candidates
stay as they are, because a patient drawn twice would be a second right answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from clinical.assess.similar import Index
from pipelines.statistics.metrics import Weights, bootstrap_weights, weighted_sums

KS = (1, 5, 10)


@dataclass(frozen=True)
class Share:
    """A share of the queries with its 95% interval, and what chance alone would give."""

    value: float
    low: float
    high: float
    chance: float

    def __str__(self) -> str:
        return f"{self.value:.1%} [{self.low:.1%}, {self.high:.1%}] (chance {self.chance:.1%})"


@dataclass(frozen=True)
class Recall:
    """How well one modality finds another.

    Attributes:
        query, among: the modality asked with, and the one looked at.
        patients: with both; each is one query and one candidate.
        exact: k to the share of queries whose own partner is among the first k.
        median_rank: of the own partner, with its interval; by chance (patients + 1) / 2.
        agreeing: k to the share of queries with another patient of the same diagnoses among the
            first k; of the queries that have such another patient at all.
        agreeing_patients: number of those queries.
    """

    query: str
    among: str
    patients: int
    exact: Mapping[int, Share]
    median_rank: tuple[float, float, float]
    agreeing: Mapping[int, Share]
    agreeing_patients: int


def first_of_each_patient(patient_ids: Sequence[str], limit: int = 0) -> list[int]:
    """Positions of the first case of every patient, of the first `limit` patients (0: all)."""
    first: dict[str, int] = {}
    for position, patient in enumerate(patient_ids):
        first.setdefault(patient, position)
    positions = list(first.values())
    return positions[:limit] if limit else positions


def recall(
    index: Index,
    chosen: Sequence[int],
    diagnoses: Sequence[frozenset[str] | None],
    query: str,
    among: str,
    *,
    samples: int = 1000,
    seed: int = 0,
) -> Recall | None:
    """How well `query` finds `among`, or None where fewer than two patients have both.

    Args:
        index: of unseen patients.
        chosen: positions of one case of every patient.
        diagnoses: true diagnoses of every case of the index; None where they are not all known.
        query, among: modalities of the index.
        samples, seed: of the bootstrap.
    """
    asked, found = _places(index, query), _places(index, among)
    both = [position for position in chosen if position in asked and position in found]
    if len(both) < 2:
        return None
    queries = index.vectors[query][[asked[p] for p in both]]
    candidates = index.vectors[among][[found[p] for p in both]].astype(np.float64)
    # Summed as `similar.nearest` does, so that equal vectors tie exactly.
    similarities = np.stack([(candidates * vector).sum(axis=1) for vector in queries])
    ranks = partner_ranks(similarities)
    people = [index.patient_ids[p] for p in both]
    weights = bootstrap_weights(people, samples, seed)
    chance = {k: min(k / len(both), 1.0) for k in KS}
    rank_of_alike, alike = agreeing_ranks(similarities, [diagnoses[p] for p in both])
    asks = alike > 0
    return Recall(
        query,
        among,
        len(both),
        {k: _share(ranks <= k, weights, chance[k]) for k in KS},
        _median(ranks, weights),
        {
            k: _share(
                rank_of_alike[asks] <= k,
                weights[:, asks],
                float(np.mean([_luck(len(both) - 1, int(m), k) for m in alike[asks]])),
            )
            for k in KS
            if asks.any()
        },
        int(asks.sum()),
    )


def _places(index: Index, modality: str) -> dict[int, int]:
    rows, _ = index.part(modality)
    return {int(row): place for place, row in enumerate(rows)}


def partner_ranks(similarities: NDArray[np.float64]) -> NDArray[np.intp]:
    """Rank [n] of the own partner (the diagonal of [n, n]), 1 = first; a tie counts against it."""
    own = np.diagonal(similarities)[:, None]
    ranks: NDArray[np.intp] = (similarities >= own).sum(axis=1)
    return ranks


def agreeing_ranks(
    similarities: NDArray[np.float64], diagnoses: Sequence[frozenset[str] | None]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Rank of the nearest other patient with the same diagnoses, and how many of them there are.

    The query's own partner is left out of the ranking. The rank is infinite where there is none.
    """
    number = len(diagnoses)
    same = np.array(
        [[a is not None and a == b for b in diagnoses] for a in diagnoses], dtype=bool
    ).reshape(number, number)
    others = ~np.eye(number, dtype=bool)
    same &= others
    best = np.where(same, similarities, -np.inf).max(axis=1)
    # Those that are as near but do not agree go before it, as a tie counts against the partner.
    before = ((similarities >= best[:, None]) & others & ~same).sum(axis=1)
    alike = same.sum(axis=1)
    return np.where(alike > 0, before + 1.0, np.inf), alike


def _luck(candidates: int, alike: int, k: int) -> float:
    """Probability that `k` of the candidates, drawn blindly, hold one of those that agree."""
    return 1 - comb(candidates - alike, k) / comb(candidates, k) if k <= candidates else 1.0


def _share(hits: NDArray[np.bool_], weights: Weights, chance: float) -> Share:
    drawn = weights.sum(axis=1)
    shares = weighted_sums(weights, hits)[drawn > 0] / drawn[drawn > 0]
    low, high = np.quantile(shares, [0.025, 0.975])
    return Share(float(hits.mean()), float(low), float(high), chance)


def _median(ranks: NDArray[np.intp], weights: Weights) -> tuple[float, float, float]:
    medians = [np.median(np.repeat(ranks, row)) for row in weights]
    low, high = np.quantile(medians, [0.025, 0.975])
    return float(np.median(ranks)), float(low), float(high)


def recall_table(found: Sequence[Recall]) -> str:
    """The results as Markdown."""
    lines = [
        "Share of queries [95% interval, bootstrap over patients] (chance). *exact*: the patient's"
        " own partner is among the first k. *same diagnoses*: another patient with the same set of"
        " true diagnoses is. Many patients share their diagnoses, so exact recall has a low"
        " ceiling.",
        "",
        "| query -> among | patients | question | first 1 | first 5 | first 10 | median rank |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in found:
        name = f"{row.query} -> {row.among}"
        exact = " | ".join(str(row.exact[k]) for k in KS)
        median = "{:.0f} [{:.0f}, {:.0f}]".format(*row.median_rank)
        by_chance = f"(chance {(row.patients + 1) / 2:.0f})"
        lines.append(f"| {name} | {row.patients} | exact | {exact} | {median} {by_chance} |")
        if row.agreeing:
            agreeing = " | ".join(str(row.agreeing[k]) for k in KS)
            lines.append(f"| | {row.agreeing_patients} | same diagnoses | {agreeing} | |")
    return "\n".join(lines) + "\n"
