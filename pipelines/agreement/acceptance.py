"""What readers made of the model's suggestions: accepted, modified, rejected, added.

The decisions that stand in signed readings are counted. A suggestion is a diagnosis at or above its
threshold and not withheld; a reader has to decide on each of them before they can sign. To reject
what the model gave a low probability is no override, and is not counted as one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from clinical.case.assessment import Action
from clinical.review.decisions import CODED
from clinical.review.kappa import Kappa, kappa
from pipelines.agreement.cells import ALL, Cell, share
from pipelines.agreement.readings import NO_MODEL, Reading
from pipelines.statistics.metrics import Interval


@dataclass(frozen=True)
class Acceptance:
    """One cell.

    Attributes:
        model, reader, period: of the cell; "" for all readers or months.
        opened: cases that were opened in it.
        signed: readings that were signed in it.
        decisions: that stand in these.
        suggested: number of suggestions in them.
        accepted, modified, rejected: how many of these suggestions were.
        added: diagnoses that readers made and the model did not suggest.
        agreement: fraction of the suggestions that were accepted.
        same: fraction of the readings whose diagnoses are exactly those suggested.
    """

    model: str
    reader: str
    period: str
    opened: int
    signed: int
    decisions: int
    suggested: int
    accepted: int
    modified: int
    rejected: int
    added: int
    agreement: Interval
    same: Interval


@dataclass(frozen=True)
class OfDiagnosis:
    """One diagnosis of one model's list in one month or all, over all readers.

    Attributes:
        model, period, diagnosis: which; "" for all months.
        readings: signed readings of cases that the model saw.
        suggested, accepted, modified, rejected, added: as in `Acceptance`, of this diagnosis.
        overridden: share of its suggestions that were modified or rejected.
        kappa: of model and reader on whether it is present, over all readings.
    """

    model: str
    period: str
    diagnosis: str
    readings: int
    suggested: int
    accepted: int
    modified: int
    rejected: int
    added: int
    overridden: Interval
    kappa: Kappa


@dataclass(frozen=True)
class Override:
    """How often suggestions were modified or rejected for one reason.

    Attributes:
        model, period, diagnosis, reason: which; "" for all months or diagnoses.
        modified, rejected: how often.
        share: of all overrides of the cell.
    """

    model: str
    period: str
    diagnosis: str
    reason: str
    modified: int
    rejected: int
    share: Interval


def acceptance(
    grouped: Mapping[Cell, Sequence[Reading]], opened: Mapping[Cell, int]
) -> list[Acceptance]:
    """A row for every cell in which something was opened or signed."""
    return [
        _acceptance(cell, grouped.get(cell, ()), opened.get(cell, 0))
        for cell in sorted({*grouped, *opened})
    ]


def by_diagnosis(grouped: Mapping[Cell, Sequence[Reading]]) -> list[OfDiagnosis]:
    """A row for every diagnosis that a model suggested or a reader of its cases holds.

    Codes that are not in the model's list are left out: it could not have suggested them.
    """
    found = []
    for cell, readings in grouped.items():
        if cell.reader != ALL or cell.model == NO_MODEL:
            continue
        named = {n for one in readings for n in one.passage.suggested | one.concluded}
        for diagnosis in sorted(n for n in named if not CODED.fullmatch(n)):
            found.append(_of_diagnosis(cell, diagnosis, readings))
    return found


def overrides(grouped: Mapping[Cell, Sequence[Reading]]) -> list[Override]:
    """Reasons of modified and rejected suggestions, of all diagnoses together and of each."""
    found = []
    for cell, readings in grouped.items():
        if cell.reader != ALL:
            continue
        counted: defaultdict[str, Counter[tuple[str, Action]]] = defaultdict(Counter)
        for decision in (d for one in readings for d in one.on_suggested):
            if decision.action in ("modify", "reject"):
                for diagnosis in (ALL, decision.diagnosis):
                    counted[diagnosis][decision.reason, decision.action] += 1
        for diagnosis, reasons in sorted(counted.items()):
            found += _reasons(cell, diagnosis, reasons)
    return found


def _acceptance(cell: Cell, readings: Sequence[Reading], opened: int) -> Acceptance:
    done = _actions(readings)
    suggested = sum(len(one.passage.suggested) for one in readings)
    return Acceptance(
        *cell,
        opened=opened,
        signed=len(readings),
        decisions=sum(len(one.reader.standing) for one in readings),
        suggested=suggested,
        accepted=done["accept"],
        modified=done["modify"],
        rejected=done["reject"],
        added=sum(len(one.added) for one in readings),
        agreement=share(done["accept"], suggested),
        same=share(
            sum(one.concluded == one.passage.suggested for one in readings)
            if cell.model != NO_MODEL
            else 0,
            len(readings) if cell.model != NO_MODEL else 0,
        ),
    )


def _of_diagnosis(cell: Cell, diagnosis: str, readings: Sequence[Reading]) -> OfDiagnosis:
    done = _actions(readings, diagnosis)
    suggested = sum(diagnosis in one.passage.suggested for one in readings)
    ratings = [(diagnosis in one.passage.suggested, diagnosis in one.concluded) for one in readings]
    return OfDiagnosis(
        cell.model,
        cell.period,
        diagnosis,
        len(readings),
        suggested,
        done["accept"],
        done["modify"],
        done["reject"],
        sum(diagnosis in one.added for one in readings),
        share(done["modify"] + done["reject"], suggested),
        kappa(ratings, [one.passage.case_id for one in readings]),
    )


def _actions(readings: Iterable[Reading], diagnosis: str = ALL) -> Counter[Action]:
    return Counter(
        decision.action
        for one in readings
        for decision in one.on_suggested
        if diagnosis in (ALL, decision.diagnosis)
    )


def _reasons(
    cell: Cell, diagnosis: str, counted: Mapping[tuple[str, Action], int]
) -> list[Override]:
    total = sum(counted.values())
    rows = []
    for reason in sorted({reason for reason, _ in counted}):
        modified = counted.get((reason, "modify"), 0)
        rejected = counted.get((reason, "reject"), 0)
        rows.append(
            Override(
                cell.model,
                cell.period,
                diagnosis,
                reason,
                modified,
                rejected,
                share(modified + rejected, total),
            )
        )
    return sorted(rows, key=lambda row: (-row.modified - row.rejected, row.reason))
