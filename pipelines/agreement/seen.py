"""What models were given and what they predicted, read from the store in one pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from clinical.case.assessment import Assessment
from clinical.case.case import Case
from clinical.errors import StoreError
from clinical.modalities.kit import read_by
from clinical.workspace import store
from pipelines.agreement.readings import Passage, month
from pipelines.agreement.reference import AGE, Reference


@dataclass(frozen=True)
class Said:
    """What a model said of one diagnosis: calibrated probability, whether it was suggested or
    withheld, and the share of positives in its training."""

    probability: float
    suggested: bool
    withheld: bool
    prevalence: float


@dataclass(frozen=True)
class Seen:
    """One assessed case, without what identifies anybody.

    Attributes:
        case_id, model, model_digest, period: of which.
        used, missing: modality names.
        flagged: marked as out of distribution.
        outside: modalities that were marked.
        said: diagnosis to what the model said.
        values: code of a measurement, or `AGE`, to its values in the unit of the term; only of a
            model whose checkpoint is available.
    """

    case_id: str
    model: str
    model_digest: str
    period: str
    used: frozenset[str]
    missing: frozenset[str]
    flagged: bool
    outside: frozenset[str]
    said: Mapping[str, Said]
    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


def seen(
    connection: Connection, passages: Iterable[Passage], known: Mapping[str, Reference]
) -> Iterator[Seen]:
    """What the store holds of every passage; one that it does not hold any more is left out.

    Args:
        connection: reads the workspace.
        passages: assessed ones.
        known: digest of a model to what its checkpoint keeps.
    """
    for passage in passages:
        subject = passage.progress.subject
        try:
            assessment = store.get_assessment(connection, subject.digest if subject else "")
            reference = known.get(passage.model_digest)
            values = _values(connection, assessment, reference) if reference else {}
        except StoreError:  # said by the verdict, which names it
            continue
        yield _seen(passage, assessment, values)


def _seen(
    passage: Passage, assessment: Assessment, values: Mapping[str, tuple[float, ...]]
) -> Seen:
    # A sentence of the mark begins with the name of the input (`clinical.model.domain.judge`).
    reasons = assessment.out_of_distribution.reasons
    outside = {name for name in passage.used for r in reasons if r.startswith(f"{name}:")}
    return Seen(
        passage.case_id,
        passage.model,
        passage.model_digest,
        month(passage.time),
        frozenset(passage.used),
        frozenset(passage.missing),
        passage.flagged,
        frozenset(outside),
        {
            s.diagnosis: Said(
                s.probability,
                s.diagnosis in passage.suggested,
                s.withheld_because is not None,
                s.prevalence,
            )
            for s in assessment.suggestions
        },
        values,
    )


def _values(
    connection: Connection, assessment: Assessment, reference: Reference
) -> dict[str, tuple[float, ...]]:
    case = store.get_case(
        connection, assessment.case_id, with_pixels=False, input_digest=assessment.input_digest
    )
    return _numbers(case, reference)


def _numbers(case: Case, reference: Reference) -> dict[str, tuple[float, ...]]:
    found: defaultdict[str, list[float]] = defaultdict(list)
    for kit, name, value in read_by(case):
        if name == reference.measured_in:
            for item in kit.measured(value):
                # A bound counts as its limit: medians and ranks stay right, and the page says so.
                if item.value is not None:
                    found[item.code].append(item.value)
        age = kit.person(value).age_years
        if name == reference.aged_in and age is not None and AGE in reference.edges:
            found[AGE].append(age)
    return {code: tuple(values) for code, values in found.items()}
