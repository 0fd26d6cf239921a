"""Import the cases of a cohort into a workspace, to be read without a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from clinical.audit import heads
from clinical.case.case import Problem, SkippedCase
from clinical.cohorts.sources import source
from clinical.review import intake
from clinical.workspace.database import opened, writing
from clinical.workspace.place import Place
from pipelines.jobs.progress import bar


@dataclass(frozen=True)
class Imported:
    """What became of the cases of a cohort.

    Attributes:
        imported: new in the workspace.
        known: there already with the same inputs.
        skipped: without any input that could be used.
        problems: rows and files that were set aside.
    """

    imported: int
    known: int
    skipped: int
    problems: int


def import_cohort(path: Path, name: str, workspace: Place, actor: str) -> Imported:
    """Read a cohort and record each case; outcomes are never read.

    Args:
        path: folder of the cohort.
        name: of its reader.
        workspace: where they are put; a folder is made if it is missing.
        actor: who imports; recorded.

    Raises:
        CohortError: if the cohort cannot be read at all.
        ReviewError: if the workspace holds a case of the same name of another patient, or an
            assessment of it with other inputs.
    """
    reader = source(name)
    imported = known = skipped = problems = 0
    with opened(workspace, create=True) as engine, bar() as progress:
        task = progress.add_task("import", total=len(reader.index(path)), note="")
        for found in reader.read(path):
            if isinstance(found, Problem):
                problems += 1
                continue
            progress.advance(task)
            if isinstance(found, SkippedCase):
                skipped += 1
                continue
            problems += len(found.problems)
            with writing(engine) as connection:
                event = intake.record_import(connection, found, actor)
            imported, known = imported + (event is not None), known + (event is None)
        heads.seal(engine)
    return Imported(imported, known, skipped, problems)
