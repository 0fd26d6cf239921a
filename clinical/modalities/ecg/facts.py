"""What rules, guards and comparators may know of electrocardiograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from clinical.case.shapes import Arrays
from clinical.modalities.ecg import criteria
from clinical.modalities.ecg.tracing import criteria_met, tokens

_MEASURED = (
    "rate",
    "irregularity",
    "pr_ms",
    "qrs_ms",
    "qt_ms",
    "qtc_bazett_ms",
    "qtc_fridericia_ms",
    "axis_deg",
    "sokolow_lyon_mv",
    "limb_mv",
)


def usable(value: Arrays) -> int | None:
    """Tracings in which beats can be made out; None where there are none, as good as absent."""
    return sum(tokens(tracing).analysis.beats > 1 for tracing in value.items) or None


def times(value: Arrays) -> Sequence[datetime | None]:
    """When each was recorded."""
    return [_time(tracing.source.get("acquired", "")) for tracing in value.items]


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def columns(value: Arrays) -> Mapping[str, float]:
    """What was measured on the first tracing, and the criteria that it meets (1) or not (0)."""
    if not value.items:
        return {}
    analysis = tokens(value.items[0]).analysis
    if analysis.beats < 2:
        return {}
    measured = {name: getattr(analysis, name) for name in _MEASURED}
    met = {criterion.name for criterion in criteria_met(value.items[0])}
    return {
        **{name: float(number) for name, number in measured.items() if number is not None},
        **{name: float(name in met) for name in criteria.NAMES},
    }
