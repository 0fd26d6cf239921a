"""Which diagnoses a model learns of a cohort, known before anything is read for learning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from clinical.case.case import Outcome
from clinical.cohorts.cohort import Source
from clinical.config import nearest
from clinical.errors import CohortError, ConfigError


def diagnoses_of(
    source: Source, root: Path, asked: tuple[str, ...], told: Sequence[Outcome]
) -> tuple[str, ...]:
    """The labels that are asked for, or all; checked against what the cohort declares or tells.

    Args:
        source, root: the cohort.
        asked: names of diagnoses; empty asks for all.
        told: its outcomes, which say what it has where it declares nothing.

    Raises:
        ConfigError: if a diagnosis is not one of them; names the nearest.
        CohortError: if there is none.
    """
    known = [diagnosis.name for diagnosis in source.describe(root).diagnoses]
    known = known or sorted({outcome.diagnosis for outcome in told})
    for name in asked:
        if name not in known:
            raise ConfigError(f"The cohort has no diagnosis {name!r}.", remedy=nearest(name, known))
    if not known:
        raise CohortError("The cohort has no outcomes to train on.", remedy="add outcomes.csv")
    return asked or tuple(known)
