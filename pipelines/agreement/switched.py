"""What readers changed after their blinded first read, and whether that was for the better.

A change of a diagnosis is helpful or harmful only against a truth. It is the cohort's outcome where
one was given, and otherwise the adjudication of the case, which rests on the same inputs and on
readings that the model may have moved; without either it is counted as unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clinical.review.switches import Switches, Truth, switches
from pipelines.agreement.cells import Cell
from pipelines.agreement.readings import Reading


@dataclass(frozen=True)
class Switched:
    """One cell; counts of diagnoses, except `readings` and `judged`.

    Attributes:
        model, reader, period: of the cell; "" for all readers or months.
        readings: signed readings that began with a first read.
        judged: those of which something is known to be true.
        kept: the first word is the last.
        to_machine, from_machine: changed to what the model suggested, or away from it.
        helpful, harmful, unknown: changes for the better, for the worse, and without a truth.
    """

    model: str
    reader: str
    period: str
    readings: int
    judged: int
    kept: int
    to_machine: int
    from_machine: int
    helpful: int
    harmful: int
    unknown: int


def switched(
    grouped: Mapping[Cell, Sequence[Reading]], truths: Mapping[str, Truth]
) -> list[Switched]:
    """A row for every cell with a first read.

    Args:
        grouped: signed readings by cell.
        truths: case_id to the cohort's outcomes; empty where none were given.
    """
    found = []
    for cell, readings in grouped.items():
        blinded = [one for one in readings if one.reader.first_read is not None]
        if not blinded:
            continue
        known = [_truth(one, truths) for one in blinded]
        total = sum((_switches(o, t) for o, t in zip(blinded, known, strict=True)), Switches())
        changed = total.to_machine + total.from_machine
        found.append(
            Switched(
                *cell,
                readings=len(blinded),
                judged=sum(any(v is not None for v in truth.values()) for truth in known),
                kept=total.kept,
                to_machine=total.to_machine,
                from_machine=total.from_machine,
                helpful=total.helpful,
                harmful=total.harmful,
                unknown=changed - total.helpful - total.harmful,
            )
        )
    return found


def _switches(one: Reading, truth: Truth) -> Switches:
    # Only what somebody named: a diagnosis that only the outcomes know was no word of the reader's.
    named = _first(one) | one.concluded | one.passage.suggested
    known = {name: truth.get(name) for name in named}
    return switches(_first(one), one.concluded, one.passage.suggested, known)


def _truth(one: Reading, truths: Mapping[str, Truth]) -> Truth:
    found: dict[str, bool | None] = {}
    last_word = one.passage.progress.adjudicated
    if last_word is not None:
        named = _first(one) | one.concluded | one.passage.suggested
        found = {name: name in last_word.present for name in named}
    outcomes = truths.get(one.passage.case_id, {})
    return found | {name: value for name, value in outcomes.items() if value is not None}


def _first(one: Reading) -> frozenset[str]:
    return frozenset(ranked.diagnosis for ranked in one.reader.first_read or ())
