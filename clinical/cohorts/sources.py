"""The cohort formats that can be read, by name. A new one is one module and one line here."""

from __future__ import annotations

import difflib
from pathlib import Path

from clinical.case.case import Problem
from clinical.cohorts import (
    appendicitis,
    covid_chestxray,
    dicom,
    eicu,
    fhir,
    folder,
    hannover,
    meds,
    mimic_iii,
    mimic_iv,
    nih_chestxray,
    omop,
)
from clinical.cohorts.cohort import Source
from clinical.errors import ConfigError

SOURCES: dict[str, Source] = {
    module.NAME: module
    for module in (
        folder,
        hannover,
        covid_chestxray,
        nih_chestxray,
        appendicitis,
        eicu,
        meds,
        mimic_iii,
        mimic_iv,
        omop,
        fhir,
        dicom,
    )
}


FEW = 20
"""Cases that are read in one call where that costs no more than reading them one by one."""


def source(name: str) -> Source:
    """The reader called `name`.

    Raises:
        ConfigError: if there is none; names the nearest known one.
    """
    if name in SOURCES:
        return SOURCES[name]
    near = difflib.get_close_matches(name, SOURCES, n=1, cutoff=0.5)
    remedy = f"did you mean {near[0]!r}?" if near else f"known sources: {', '.join(SOURCES)}"
    raise ConfigError(f"There is no cohort source {name!r}.", remedy=remedy)


def notes(name: str, root: Path) -> tuple[Problem, ...]:
    """What a source found of how a cohort is written, and is no fault; see `folder.notes`.

    Raises:
        ConfigError: if there is no such source.
        CohortError: if the cohort cannot be read at all.
    """
    found = getattr(source(name), "notes", None)
    return found(root) if found else ()


def numbers_rows(name: str) -> bool:
    """Whether the patient ids of a source are the numbers of its rows, and so nobody's elsewhere.

    A reader whose layout has no patient ids says so with `PATIENTS_ARE_ROWS = True`.

    Raises:
        ConfigError: if there is no such source.
    """
    return bool(getattr(source(name), "PATIENTS_ARE_ROWS", False))


def cases_at_once(name: str) -> int:
    """How many cases of a source are best asked for in one call of `read`.

    A reader of large tables, which go past anew in every call, says so with `CASES_AT_ONCE`.

    Raises:
        ConfigError: if there is no such source.
    """
    return int(getattr(source(name), "CASES_AT_ONCE", FEW))
