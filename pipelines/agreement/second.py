"""Two readers of one case: how far they agree, and what the adjudicator decided otherwise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from clinical.review.conclusion import concluded, differ
from clinical.review.kappa import Kappa, Pair, reader_kappa_of
from pipelines.agreement.cells import ALL
from pipelines.agreement.readings import Passage, Window, month


@dataclass(frozen=True)
class Doubled:
    """Cases of one model and one month (of the second signature) or all that two have signed.

    Attributes:
        model, period, diagnosis: which; "" for all months or diagnoses.
        cases: signed by two.
        differing: how many have differing diagnoses; for one diagnosis, how many disagree on it.
        kappa: of the first two signatures.
        adjudicated: how many of those that differ were adjudicated...
        as_suggested: ... that is what the model suggested (on the diagnosis, or on all).
    """

    model: str
    period: str
    diagnosis: str
    cases: int
    differing: int
    kappa: Kappa
    adjudicated: int
    as_suggested: int


def doubled(found: Iterable[Passage], window: Window) -> list[Doubled]:
    """A row for every model and month with a case that two have signed, and for its diagnoses."""
    grouped: defaultdict[tuple[str, str], dict[str, Passage]] = defaultdict(dict)
    for passage in found:
        signed = passage.progress.signed
        if passage.purged or len(signed) < 2 or signed[1].signature is None:
            continue
        time = signed[1].signature.recorded
        if window.holds(time):
            for period in (ALL, month(time)):
                # A case that the same model saw twice counts as it was read last.
                grouped[passage.model, period][passage.case_id] = passage
    return [
        row
        for (model, period), cases in sorted(grouped.items())
        for row in _rows(model, period, list(cases.values()))
    ]


def _rows(model: str, period: str, passages: list[Passage]) -> list[Doubled]:
    pairs = [Pair(p.case_id, *p.progress.signed[:2]) for p in passages]
    agreed = reader_kappa_of(pairs)
    last = {
        p.case_id: (p.suggested, frozenset(p.progress.adjudicated.present))
        for p in passages
        if p.progress.adjudicated and differ(p.progress.signed)
    }
    right = sum(suggested == present for suggested, present in last.values())
    rows = [
        Doubled(
            model, period, ALL, agreed.cases, agreed.differing, agreed.overall, len(last), right
        )
    ]
    for name, found in agreed.by_diagnosis.items():
        apart = [
            x.case_id
            for x in pairs
            if (name in concluded(x.first)) != (name in concluded(x.second))
        ]
        over = [last[case_id] for case_id in apart if case_id in last]
        same = sum((name in suggested) == (name in present) for suggested, present in over)
        rows.append(Doubled(model, period, name, agreed.cases, len(apart), found, len(over), same))
    return rows
