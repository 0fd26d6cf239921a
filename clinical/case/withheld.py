"""When a model says nothing of a case at all: why, and what would have to be there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from clinical.case.assessment import Assessment
from clinical.wording import words

Kind = Literal["age", "unlike", "support", "study"]
"""The patient is of an age the model has not learnt; the inputs are unlike those it was trained
on; validation did not support a suggestion from them; or a reader study has the case read without
the model."""


@dataclass(frozen=True)
class Reason:
    """Why the number of a suggestion is not shown.

    Attributes:
        kind: which of them it is.
        because: the reason in words.
        details: what it rests on, for those who want to know.
    """

    kind: Kind
    because: str
    details: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What an assessment keeps of it (`Suggestion.withheld_because`)."""
        return f"{self.because}: {'; '.join(self.details)}" if self.details else self.because


_TRAINED_ON = "the model was trained on"
_JUDGED_ON = "the model was judged on"
_UNLIKE = "the input is unlike the training cases"
_STUDY = "this case of a reader study is read without the model"


def other_age(patients: str, *, judged: bool = False) -> Reason:
    """The model has not learnt patients of this age; `patients` says which it has.

    Args:
        patients: "patients of 18 years and older".
        judged: whether it was only judged on these, and learnt others.
    """
    which = _JUDGED_ON if judged else _TRAINED_ON
    return Reason("age", f"{which} {patients}, and this patient is not of that age")


def unlike_training(details: tuple[str, ...]) -> Reason:
    """The inputs are unlike those that the model was trained on."""
    return Reason("unlike", _UNLIKE, details)


def read_without() -> Reason:
    """A reader study compares readings with the model and without it."""
    return Reason("study", _STUDY)


def kind(assessment: Assessment) -> Kind:
    """Which kind of reason is in the way of every suggestion of an assessment.

    The record of an assessment holds the sentence of a reason and not its kind. Its words are made
    above and nowhere else, so they tell what an assessment of any version was withheld for.
    """
    sentence = assessment.suggestions[0].withheld_because or ""
    if sentence.startswith((_TRAINED_ON, _JUDGED_ON)):
        return "age"
    if sentence == _STUDY:
        return "study"
    return "unlike" if assessment.out_of_distribution.flagged else "support"


def whole(assessment: Assessment) -> bool:
    """Whether the model made suggestions and every one of them is withheld."""
    made = assessment.suggestions
    return bool(made) and all(s.withheld_because is not None for s in made)


def leading(made: Sequence[Assessment]) -> int:
    """Which of the assessments of one case, by as many models, is the one that readers begin with.

    It is the first that suggests anything; where none does, the first. Nothing is averaged: each
    model has learnt other patients, so its probabilities say nothing about those of another.

    Args:
        made: in the order in which the models are asked; at least one.
    """
    return next((place for place, one in enumerate(made) if not whole(one)), 0)


def because(assessment: Assessment) -> str:
    """Why nothing is suggested, in one sentence."""
    return f"The model suggests nothing for this case: {reason(assessment)}."


def reason(assessment: Assessment) -> str:
    """Why a model suggests nothing, as the end of a sentence."""
    reasons = {s.withheld_because or "" for s in assessment.suggestions}
    if len(reasons) == 1:
        return _spoken(reasons.pop())
    given = " and ".join(words(name) for name in assessment.used)
    return (
        f"from {given or 'what it was given'}, it told none of its"
        f" {len(assessment.suggestions)} diagnoses apart in validation"
    )


def _spoken(sentence: str) -> str:
    """What an assessment keeps of a reason, without a colon in a colon."""
    head, _, details = sentence.partition(": ")
    if head != _UNLIKE or not details:
        return sentence
    return f"{head} ({details.replace('from the training cases', 'from them')})"


def needed(assessment: Assessment) -> str:
    """What would have to be there for a suggestion, in one sentence."""
    match kind(assessment):
        case "age":
            return "It would take a model that was trained on patients of this age."
        case "unlike":
            return "It would take inputs like those that the model was trained on."
        case "study":
            return "The study shows it for other cases, or in another session."
        case "support":
            names = " or ".join(words(name) for name in assessment.missing)
            return (
                f"It would take more of what the model reads: {names}."
                if names
                else "It would take a model that was validated with inputs like these."
            )
