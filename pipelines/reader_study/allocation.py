"""Who reads which case under which condition, when, and in which order.

A crossover: every reader reads every case under every condition, one condition of a case in each
session. Sessions lie a washout apart, so that a case is forgotten. Within a session the conditions
are mixed. Which condition of a case comes first, and what follows what, is balanced over readers
and cases by the squares of Williams 1949 (Aust J Sci Res A2:149-168). All is drawn from one seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from clinical.errors import ConfigError

Condition = Literal["none", "suggestions", "explanations"]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)
"""Without the machine; with its suggestions; with suggestions and what they rest on."""

LEAST_CASES = 4
LEAST_READERS = 2


@dataclass(frozen=True)
class Place:
    """One case that one reader reads in one session.

    Attributes:
        reader: account name.
        session: from 1.
        position: in the session, from 1.
        case_id: of the cohort.
        condition: what the reader is shown of the machine.
    """

    reader: str
    session: int
    position: int
    case_id: str
    condition: Condition

    @property
    def shown_as(self) -> str:
        """Name of the case in the session: its place, and nothing that is remembered."""
        return f"read-{self.position:03d}"


def allocate(
    readers: Sequence[str],
    strata: Mapping[str, tuple[bool, bool]],
    conditions: Sequence[Condition],
    seed: int,
) -> list[Place]:
    """The whole study, by reader, session and position.

    Args:
        readers: account names, each once.
        strata: case to (has the diagnosis, the machine is made to err); conditions are dealt
            evenly within each.
        conditions: at least two, each once.
        seed: of every draw.

    Raises:
        ConfigError: if there are too few readers, cases or conditions, or one is named twice.
    """
    _check(readers, strata, conditions)
    generator = np.random.default_rng(seed)
    block = _blocks(strata, len(conditions), generator)
    rows = williams(len(conditions))
    found: list[Place] = []
    for number, reader in enumerate(readers):
        row = rows[number % len(rows)]
        for session in range(len(conditions)):
            order = generator.permutation(sorted(strata))
            for position, case_id in enumerate(order.tolist(), start=1):
                drawn = row[(session + block[case_id]) % len(conditions)]
                found.append(Place(reader, session + 1, position, case_id, conditions[drawn]))
    return found


def williams(conditions: int) -> list[tuple[int, ...]]:
    """Orders of conditions in which each stands equally often at each place and after each other.

    Returns:
        As many orders as conditions, or twice as many where their number is odd.
    """
    first = [0]
    for step in range(1, conditions):
        first.append((step + 1) // 2 if step % 2 else conditions - step // 2)
    rows = [tuple((place + shift) % conditions for place in first) for shift in range(conditions)]
    if conditions % 2:
        rows += [tuple(reversed(row)) for row in rows]
    return rows


def _blocks(
    strata: Mapping[str, tuple[bool, bool]], conditions: int, generator: np.random.Generator
) -> dict[str, int]:
    """Case to which of so many equal blocks it belongs to, each stratum dealt out evenly.

    Dealing goes on from one stratum to the next, so that blocks differ by one case at most.
    """
    dealt: list[str] = []
    for stratum in sorted(set(strata.values())):
        members = sorted(case_id for case_id, of in strata.items() if of == stratum)
        dealt += generator.permutation(members).tolist()
    return {case_id: place % conditions for place, case_id in enumerate(dealt)}


def _check(
    readers: Sequence[str],
    strata: Mapping[str, tuple[bool, bool]],
    conditions: Sequence[Condition],
) -> None:
    if len(set(readers)) < max(LEAST_READERS, len(readers)):
        raise ConfigError(
            "A reader study needs at least two readers, each named once.",
            remedy="give --reader for each of them",
        )
    if len(set(conditions)) < max(2, len(conditions)):
        raise ConfigError(
            "A reader study compares at least two conditions, each named once.",
            remedy=f"give --condition for two or three of: {', '.join(CONDITIONS)}",
        )
    if len(strata) < LEAST_CASES or len({has for has, _ in strata.values()}) < 2:
        raise ConfigError(
            f"A reader study needs at least {LEAST_CASES} cases, with and without the diagnosis.",
            remedy="choose another diagnosis, or more cases",
        )
