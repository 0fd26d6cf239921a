"""Assess every case of a cohort: resumable, in one process or several, nothing lost on the way.

While it runs, `journal.jsonl` in the output folder takes one line per finished case. A killed run
is taken up again by the same command. At the end the journal becomes `assessments.jsonl`,
`skipped.csv`, `problems.csv` and `manifest.json`, all in the cohort's order, whatever order the
processes finished in.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty
from typing import Any

from clinical import canonical
from clinical.assess.assess import Assessor, load_assessor
from clinical.audit import ledger
from clinical.case import assessment as assessments
from clinical.case import case as cases
from clinical.case.assessment import Assessment, ModelIdentity
from clinical.case.case import Case, Problem, SkippedCase
from clinical.cohorts.cohort import CaseEntry
from clinical.cohorts.sources import source
from clinical.errors import ConfigError, TriptychError
from clinical.modalities.kit import arrays
from clinical.review import intake
from clinical.workspace.database import open_workspace, writing
from clinical.workspace.place import Place, named
from pipelines.assessing import results
from pipelines.jobs.progress import bar, console
from pipelines.jobs.workers import end_with_parent

JOURNAL = "journal.jsonl"
ACTOR = "system"

Finished = tuple[Case, Assessment] | SkippedCase | Problem


@dataclass(frozen=True)
class Run:
    """What to assess with what.

    Attributes:
        path: folder of the cohort.
        source: name of the cohort reader.
        model: folder of the checkpoint, or None for the one that ships with the package.
        out: folder for the results.
        workspace: that also takes cases, assessments and events, or None; a folder is made if it is
            missing.
        jobs: processes.
        limit: only the first so many cases; 0 means all.
    """

    path: Path
    source: str
    model: Path | None
    out: Path
    workspace: Place | None = None
    jobs: int = 1
    limit: int = 0


def assess_cohort(run: Run) -> results.Counts:
    """Assess a cohort and write the results; a run that is finished is not repeated.

    Raises:
        CohortError: if the cohort cannot be read at all.
        ConfigError: if the output folder holds the run of something else, unfinished or finished.
        ModelError: if the checkpoint cannot be used.
    """
    reader = source(run.source)
    entries = reader.index(run.path)
    entries = entries[: run.limit] if run.limit else entries
    assessor = load_assessor(run.model)
    identity = _identity(run, entries, assessor.model.identity)
    run.out.mkdir(parents=True, exist_ok=True)
    journal = run.out / JOURNAL
    key = canonical.digest(identity)
    if not journal.exists() and (finished := _finished(run, key)):
        console.print(f"{run.out} holds the finished run of this cohort and model: nothing to do")
        return finished
    done = _open_journal(journal, identity)
    wanted = [entry.case_id for entry in entries if entry.case_id not in done]
    engine = open_workspace(run.workspace, create=True) if run.workspace else None
    try:
        with journal.open("a", encoding="utf-8") as lines, bar() as progress:
            note = f"resumed at {len(done)}" if done else ""
            task = progress.add_task("assess", total=len(entries), note=note)
            progress.advance(task, len(done))

            def keep(finished: Finished) -> None:
                if engine is not None and isinstance(finished, tuple):
                    with writing(engine) as connection:
                        intake.record_assessment(
                            connection, *finished, ACTOR, conditions=assessor.conditions
                        )
                lines.write(json.dumps(_record(finished), ensure_ascii=False) + "\n")
                lines.flush()
                if not isinstance(finished, Problem):
                    progress.advance(task)

            _work(run, wanted, assessor, keep)
    finally:
        if engine is not None:
            engine.dispose()
    counts = results.write(
        run.out, journal, entries, reader.describe(run.path), assessor.model, run.source, key
    )
    journal.unlink()
    return counts


def _finished(run: Run, key: str) -> results.Counts | None:
    if run.workspace and _empty(run.workspace):
        return None  # it was deleted since, and has to take all cases again
    return results.finished(run.out, key)


def _empty(workspace: Place) -> bool:
    if isinstance(workspace, Path) and not workspace.exists():
        return True
    engine = open_workspace(workspace)
    with engine.connect() as connection:
        head = ledger.head(connection)
    engine.dispose()
    return head == ledger.EMPTY


def _identity(run: Run, entries: Sequence[CaseEntry], model: ModelIdentity) -> dict[str, Any]:
    tables = sorted(p for p in run.path.iterdir() if p.is_file()) if run.path.is_dir() else []
    return {
        "source": run.source,
        # Tables mended, or a workspace named, since the kill make it another run.
        "tables": canonical.digest([[p.name, canonical.sha256(p.read_bytes())] for p in tables]),
        "workspace": canonical.sha256(
            str(run.workspace and named(run.workspace)["workspace"]).encode()
        ),
        "model": model.digest,
        "index": canonical.digest([asdict(entry) for entry in entries]),
        "schema": assessments.SCHEMA_VERSION,
    }


def _open_journal(journal: Path, identity: Mapping[str, Any]) -> frozenset[str]:
    """Case ids that an interrupted run has finished; a torn last line is cut off."""
    if not journal.exists():
        journal.write_text(json.dumps({"run": identity}) + "\n", encoding="utf-8")
        return frozenset()
    whole, found, length = True, [], 0
    with journal.open("rb") as lines:
        for line in lines:
            whole = line.endswith(b"\n")
            if whole:
                found.append(json.loads(line))
                length += len(line)
    if not whole:
        with journal.open("r+b") as lines:
            lines.truncate(length)
    if not found:
        journal.unlink()
        return _open_journal(journal, identity)
    if found[0].get("run") != identity:
        raise ConfigError(
            f"{journal.parent} holds an unfinished run of another cohort or model.",
            remedy="choose another --out, or delete its journal.jsonl",
        )
    case_ids = {r["assessed"]["case_id"] for r in found if "assessed" in r}
    case_ids |= {r["skipped"]["case_id"] for r in found if "skipped" in r}
    return frozenset(case_ids)


def _file_level(finished: Finished) -> bool:
    return isinstance(finished, Problem) and not finished.case_id


def _record(finished: Finished) -> dict[str, Any]:
    if isinstance(finished, Problem):
        return {"problem": asdict(finished)}
    if isinstance(finished, SkippedCase):
        return {"skipped": {"case_id": finished.case_id, "problem": asdict(finished.problem)}}
    case, assessment = finished
    return {
        "assessed": assessments.as_json(assessment),
        "problems": [asdict(problem) for problem in case.problems],
    }


def _work(
    run: Run, wanted: Sequence[str], assessor: Assessor, keep: Callable[[Finished], None]
) -> None:
    if not wanted:
        return
    if run.jobs <= 1:
        for finished in _assess(run, wanted, assessor):
            keep(finished)
        return
    context = multiprocessing.get_context("spawn")
    queue: Queue[Any] = context.Queue(maxsize=4 * run.jobs)
    shares = [wanted[number :: run.jobs] for number in range(run.jobs)]
    workers = [
        context.Process(target=_worker, args=(run, share, number, queue), daemon=True)
        for number, share in enumerate(shares)
        if share
    ]
    for worker in workers:
        worker.start()
    try:
        for finished in _arrivals(queue, workers):
            keep(finished)
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()
        with closing(queue):
            queue.cancel_join_thread()


def _assess(run: Run, wanted: Sequence[str], assessor: Assessor) -> Iterator[Finished]:
    for reading in source(run.source).read(run.path, frozenset(wanted)):
        yield (reading, assessor.assess(reading)) if isinstance(reading, Case) else reading


def _worker(run: Run, share: Sequence[str], number: int, queue: Queue[Any]) -> None:
    end_with_parent()
    try:
        for finished in _assess(run, share, load_assessor(run.model)):
            # Problems of whole files come to every process; the first one reports them.
            if number == 0 or not _file_level(finished):
                queue.put(_packed(finished))
    except TriptychError as error:
        queue.put(error)
    queue.put(None)


def _packed(finished: Finished) -> Any:
    """Cases hold read-only mappings, which do not travel between processes; their JSON does."""
    if not isinstance(finished, tuple):
        return finished
    case, assessment = finished
    pixels = {array.digest: array.values for _, array in arrays(case)}
    return cases.as_json(case), pixels, assessments.as_json(assessment)


def _unpacked(message: Any) -> Finished:
    if isinstance(message, SkippedCase | Problem):
        return message
    case, pixels, assessment = message
    return cases.from_json(case, pixels), assessments.from_json(assessment)


def _arrivals(queue: Queue[Any], workers: Sequence[Any]) -> Iterator[Finished]:
    running = len(workers)
    while running:
        try:
            message = queue.get(timeout=1)
        except Empty:
            dead = [worker for worker in workers if worker.exitcode not in (None, 0)]
            if dead:
                raise RuntimeError(f"a worker ended with exit code {dead[0].exitcode}") from None
            continue
        if message is None:
            running -= 1
        elif isinstance(message, TriptychError):
            raise message
        else:
            yield _unpacked(message)
