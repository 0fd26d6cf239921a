"""When a model says nothing of a case at all: why, and what would have to be there."""

from __future__ import annotations

from clinical.case.assessment import Assessment
from clinical.wording import words

OTHER_AGE = "the model was trained on"
"""How the reason begins that a patient is of an age that the model has not learnt."""


def whole(assessment: Assessment) -> bool:
    """Whether the model made suggestions and every one of them is withheld."""
    made = assessment.suggestions
    return bool(made) and all(s.withheld_because is not None for s in made)


def because(assessment: Assessment) -> str:
    """Why nothing is suggested, in one sentence."""
    reasons = {s.withheld_because or "" for s in assessment.suggestions}
    if len(reasons) == 1:
        return f"The model suggests nothing for this case: {reasons.pop()}."
    given = " and ".join(words(name) for name in assessment.used)
    return (
        f"The model suggests nothing for this case: from {given or 'what it was given'}, it told"
        f" none of its {len(assessment.suggestions)} diagnoses apart in validation."
    )


def needed(assessment: Assessment) -> str:
    """What would have to be there for a suggestion, in one sentence."""
    first = assessment.suggestions[0].withheld_because or ""
    if first.startswith(OTHER_AGE):
        return "It would take a model that was trained on patients of this age."
    if assessment.out_of_distribution.flagged:
        return "It would take inputs like those that the model was trained on."
    if assessment.missing:
        names = " or ".join(words(name) for name in assessment.missing)
        return f"It would take more of what the model reads: {names}."
    return "It would take a model that was validated with inputs like these."
