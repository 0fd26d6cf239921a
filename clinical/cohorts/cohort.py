"""What every cohort reader provides, whatever layout it reads.

A source is a module with `NAME`, `describe`, `index`, `read` and `outcomes` (see `Source`). Labels
come from `outcomes` alone; `read` never opens them. Every row of a source ends as a `Case`, as a
`SkippedCase` or as a `Problem`, so that counts add up.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from clinical.case.case import Case, Outcome, Problem, SkippedCase
from clinical.case.shapes import Events, Measurement, Shape
from clinical.modalities.kit import kit_of
from clinical.tables.table import Row
from clinical.terms import normalise

Reading = Case | SkippedCase | Problem
"""What `read` yields. A `Problem` on its own belongs to a file, or to a case that was skipped."""


@dataclass(frozen=True)
class Diagnosis:
    """One label of a cohort and, where there is one, its SNOMED CT or ICD code."""

    name: str
    code: str = ""


@dataclass(frozen=True)
class CohortDescription:
    """What a cohort is, where it comes from, and what it has labels for."""

    name: str
    source: str
    licence: str
    diagnoses: tuple[Diagnosis, ...]


@dataclass(frozen=True)
class CaseEntry:
    """One case in the index of a cohort; enough to split by patient, site or a given split.

    Attributes:
        columns: of the table of cases, what this project has no meaning for: name to value.
    """

    case_id: str
    patient_id: str
    site: str = ""
    split: str = ""
    columns: Mapping[str, str] = field(default_factory=dict, compare=False)


class Source(Protocol):
    """A module that reads one layout."""

    NAME: str

    def describe(self, root: Path) -> CohortDescription:
        """Name, origin, licence and diagnoses.

        Raises:
            CohortError: if the cohort cannot be read at all.
        """

    def index(self, root: Path) -> tuple[CaseEntry, ...]:
        """Every case, also those that will be skipped, once and in file order. Reads no pixels.

        Raises:
            CohortError: if the cohort cannot be read at all.
        """

    def read(self, root: Path, wanted: Container[str] | None = None) -> Iterator[Reading]:
        """Problems of whole files first, then the wanted cases in index order, one at a time.

        Problems of a skipped case beyond the one that its `SkippedCase` holds come just before it.

        Raises:
            CohortError: if the cohort cannot be read at all.
        """

    def outcomes(self, root: Path) -> Iterator[Outcome]:
        """The labels.

        Raises:
            CohortError: if a label cannot be read; a label is never guessed.
        """


def settle(
    case: Case, problems: Sequence[Problem], nothing: Problem
) -> Iterator[Case | SkippedCase | Problem]:
    """Yield `case` with its problems, or skip it where no input is left that could be used.

    Args:
        case: the case without problems.
        problems: what could not be used; each becomes the case's.
        nothing: says that the source has nothing of this case; used if there is no other problem.
    """
    owned = tuple(replace(problem, case_id=case.case_id) for problem in problems)
    if usable(case.inputs):
        yield replace(case, problems=owned)
        return
    first, *others = owned or (replace(nothing, case_id=case.case_id),)
    yield from others
    yield SkippedCase(case.case_id, first)


def usable(inputs: Mapping[str, Shape]) -> bool:
    """Whether any input holds something; measurements that were all refused do not count."""
    return any(kit_of(name, value).usable(value) is not None for name, value in inputs.items())


def kept_raw(item: Measurement, file: str, row: int, column: str) -> Problem:
    """Reports a measurement of a published set that could not be normalised."""
    remedy = "none; the value is kept as published and not used"
    return Problem(file, f"{item.problem}.", row, column, remedy)


def measured(
    row: Row,
    columns: Mapping[str, tuple[str, str]],
    known: Events,
    file: str,
    problems: list[Problem],
) -> Iterator[Measurement]:
    """Measurements of a published set that has a column for each, empty cells left out.

    Args:
        row: of the set.
        columns: column to LOINC code and UCUM unit.
        known: what is known of the patient, whose age and sex choose the reference range.
        file: of the row, for what is reported.
        problems: gets one for each value that could not be normalised.
    """
    for column, (code, unit) in columns.items():
        if not row[column]:
            continue
        item = normalise.measurement(
            code, row[column], unit, sex=known.sex, age_years=known.age_years
        )
        if item.problem:
            problems.append(kept_raw(item, file, row.number, column))
        yield item
