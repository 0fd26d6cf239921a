"""A cohort before any case is read: who is listed, what is known, and what has changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clinical import canonical
from clinical.case.case import Problem
from clinical.cohorts import folder
from clinical.cohorts.cohort import CohortDescription
from clinical.cohorts.sources import source
from clinical.errors import CohortError

DIGESTS: Mapping[str, Callable[[Path], dict[str, str]]] = {folder.NAME: folder.digests}
"""Source to what tells its cases apart; the cases of any other change if any of its files does."""


@dataclass(frozen=True)
class Question:
    """Which cohort, and what of it.

    Attributes:
        source, root: of the cohort.
        limit: only the first N cases; 0 = no limit.
        diagnoses: labels that are asked for.
    """

    source: str
    root: Path
    limit: int
    diagnoses: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Survey:
    """The answer.

    Attributes:
        description: of the cohort.
        case_ids: listed cases, in order.
        digests: of what each case is read from.
        labels: [cases, diagnoses]; 1, 0 or NaN for unknown.
        unknown: diagnoses that the cohort does not know.
        problems: of whole files, and of rows that belong to no case.
    """

    description: CohortDescription
    case_ids: tuple[str, ...]
    digests: tuple[str, ...]
    labels: NDArray[np.float64]
    unknown: tuple[str, ...]
    problems: tuple[Problem, ...]


def survey(question: Question, _: None = None) -> Survey:
    """Look at a cohort without reading a case.

    Raises:
        CohortError: if it cannot be read, has no case, or knows none of the diagnoses.
    """
    reader, root = source(question.source), question.root
    entries = reader.index(root)
    entries = entries[: question.limit] if question.limit else entries
    case_ids = tuple(entry.case_id for entry in entries)
    if not case_ids:
        raise CohortError("The cohort lists no case.", remedy="fill in its table of cases")
    description = reader.describe(root)
    labels, told, early = _labels(question, case_ids)
    known = {diagnosis.name for diagnosis in description.diagnoses} or told
    unknown = tuple(name for name in question.diagnoses if name not in known)
    if len(unknown) == len(question.diagnoses):
        raise CohortError(
            "The cohort has outcomes for none of the model's diagnoses.",
            remedy=f"use the model's names: {', '.join(question.diagnoses)}",
        )
    readings = reader.read(root, frozenset())
    problems = (*early, *(found for found in readings if isinstance(found, Problem)))
    return Survey(description, case_ids, _digests(question, case_ids), labels, unknown, problems)


def _labels(
    question: Question, case_ids: Sequence[str]
) -> tuple[NDArray[np.float64], set[str], list[Problem]]:
    """Labels [cases, diagnoses], all diagnoses that have outcomes, and outcomes not used."""
    row = {case_id: number for number, case_id in enumerate(case_ids)}
    column = {name: number for number, name in enumerate(question.diagnoses)}
    labels = np.full((len(row), len(column)), np.nan)
    told, early = set(), []
    for outcome in source(question.source).outcomes(question.root):
        told.add(outcome.diagnosis)
        if outcome.problem and outcome.case_id in row:
            early.append(outcome.problem)
        if outcome.case_id in row and outcome.diagnosis in column and outcome.value is not None:
            labels[row[outcome.case_id], column[outcome.diagnosis]] = float(outcome.value)
    return labels, told, early


def _digests(question: Question, case_ids: Sequence[str]) -> tuple[str, ...]:
    if question.source in DIGESTS:
        found = DIGESTS[question.source](question.root)
        return tuple(found[case_id] for case_id in case_ids)
    files = sorted(path for path in question.root.rglob("*") if path.is_file())
    # By size and time: some of these sets are large, and are never written to.
    stated = [(path, path.stat()) for path in files]
    state = canonical.digest(
        [[p.relative_to(question.root).as_posix(), s.st_size, s.st_mtime_ns] for p, s in stated]
    )
    return (state,) * len(case_ids)
