"""What became of one attempt to deliver something, whatever the road."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Delivered:
    """The receiver says that it has it."""


@dataclass(frozen=True)
class NotNow:
    """It was not taken now and may be later: `reason` holds nothing of a patient."""

    reason: str


@dataclass(frozen=True)
class Refused:
    """The receiver will not take it, however often it is asked; `reason` as of `NotNow`."""

    reason: str


Outcome = Delivered | NotNow | Refused
