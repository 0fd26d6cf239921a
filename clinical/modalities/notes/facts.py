"""What rules and guards may know of notes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from clinical.case.shapes import Text, Texts

_TEXT = Text("", "")


def written(value: Texts) -> Sequence[Text]:
    """The sections themselves."""
    return value.items


def times(value: Texts) -> Sequence[datetime | None]:
    """When each section was written."""
    return [text.time for text in value.items]


def summary(value: Texts) -> tuple[int]:
    """Number of sections."""
    return (len(value.items),)


def stand_in(count: int) -> Texts:
    """So many sections."""
    return Texts((_TEXT,) * count)
