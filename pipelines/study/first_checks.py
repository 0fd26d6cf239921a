"""What can be known to be wrong with a study in its first second, before anything is encoded."""

from __future__ import annotations

from pathlib import Path

from clinical.cohorts.sources import notes, source
from clinical.errors import CohortError, ConfigError
from pipelines.folds.comparators.automl_extra import require_automl
from pipelines.jobs.progress import console
from pipelines.study.design import EXTERNAL, StudyDesign
from pipelines.training.diagnoses import diagnoses_of


def look(design: StudyDesign) -> None:
    """Open every table of every cohort that a study names, its outcomes too; say how it is read.

    The diagnoses of a checkpoint are looked for when it is loaded, which comes first as well.

    Raises:
        ConfigError: if a path is none, a diagnosis is not one of a cohort, or an extra that the
            study asks for is not installed.
        CohortError: if a cohort or its outcomes cannot be read, or it lists no case.
    """
    require_automl(design.study.evaluation.automl)
    cohort, asked = design.study.cohort, design.study.diagnoses
    oracle = design.evaluation.oracle
    known = _cohort(cohort.source, Path(cohort.path), "cohort", asked, design.checkpoint is None)
    if oracle and not (Path(cohort.path) / oracle).is_file():
        raise ConfigError(
            f"[evaluation] oracle: there is no file {oracle!r} in the cohort's folder.",
            remedy="make it with `triptych compute-oracle`, or leave the line out",
        )
    if design.external is not None:
        path = Path(design.external.path)
        _cohort(design.external.source, path, EXTERNAL, known, judged=True)


def _cohort(
    kind: str, root: Path, where: str, asked: tuple[str, ...], judged: bool
) -> tuple[str, ...]:
    """The diagnoses of a cohort that can be opened."""
    if not root.is_dir():
        raise ConfigError(
            f"[{where}] path: there is no folder {root}.",
            remedy="give the path of an existing folder, relative to the study file",
        )
    reader = source(kind)
    if not reader.index(root):
        raise CohortError(
            f"[{where}]: the cohort lists no case.", remedy="fill in its table of cases"
        )
    for note in notes(kind, root):
        console.print(f"note: {note}")
    told = tuple(reader.outcomes(root))
    return diagnoses_of(reader, root, asked, told) if judged else asked
