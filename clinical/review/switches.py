"""What the machine changed: the first read against what was decided after it was shown."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass


@dataclass(frozen=True)
class Switches:
    """Diagnoses of one or several readings, by what became of them.

    Attributes:
        kept: the final word is that of the first read.
        to_machine: it changed to what the machine suggested.
        from_machine: it changed, away from what the machine suggested.
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
    truth: Mapping[str, bool | None] | None = None,
) -> Switches:
    """Count, over every diagnosis that any of the three or the truth names.

    Args:
        first: diagnoses of the first read.
        final: diagnoses concluded in the end (`clinical.review.conclusion`).
        machine: diagnoses the machine suggested, at or above their threshold and not withheld.
        truth: diagnosis to whether it was so; None or left out where that is not known.
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
