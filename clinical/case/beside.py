"""What the other models that were asked made of a case, in a sentence each.

Readers begin with one model (`clinical.case.withheld.leading`). What another one says stands beside
that under its own name, with its own numbers, and is mixed with nothing.
"""

from __future__ import annotations

from clinical.case import withheld
from clinical.case.assessment import Assessment, Suggestion
from clinical.formatting import percent
from clinical.wording import words


def sentence(assessment: Assessment) -> str:
    """ "adults was asked, too: it gives pneumonia 63% (suggested; threshold 50%)." """
    return f"{assessment.model.name} was asked, too: it {said(assessment)}."


def said(assessment: Assessment) -> str:
    """What a model says of a case, or why it says nothing: a sentence without its subject."""
    shown = [made for made in assessment.suggestions if made.withheld_because is None]
    if not shown:
        return f"suggests nothing, because {withheld.reason(assessment)}"
    return f"gives {', '.join(map(_numbers, shown))}"


def brief(assessment: Assessment) -> str:
    """As `said`, with the numbers of what is suggested alone."""
    shown = [made for made in assessment.suggestions if made.withheld_because is None]
    reached = [made for made in shown if made.probability >= made.threshold]
    if not reached:
        return "no diagnosis reaches its threshold" if shown else said(assessment)
    listed = ", ".join(f"{words(made.diagnosis)} {percent(made.probability)}" for made in reached)
    left = len(shown) - len(reached)
    return f"suggests {listed}" + (f"; {left} more below their thresholds" if left else "")


def _numbers(made: Suggestion) -> str:
    reached = "suggested" if made.probability >= made.threshold else "not suggested"
    start = f"{words(made.diagnosis)} {percent(made.probability)}"
    return f"{start} ({reached}; threshold {percent(made.threshold)})"
