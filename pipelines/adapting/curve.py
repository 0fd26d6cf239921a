"""What more local cases would buy: the whole choice of changes on ever larger parts of each fold.

Parts are nested: whoever is among 25 is among 50 of the same draw. All are judged on the same
held-out patients, so that the points differ by what was learnt from and by nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from clinical.model.model import Model
from pipelines.adapting.adaptation import choices
from pipelines.adapting.evidence import Values, told
from pipelines.adapting.judged import Report, case_losses
from pipelines.adapting.site import Site, first_cases
from pipelines.folds.splits import Indices
from pipelines.statistics.learning_curve import one_step
from pipelines.statistics.metrics import (
    Interval,
    areas_of,
    bootstrap_weights,
    interval,
    macro_of,
)

USUAL = (25, 50, 100, 200, 500, 1000, 2000)
"""Local labelled cases at which the curve is taken, as far as there are so many."""

LEAST_POINTS, SMALLEST = 4, 10
DRAWS = 5
"""Random parts of each size and fold."""

NEXT = 100
"""Further cases whose worth is estimated."""


@dataclass(frozen=True)
class Point:
    """The model adapted on so many local labelled cases, on held-out patients.

    Attributes:
        cases: that it was adapted on; 0: as it was.
        log_loss: mean over known outcomes, in nats.
        gain: log loss before minus after, of the same cases; above 0 is better.
        auroc: mean over diagnoses.
    """

    cases: int
    log_loss: Interval
    gain: Interval
    auroc: Interval


@dataclass(frozen=True)
class Curve:
    """What was measured, and where it leads.

    Attributes:
        points: the smallest first; the first is the model as it was.
        further: by how much NEXT more cases would lower the log loss, by a power law through the
            points; an estimate.
        because: why there is none; empty if there is.
        last_step: by how much the largest part lowered it, beside the one before.
    """

    points: tuple[Point, ...]
    further: Interval
    because: str
    last_step: Interval


def sizes(largest: int) -> tuple[int, ...]:
    """Numbers of labelled cases at which the curve is taken, the smallest first."""
    found = [size for size in USUAL if size < 0.9 * largest] + [largest]
    if len(found) >= LEAST_POINTS or largest < LEAST_POINTS * SMALLEST:
        return tuple(found)
    steps = np.geomspace(max(SMALLEST, largest / 8), largest, LEAST_POINTS)
    return tuple(dict.fromkeys(round(step) for step in steps))


def tasks(site: Site, folds: Sequence[tuple[Indices, Indices]]) -> int:
    """How often `curve` will report."""
    return len(folds) * sum(_draws(size, _largest(site, folds)) for size in _sizes(site, folds))


def curve(
    model: Model,
    site: Site,
    folds: Sequence[tuple[Indices, Indices]],
    *,
    samples: int,
    seed: int,
    report: Report,
) -> Curve:
    """The learning curve of a site.

    Args:
        model: as it was.
        site: its cases; those with a known outcome are learnt from and judged.
        folds: training and held-out cases.
        samples: of the patient bootstrap.
        seed: of what is drawn.
        report: called after each part.
    """
    largest = _largest(site, folds)
    taken = _sizes(site, folds)
    told_by = [_probabilities(model, site, folds, 0, 0, seed, report)[None]]
    for size in taken:
        draws = range(_draws(size, largest))
        parts = [_probabilities(model, site, folds, size, n, seed, report) for n in draws]
        told_by.append(np.stack(parts))
    return _curve(site, (0, *taken), told_by, samples, seed)


def _draws(size: int, largest: int) -> int:
    return 1 if size >= largest else DRAWS


def _largest(site: Site, folds: Sequence[tuple[Indices, Indices]]) -> int:
    """Labelled cases that every fold has to learn from."""
    return min(len(np.intersect1d(train, site.labelled)) for train, _ in folds)


def _sizes(site: Site, folds: Sequence[tuple[Indices, Indices]]) -> tuple[int, ...]:
    return sizes(_largest(site, folds))


def _probabilities(
    model: Model,
    site: Site,
    folds: Sequence[tuple[Indices, Indices]],
    size: int,
    draw: int,
    seed: int,
    report: Report,
) -> Values:
    """Of every case by a model adapted on `size` others [cases, diagnoses]; 0: as it was."""
    found = np.full(site.labels.shape, np.nan)
    for train, test in folds:
        part = first_cases(np.intersect1d(train, site.labelled), site.people, size, seed + draw)
        chosen = choices(model, site.of(part), seed) if size else None
        held = site.of(test)
        for number, name in enumerate(model.diagnoses):
            of = told(model, held.evidence, number)
            logits = of.logits if chosen is None else chosen[name].change.logits(of)
            found[test, number] = expit(logits)
        if size:
            report()
    return found


def _curve(
    site: Site, taken: Sequence[int], told_by: Sequence[Values], samples: int, seed: int
) -> Curve:
    rows = site.labelled
    labels, people = site.labels[rows], [site.people[i] for i in rows]
    weights = bootstrap_weights(people, samples, seed)
    generator = np.random.default_rng([seed, 2])
    values, drawn = [], []
    for scores in told_by:
        means = np.stack([case_losses(one[rows], labels) for one in scores])
        values.append(float(means.mean()))
        drawn.append(_drawn_means(means, weights.astype(np.float64), generator))
    points = tuple(
        Point(
            size,
            interval(values[n], drawn[n], len(rows)),
            interval(values[0] - values[n], drawn[0] - drawn[n], len(rows)),
            macro_of(areas_of(told_by[n][:, rows], labels, weights)),
        )
        for n, size in enumerate(taken)
    )
    # The curve is of errors, and those that it knows are 1 minus a figure.
    errors, samples_of = 1 - np.array(values[1:]), 1 - np.stack(drawn[1:], axis=1)
    further, because = one_step(taken[1:], errors, samples_of, further=NEXT)
    last = interval(values[-2] - values[-1], drawn[-2] - drawn[-1], len(rows))
    return Curve(points, further, because, last)


def _drawn_means(means: Values, weights: Values, generator: np.random.Generator) -> Values:
    """Bootstrap samples of a mean over draws and cases [samples]: both are drawn.

    Args:
        means: [draws, cases].
        weights: how often each case is drawn [samples, cases].
        generator: of the draws.
    """
    count = len(means)
    of_draws = generator.multinomial(count, np.full(count, 1 / count), size=len(weights)) / count
    return np.asarray(((of_draws @ means) * weights).sum(axis=1) / weights.sum(axis=1))
