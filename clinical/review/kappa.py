"""How far two readers agree: Cohen's kappa over pairs of signed readings, with its interval.

Kappa is the agreement beyond chance (Cohen, Educ Psychol Meas 1960; 20: 37-46). Its standard error
is the large-sample one of Fleiss, Cohen and Everitt (Psychol Bull 1969; 72: 323-327), with the
terms of one case summed first where a case gives several pairs (the clustered form of Yang and
Zhou, Stat Med 2014; 33: 2612-2633); with one pair a case the two are the same.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from clinical.audit import ledger
from clinical.case.assessment import AuditEvent
from clinical.review.conclusion import concluded
from clinical.review.progress import Progress, Reader, advanced

Z95 = 1.959963984540054
_NO_ERROR = 1e-9


@dataclass(frozen=True)
class Kappa:
    """Agreement of two raters on yes or no.

    Attributes:
        pairs: how many pairs of ratings.
        cases: how many cases they come from.
        observed: share of the pairs that agree.
        both: pairs where both say yes.
        value: kappa, or None where chance agreement is complete (both always say the same one
            thing) or there is no pair.
        low, high: 95% interval; None with `value`, and where the error comes out as 0 (all pairs
            agree, or one rater says only one thing), which would look like certainty.
    """

    pairs: int
    cases: int
    observed: float
    both: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class ReaderKappa:
    """Agreement of the first two signed readings of every case that has two.

    Attributes:
        cases: how many cases have two signed readings.
        differing: in how many of them the readings differ.
        overall: over all pairs of case and diagnosis that either reader decided on.
        by_diagnosis: the same for one diagnosis over all double-read cases, by name.
    """

    cases: int
    differing: int
    overall: Kappa
    by_diagnosis: dict[str, Kappa]


@dataclass(frozen=True)
class Pair:
    """Two signed readings of one case, in the order they were signed."""

    case_id: str
    first: Reader
    second: Reader


def kappa(
    ratings: Sequence[tuple[bool, bool]], clusters: Sequence[Hashable] | None = None
) -> Kappa:
    """Cohen's kappa of pairs of ratings.

    Args:
        ratings: what the first and the second rater said.
        clusters: the case of each pair, for the interval; every pair its own if left out.
    """
    owners = list(clusters) if clusters is not None else list(range(len(ratings)))
    count = len(ratings)
    cases = len(set(owners))
    both = sum(a and b for a, b in ratings)
    if not count:
        return Kappa(0, 0, 0.0, 0, None, None, None)
    observed = sum(a == b for a, b in ratings) / count
    yes = (sum(a for a, _ in ratings) / count, sum(b for _, b in ratings) / count)
    chance = yes[0] * yes[1] + (1 - yes[0]) * (1 - yes[1])
    if chance >= 1.0:
        return Kappa(count, cases, observed, both, None, None, None)
    value = (observed - chance) / (1 - chance)
    error = _standard_error(ratings, owners, yes, observed, chance)
    if error < _NO_ERROR:
        return Kappa(count, cases, observed, both, value, None, None)
    low, high = max(-1.0, value - Z95 * error), min(1.0, value + Z95 * error)
    return Kappa(count, cases, observed, both, value, low, high)


def pairs(events: Iterable[AuditEvent]) -> list[Pair]:
    """The first two standing signatures of every case that has two, by case_id.

    Raises:
        LedgerError: at an event that does not hold what its kind has.
    """
    found: dict[str, Progress] = {}
    for event in events:
        if event.case_id:
            found[event.case_id] = advanced(found.get(event.case_id, Progress()), event)
    double = ((case_id, now.signed) for case_id, now in sorted(found.items()))
    return [Pair(case_id, signed[0], signed[1]) for case_id, signed in double if len(signed) > 1]


def reader_kappa_of(doubled: Sequence[Pair]) -> ReaderKappa:
    """Agreement over double-read cases."""
    held = [(pair, concluded(pair.first), concluded(pair.second)) for pair in doubled]
    named = {pair.case_id: _named(pair) for pair in doubled}
    every = sorted({name for names in named.values() for name in names})
    by_diagnosis = {
        name: kappa([(name in first, name in second) for _, first, second in held])
        for name in every
    }
    ratings: list[tuple[bool, bool]] = []
    owners: list[str] = []
    for pair, first, second in held:
        for name in sorted(named[pair.case_id]):
            ratings.append((name in first, name in second))
            owners.append(pair.case_id)
    differing = sum(first != second for _, first, second in held)
    return ReaderKappa(len(held), differing, kappa(ratings, owners), by_diagnosis)


def reader_kappa(connection: Connection) -> ReaderKappa:
    """Agreement over all double-read cases of a workspace; reads the events of these alone.

    Raises:
        LedgerError: at an event that does not hold what its kind has.
    """
    signers: dict[str, set[str]] = defaultdict(set)
    for event in ledger.events(connection, kind="SIGNED"):
        signers[event.case_id].add(event.actor)
    doubled = [case_id for case_id, names in signers.items() if len(names) > 1]
    return reader_kappa_of(
        pairs(e for case_id in doubled for e in ledger.events(connection, case_id=case_id))
    )


def _named(pair: Pair) -> set[str]:
    """Diagnoses that either reader decided on or put in the place of one."""
    decided = [*pair.first.standing.values(), *pair.second.standing.values()]
    return {d.diagnosis for d in decided} | {d.replacement for d in decided if d.replacement}


def _standard_error(
    ratings: Sequence[tuple[bool, bool]],
    owners: Sequence[Hashable],
    yes: tuple[float, float],
    observed: float,
    chance: float,
) -> float:
    """Root of the summed squares of the influence of each case on kappa."""
    influence: dict[Hashable, float] = defaultdict(float)
    share = [(1 - yes[0], 1 - yes[1]), yes]  # of "no" and of "yes" by the two raters
    for (a, b), owner in zip(ratings, owners, strict=True):
        moved = float(a == b) - observed
        expected = share[int(a)][1] + share[int(b)][0] - 2 * chance
        influence[owner] += (moved * (1 - chance) - expected * (1 - observed)) / (1 - chance) ** 2
    return math.sqrt(sum(value**2 for value in influence.values())) / len(ratings)
