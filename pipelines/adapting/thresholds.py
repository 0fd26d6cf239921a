"""Thresholds to a stated sensitivity or alert rate, and the limits of prediction sets, at a site.

All are chosen on probabilities from a change that was not fitted on the case (`Choice.unseen`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clinical.errors import ConfigError
from clinical.model import calibration
from clinical.model.calibration import LEAST_FOR_SETS, SetRule, youden_threshold
from pipelines.adapting.change import LAYERS, NONE, READERS, Change
from pipelines.adapting.evidence import Values
from pipelines.statistics.operating_points import at_sensitivity

LEAST_POSITIVES = 10
"""Local cases with a diagnosis from which on a sensitivity is chosen: one missed of ten is 90%."""

LEAST_CASES = 20
"""Local cases from which on an alert rate is chosen."""


@dataclass(frozen=True)
class Goal:
    """What thresholds are to reach; without either they stay where they were among the cases.

    Attributes:
        sensitivity: share of cases with the diagnosis that are alerts, at least.
        alert_rate: share of all cases that are alerts, at most; needs no labels.
    """

    sensitivity: float | None = None
    alert_rate: float | None = None

    def check(self) -> None:
        """Whether it can be reached.

        Raises:
            ConfigError: if it is no share, or both are stated.
        """
        for name, value in (("sensitivity", self.sensitivity), ("alert rate", self.alert_rate)):
            if value is not None and not 0 < value < 1:
                raise ConfigError(
                    f"A {name} of {value:g} cannot be aimed at.",
                    remedy="state one above 0 and below 1, for example 0.9",
                )
        if self.sensitivity is not None and self.alert_rate is not None:
            raise ConfigError(
                "A threshold has one aim, a sensitivity or an alert rate.",
                remedy="state one of the two",
            )


@dataclass(frozen=True)
class Chosen:
    """A threshold of the adapted model.

    Attributes:
        value: the probability at or above which a diagnosis is suggested.
        rule: how it was found, in words.
        aimed: whether it was chosen on local cases for a stated goal.
    """

    value: float
    rule: str
    aimed: bool


def threshold(
    goal: Goal, before: float, change: Change, probabilities: Values, labels: Values
) -> Chosen:
    """The threshold of one diagnosis.

    Args:
        goal: what it is to reach.
        before: that of the model as it was.
        change: of the log odds.
        probabilities: of every local case that the model speaks of, unseen [cases].
        labels: 1, 0 or NaN for unknown [cases].
    """
    positives = int(np.nansum(labels))
    if goal.sensitivity is not None and positives >= LEAST_POSITIVES:
        words = f"a sensitivity of {goal.sensitivity:.0%} on {positives} local cases with it"
        if (found := at_sensitivity(probabilities, labels, goal.sensitivity)) is not None:
            return Chosen(found.value, words, True)
    if goal.alert_rate is not None and len(probabilities) >= LEAST_CASES:
        words = f"an alert rate of {goal.alert_rate:.0%} on {len(probabilities)} local cases"
        return Chosen(at_alert_rate(probabilities, goal.alert_rate), words, True)
    missed = ""
    if goal.sensitivity is not None:
        missed = f" ({positives} local cases with it, {LEAST_POSITIVES} are needed)"
    if goal.alert_rate is not None:
        missed = f" ({len(probabilities)} local cases, {LEAST_CASES} are needed)"
    if change.kind in (READERS, LAYERS):
        # The order of the cases is another one, so the old place among them is gone.
        found_value = youden_threshold(probabilities, labels)
        return Chosen(found_value, f"largest Youden index on local cases{missed}", False)
    if change.kind == NONE:
        return Chosen(before, f"as it was{missed}", False)
    return Chosen(change.carried(before), f"the same cases as before are alerts{missed}", False)


def at_alert_rate(probabilities: Values, rate: float) -> float:
    """The lowest threshold at or above which at most a share of cases [cases] are."""
    values = np.unique(probabilities)
    share = 1 - np.searchsorted(np.sort(probabilities), values, side="left") / len(probabilities)
    allowed = values[share <= rate + 1e-12]
    # With many ties at the top, not even the highest probability will do.
    return float(allowed[0]) if len(allowed) else float(np.nextafter(values[-1], np.inf))


def set_rules(
    before: Mapping[str, SetRule],
    changes: Mapping[str, Change],
    judged: Mapping[str, tuple[Values, Values]],
    prevalence: Mapping[str, float],
    true: int,
) -> tuple[dict[str, SetRule], bool]:
    """Limits of the prediction sets, and whether local cases gave them.

    Args:
        before: those of the model as it was.
        changes: of every diagnosis.
        judged: pattern to unseen probabilities and labels of local cases, both [cases, diagnoses].
        prevalence: of every diagnosis, in the model's order.
        true: local cases with a true diagnosis.

    With too few cases, sets hold what they held before: the limits go where the calibration takes
    them. Where readers were changed they are kept as probabilities.
    """
    if true >= LEAST_FOR_SETS and before:
        coverage = next(iter(before.values())).coverage
        return calibration.fit_set_rules(judged, prevalence, coverage), True
    moved = {}
    for pattern, rule in before.items():
        cuts = {
            name: changes[name].carried(cut) if np.isfinite(cut) else cut
            for name, cut in rule.cuts.items()
        }
        moved[pattern] = replace(rule, cuts=cuts)
    return moved, False


def true_cases(labels: NDArray[np.float64]) -> int:
    """Cases with a true diagnosis, of labels [cases, diagnoses].

    None where a diagnosis has no known outcome at all: sets promise to hold all true diagnoses.
    """
    if np.isnan(labels).all(axis=0).any():
        return 0
    return int((labels == 1).any(axis=1).sum())
