"""What a reader concluded: the diagnoses their decisions mark as present."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clinical.review.progress import Reader, RecordedDecision


def conclusion(standing: Iterable[RecordedDecision]) -> frozenset[str]:
    """The diagnoses that hold: accepted, added, or put in the place of a suggestion.

    A rejected, replaced or undecided suggestion is not among them. Reasons, confidence and
    comments do not count.
    """
    present = set()
    for decision in standing:
        if decision.action in ("accept", "add"):
            present.add(decision.diagnosis)
        elif decision.action == "modify":
            present.add(decision.replacement)
    return frozenset(present)


def concluded(reader: Reader) -> frozenset[str]:
    """`conclusion` of the decisions of one reader that stand."""
    return conclusion(reader.standing.values())


def differ(readers: Sequence[Reader]) -> bool:
    """Whether signed readings of one case do not hold the same diagnoses."""
    return len({concluded(reader) for reader in readers}) > 1
