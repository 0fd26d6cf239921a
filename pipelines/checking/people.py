"""Patients, cases and outcomes, and identifiers that a spreadsheet has spoilt."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from clinical.case.case import Outcome
from clinical.tables import identifiers
from pipelines.checking.findings import NOTHING, Counted, Finding, Shown, shown

_FLOAT = re.compile(r"\d+[.,]\d+(?:[eE]\+?\d+)?|\d+[eE]\+\d+")
_NOBODY = {*identifiers.NOBODY, "0"}
NOT_LOOKED_AT = "not looked at"
"""Sex of a case that was not read."""
MOST_CASES = 50
"""Cases of one patient from which one asks whether it is one patient."""


@dataclass(frozen=True)
class OutcomeFound:
    """How often a diagnosis is there; `before`: of the unknown, those of before the decision."""

    diagnosis: str
    positive: int
    negative: int
    unknown: int
    before: int = 0


@dataclass(frozen=True)
class PeopleFound:
    """Whom a cohort is about.

    Attributes:
        cases, patients: how many; patients only those with an identifier.
        cases_per_patient: number of cases to the number of patients that have it.
        sites, splits: with their cases.
        sexes: as written.
        float_ids, nobody_ids, repeated_cases, row_numbers: identifiers that look wrong.
        contradictory: patients with two sexes, or with ages that no years between would explain.
        outcomes: for each diagnosis.
        without_outcome: cases that outcomes say nothing of.
    """

    cases: int = 0
    patients: int = 0
    cases_per_patient: tuple[Counted, ...] = ()
    sites: Shown = NOTHING
    splits: Shown = NOTHING
    sexes: Shown = NOTHING
    float_ids: int = 0
    nobody_ids: int = 0
    repeated_cases: int = 0
    row_numbers: bool = False
    contradictory: int = 0
    outcomes: tuple[OutcomeFound, ...] = ()
    without_outcome: int = 0


@dataclass(frozen=True)
class Listed:
    """The cells of a table of cases, column by column; "" where it has no such column."""

    case_ids: Sequence[str]
    patient_ids: Sequence[str]
    sites: Sequence[str] = ()
    splits: Sequence[str] = ()
    sexes: Sequence[str] = ()
    ages: Sequence[str] = ()


def people(listed: Listed, outcomes: Iterable[Outcome] = ()) -> PeopleFound:
    """Count the people of a table of cases and their outcomes."""
    told = [one for one in listed.patient_ids if one]
    per_patient = Counter(told)
    labels, labelled = _labels(outcomes)
    return PeopleFound(
        len(listed.case_ids),
        len(per_patient),
        tuple(Counted(str(size), n) for size, n in sorted(Counter(per_patient.values()).items())),
        shown(Counter(site for site in listed.sites if site), lambda _: False),
        shown(Counter(split for split in listed.splits if split), lambda _: False),
        shown(Counter(listed.sexes), _is_sex),
        sum(bool(_FLOAT.fullmatch(one)) for one in told),
        sum(one.lower() in _NOBODY for one in told),
        len(listed.case_ids) - len(set(listed.case_ids)),
        len(told) > 1 and tuple(told) == tuple(str(n) for n in range(1, len(told) + 1)),
        _contradictory(listed),
        labels,
        len(set(listed.case_ids) - labelled) if labels else 0,
    )


def _is_sex(word: str) -> bool:
    known = ("female", "male", "unknown", "other", NOT_LOOKED_AT)
    return len(word) <= 1 or word.lower() in known


def _labels(outcomes: Iterable[Outcome]) -> tuple[tuple[OutcomeFound, ...], set[str]]:
    counts: dict[str, Counter[bool | None]] = defaultdict(Counter)
    early = Counter[str]()
    labelled = set()
    for one in outcomes:
        counts[one.diagnosis][one.value] += 1
        early[one.diagnosis] += one.problem is not None
        labelled.add(one.case_id)
    found = tuple(
        OutcomeFound(name, values[True], values[False], values[None], early[name])
        for name, values in counts.items()
    )
    return found, labelled


def _contradictory(listed: Listed) -> int:
    sexes: dict[str, set[str]] = defaultdict(set)
    ages: dict[str, list[float]] = defaultdict(list)
    columns = (listed.patient_ids, listed.sexes, listed.ages)
    for patient, sex, age in zip(*columns, strict=False):
        if patient and sex and sex != NOT_LOOKED_AT:
            sexes[patient].add(sex.lower()[:1])
        if patient and re.fullmatch(r"\d{1,3}(?:\.\d+)?", age):
            ages[patient].append(float(age))
    two = {patient for patient, told in sexes.items() if len(told) > 1}
    far = {patient for patient, told in ages.items() if max(told) - min(told) > 20}
    return len(two | far)


def findings(found: PeopleFound) -> Iterator[Finding]:
    """What looks wrong about patients and outcomes."""
    place = "patients"
    if found.float_ids:
        yield Finding(
            "decide",
            place,
            "Patient identifiers are written as decimal numbers or with an exponent, as a"
            " spreadsheet does with long numbers; several patients may have become one.",
            "export the identifiers as text",
            found.float_ids,
        )
    if found.nobody_ids:
        yield Finding(
            "decide",
            place,
            "Patient identifiers are a word for nobody (NA, unknown, 0); all these cases would be"
            " one patient.",
            "give each patient an identifier of their own, or leave the cell empty",
            found.nobody_ids,
        )
    if found.contradictory:
        yield Finding(
            "decide",
            place,
            "One identifier has two sexes, or ages more than 20 years apart: is it one patient?",
            "correct the identifiers",
            found.contradictory,
        )
    if found.row_numbers:
        yield Finding(
            "know",
            place,
            "Patient identifiers are the row numbers; they say nothing of who is the same patient"
            " here or in another cohort.",
            count=found.cases,
        )
    most = max((int(one.text) for one in found.cases_per_patient), default=0)
    if most > MOST_CASES:
        yield Finding(
            "decide",
            place,
            f"One patient has {most:,} cases.",
            "is the identifier that of a patient, or a word for many?",
            most,
        )
    for outcome in found.outcomes:
        if outcome.before:
            yield Finding(
                "know",
                f"outcome {outcome.diagnosis}",
                "It is of before the decision, and counts as unknown.",
                "correct the time, or leave the outcome out",
                outcome.before,
            )
        if not outcome.positive or not outcome.negative:
            yield Finding(
                "know",
                f"outcome {outcome.diagnosis}",
                "It has only one of positive and negative cases; nothing can be learnt from it.",
                count=outcome.positive + outcome.negative,
            )


def per_patient(found: PeopleFound) -> Mapping[str, int]:
    """Cases per patient, in the ranges that a reader looks at."""
    told: Counter[str] = Counter()
    for one in found.cases_per_patient:
        size = int(one.text)
        name = (
            "1" if size == 1 else "2 to 4" if size < 5 else "5 to 9" if size < 10 else "10 or more"
        )
        told[name] += one.count
    return told
