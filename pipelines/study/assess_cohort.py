"""A cohort through a finished model: in shards, in any executor, and nothing is done twice.

A worker reads the cases of a span of shards one by one and commits each shard as soon as it is
whole. If a worker dies, or a case raises what nobody expected, the first shard of its span that is
not there is the one that it was at: that one is done again case by case, and the case that ends its
worker again is set aside with the reason.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from threadpoolctl import threadpool_limits

from clinical.case.case import Case, Problem, SkippedCase
from clinical.cohorts.sources import source
from clinical.errors import CohortError
from clinical.model import model as models
from clinical.model.model import Model
from pipelines.folds import records
from pipelines.folds.model_scores import of_one
from pipelines.jobs.executors import Died, Executor
from pipelines.jobs.progress import bar
from pipelines.study import case_facts, shards
from pipelines.training.dataset import cache_images
from pipelines.training.train import THREADS, prepare_cached

SHARD, SPAN = 64, 16
"""Cases in a shard, and shards in a span: tables are read once for a span, and what is in flight
is lost a shard at a time."""

MOST_POISON = 100
"""Cases set aside in one run; more than that is a fault of the program or of the machine."""


@dataclass(frozen=True)
class Work:
    """What all workers share; paths that every one of them can reach."""

    source: str
    root: Path
    model: Path
    features: Path
    shards: Path


@dataclass(frozen=True)
class Wanted:
    """A case to be done, and the key that its row is kept under."""

    case_id: str
    key: str


Shard = tuple[Wanted, ...]
Span = tuple[Shard, ...]


@dataclass(frozen=True)
class Counts:
    """Cases that an earlier run had finished, that this one did, and that it set aside."""

    kept: int
    computed: int
    poison: int

    def __str__(self) -> str:
        words = f"{self.kept} cases kept from an earlier run, {self.computed} computed"
        return words + (f", {self.poison} set aside, see flow.md" if self.poison else "")


def assess_all(work: Work, cases: Sequence[Wanted], run: Executor, jobs: int) -> Counts:
    """See that every case has its row in the ledger.

    Args:
        work: what with, and where to.
        cases: of the cohort, in its order.
        run: how; see `pipelines.jobs.executors`.
        jobs: spans at a time.

    Raises:
        CohortError: if the cohort cannot be read, or more than MOST_POISON cases are set aside.
        ModelError: if the checkpoint cannot be used.
    """
    keys = {case.key for case in cases}
    done = {row["key"] for row in shards.rows(work.shards) if row["key"] in keys}
    left = [case for case in cases if case.key not in done]
    del keys
    parts = [tuple(left[start : start + SHARD]) for start in range(0, len(left), SHARD)]
    spans = _spans(parts, jobs)
    poison = 0
    _model(work.model)  # loaded once, before any process is forked
    with _shown(work.shards, len(done), len(cases)):
        while spans:
            again: list[Span] = []
            for span, found in run(assess_span, work, spans, jobs):
                if isinstance(found, Died):
                    poison += _set_aside(work, span, found)
                    again += _again(work, span)
            if poison > MOST_POISON:
                raise CohortError(
                    f"{poison} cases ended their workers; the reasons are in {work.shards}.",
                    remedy="mend the cause, delete that folder, and run it again",
                )
            spans = again
    return Counts(len(done), len(left) - poison, poison)


def _spans(parts: Sequence[Shard], jobs: int) -> list[Span]:
    """About equal runs of shards, so that no worker waits for another for long."""
    number = max(jobs, -(-len(parts) // SPAN)) if parts else 0
    edges = [len(parts) * n // number for n in range(number + 1)] if number else []
    return [tuple(parts[a:b]) for a, b in pairwise(edges) if b > a]


def _left(work: Work, span: Span) -> list[Shard]:
    """Shards of a span that were not committed."""
    return [part for part in span if not shards.place(work.shards, _keys(part)).exists()]


def _keys(part: Shard) -> list[str]:
    return [case.key for case in part]


def _set_aside(work: Work, span: Span, died: Died) -> int:
    """Write the row of a case that ended its worker when it was alone; how many that was."""
    if len(span) > 1 or len(span[0]) > 1 or not _left(work, span):
        return 0
    case = span[0][0]
    row = {"key": case.key, "case_id": case.case_id, "problems": [], "died": died.reason}
    shards.commit(work.shards, [row])
    return 1


def _again(work: Work, span: Span) -> list[Span]:
    """What is left of a span whose worker died: the suspected cases one by one, then the others."""
    left = _left(work, span)
    if not left:
        return []
    suspects, others = left[0], tuple(left[1:])
    alone: list[Span] = [((case,),) for case in suspects]
    return [*alone, others] if others else alone


def assess_span(work: Work, span: Span) -> int:
    """Do the shards of a span that are not there yet; the number of cases done."""
    torch.set_num_threads(THREADS)
    model, left = _model(work.model), _left(work, span)
    if not left:
        return 0
    wanted = {case.case_id: case.key for part in left for case in part}
    ends, done, rows = [len(part) for part in left], 0, list[shards.Row]()
    with threadpool_limits(THREADS):
        for row in _rows(work, model, wanted):
            rows.append(row)
            if len(rows) == ends[0]:
                shards.commit(work.shards, rows)
                done, rows, ends = done + len(rows), [], ends[1:]
    if ends:
        raise CohortError(
            f"{work.source} gave {done + len(rows)} of {len(wanted)} cases.",
            remedy="do not change the cohort while it is read; run the command again",
        )
    return done


def _rows(work: Work, model: Model, keys: Mapping[str, str]) -> Iterator[shards.Row]:
    """One row for each case, in the order of the cohort."""
    problems: list[Problem] = []
    for reading in source(work.source).read(work.root, frozenset(keys)):
        match reading:
            case Problem():
                # Problems of whole files have no case; they are reported once, not here.
                problems += [reading] if reading.case_id in keys else []
            case SkippedCase():
                yield _row(keys, reading.case_id, problems, skipped=asdict(reading.problem))
                problems = []
            case Case():
                found = _assessed(work, model, reading)
                yield _row(keys, reading.case_id, [*problems, *reading.problems], **found)
                problems = []


def _row(keys: Mapping[str, str], case_id: str, problems: Sequence[Problem], **found: Any) -> Any:
    own = [asdict(problem) for problem in problems]
    return {"key": keys[case_id], "case_id": case_id, "problems": own, **found}


def _assessed(work: Work, model: Model, case: Case) -> dict[str, Any]:
    cached = cache_images(case, model.study, work.features, 0)
    prepared = prepare_cached(cached, model.specs)[0]
    scores, in_set = of_one(model, prepared)
    return {
        "facts": case_facts.facts(case, frozenset(cached.images) & set(model.specs)),
        "scores": {name: records.plain(row)[0] for name, row in scores.items()},
        "in_set": {name: records.plain(row)[0] for name, row in in_set.items()},
    }


@lru_cache(maxsize=1)
def _model(folder: Path) -> Model:
    return models.load(folder)


@contextmanager
def _shown(folder: Path, done: int, total: int) -> Iterator[None]:
    """A bar that follows the shards as workers commit them, with the rate and the time left."""
    before, started, over = _committed(folder), time.monotonic(), threading.Event()
    with bar() as progress:
        task = progress.add_task("assess", total=total, completed=done, note="")

        def follow() -> None:
            ended = False
            while not ended:
                ended = over.wait(1.0)
                # The last shard of a span may be smaller, so this is a little ahead until the end.
                new = min((_committed(folder) - before) * SHARD, total - done)
                rate = new / max(time.monotonic() - started, 1e-9)
                progress.update(task, completed=done + new, note=f"{rate:.1f} cases a second")

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _committed(folder: Path) -> int:
    return sum(1 for _ in folder.glob("*.json"))
