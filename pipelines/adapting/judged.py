"""A model before and after adaptation, on held-out patients of nested folds.

Each fold's patients are told what a model says that was adapted, from the choice of every change to
the last threshold, on the other patients alone. Nothing is judged on what it was fitted on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical.errors import CohortError
from clinical.model.model import Model
from pipelines.adapting.adaptation import Shown, adapt, as_it_is, shown
from pipelines.adapting.change import ORDER
from pipelines.adapting.evidence import Values
from pipelines.adapting.nested import FOLDS
from pipelines.adapting.site import Site
from pipelines.adapting.thresholds import Goal
from pipelines.folds.splits import Indices, grouped_folds
from pipelines.statistics.brier import brier_score
from pipelines.statistics.coverage import covered
from pipelines.statistics.metrics import (
    Interval,
    auroc_difference,
    auroc_interval,
    bootstrap_weights,
    interval,
)
from pipelines.statistics.proportions import share, weighted_ratios
from pipelines.statistics.reliability import calibration_error_interval

Report = Callable[[], None]
"""Called when one fold, or one subsample of it, is done."""

_EDGE = 1e-6


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What the model told of every case, before and after, never fitted on its patient.

    Attributes:
        before, after: in the order of the site's cases.
        kinds: of every fold, diagnosis to the kind of change that was chosen there.
    """

    before: Shown
    after: Shown
    kinds: tuple[dict[str, str], ...]

    @property
    def most(self) -> dict[str, str]:
        """Diagnosis to the change that at least half of the folds chose, or one that bends more:
        what a model from all cases may keep, so that it is what was judged.
        """
        found = {}
        for name in self.kinds[0]:
            ranks = sorted(ORDER.index(kinds[name]) for kinds in self.kinds)
            found[name] = ORDER[ranks[len(ranks) // 2]]
        return found


@dataclass(frozen=True)
class Figures:
    """One diagnosis, or all.

    Attributes:
        auroc, log_loss, brier, ece: of the probabilities.
        sensitivity, alert_rate: at the threshold.
        withheld: share of cases of which a reader is not shown the number.
    """

    auroc: Interval
    log_loss: Interval
    brier: Interval
    ece: Interval
    sensitivity: Interval
    alert_rate: Interval
    withheld: Interval


@dataclass(frozen=True)
class Compared:
    """One diagnosis before and after, and the difference.

    Attributes:
        before, after: figures.
        auroc_gain, log_loss_gain: after minus before, and before minus after: above 0 is better.
    """

    before: Figures
    after: Figures
    auroc_gain: Interval
    log_loss_gain: Interval


@dataclass(frozen=True)
class Whole:
    """All diagnoses together.

    Attributes:
        log_loss, outside, withheld, coverage: mean log loss over known outcomes; shares of cases.
    """

    log_loss: Interval
    outside: Interval
    withheld: Interval
    coverage: Interval


def folds_of(site: Site, seed: int) -> list[tuple[Indices, Indices]]:
    """Outer folds of a site's patients.

    Raises:
        CohortError: if there are too few patients to nest validation in validation.
    """
    labelled = site.labelled
    people = {site.people[i] for i in labelled} if len(labelled) else set(site.people)
    least = 2 * FOLDS
    if len(people) < least:
        which = "patients with known outcomes" if len(labelled) else "patients"
        alone = (
            ", or adapt the domain alone with --cases 0"
            if len(labelled) and len(set(site.people)) >= least
            else "; until then use the model as it is"
        )
        raise CohortError(
            f"{len(people)} {which} are too few: nothing could be validated on others.",
            remedy=f"collect at least {least}, better 100{alone}",
        )
    return list(grouped_folds(site.people, site.labels, FOLDS, seed))


def held_out(
    model: Model,
    site: Site,
    goal: Goal,
    folds: Sequence[tuple[Indices, Indices]],
    seed: int,
    report: Report,
) -> HeldOut:
    """What the model tells of each case before and after, in nested folds."""
    before = shown(model, as_it_is(model), site)
    parts: list[tuple[Indices, Shown]] = []
    kinds = []
    for train, test in folds:
        adapted = adapt(model, site.of(train), goal, seed)
        parts.append((test, shown(model, adapted, site.of(test))))
        kinds.append({name: change.kind for name, change in adapted.changes.items()})
        report()
    return HeldOut(before, _in_order(parts), tuple(kinds))


def _in_order(parts: Sequence[tuple[Indices, Shown]]) -> Shown:
    order = np.argsort(np.concatenate([test for test, _ in parts]))

    def every(name: str) -> NDArray[np.generic]:
        return np.concatenate([getattr(one, name) for _, one in parts])[order]

    names = ("probabilities", "alerts", "members", "withheld", "outside")
    return Shown(*(every(name) for name in names))  # type: ignore[arg-type]


def compared(
    model: Model, site: Site, found: HeldOut, *, samples: int, seed: int
) -> dict[str, Compared]:
    """Every diagnosis with a known outcome, before and after."""
    return {
        name: _compared(site, found, number, samples, seed)
        for number, name in enumerate(model.diagnoses)
        if (~np.isnan(site.labels[:, number])).any()
    }


def _compared(site: Site, found: HeldOut, number: int, samples: int, seed: int) -> Compared:
    labels = site.labels[:, number]
    drawn = {"samples": samples, "seed": seed}
    known = ~np.isnan(labels)
    people = np.asarray(site.people)[known].tolist()
    before, after = (one.probabilities[:, number] for one in (found.before, found.after))
    gains = losses(before, labels) - losses(after, labels)
    return Compared(
        _figures(site, found.before, number, drawn),
        _figures(site, found.after, number, drawn),
        auroc_difference(after, before, labels, site.people, **drawn),
        mean_of(gains[known], people, samples, seed),
    )


def _figures(site: Site, told: Shown, number: int, drawn: dict[str, int]) -> Figures:
    labels, people = site.labels[:, number], site.people
    p, alerts = told.probabilities[:, number], told.alerts[:, number]
    known = ~np.isnan(labels)
    weights = bootstrap_weights(people, drawn["samples"], drawn["seed"])
    everyone = np.ones(len(people), dtype=bool)
    own = np.asarray(people)[known].tolist()
    return Figures(
        auroc_interval(p, labels, people, **drawn),
        mean_of(losses(p, labels)[known], own, **drawn),
        brier_score(p, labels, people, **drawn),
        calibration_error_interval(p, labels, people, **drawn),
        share(alerts, labels == 1, people, weights),
        share(alerts, everyone, people, weights),
        share(told.withheld[:, number], everyone, people, weights),
    )


def whole(site: Site, told: Shown, *, samples: int, seed: int) -> Whole:
    """All diagnoses of the cases together."""
    people = site.people
    weights = bootstrap_weights(people, samples, seed)
    everyone = np.ones(len(people), dtype=bool)
    means = case_losses(told.probabilities, site.labels)
    known = ~np.isnan(means)
    with_set = ~np.isnan(told.members).any(axis=1) & ~(told.outside | site.too_old)
    inside = covered(site.labels == 1, told.members == 1)
    judged = with_set & ~np.isnan(site.labels).all(axis=1)
    return Whole(
        mean_of(means[known], np.asarray(people)[known].tolist(), samples, seed),
        share(told.outside, everyone, people, weights),
        share(told.withheld.mean(axis=1), everyone, people, weights),
        share(inside, judged, people, weights),
    )


def losses(probabilities: Values, labels: Values) -> Values:
    """Log loss of every case in nats [cases]; NaN where the outcome is not known."""
    p = np.clip(probabilities, _EDGE, 1 - _EDGE)
    return np.asarray(-(labels * np.log(p) + (1 - labels) * np.log1p(-p)))


def case_losses(probabilities: Values, labels: Values) -> Values:
    """Mean log loss of every case over its known outcomes [cases]; NaN where none is known."""
    single = losses(probabilities, labels)
    known = ~np.isnan(single)
    total = np.where(known, single, 0).sum(axis=1)
    number = known.sum(axis=1)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def mean_of(values: Values, people: Sequence[str], samples: int, seed: int) -> Interval:
    """Mean over cases with its patient-bootstrap interval."""
    if not len(values):
        return Interval(None, None, None, 0, 0)
    weights = bootstrap_weights(people, samples, seed)
    drawn = weighted_ratios(values, np.ones(len(values)), weights)
    return interval(float(values.mean()), drawn, len(values))
