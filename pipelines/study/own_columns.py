"""Extra columns of a cohort's table of cases, such as "insurance", to group patients by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from clinical.cohorts.sources import source
from clinical.config import nearest
from clinical.errors import ConfigError
from clinical.evaluation import COLUMNS
from pipelines.study.design import StudyDesign
from pipelines.study.external_cohort import PREFIX

Named = Mapping[str, Mapping[str, str]]
"""Column to case to its value; a case without one is not in it."""


def named_columns(design: StudyDesign) -> dict[str, dict[str, str]]:
    """The columns that a study names beside those that every cohort has.

    Raises:
        ConfigError: if no case has such a column; names the nearest one.
    """
    names = [name for name in design.evaluation.subgroups if name not in COLUMNS]
    if not names:
        return {}
    cohort = design.study.cohort
    found = _values(cohort.source, Path(cohort.path), names)
    if design.external is not None:
        # Cases of the external cohort may go by a longer name, where theirs was taken.
        others = _values(design.external.source, Path(design.external.path), names)
        for name, values in others.items():
            longer = {PREFIX + case_id: value for case_id, value in values.items()}
            found[name] = {**values, **found[name], **longer}
    return found


def _values(kind: str, root: Path, names: Sequence[str]) -> dict[str, dict[str, str]]:
    entries = source(kind).index(root)
    known = {name for entry in entries for name in entry.columns}
    for name in names:
        if name not in known:
            raise ConfigError(
                f"The cohort's table of cases has no column {name!r} to make subgroups of.",
                remedy=nearest(name, sorted({*COLUMNS, *known})),
            )
    return {
        name: {e.case_id: e.columns[name] for e in entries if e.columns.get(name)} for name in names
    }
