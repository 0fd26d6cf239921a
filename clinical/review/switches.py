"""What the model changed: the first read against what was decided after it was shown."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from sqlalchemy import Connection

from clinical.audit import ledger
from clinical.review.conclusion import concluded
from clinical.review.progress import Progress, advanced

Truth = Mapping[str, bool | None]
"""Diagnosis to whether it was so; None where that is not known."""


@dataclass(frozen=True)
class Switches:
    """Diagnoses of one or several readings, by what became of them.

    Attributes:
        kept: the final word is that of the first read.
        to_machine: it changed to what the model suggested.
        from_machine: it changed, away from what the model suggested.
        helpful, harmful: changes for the better and for the worse, where the truth is known.
    """

    kept: int = 0
    to_machine: int = 0
    from_machine: int = 0
    helpful: int = 0
    harmful: int = 0

    def __add__(self, other: Switches) -> Switches:
        """The counts of two readings together."""
        return Switches(
            self.kept + other.kept,
            self.to_machine + other.to_machine,
            self.from_machine + other.from_machine,
            self.helpful + other.helpful,
            self.harmful + other.harmful,
        )


def switches(
    first: Set[str],
    final: Set[str],
    machine: Set[str],
    truth: Truth | None = None,
) -> Switches:
    """Count, over every diagnosis that any of the three or the truth names.

    Args:
        first: diagnoses of the first read.
        final: diagnoses concluded in the end (`clinical.review.conclusion`).
        machine: diagnoses the model suggested, at or above their threshold and not withheld.
        truth: what is known to have been so; nothing if left out.
    """
    known = truth or {}
    total = Switches()
    for name in first | final | machine | set(known):
        before, after = name in first, name in final
        if before == after:
            total += Switches(kept=1)
            continue
        towards = after == (name in machine)
        right = known.get(name)
        total += Switches(
            to_machine=int(towards),
            from_machine=int(not towards),
            helpful=int(right is not None and after == right),
            harmful=int(right is not None and after != right),
        )
    return total


def counted(
    connection: Connection, truths: Mapping[str, Truth] | None = None
) -> tuple[int, Switches]:
    """Switches over all signed readings that began with a first read.

    Args:
        connection: reads the workspace.
        truths: case_id to what is known of it.

    Returns:
        How many readings, and their switches together.

    Raises:
        LedgerError: at an event that does not hold what its kind has.
    """
    cases: dict[str, Progress] = {}
    for event in ledger.events(connection):
        if event.case_id:
            cases[event.case_id] = advanced(cases.get(event.case_id, Progress()), event)
    count, total = 0, Switches()
    for case_id, now in cases.items():
        machine = set(now.subject.to_decide) if now.subject else set()
        for reader in now.signed:
            if reader.first_read is not None:
                first = {item.diagnosis for item in reader.first_read}
                known = (truths or {}).get(case_id)
                total += switches(first, concluded(reader), machine, known)
                count += 1
    return count, total
