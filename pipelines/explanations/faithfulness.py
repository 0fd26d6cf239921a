"""Does an explanation name what the model used? Remove it and see the probability fall.

For every unseen case and every diagnosis that is true of it, tokens are ranked by how much they
speak for the diagnosis, then removed (which to this model means: absent). At each share of them

- comprehensiveness: fall of the calibrated probability without the highest ranked; more is better;
- sufficiency: fall with only the highest ranked; less is better

(DeYoung et al. 2020, arXiv 1911.03429; for images the deletion and insertion of Petsiuk et al.
2018, arXiv 1806.07421). The rest of the case stays as it is: with `image` only patches are ranked
and removed, with `items` only measurements, history items and sentences. Calibration stays that of
the whole case, so that only the network's answer changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit

from clinical.assess import explain, without
from clinical.modalities.encoding import Prepared
from clinical.model import calibration
from clinical.model.calibration import Support
from clinical.model.fusion import Tokens
from clinical.model.model import Model
from pipelines.explanations.pointing import mean_interval
from pipelines.explanations.saliency import (
    ATTENTION_GRADIENT,
    GRAD_CAM_BACKBONE,
    GRAD_CAM_TOKENS,
    INPUT_GRADIENT,
    OURS,
    Read,
    Scores,
    model_maps,
    read,
)
from pipelines.statistics.metrics import Interval, bootstrap_weights
from pipelines.training.masks import IMAGE

SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
RANDOM = "random"
ITEMS = "items"
COMPREHENSIVENESS, SUFFICIENCY = "comprehensiveness", "sufficiency"
_ORDERS = 5  # random orders whose mean is `RANDOM`


@dataclass(frozen=True, eq=False)
class Falls:
    """How far the probability of one diagnosis of one case fell.

    Attributes:
        diagnosis, patient_id: of what and whom.
        part: `image` or `items`.
        method: of ranking.
        falls: [2, shares]: comprehensiveness, sufficiency.
    """

    diagnosis: str
    patient_id: str
    part: str
    method: str
    falls: NDArray[np.float64]


@dataclass(frozen=True)
class Fall:
    """Mean fall over diagnoses at one share of the tokens; share None is the mean over `SHARES`.

    `ahead` is ours minus this method, paired; None for ours.
    """

    part: str
    measure: str
    method: str
    share: float | None
    fall: Interval
    ahead: Interval | None


def measure(
    model: Model,
    cases: Sequence[Mapping[str, Prepared]],
    patients: Sequence[str],
    labels: NDArray[np.float64],
    *,
    seed: int = 0,
) -> list[Falls]:
    """Every method on every true diagnosis of every case that has an image and items."""
    found: list[Falls] = []
    for number, case in enumerate(cases):
        if IMAGE not in case or not case[IMAGE].sources:
            continue
        graph = read(model.network, case)
        used = [name for name in case if case[name].sources]
        support = model.support.get(calibration.pattern_key(used), {})
        for column in np.flatnonzero(labels[number] == 1).tolist():
            name = model.diagnoses[column]
            for part, ranks in _rankings(model, case, graph, column).items():
                orders = list(_random_orders(ranks[OURS], [seed, number, column]))
                everything = [*ranks.values(), *orders]
                falls = _falls(model, graph, column, everything, part, support.get(name, Support()))
                for method, values in zip(ranks, falls, strict=False):
                    found.append(Falls(name, patients[number], part, method, values))
                mean = falls[len(ranks) :].mean(axis=0)
                found.append(Falls(name, patients[number], part, RANDOM, mean))
    return found


def _rankings(
    model: Model, case: Mapping[str, Prepared], graph: Read, diagnosis: int
) -> dict[str, dict[str, Scores]]:
    """Part to method to a score for each of its tokens; the higher, the more it speaks for."""
    first, last = graph.tokens.spans[IMAGE]
    maps = model_maps(model.network, graph, diagnosis)
    seen = explain.read(model.network, graph.tokens)
    relevance = explain.relevance(model.network, seen)
    gradient = torch.autograd.grad(graph.logits[diagnosis], graph.values, retain_graph=True)[0]
    ours = relevance[diagnosis].double().numpy()
    product = (graph.values * gradient).sum(-1)[0].detach().double().numpy()
    parts = {
        IMAGE: {
            OURS: ours[first:last],
            GRAD_CAM_BACKBONE: maps[GRAD_CAM_BACKBONE],
            GRAD_CAM_TOKENS: maps[GRAD_CAM_TOKENS],
            INPUT_GRADIENT: product[first:last],
        }
    }
    items = _places(graph.tokens, ITEMS)
    if len(items):
        shown = explain.weigh(model.network, seen, case).relevance[diagnosis]
        parts[ITEMS] = {
            OURS: shown[items],
            ATTENTION_GRADIENT: ours[items],
            INPUT_GRADIENT: product[items],
        }
    return parts


def _places(tokens: Tokens, part: str) -> NDArray[np.intp]:
    """Where along the token axis a part lies."""
    first, last = tokens.spans[IMAGE]
    if part == IMAGE:
        return np.arange(first, last)
    return np.array([i for i in range(tokens.values.shape[1]) if not first <= i < last], np.intp)


def _random_orders(scores: Scores, seed: Sequence[int]) -> Iterator[Scores]:
    generator = np.random.default_rng(list(seed))
    for _ in range(_ORDERS):
        yield generator.permutation(len(scores)).astype(np.float64)


def _falls(
    model: Model,
    graph: Read,
    diagnosis: int,
    rankings: Sequence[Scores],
    part: str,
    support: Support,
) -> NDArray[np.float64]:
    """Falls of the probability [rankings, 2, shares]."""
    places = _places(graph.tokens, part)
    taken = [places[:0]]  # nothing: the whole case, in the same batch
    for scores in rankings:
        order = places[np.argsort(-scores, kind="stable")]
        cuts = [max(1, round(share * len(order))) for share in SHARES]
        taken += [order[:cut] for cut in cuts]
        taken += [order[cut:] for cut in cuts]
    z = without.log_odds(model.network, graph.tokens, taken)[:, diagnosis]
    p = expit(support.slope * z + support.intercept)
    return np.asarray((p[0] - p[1:]).reshape(len(rankings), 2, len(SHARES)))


def summarise(found: Sequence[Falls], *, samples: int = 1000, seed: int = 0) -> list[Fall]:
    """Mean over diagnoses of the mean fall, with patient-bootstrap intervals."""
    lines: list[Fall] = []
    for part in dict.fromkeys(f.part for f in found):
        methods = list(dict.fromkeys(f.method for f in found if f.part == part))
        rows = {m: [f for f in found if f.part == part and f.method == m] for m in methods}
        names = np.array([f.diagnosis for f in rows[OURS]])
        weights = bootstrap_weights([f.patient_id for f in rows[OURS]], samples, seed)
        groups = sorted(set(names.tolist()))
        falls = {m: np.stack([f.falls for f in rows[m]]) for m in methods}
        for number, kind in enumerate((COMPREHENSIVENESS, SUFFICIENCY)):
            for method in methods:
                for share in (*SHARES, None):
                    ours, theirs = (_at(falls[m][:, number], share) for m in (OURS, method))
                    fall = mean_interval(theirs, names, groups, weights)
                    ahead = mean_interval(ours - theirs, names, groups, weights)
                    lines.append(
                        Fall(part, kind, method, share, fall, None if method == OURS else ahead)
                    )
    return lines


def _at(falls: NDArray[np.float64], share: float | None) -> NDArray[np.float64]:
    return falls.mean(axis=1) if share is None else falls[:, SHARES.index(share)]
