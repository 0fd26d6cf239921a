"""A cohort through a model: in any executor, nothing is done twice, and no case ends the run.

A worker reads the cases of a span one by one and keeps what it found of each as soon as it is done.
If it dies, or a case raises what nobody expected, the first case of its span that has no row is the
one that it was at: that one is done again by itself, and if it ends its worker again it is set
aside with the reason. What is done with a case is the asker's (`Step`): `triptych assess` explains
and records it, a study judges it.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import torch
from threadpoolctl import threadpool_limits

from clinical.assess.assess import Assessor, load_assessor
from clinical.case.case import Case, Problem, SkippedCase
from clinical.cohorts.sources import source
from clinical.errors import CohortError
from pipelines.assessing import shards
from pipelines.jobs.executors import Died, Executor
from pipelines.jobs.progress import bar

THREADS = 1
"""Of every worker: the last bits of a result depend on it."""

SPAN = 1024
"""Cases that a worker takes at a time: the tables of a cohort are read once for a span."""

MOST_POISON = 100
"""Cases set aside in one run; more than that is a fault of the program or of the machine."""

MOST_MODELS = 16
"""Models that a process keeps loaded; no site asks more about one case."""

Found = Mapping[str, Any]
"""What the row of a case says besides key, case and problems; JSON-compatible."""


class Step(Protocol):
    """What is done with each case; travels to workers by pickle."""

    def open(self) -> AbstractContextManager[Callable[[Case], Found]]:
        """What is needed, made once for a span; it does one case after another."""


@dataclass(frozen=True)
class Work:
    """What all workers share; paths that every one of them can reach.

    Attributes:
        source, root: of the cohort.
        shards: folder of what was found.
        step: what is done with each case.
    """

    source: str
    root: Path
    shards: Path
    step: Step


@dataclass(frozen=True)
class Wanted:
    """A case to be done, and the key that its row is kept under."""

    case_id: str
    key: str


@dataclass(frozen=True)
class Span:
    """Cases that one worker does, and the shard that it writes."""

    cases: tuple[Wanted, ...]
    shard: str


@dataclass(frozen=True)
class Done:
    """Cases that an earlier run had finished, that this one did, and that it set aside."""

    kept: int
    computed: int
    poison: int

    def __str__(self) -> str:
        words = f"{self.kept} cases kept from an earlier run, {self.computed} computed"
        return words + (f", {self.poison} set aside" if self.poison else "")


@lru_cache(maxsize=MOST_MODELS)
def assessor_of(folder: Path) -> Assessor:
    """The assessor of a checkpoint, loaded once; a process that is forked later has it, too."""
    return load_assessor(folder)


def run(work: Work, cases: Sequence[Wanted], executor: Executor, jobs: int) -> Done:
    """See that every case has its row in the shards.

    Args:
        work: what with, and where to.
        cases: of the cohort, in its order.
        executor: see `pipelines.jobs.executors`.
        jobs: spans at a time.

    Raises:
        CohortError: if the cohort cannot be read, or more than MOST_POISON cases are set aside.
        TriptychError: that a step ends with.
    """
    known = shards.index(work.shards)
    left = [case for case in cases if case.key not in known]
    kept, poison, spans = len(cases) - len(left), 0, _spans(left, jobs)
    del known
    with _shown(work.shards, kept, len(cases)):
        while spans:
            alone, others = list[Span](), list[Wanted]()
            for span, found in executor(do_span, work, spans, jobs):
                missing = _missing(work, span) if isinstance(found, Died) else []
                if isinstance(found, Died) and missing and len(span.cases) == 1:
                    _set_aside(work, span.cases[0], found)
                    poison += 1
                elif missing:
                    alone.append(_span(missing[:1]))
                    others += missing[1:]
            if poison > MOST_POISON:
                raise CohortError(
                    f"{poison} cases ended their workers; the reasons are in {work.shards}.",
                    remedy="correct the cause, delete that folder, and run it again",
                )
            spans = [*alone, *_spans(others, jobs)]
    return Done(kept, len(left) - poison, poison)


def died(row: shards.Row) -> Problem:
    """Why the case of a row was set aside."""
    reason = f"the case {row['died']} while it was assessed, alone and in a worker of its own"
    return Problem("", reason, case_id=row["case_id"], remedy="correct the case, or leave it out")


def _spans(cases: Sequence[Wanted], jobs: int) -> list[Span]:
    """About equal runs of cases, so that no worker waits for another for long."""
    number = min(len(cases), max(jobs, -(-len(cases) // SPAN)))
    edges = [len(cases) * n // number for n in range(number + 1)] if number else []
    return [_span(cases[a:b]) for a, b in pairwise(edges)]


def _span(cases: Sequence[Wanted]) -> Span:
    return Span(tuple(cases), f"{uuid.uuid4().hex}.jsonl")


def _missing(work: Work, span: Span) -> list[Wanted]:
    """Cases of a span that its worker did not finish."""
    done = {row["key"] for row in shards.rows(work.shards / span.shard)}
    return [case for case in span.cases if case.key not in done]


def _set_aside(work: Work, case: Wanted, reason: Died) -> None:
    with shards.writing(work.shards / _span([case]).shard) as keep:
        keep({"key": case.key, "case_id": case.case_id, "problems": [], "died": reason.reason})


def do_span(work: Work, span: Span) -> int:
    """Do the cases of a span; how many there were."""
    torch.set_num_threads(THREADS)
    keys, done = {case.case_id: case.key for case in span.cases}, 0
    with (
        threadpool_limits(THREADS),
        work.step.open() as find,
        shards.writing(work.shards / span.shard) as keep,
    ):
        for row in _rows(work, find, keys):
            keep(row)
            done += 1
    if done < len(keys):
        raise CohortError(
            f"{work.source} gave {done} of {len(keys)} cases.",
            remedy="do not change the cohort while it is read; run the command again",
        )
    return done


def _rows(
    work: Work, find: Callable[[Case], Found], keys: Mapping[str, str]
) -> Iterator[shards.Row]:
    """One row for each case, in the order of the cohort."""
    problems: list[Problem] = []
    for reading in source(work.source).read(work.root, frozenset(keys)):
        match reading:
            case Problem():
                # Problems of whole files have no case; they are reported once, not here.
                problems += [reading] if reading.case_id in keys else []
            case SkippedCase():
                yield _row(keys, reading.case_id, problems, {"skipped": asdict(reading.problem)})
                problems = []
            case Case():
                yield _row(keys, reading.case_id, [*problems, *reading.problems], find(reading))
                problems = []


def _row(
    keys: Mapping[str, str], case_id: str, problems: Sequence[Problem], found: Found
) -> shards.Row:
    own = [asdict(problem) for problem in problems]
    return {"key": keys[case_id], "case_id": case_id, "problems": own, **found}


@contextmanager
def _shown(folder: Path, done: int, total: int) -> Iterator[None]:
    """A bar that follows the shards as workers write them, with the rate and the time left."""
    started, over, seen = time.monotonic(), threading.Event(), _Lines(folder)
    note = f"resumed at {done}" if done else ""
    with bar() as progress:
        task = progress.add_task("assess", total=total, completed=done, note=note)

        def follow() -> None:
            ended = False
            while not ended:
                ended = over.wait(1.0)
                new = seen.count()
                rate = new / max(time.monotonic() - started, 1e-9)
                words = f"{note} {rate:.1f} cases a second".strip()
                progress.update(task, completed=min(done + new, total), note=words)

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


class _Lines:
    """Lines that were written to the shards of a folder since this was made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read = {shard: shard.stat().st_size for shard in folder.glob("*.jsonl")}
        self._new = 0

    def count(self) -> int:
        """How many there are by now."""
        for shard in self._folder.glob("*.jsonl"):
            with shard.open("rb") as lines:
                lines.seek(self._read.get(shard, 0))
                while block := lines.read(2**20):
                    self._new += block.count(b"\n")
                self._read[shard] = lines.tell()
        return self._new
