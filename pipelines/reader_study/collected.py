"""What the readers of a study signed: ratings.csv, a row for every reading.

A rating has four grades: not held (0), held with low (1), medium or unstated (2), or high (3)
confidence. Whether a reader rejected a suggestion or said nothing does not count: without the
machine there is nothing to reject, and grades must mean the same under every condition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from clinical.audit import ledger
from clinical.workspace.database import opened
from pipelines.agreement.readings import Reading, Window, passages, readings
from pipelines.reader_study.allocation import Place
from pipelines.reader_study.plan import Plan, session_folder
from pipelines.reader_study.ratings import Rated

_GRADES = {"low": 1, "medium": 2, "high": 3, None: 2}


@dataclass(frozen=True)
class Collected:
    """What there is of a study so far.

    Attributes:
        rated: signed readings, in the order of the plan.
        missing: readings of the plan that nobody has signed.
        too_soon: readings of a case that came before the washout since the same reader's last
            reading of it was over.
        others: signatures in a session by somebody else than its reader; they do not count.
    """

    rated: tuple[Rated, ...]
    missing: int
    too_soon: int
    others: int


def collect(out: Path, plan: Plan) -> Collected:
    """Read every session's ledger.

    Raises:
        StoreError: if a session's workspace is not there.
        LedgerError: at an event that does not hold what its kind has.
    """
    found: dict[Place, Reading] = {}
    others = 0
    for reader, session in dict.fromkeys((p.reader, p.session) for p in plan.places):
        places = {p.shown_as: p for p in plan.places if (p.reader, p.session) == (reader, session)}
        folder = session_folder(out, plan, reader, session)
        with opened(folder) as engine, engine.connect() as connection:
            signed = readings(passages(ledger.events(connection)), Window())
        for reading in signed:
            if reading.reader.name != reader:
                others += 1
            elif reading.passage.case_id in places:
                found[places[reading.passage.case_id]] = reading
    rated = tuple(_rated(plan, place, found[place]) for place in plan.places if place in found)
    return Collected(rated, len(plan.places) - len(found), _too_soon(plan, found), others)


def _rated(plan: Plan, place: Place, reading: Reading) -> Rated:
    held = plan.diagnosis in reading.concluded
    grades = [
        _GRADES[decision.confidence]
        for decision in reading.reader.standing.values()
        if plan.diagnosis in (decision.diagnosis, decision.replacement)
        and decision.action != "reject"
    ]
    return Rated(
        reader=place.reader,
        condition=place.condition,
        case_id=place.case_id,
        truth=plan.truths[place.case_id],
        rating=float(max(grades, default=_GRADES[None])) if held else 0.0,
        call=held,
        seconds=reading.passage.seconds.get(place.reader),
        mistake=place.case_id in plan.mistakes,
        session=place.session,
        signed=reading.signed,
    )


def _too_soon(plan: Plan, found: dict[Place, Reading]) -> int:
    least = timedelta(days=plan.washout_days)
    return sum(gap < least for gap in _gaps(found))


def _gaps(found: dict[Place, Reading]) -> Iterator[timedelta]:
    """Time between a reader's signature of a case and their last one of it."""
    last: dict[tuple[str, str], datetime] = {}
    for place, reading in sorted(found.items(), key=lambda pair: pair[1].signed):
        signed = datetime.fromisoformat(reading.signed)
        key = place.reader, place.case_id
        if key in last:
            yield signed - last[key]
        last[key] = signed
