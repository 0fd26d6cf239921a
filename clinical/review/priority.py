"""Which case should be read first: what is or may be dangerous, then who has waited longest.

The rule (docs/worklist.md), for a case that is not reviewed yet:

| level | when |
|---|---|
| now | a measured value is critical, or NEWS2 is 7 or more; or a dangerous diagnosis is shown at
`NOW` or more |
| soon | NEWS2 is 5 or 6, or a single part of it 3; or a dangerous diagnosis is shown at `SOON` or
more, or the model withholds its opinion on the case |
| routine | all others |

What was measured counts with a model and without one (`clinical.review.danger`). Within a level the
cases that are there by their measurements come first, then the case whose decision time is longest
ago. The limits on probabilities are conventions of this project, not operating points of any model:
a worklist only orders what is read anyway.
"""

from __future__ import annotations

from typing import Literal

from clinical.review.danger import Alarm

Level = Literal["now", "soon", "routine", "done"]

LEVELS: tuple[Level, ...] = ("now", "soon", "routine", "done")
NOW = 0.5
SOON = 0.15

# Names as the cohorts of this house use them; what is not named here may be grave all the same.
DANGEROUS = frozenset(
    {
        "acute_coronary_syndrome",
        "aortic_dissection",
        "appendicitis",
        "ards",
        "cardiac_tamponade",
        "death",
        "icu",
        "myocardial_infarction",
        "pneumoperitoneum",
        "pneumothorax",
        "pulmonary_embolism",
        "sepsis",
        "stroke",
        "tension_pneumothorax",
    }
)


def level(
    probability: float | None,
    *,
    opinion_withheld: bool,
    reviewed: bool,
    alarm: Alarm | None = None,
) -> Level:
    """Level of one case.

    Args:
        probability: of the most probable dangerous diagnosis that is shown, or None.
        opinion_withheld: nothing is shown of the case, or its input is unlike the training cases.
        reviewed: its review is complete.
        alarm: what its measurements alone ask for (`danger.Danger.alarm`).
    """
    if reviewed:
        return "done"
    if alarm == "now" or (probability is not None and probability >= NOW):
        return "now"
    if alarm == "soon" or opinion_withheld or (probability is not None and probability >= SOON):
        return "soon"
    return "routine"
