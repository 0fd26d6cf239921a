"""What a reader is shown of an assessment under a condition, and how the machine is made to err.

Assessments of a study are not the model's own words: some lack their explanations, some are wrong
on purpose. So they bear a name and a digest of their own, which no replay takes for the model's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from clinical import canonical
from clinical.case import withheld
from clinical.case.assessment import (
    Assessment,
    ModalityLedger,
    ModelIdentity,
    OutOfDistribution,
    PredictionSet,
    Suggestion,
)
from clinical.errors import ConfigError
from pipelines.reader_study.allocation import Condition


def right(assessment: Assessment, diagnosis: str, truth: bool) -> bool | None:
    """Whether the machine suggests what is so; None where it says nothing of the diagnosis."""
    own = _of(assessment, diagnosis)
    if own is None or own.withheld_because is not None:
        return None
    return (own.probability >= own.threshold) == truth


def chosen_to_err(
    assessments: Mapping[str, Assessment],
    truths: Mapping[str, bool],
    diagnosis: str,
    share: float,
    seed: int,
) -> dict[str, Suggestion]:
    """Cases in which the machine is made to err, with what it says there of the diagnosis.

    Drawn among cases in which it is right, evenly with and without the diagnosis, each with what it
    says of another patient of the other kind, so that an error is as sure as its right answers are.

    Args:
        assessments, truths: of every case of the study.
        diagnosis: that the study is about.
        share: of all cases, 0 to less than 1.
        seed: of the draw.

    Raises:
        ConfigError: if the machine is not right in that many.
    """
    kinds: dict[bool, list[str]] = {True: [], False: []}
    for case_id in sorted(assessments):
        if right(assessments[case_id], diagnosis, truths[case_id]):
            kinds[truths[case_id]].append(case_id)
    wanted = round(share * len(assessments))
    counts = {True: wanted // 2, False: wanted - wanted // 2}
    if any(counts[kind] > len(kinds[kind]) or (wanted and not kinds[kind]) for kind in kinds):
        raise ConfigError(
            f"The model is right about {diagnosis} in {len(kinds[True])} cases with it and"
            f" {len(kinds[False])} without, too few to make it err in {wanted}.",
            remedy="ask for fewer mistakes, or bring more cases",
        )
    generator = np.random.default_rng(seed)
    found: dict[str, Suggestion] = {}
    for kind, members in kinds.items():
        donors = kinds[not kind]
        for case_id in generator.permutation(members)[: counts[kind]].tolist():
            donor = _of(assessments[str(generator.choice(donors))], diagnosis)
            if donor is not None:
                found[case_id] = donor
    return found


def shown(
    assessment: Assessment, condition: Condition, case_id: str, plan: str, error: Suggestion | None
) -> Assessment:
    """The assessment as a reader of the study sees it.

    Args:
        assessment: what the model made of the case.
        condition: what of it is shown; of "none" nothing, and only the list of diagnoses to choose
            from is kept, so that readers choose from the same under every condition.
        case_id: name of the case in the session.
        plan: digest of the plan.
        error: what is said of the diagnosis instead, or None.
    """
    named = _named(assessment, case_id, plan)
    if condition == "none":
        return _silent(named)
    if error is not None:
        named = _in_order(named, [_said(s, error) for s in named.suggestions])
    return named if condition == "explanations" else _bare(named)


def _named(assessment: Assessment, case_id: str, plan: str) -> Assessment:
    model = assessment.model
    identity = ModelIdentity(
        f"{model.name}, altered for a reader study",
        canonical.digest({"model": model.digest, "plan": plan}),
        model.configuration_digest,
    )
    return replace(assessment, case_id=case_id, model=identity)


def _silent(assessment: Assessment) -> Assessment:
    """Nothing of what the model made of the case, not even hidden."""
    because = withheld.read_without().sentence
    listed = [
        Suggestion(s.diagnosis, s.prevalence, s.threshold, s.prevalence, because)
        for s in sorted(assessment.suggestions, key=lambda s: s.diagnosis)
    ]
    return replace(
        _bare(assessment),
        suggestions=tuple(listed),
        out_of_distribution=OutOfDistribution(0.0, False),
        prediction_set=PredictionSet(absent_because=because),
        unknown_codes=(),
    )


def _bare(assessment: Assessment) -> Assessment:
    """Without what suggestions rest on."""
    return replace(assessment, explanations=(), ledger=ModalityLedger({}, {}), conflicts=())


def _said(own: Suggestion, error: Suggestion) -> Suggestion:
    if own.diagnosis != error.diagnosis:
        return own
    return replace(own, probability=error.probability, in_set=error.in_set, logit=error.logit)


def _in_order(assessment: Assessment, suggestions: Sequence[Suggestion]) -> Assessment:
    """Most probable first, withheld last, as in every assessment, explanations alongside."""
    ranked = sorted(suggestions, key=lambda s: (s.withheld_because is not None, -s.probability))
    by_name = {e.diagnosis: e for e in assessment.explanations}
    explanations = tuple(by_name[s.diagnosis] for s in ranked if s.diagnosis in by_name)
    return replace(assessment, suggestions=tuple(ranked), explanations=explanations)


def _of(assessment: Assessment, diagnosis: str) -> Suggestion | None:
    return next((s for s in assessment.suggestions if s.diagnosis == diagnosis), None)
