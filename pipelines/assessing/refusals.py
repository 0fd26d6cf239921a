"""Which cases of a cohort a model would refuse, and why, without assessing them.

The cheapest reason is looked for first: the age, then what the film says of itself, then how it
stands, and only then whether it is like the films of the model, which takes an encoding.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from clinical.case.case import Case
from clinical.cohorts.sources import source
from clinical.modalities.encoding import mean_embedding
from clinical.modalities.kit import person
from clinical.modalities.radiograph import encoder
from clinical.modalities.radiograph.rows import IMAGE
from clinical.model import domain
from clinical.model.model import Model, prepare_case

NO_FILM, AGE, VIEW = "no film", "of another age", "another view"
POSTURE, UNLIKE = "standing wrong", "unlike its films"


def refusals(model: Model, name: str, root: Path) -> tuple[int, Counter[str]]:
    """How many cases there are, and how many are refused for each reason.

    Args:
        model: that reads one film and nothing else.
        name: of the source that reads the cohort.
        root: the cohort.
    """
    found: Counter[str] = Counter()
    cases = 0
    for case in source(name).read(root):
        if isinstance(case, Case):
            cases += 1
            if reason := refused(model, case):
                found[reason] += 1
    return cases, found


def refused(model: Model, case: Case) -> str:
    """The first reason why a model would say nothing of a case, or ""."""
    if IMAGE not in case.inputs:
        return NO_FILM
    if model.ages.outside(person(case).age_years) is not None:
        return AGE
    settings = model.specs[IMAGE].settings
    image = case.inputs[IMAGE].arrays[0]
    if any(encoder.doubts_of(image, replace(settings, posture=False))):
        return VIEW
    if any(encoder.doubts_of(image, replace(settings, projections=()))):
        return POSTURE
    seen = mean_embedding(prepare_case(case, model.specs)[IMAGE], encoder.EMBEDDING)
    envelope = model.envelopes[IMAGE]
    outside = seen is None or domain.distance(envelope, seen) > envelope.limit
    return UNLIKE if outside else ""
