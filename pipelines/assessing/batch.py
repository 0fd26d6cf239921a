"""Assess every case of a cohort: resumable, in any number of processes, nothing lost on the way.

The runner (`pipelines.assessing.runner`) keeps what was found of each case in `unfinished` in the
output folder, and each case is in the workspace before its row is there. A killed run is taken up
again by the same command. At the end the rows become `assessments.jsonl`, `skipped.csv`,
`problems.csv` and `manifest.json`, in the cohort's order, whatever order they were finished in.
Where several models are asked, `assessments.jsonl` holds what readers begin with, a line for each
case, and `others.jsonl` what the other models made of it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from clinical import canonical
from clinical.assess.asking import ask
from clinical.audit import heads, ledger
from clinical.case import assessment as assessments
from clinical.case.assessment import ModelIdentity
from clinical.case.case import Case, Problem
from clinical.cohorts.cohort import CaseEntry
from clinical.cohorts.sources import source
from clinical.errors import ConfigError, ModelError
from clinical.model import installed
from clinical.review import intake
from clinical.workspace import own_file
from clinical.workspace.database import open_workspace, opened, writing
from clinical.workspace.place import Place, folder_of, named
from pipelines.assessing import results, runner, shards
from pipelines.assessing.runner import Found, Wanted, Work, assessor_of
from pipelines.jobs.executors import Workers
from pipelines.jobs.progress import console

UNFINISHED, RUN = "unfinished", "run.json"
ACTOR = "system"


@dataclass(frozen=True)
class Run:
    """What to assess with what.

    Attributes:
        path: folder of the cohort.
        source: name of the cohort reader.
        model: folder of a checkpoint that alone is asked; None: all that are installed in the
            workspace, or, without one, the model that ships with the package.
        out: folder for the results.
        workspace: that also takes cases, assessments and events, or None; a folder is made if it is
            missing.
        workers: who does it; the results do not depend on it.
        limit: only the first N cases; 0 = no limit.
    """

    path: Path
    source: str
    model: Path | None
    out: Path
    workspace: Place | None = None
    workers: Workers = field(default_factory=Workers)
    limit: int = 0


@dataclass(frozen=True)
class Recorded:
    """A case is assessed, explained and, where there is a workspace, recorded at once."""

    models: tuple[Path, ...]
    workspace: Place | None

    @contextmanager
    def open(self) -> Iterator[Callable[[Case], Found]]:
        """The models and the workspace."""
        assessors = [assessor_of(folder) for folder in self.models]
        engine = open_workspace(self.workspace) if self.workspace else None

        def find(case: Case) -> Found:
            made = ask(assessors, case)
            if engine is not None:
                with writing(engine) as connection:
                    intake.record_assessments(connection, case, made, ACTOR)
            *others, first = (assessments.as_json(one.assessment) for one in made)
            return {"assessed": first} | ({"others": others} if others else {})

        try:
            yield find
        finally:
            if engine is not None:
                heads.seal(engine)
                engine.dispose()


def assess_cohort(run: Run) -> results.Counts:
    """Assess a cohort and write the results; a run that is finished is not repeated.

    Raises:
        CohortError: if the cohort cannot be read at all, or hardly any case can be assessed.
        ConfigError: if the output folder holds the run of something else, unfinished or finished.
        ModelError: if a checkpoint cannot be used, or no model is installed.
    """
    reader = source(run.source)
    entries = reader.index(run.path)
    entries = entries[: run.limit] if run.limit else entries
    folders = _asked(run)
    models = [assessor_of(folder).model for folder in folders]
    identity = _identity(run, entries, [model.identity for model in models])
    unfinished, key = run.out / UNFINISHED, canonical.digest(identity)
    if not unfinished.exists() and (finished := _finished(run, key)):
        console.print(f"{run.out} holds the finished run of this cohort and model: nothing to do")
        return finished
    _begin(unfinished, identity)
    if run.workspace:
        with opened(run.workspace, create=True):
            pass  # it is there now, for every worker to open
    work = Work(run.source, run.path, unfinished, Recorded(folders, run.workspace))
    case_ids = [entry.case_id for entry in entries]
    wanted = [Wanted(case_id, case_id) for case_id in case_ids]
    runner.run(work, wanted, run.workers.contained, run.workers.jobs)
    rows = shards.in_order(shards.index(unfinished), case_ids)
    problems = _of_files(run, case_ids)
    counts = results.write(
        run.out, rows, problems, reader.describe(run.path), models, run.source, key
    )
    shutil.rmtree(unfinished)
    return counts


def _asked(run: Run) -> tuple[Path, ...]:
    """Folders of the models that are asked, in their order."""
    if run.model is not None:
        return (run.model,)
    cards = installed.asked(folder_of(run.workspace) if run.workspace else None)
    if not cards:
        raise ModelError(
            "No model is installed in this workspace.",
            remedy="add one with `triptych models add`, or name one with --model",
        )
    return tuple(one.folder for one in cards)


def _of_files(run: Run, case_ids: Sequence[str]) -> list[Problem]:
    """Problems of whole files, and of rows that belong to no case; each once."""
    known = frozenset(case_ids)
    readings = source(run.source).read(run.path, frozenset())
    problems = (found for found in readings if isinstance(found, Problem))
    return list(dict.fromkeys(one for one in problems if one.case_id not in known))


def _finished(run: Run, key: str) -> results.Counts | None:
    if run.workspace and _empty(run.workspace):
        return None  # it was deleted since, and has to take all cases again
    return results.finished(run.out, key)


def _empty(workspace: Place) -> bool:
    if isinstance(workspace, Path) and not workspace.exists():
        return True
    with opened(workspace) as engine, engine.connect() as connection:
        return ledger.head(connection) == ledger.EMPTY


def _identity(
    run: Run, entries: Sequence[CaseEntry], models: Sequence[ModelIdentity]
) -> dict[str, Any]:
    tables = sorted(p for p in run.path.iterdir() if p.is_file()) if run.path.is_dir() else []
    return {
        "source": run.source,
        # Tables mended, or a workspace named, since the kill make it another run.
        "tables": canonical.digest([[p.name, canonical.sha256(p.read_bytes())] for p in tables]),
        "workspace": canonical.sha256(
            str(run.workspace and named(run.workspace)["workspace"]).encode()
        ),
        "model": " ".join(model.digest for model in models),
        "index": canonical.digest([asdict(entry) for entry in entries]),
        "schema": assessments.SCHEMA_VERSION,
    }


def _begin(unfinished: Path, identity: dict[str, Any]) -> None:
    """Say in the folder whose run it is, or see that it is this one's."""
    unfinished.mkdir(parents=True, exist_ok=True)
    stated = unfinished / RUN
    if not stated.exists():
        own_file.write(stated, json.dumps(identity))
    if json.loads(stated.read_text(encoding="utf-8")) != identity:
        raise ConfigError(
            f"{unfinished.parent} holds an unfinished run of another cohort or model.",
            remedy=f"choose another --out, or delete its folder {UNFINISHED!r}",
        )
