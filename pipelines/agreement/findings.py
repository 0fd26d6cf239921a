"""Everything the report says, as numbers, computed from ledger and store in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from clinical.audit import ledger
from clinical.audit.verify import Verdict, verify
from clinical.review.switches import Truth
from clinical.wording import RESEARCH_USE
from pipelines.agreement import acceptance, cells, inputs, outputs, readings, rules
from pipelines.agreement.acceptance import Acceptance, OfDiagnosis, Override
from pipelines.agreement.attention import Took, took
from pipelines.agreement.inputs import Given, Group, Marked, Measured
from pipelines.agreement.outputs import Expected
from pipelines.agreement.readings import Passage, Reading, Window
from pipelines.agreement.reference import Reference
from pipelines.agreement.rules import RULES, Alert
from pipelines.agreement.second import Doubled, doubled
from pipelines.agreement.seen import Seen, seen
from pipelines.agreement.switched import Switched, switched

VERSION = "1.0"


@dataclass(frozen=True)
class Counts:
    """What the report rests on.

    Attributes:
        cases, readings, readers: signed readings, of how many cases, by how many readers.
        models: whose assessments were opened, signed or made, or `NO_MODEL`, by name.
        without_reference: models whose checkpoint is not available.
        assessed: assessments in the window, and...
        not_read: ... how many of them the store does not hold.
        purged: cases removed from the store; nothing of them is counted.
        unsigned: decisions in readings that nobody signed; not counted.
        unknown_codes: kinds of measurement that a model was given but not trained on.
        outcomes: whether a cohort's outcomes were given.
    """

    cases: int
    readings: int
    readers: int
    models: tuple[str, ...]
    without_reference: tuple[str, ...]
    assessed: int
    not_read: int
    purged: int
    unsigned: int
    unknown_codes: int
    outcomes: bool


@dataclass(frozen=True)
class Findings:
    """The whole report; every list has a row for each cell (`pipelines.agreement.cells`)."""

    verdict: Verdict
    window: Window
    counts: Counts
    acceptance: tuple[Acceptance, ...]
    by_diagnosis: tuple[OfDiagnosis, ...]
    overrides: tuple[Override, ...]
    switched: tuple[Switched, ...]
    doubled: tuple[Doubled, ...]
    took: tuple[Took, ...]
    marked: tuple[Marked, ...]
    given: tuple[Given, ...]
    measured: tuple[Measured, ...]
    expected: tuple[Expected, ...]
    alerts: tuple[Alert, ...]


def find(
    connection: Connection,
    window: Window,
    known: Mapping[str, Reference],
    truths: Mapping[str, Truth],
) -> Findings:
    """Verify the ledger, then count.

    Of a ledger that is broken only the events before the first fault are counted: those verified.

    Args:
        connection: reads one moment of the workspace.
        window: which moments count.
        known: digest of a model to what its checkpoint keeps.
        truths: case_id to the cohort's outcomes; empty where none were given.

    Raises:
        LedgerError: at an event that does not hold what its kind has.
    """
    verdict = verify(connection)
    # The events up to the first fault have no gap, so that their number is the last one's.
    events = islice(ledger.events(connection), verdict.events)
    passages = readings.passages(events)
    signed = readings.readings(passages, window)
    assessed = readings.assessed(passages, window)
    shown = list(seen(connection, assessed, known))
    rows = {
        **_of_readers(passages, signed, window, truths),
        **_of_models(inputs.grouped(shown), known),
    }
    counts = Counts(
        **_counts_of_readers(passages, signed, window),
        **_counts_of_models(assessed, shown, known),
        models=tuple(sorted({one.model for one in (*rows["acceptance"], *assessed)})),
        outcomes=bool(truths),
    )
    return Findings(verdict, window, counts, **rows, alerts=tuple(_alerts(rows)))


def to_json(found: Findings) -> dict[str, Any]:
    """The form of agreement.json (docs/agreement.md)."""
    return {
        "version": VERSION,
        "notice": RESEARCH_USE,
        **asdict(found),
        "rules": [asdict(rule) for rule in RULES.values()],
        "least": cells.LEAST,
    }


def _counts_of_readers(
    passages: Sequence[Passage], signed: Sequence[Reading], window: Window
) -> dict[str, Any]:
    return {
        "cases": len({one.passage.case_id for one in signed}),
        "readings": len(signed),
        "readers": len({one.reader.name for one in signed}),
        "purged": len({one.case_id for one in passages if one.purged}),
        "unsigned": readings.unsigned(passages, window),
    }


def _counts_of_models(
    assessed: Sequence[Passage], shown: Sequence[Seen], known: Mapping[str, Reference]
) -> dict[str, Any]:
    unknown = {one.model for one in assessed if one.model_digest not in known}
    return {
        "without_reference": tuple(sorted(unknown)),
        "assessed": len(assessed),
        "not_read": len(assessed) - len(shown),
        "unknown_codes": inputs.unknown_codes(shown, known),
    }


def _of_readers(
    passages: Sequence[Passage],
    signed: Sequence[Reading],
    window: Window,
    truths: Mapping[str, Truth],
) -> dict[str, Any]:
    by_cell = cells.cells(signed)
    opened = cells.counts(readings.openings(passages, window))
    return {
        "acceptance": tuple(acceptance.acceptance(by_cell, opened)),
        "by_diagnosis": tuple(acceptance.by_diagnosis(by_cell)),
        "overrides": tuple(acceptance.overrides(by_cell)),
        "switched": tuple(switched(by_cell, truths)),
        "doubled": tuple(doubled(passages, window)),
        "took": tuple(took(by_cell)),
    }


def _of_models(
    groups: Mapping[Group, Sequence[Seen]], known: Mapping[str, Reference]
) -> dict[str, Any]:
    return {
        "marked": tuple(inputs.marked(groups, known)),
        "given": tuple(inputs.given(groups, known)),
        "measured": tuple(inputs.measured(groups, known)),
        "expected": tuple(outputs.expected(groups)),
    }


def _alerts(rows: Mapping[str, Any]) -> list[Alert]:
    found = [
        *rules.overridden(rows["by_diagnosis"]),
        *rules.always_accepted(rows["acceptance"]),
        *rules.hasty(rows["took"]),
        *rules.low_kappa(rows["doubled"]),
        *rules.harmful(rows["switched"]),
        *rules.outside(rows["marked"]),
        *rules.missing(rows["given"]),
        *rules.measured_otherwise(rows["measured"]),
        *rules.expected_otherwise(rows["expected"]),
    ]
    order = list(RULES)
    return sorted(found, key=lambda a: (a.period, a.model, order.index(a.rule), a.subject))
