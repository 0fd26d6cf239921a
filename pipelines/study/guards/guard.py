"""The result of a guard against shortcuts and leaks: one number, one verdict, one plain sentence.

A guard tries to reach the label, or to know where a case comes from, by a road that no honest
model should need. It fires where that road goes too far. A guard that does not fire is no proof of
absence, and one that fires says where to look, not that a model has used what it found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pipelines.statistics.metrics import Interval

ALONE_AUROC = 0.65
"""AUROC at which something that is no evidence of disease predicts a label too well."""

SURELY_AUROC = 0.6
"""What the lower end of the interval has to clear as well, lest chance fires a guard."""


@dataclass(frozen=True)
class GuardResult:
    """What a guard found.

    Attributes:
        guard: its name, that of its module.
        subject: what it was asked about: a diagnosis, a modality or a fact of the acquisition.
        measure: what `estimate` is, for example "AUROC".
        estimate: the number with its patient-bootstrap 95% interval.
        threshold: what the estimate is held against, or None for a number that is only reported.
        fires: whether the guard warns.
        sentence: what was found, for a reader who knows no statistics.
        figures: further numbers that the verdict rests on.
        counts: how many of what.
    """

    guard: str
    subject: str
    measure: str
    estimate: Interval
    threshold: float | None
    fires: bool
    sentence: str
    figures: Mapping[str, Interval] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Skipped:
    """A guard that could not be computed, and why."""

    guard: str
    subject: str
    reason: str


Finding = GuardResult | Skipped


def clears(estimate: Interval, threshold: float, surely: float) -> bool:
    """Whether the estimate is above `threshold` and its interval's low end above `surely`."""
    if estimate.value is None or estimate.low is None:
        return False
    return estimate.value > threshold and estimate.low > surely


def told_from(
    label: str, what: str, estimate: Interval, threshold: float, fires: bool, worry: str
) -> str:
    """One sentence: a label can be predicted from something, perhaps, or hardly.

    Args:
        label: that is predicted.
        what: it is predicted from.
        estimate, threshold, fires: see `GuardResult`.
        worry: what it means where the guard fires.
    """
    if fires:
        return f"{label} can be predicted from {what}: {worry}."
    if estimate.value is not None and estimate.value > threshold:
        return (
            f"{label} can perhaps be predicted from {what}, but the cases are too few to be sure."
        )
    return f"{label} can hardly be predicted from {what}."


def as_json(finding: Finding) -> dict[str, Any]:
    """A finding as JSON-compatible values; `skipped` tells the two kinds apart."""
    return {"skipped": isinstance(finding, Skipped), **asdict(finding)}
