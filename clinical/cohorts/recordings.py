"""Electrocardiograms among files that a browser sends: WFDB records put together, tables known.

A table is known by its content. A WFDB record is a header, known by its content, and the signal
files that it names; those have nothing to be known by but that name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from clinical.errors import WaveformError
from clinical.modalities.ecg import table, wfdb

HEADER, TABLE = "record.hea", "table.csv"
"""Names by which the reader of electrocardiograms knows what it has."""

Loose = tuple[str, bytes]
"""Name, as it was called, and content of a file that is no image."""


@dataclass(frozen=True)
class Recorded:
    """One electrocardiogram.

    Attributes:
        name: as its header or table was called.
        files: plain name to content; what the reader opens stands first.
        digest: as the reader computes it.
        parts: the files that it was made of.
        asks: whether rate and unit have to be stated.
        rate: that it says itself, or "".
        unit: the same.
    """

    name: str
    files: Mapping[str, bytes]
    digest: str
    parts: tuple[Loose, ...]
    asks: bool = False
    rate: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Incomplete:
    """A header that cannot be kept, and why."""

    part: Loose
    reason: str
    remedy: str


def found(loose: Sequence[Loose]) -> Iterator[Recorded | Incomplete]:
    """The electrocardiograms among files that are no images, and headers without their signals."""
    for part in loose:
        name, data = part
        try:
            signals = wfdb.named_in(data)
        except WaveformError as error:
            yield Incomplete(part, error.message, error.remedy or "Export it again.")
            continue
        if signals is not None:
            yield _record(part, signals, loose)
        elif (stated := table.stated(data)) is not None:
            rate = "" if stated.rate is None else f"{stated.rate:g}"
            digest = hashlib.sha256(data).hexdigest()
            yield Recorded(name, {TABLE: data}, digest, (part,), True, rate, stated.unit)


def _record(header: Loose, signals: Sequence[str], loose: Sequence[Loose]) -> Recorded | Incomplete:
    beside = {name: (name, data) for name, data in loose}
    missing = [name for name in signals if name not in beside]
    if missing or HEADER in signals:
        reason = f"It is the header of a WFDB record; its signal file {signals[0]} is not with it."
        return Incomplete(header, reason, "Drop header and signal files together, or in one ZIP.")
    parts = [beside[name] for name in signals]
    state = hashlib.sha256(header[1])
    for _, data in parts:
        state.update(data)
    files = {HEADER: header[1], **dict(parts)}
    return Recorded(header[0], files, state.hexdigest(), (header, *parts))
