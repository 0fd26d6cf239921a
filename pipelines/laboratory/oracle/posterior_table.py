"""Compute the oracle's posterior for every case of a simulated cohort: one CSV of probabilities.

The cases are drawn again from what simulation.json records (the pixels are not needed), in any
number of processes, and written in case order as they are done. A run that was stopped resumes
where it was.
"""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

from clinical import canonical
from clinical.errors import ConfigError
from pipelines.jobs.workers import in_order
from pipelines.laboratory.oracle import evidence
from pipelines.laboratory.oracle.posterior import Oracle, Posterior, posterior, prepare
from pipelines.laboratory.simulate import likelihoods, senses
from pipelines.laboratory.simulate.clinic import LABELS, SimulatedPatient, draw_patient
from pipelines.laboratory.simulate.design import Design, design

COLUMNS = ("case_id", "evidence", "diagnosis", "probability", "standard_error")

ALL = "all"
WITHOUT = "without_"


@dataclass(frozen=True)
class _Task:
    """One case to ask about."""

    seed: int
    number: int
    design: Design
    leave_one_out: bool


def write_posteriors(
    cohort: Path,
    out: Path,
    *,
    jobs: int = 1,
    leave_one_out: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write `out`, a CSV of `COLUMNS`, for the cases of a simulated cohort.

    `evidence` is history, image, measurements, notes, a further sense, all, and with
    `leave_one_out` also without_history and so on; only what a case has. The bytes do not depend
    on `jobs`.

    Args:
        cohort: folder that `triptych simulate` wrote; only its simulation.json is read.
        out: file to write; must not exist.
        jobs: processes.
        leave_one_out: ask about all but one kind of evidence too.
        progress: called with the number of cases done and in all.

    Returns:
        The number of cases.

    Raises:
        ConfigError: if the folder is not a simulated cohort, was drawn from another table of
            likelihoods, or `out` exists.
    """
    if out.exists():
        raise ConfigError(
            f"{out.name} is already there.", remedy="Choose a new file, or remove that one."
        )
    record = _record(cohort)
    further = senses.chosen(record.get("senses", {}))
    switches = design(record["missing"], record["shortcut"], LABELS, further)
    first, total = int(record["first"]), int(record["cases"])
    partial, done = _resume(out, {**record, "leave_one_out": leave_one_out})
    tasks = (
        _Task(int(record["seed"]), number, switches, leave_one_out)
        for number in range(first + done, first + total)
    )
    with partial.open("a", encoding="utf-8", newline="") as file:
        _write(file, in_order(_rows, tasks, jobs), done, total, progress)
    partial.rename(out)
    _stamp(out).unlink()
    return total


def _write(
    file: TextIO,
    cases: Iterator[list[tuple[str, ...]]],
    done: int,
    total: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    writer = csv.writer(file, lineterminator="\n")
    if done == 0:
        writer.writerow(COLUMNS)
    for count, rows in enumerate(cases, start=done + 1):
        writer.writerows(rows)
        file.flush()
        if progress is not None:
            progress(count, total)


def drawn_again(cohort: Path) -> tuple[Design, Iterator[SimulatedPatient]]:
    """How a simulated cohort was drawn, and its cases in order, drawn again as they are asked for.

    Raises:
        ConfigError: if the folder is not a simulated cohort, or was drawn from another table of
            likelihoods.
    """
    record = _record(cohort)
    further = senses.chosen(record.get("senses", {}))
    switches = design(record["missing"], record["shortcut"], LABELS, further)
    first, total = int(record["first"]), int(record["cases"])
    numbers = range(first, first + total)
    return switches, (draw_patient(int(record["seed"]), n, design=switches) for n in numbers)


def _record(cohort: Path) -> dict[str, Any]:
    """simulation.json, checked against the table of this version."""
    try:
        record = json.loads((cohort / "simulation.json").read_text(encoding="utf-8"))
        digest = record["likelihoods"]
        for name in ("seed", "first", "cases", "missing", "shortcut"):
            record[name]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{cohort.name} is not a simulated cohort: {error}",
            remedy="Give a folder that `triptych simulate` wrote.",
        ) from error
    further = senses.senses()
    drawn_from = record.get("senses", {})
    changed = [
        name
        for name in drawn_from
        if name in further and further[name].digest() != drawn_from[name]
    ]
    if changed or digest != likelihoods.load().digest:
        raise ConfigError(
            f"{cohort.name} was drawn from another table of likelihoods than this version has.",
            remedy="Simulate the cohort again, or use the version that made it.",
        )
    return dict(record)


def _resume(out: Path, record: dict[str, Any]) -> tuple[Path, int]:
    """The file to resume, and how many complete cases it holds."""
    partial, stamp = out.with_name(f".{out.name}.partial"), _stamp(out)
    here = Path(__file__).parent
    simulate = here.parent / "simulate"
    sources = sorted([*here.rglob("*.py"), *simulate.rglob("*.py"), *simulate.rglob("*.toml")])
    content = json.dumps(
        {**record, "sources": [canonical.sha256(path.read_bytes()) for path in sources]}
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != content:
        partial.unlink(missing_ok=True)
        stamp.write_text(content, encoding="utf-8")
    if not partial.exists():
        return partial, 0
    lines = partial.read_text(encoding="utf-8").splitlines(keepends=True)
    # The last case may have been cut off, so it is asked about again.
    cases = [list(group) for _, group in itertools.groupby(lines[1:], lambda s: s.split(",")[0])]
    whole = cases[:-1]
    kept = [*lines[:1], *itertools.chain.from_iterable(whole)] if whole else []
    partial.write_text("".join(kept), encoding="utf-8")
    return partial, len(whole)


def _stamp(out: Path) -> Path:
    return out.with_name(f".{out.name}.stamp")


@lru_cache(maxsize=2)
def _oracle(switches: Design) -> Oracle:
    return prepare(likelihoods.load(), switches)


def _rows(task: _Task) -> list[tuple[str, ...]]:
    patient = draw_patient(task.seed, task.number, design=task.design)
    oracle = _oracle(task.design)
    there = evidence.present(patient)
    asked: dict[frozenset[str], Posterior] = {}
    rows: list[tuple[str, ...]] = []
    for name, kinds in questions(there, task.leave_one_out).items():
        if kinds not in asked:
            asked[kinds] = posterior(patient, oracle, kinds)
        found = asked[kinds]
        rows += [
            (
                patient.case_id,
                name,
                label,
                f"{found.probabilities[label]:.6f}",
                f"{found.errors[label]:.6f}",
            )
            for label in LABELS
        ]
    return rows


def questions(there: frozenset[str], leave_one_out: bool) -> dict[str, frozenset[str]]:
    """Name of the evidence to its kinds, for a case that has the kinds `there`."""
    asked = {kind: frozenset({kind}) for kind in sorted(there)}
    asked[ALL] = there
    if leave_one_out and len(there) > 1:
        for kind in sorted(there):
            asked[f"{WITHOUT}{kind}"] = there - {kind}
    return asked
