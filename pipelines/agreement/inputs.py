"""Input drift: what models are given now, against what their checkpoints keep from training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clinical.model.domain import LIMIT_QUANTILE
from pipelines.agreement.cells import ALL, LEAST, share
from pipelines.agreement.quantiles import distance, limit
from pipelines.agreement.reference import Reference
from pipelines.agreement.seen import Seen
from pipelines.statistics.metrics import Interval

EXPECTED_OUTSIDE = 1 - LIMIT_QUANTILE
"""At most this share of validation cases lies outside the limit of one input, by construction."""

Group = tuple[str, str]
"""Model, and month or `ALL`."""


@dataclass(frozen=True)
class Marked:
    """Cases that were marked as unlike the training cases, of one model in one month or all.

    Attributes:
        model, period: which.
        share: of the cases.
        expected: at most, of cases like those of validation; None without the checkpoint.
    """

    model: str
    period: str
    share: Interval
    expected: float | None


@dataclass(frozen=True)
class Given:
    """One input of one model in one month or all.

    Attributes:
        model, period, modality: which.
        missing: share of the cases that do not have it.
        usual_missing: share of the validation cases, or None without the checkpoint.
        outside: share of the cases that have it which were marked for it.
        expected_outside: at most, of cases like those of validation; None where nothing is kept.
    """

    model: str
    period: str
    modality: str
    missing: Interval
    usual_missing: float | None
    outside: Interval
    expected_outside: float | None


@dataclass(frozen=True)
class Measured:
    """One kind of measurement, or the age, against the quantiles of training.

    Attributes:
        model, period, code: which.
        cases, values: that have it, and how many values.
        median, usual: of these values, and of training, in the unit of the term.
        shift: between them, in interquartile ranges of training.
        statistic, limit: Kolmogorov-Smirnov at the quantiles, and what it stays below where nothing
            has changed (`pipelines.agreement.quantiles`).
    """

    model: str
    period: str
    code: str
    cases: int
    values: int
    median: float
    usual: float
    shift: float
    statistic: float
    limit: float


def grouped(found: Sequence[Seen]) -> dict[Group, list[Seen]]:
    """By model and month, and by model; a case counts once in each, as it was seen last there."""
    groups: dict[Group, dict[str, Seen]] = {}
    for one in found:
        for period in (ALL, one.period):
            groups.setdefault((one.model, period), {})[one.case_id] = one
    return {group: list(cases.values()) for group, cases in sorted(groups.items())}


def marked(groups: Mapping[Group, Sequence[Seen]], known: Mapping[str, Reference]) -> list[Marked]:
    """How many cases were marked."""
    rows = []
    for (model, period), cases in groups.items():
        kept = known.get(cases[0].model_digest)
        expected = min(1.0, EXPECTED_OUTSIDE * len(kept.placed)) if kept else None
        count = sum(case.flagged for case in cases)
        rows.append(Marked(model, period, share(count, len(cases)), expected))
    return rows


def given(groups: Mapping[Group, Sequence[Seen]], known: Mapping[str, Reference]) -> list[Given]:
    """How often every input was missing, and marked."""
    rows = []
    for (model, period), cases in groups.items():
        kept = known.get(cases[0].model_digest)
        for name in sorted({name for case in cases for name in case.used | case.missing}):
            having = [case for case in cases if name in case.used]
            rows.append(
                Given(
                    model,
                    period,
                    name,
                    share(len(cases) - len(having), len(cases)),
                    kept.missing.get(name) if kept else None,
                    share(sum(name in case.outside for case in having), len(having)),
                    EXPECTED_OUTSIDE if kept and name in kept.placed else None,
                )
            )
    return rows


def measured(
    groups: Mapping[Group, Sequence[Seen]], known: Mapping[str, Reference]
) -> list[Measured]:
    """Kinds of measurement the model was trained on and `LEAST` cases have, farthest first."""
    rows: list[Measured] = []
    for (model, period), cases in groups.items():
        kept = known.get(cases[0].model_digest)
        if kept is None:
            continue
        having = {code: [c.values[code] for c in cases if code in c.values] for code in kept.edges}
        enough = {code: rows for code, rows in having.items() if len(rows) >= LEAST}
        of_group = []
        for code, values in enough.items():
            flat = [value for row in values for value in row]
            found = distance(flat, kept.edges[code])
            of_group.append(
                Measured(
                    model,
                    period,
                    code,
                    len(values),
                    len(flat),
                    found.median,
                    found.usual,
                    found.shift,
                    found.statistic,
                    limit(len(values), len(enough)),
                )
            )
        rows += sorted(of_group, key=lambda row: (-row.statistic, row.code))
    return rows


def unknown_codes(found: Sequence[Seen], known: Mapping[str, Reference]) -> int:
    """Kinds of measurement that a model was given and has no token for."""
    return len(
        {
            (case.model, code)
            for case in found
            for code in case.values
            if code not in known[case.model_digest].edges
        }
    )
