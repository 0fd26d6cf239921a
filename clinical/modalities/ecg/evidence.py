"""Which parts of a tracing count: where they lie, what they are called, what is drawn of them.

A token of a lead stands for one part of all its beats. Its place in the recording is that of the
first such beat, in ms from the first sample; the drawing marks it in every beat.
"""

from __future__ import annotations

from collections.abc import Sequence

from clinical.case.assessment import EvidenceItem, Explanation
from clinical.case.sentences import Named, Stretch, Whole
from clinical.case.shapes import Arrays
from clinical.modalities.ecg.drawing import Highlight
from clinical.modalities.ecg.tokens import FROM_MS, TO_MS, Tokens, stretches
from clinical.modalities.ecg.tracing import tokens
from clinical.modalities.kit import Telling, the

PARTS: tuple[tuple[str, float, float], ...] = (
    ("P", FROM_MS, -60.0),
    ("QRS", -60.0, 70.0),
    ("ST–T", 70.0, TO_MS),
)
"""Name of each part of a beat, and ms from R between which it lies."""

RHYTHM = "rhythm"
"""Label of the evidence that is about the whole recording."""

_FAINT = 0.2
_SPOKEN = {"P": "P wave", "QRS": "QRS complex", "ST–T": "ST segment and T wave"}


def span(found: Tokens, part: int) -> tuple[int, int] | None:
    """Start and end of a part in the first beat that has it whole, in ms; None without one."""
    _, begin, end = PARTS[part]
    last = found.seconds * 1000
    for peak in found.peaks:
        start, stop = 1000 * peak + begin, 1000 * peak + end
        if start >= 0 and stop <= last:
            return round(start), round(stop)
    return None


def part_of(found: Tokens, item: EvidenceItem) -> int | None:
    """Which of `PARTS` a piece of evidence is about; None for the rhythm."""
    stated = (item.start, item.end)
    places = range(len(PARTS))
    return next((place for place in places if span(found, place) == stated), None)


def label(value: Arrays, item: EvidenceItem) -> str:
    """ "V2 ST–T, 1.2–1.6 s": lead, part, and where its first beat lies."""
    if not 0 <= item.index < len(value.items):
        return item.label
    which = f"tracing {item.index + 1}, " if item.index else ""
    if item.label == RHYTHM:
        return f"{which}rhythm and intervals"
    if item.start is None or item.end is None:
        return f"{which}{item.label}"
    part = part_of(tokens(value.items[item.index]), item)
    name = item.label if part is None else f"{item.label} {PARTS[part][0]}"
    return f"{which}{name}, {item.start / 1000:.1f}–{item.end / 1000:.1f} s"


def named(name: str, value: Arrays, item: EvidenceItem, telling: Telling) -> Named:  # noqa: ARG001
    """ "the ST segment and T wave in V2 of the ECG", and the seconds of its first beat."""
    if not 0 <= item.index < len(value.items):
        return Named(f"{item.label} of {the(name)}", Whole(name))
    which = f"tracing {item.index + 1} of {the(name)}" if item.index else the(name)
    if item.label == RHYTHM:
        return Named(f"the rhythm and intervals of {which}", Stretch(name, item.index))
    if item.start is None or item.end is None:
        return Named(f"{item.label} of {which}", Stretch(name, item.index, item.label))
    part = part_of(tokens(value.items[item.index]), item)
    spoken = f"the {_SPOKEN[PARTS[part][0]]} in {item.label}" if part is not None else item.label
    seconds = item.start / 1000, item.end / 1000
    return Named(
        f"{spoken} of {which}",
        Stretch(name, item.index, item.label, seconds),
        (f"first at {seconds[0]:.1f}–{seconds[1]:.1f} s",),
    )


def highlights(
    name: str, number: int, found: Tokens, explanation: Explanation | None
) -> tuple[Highlight, ...]:
    """What to mark on one tracing: the parts that count, in every beat.

    Args:
        name: of the input.
        number: of the tracing in it.
        found: the tracing's own.
        explanation: of the diagnosis that is asked about; what counts less than a fifth of the
            strongest part is left unmarked.
    """
    items = [
        item
        for item in (explanation.items if explanation else ())
        if (item.modality, item.index) == (name, number) and item.label != RHYTHM
    ]
    strongest = max((abs(item.relevance) for item in items), default=0.0)
    return tuple(
        mark
        for item in items
        if strongest > 0 and abs(item.relevance) >= _FAINT * strongest
        for mark in _marks(item, found, abs(item.relevance) / strongest)
    )


def _marks(item: EvidenceItem, found: Tokens, strength: float) -> Sequence[Highlight]:
    part = part_of(found, item)
    if part is None:
        return ()
    _, begin, end = PARTS[part]
    sign = 1 if item.relevance > 0 else -1
    return [
        Highlight(item.label, start, stop, strength, sign)
        for start, stop in stretches(found, begin, end)
    ]
