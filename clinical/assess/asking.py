"""Ask every installed model about one case: those whose domain contains it speak.

The one way from a case to what is recorded of it, for a batch, the page and what arrives. Each
model looks for itself (`Assessor.assess`): the age that it has learnt, the mark of its domain, and
what validation supports. One that has nothing to say withholds it all and says why; its assessment
is kept beside the others, so that the record tells who was asked and did not speak. Nothing is
averaged. Readers begin with the first model, in the order asked, that suggests anything
(`clinical.case.withheld.leading`).
"""

from __future__ import annotations

from collections.abc import Sequence

from clinical.assess.assess import Assessor
from clinical.case import withheld
from clinical.case.case import Case
from clinical.review.intake import Made


def ask(assessors: Sequence[Assessor], case: Case) -> list[Made]:
    """What each model makes of a case, in the order to be recorded: the one that leads is last.

    Args:
        assessors: in the order in which they are asked; at least one.
        case: what was known.
    """
    made = [Made(assessor.assess(case), assessor.conditions) for assessor in assessors]
    first = made.pop(withheld.leading([one.assessment for one in made]))
    return [*made, first]
