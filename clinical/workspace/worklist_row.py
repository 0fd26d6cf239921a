"""What the list of cases keeps of one case, so that it opens without reading whole assessments."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from clinical.case.assessment import Assessment

Shown = tuple[str, float]
"""A diagnosis that is not withheld, and its probability."""


def shown(assessment: Assessment) -> list[Shown]:
    """What of an assessment is not withheld."""
    made = assessment.suggestions
    return [(s.diagnosis, s.probability) for s in made if s.withheld_because is None]


def probabilities(latest: Iterable[Shown], beside: Iterable[Shown]) -> str:
    """What the list of cases keeps of suggestions; those of other models have a third, empty item.

    Args:
        latest: of the latest assessment.
        beside: of what other models made of the same inputs.
    """
    return json.dumps([*latest, *([*pair, None] for pair in beside)])


def row_of(
    assessment: Assessment, digest: str, decision_time: str | None, beside: Iterable[Shown] = ()
) -> dict[str, Any]:
    """What the list of cases has to say of a case whose latest assessment this is.

    Args:
        assessment, digest, decision_time: of the case.
        beside: what other models show of it.
    """
    return {
        "assessment_digest": digest,
        "decision_time": decision_time,
        "used": json.dumps(assessment.used),
        "missing": json.dumps(assessment.missing),
        "probabilities": probabilities(shown(assessment), beside),
        "flagged": assessment.out_of_distribution.flagged,
        "conflicts": len(assessment.conflicts),
    }


def own(every: Iterable[Sequence[Any]]) -> list[Shown]:
    """What `probabilities` kept, without what other models show of the case."""
    return [(name, value) for name, value, *others in every if not others]


def most_probable(pairs: Iterable[Shown]) -> Shown | None:
    """The first of the highest, or None."""
    return max(pairs, key=lambda pair: pair[1], default=None)
