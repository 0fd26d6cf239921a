"""The switches of a simulated cohort: what goes missing, what is planted, what is recorded besides.

Missingness in the terms of Rubin 1976 (Biometrika 63:581): completely at random (mcar); depending
on what is seen, here the early warning score of the measured vital signs (mar); depending on what
is not seen, here the severity itself, so that sicker patients are tested more often (mnar); or
nothing missing at all (none).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from clinical.config import nearest
from clinical.errors import ConfigError

Missing = Literal["none", "mcar", "mar", "mnar"]

SHORTCUT_WITH, SHORTCUT_WITHOUT = 0.9, 0.1
"""Probability of the planted token on the film of those with and without the diagnosis."""


@dataclass(frozen=True)
class Design:
    """What can be switched.

    Attributes:
        missing: which panels and modalities are absent, and why.
        shortcut: a label whose films mostly carry a lead token in a corner, or "".
        senses: what is recorded beside film, chart, history and note
            (`pipelines.laboratory.simulate.senses`), sorted.
    """

    missing: Missing = "mnar"
    shortcut: str = ""
    senses: tuple[str, ...] = ()


def design(
    missing: str, shortcut: str, labels: tuple[str, ...], senses: tuple[str, ...] = ()
) -> Design:
    """Check the switches; the senses are those of `senses.chosen`.

    Raises:
        ConfigError: if one has no such position; names the nearest.
    """
    for known in get_args(Missing):
        if missing == known:
            if shortcut and shortcut not in labels:
                raise ConfigError(
                    f"The clinic has no label {shortcut!r}.", remedy=nearest(shortcut, labels)
                )
            return Design(known, shortcut, senses)
    raise ConfigError(
        f"There is no missingness {missing!r}.", remedy=nearest(missing, get_args(Missing))
    )
