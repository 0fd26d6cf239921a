"""A study of an existing model: tested on a whole cohort, nothing is trained.

Only facts and probabilities of all cases are held in memory (`case_facts`); what needs features
looks at a sample. Cases go through the runner of `triptych assess` (`pipelines.assessing.runner`),
and are told what it tells them (`case_scores`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from clinical.case.case import Problem, SkippedCase
from clinical.errors import CohortError
from clinical.model.model import Model
from pipelines.assessing import runner, shards
from pipelines.assessing.runner import Done, Wanted, Work, assessor_of
from pipelines.folds.cross_validate import OutOfFold
from pipelines.folds.methods import OURS, alone, hidden
from pipelines.folds.model_scores import validated
from pipelines.folds.splits import Fold, Indices
from pipelines.jobs.executors import Died, Executor
from pipelines.statistics.operating_points import Threshold
from pipelines.study import case_facts, guard_sample
from pipelines.study.case_scores import Scored
from pipelines.study.design import StudyDesign
from pipelines.study.guards.guard import Finding
from pipelines.study.guards.out_of_fold import Judging
from pipelines.study.patient_sample import whole_patients
from pipelines.study.read_cohort import Cohort
from pipelines.study.selection import Selection
from pipelines.study.survey import Question, Survey, survey
from pipelines.study.thresholds import Chosen
from pipelines.training.dataset import CachedCase, Dataset

Shared = TypeVar("Shared")
Task = TypeVar("Task")
Result = TypeVar("Result")
Values = NDArray[np.float64]

WHOLE, FEATURES = "whole cohort", "features"
RULE = "carried by the checkpoint (largest Youden index on its own validation patients)"


@dataclass(frozen=True, eq=False)
class Assessed:
    """A cohort that has gone through a model.

    Attributes:
        model: that was tested.
        survey: of the cohort.
        read: hollow cases, before any rule.
        tested: the same cases with what the model says of them.
        withheld: [cases, diagnoses], whether a reader is not shown the suggestion.
        outside: [cases], whether the case is marked as unlike those that were learnt from.
        done: what this run did, and what was there.
    """

    model: Model
    survey: Survey
    read: Cohort
    tested: OutOfFold
    withheld: NDArray[np.bool_]
    outside: NDArray[np.bool_]
    done: Done


def assess(design: StudyDesign, checkpoint: Path, out: Path, run: Executor, jobs: int) -> Assessed:
    """Put a cohort through a model; what an earlier run has finished is not done again.

    Args:
        design: of the study.
        checkpoint: folder of the model.
        out: folder for the results.
        run, jobs: how; see `pipelines.jobs.executors`.

    Raises:
        CohortError: if the cohort cannot be read, or knows none of the model's diagnoses.
        ModelError: if the checkpoint cannot be used.
    """
    model, cohort = assessor_of(checkpoint).model, design.study.cohort
    root = Path(cohort.path)
    question = Question(cohort.source, root, cohort.limit, model.diagnoses)
    # In a worker, so that the tables' memory goes back when it ends.
    seen = only(run, survey, question, None, jobs)
    folder = out / "shards"
    work = Work(cohort.source, root, folder, Scored(checkpoint, out / FEATURES))
    keys = shards.case_keys(seen.case_ids, seen.digests, model.identity.digest)
    wanted = [Wanted(*pair) for pair in zip(seen.case_ids, keys, strict=True)]
    done = runner.run(work, wanted, run, jobs)
    return _gathered(folder, model, seen, keys, done)


def with_settings_of(design: StudyDesign, checkpoint: Path) -> StudyDesign:
    """The design with the settings that the checkpoint was made with, which the study leaves open.

    Raises:
        ModelError: if the checkpoint cannot be used.
    """
    own = assessor_of(checkpoint).model.study
    return replace(design, study=replace(design.study, model=own.model, training=own.training))


def only(
    run: Executor, work: Callable[[Shared, Task], Result], shared: Shared, task: Task, jobs: int
) -> Result:
    """One task in a worker, without whom nothing can go on; `jobs` are those that come later.

    Raises:
        CohortError: if the worker died.
    """
    ((_, found),) = run(work, shared, [task], jobs)
    if isinstance(found, Died):
        raise CohortError(
            f"The cohort could not be read: its worker {found.reason}.",
            remedy="check free memory, and look for an unreadable file",
        )
    return found


def _gathered(
    folder: Path, model: Model, seen: Survey, keys: Sequence[str], done: Done
) -> Assessed:
    """All rows of the ledger in the order of the cohort."""
    cases: list[CachedCase | None] = [None] * len(keys)
    skipped: list[SkippedCase] = []
    problems: list[Problem] = list(seen.problems)
    scores: dict[str, Values] = {}
    in_set: dict[str, Values] = {}
    acquired: dict[str, dict[str, str]] = {}
    shape = (1, len(keys), len(model.diagnoses))
    withheld, outside = np.zeros(shape[1:], dtype=bool), np.zeros(len(keys), dtype=bool)
    # Rows of a case, or a model, that was another one then are passed over.
    for number, row in enumerate(shards.in_order(shards.index(folder), keys)):
        problems += [Problem(**problem) for problem in row["problems"]]
        if "facts" not in row:
            skipped.append(SkippedCase(row["case_id"], _why(row)))
            continue
        known = case_facts.known(row["facts"])
        cases[number] = known.cached
        for fact, group in known.acquired.items():
            acquired.setdefault(fact, {})[known.cached.case.case_id] = group
        for method, values in row["scores"].items():
            _place(scores, method, shape, np.float64)[0, number] = values
        for pattern, values in row["in_set"].items():
            # Ones and noughts, and half the memory of all that is held of a case.
            _place(in_set, pattern, shape, np.float32)[0, number] = values
        withheld[number] = [because is not None for because in row["withheld"]]
        outside[number] = row["outside"] is not None
    rows = np.flatnonzero([case is not None for case in cases])
    dataset = Dataset(
        tuple(case for case in cases if case is not None),
        model.diagnoses,
        seen.labels[rows],
        tuple(skipped),
        tuple(problems),
    )
    fold = Fold(WHOLE, np.array([], dtype=np.intp), np.arange(len(dataset.cases)))
    kept = {name: _only(rows, values) for name, values in scores.items()}
    sets = {name: _only(rows, values) for name, values in in_set.items()}
    tested = OutOfFold(dataset, ((fold,),), kept, validated(model), sets, {})
    read = Cohort(seen.description, dataset, acquired, (), {})
    return Assessed(model, seen, read, tested, withheld[rows], outside[rows], done)


def _place(
    held: dict[str, Values], name: str, shape: tuple[int, ...], kind: type[np.floating[Any]]
) -> Values:
    if name not in held:
        held[name] = np.full(shape, np.nan, dtype=kind)
    return held[name]


def _only(rows: Indices, values: Values) -> Values:
    """These cases [repeats, cases, diagnoses]; the array itself, not another, if that is all."""
    return values if len(rows) == values.shape[1] else values[:, rows]


def _why(row: shards.Row) -> Problem:
    return Problem(**row["skipped"]) if "skipped" in row else runner.died(row)


def selected(tested: OutOfFold, dataset: Dataset, selection: Selection) -> OutOfFold:
    """What the model says of the cases that the rules have left.

    Methods that are about a modality which no such case has are left out.
    """
    kept = selection.kept
    names = {name for cached in dataset.cases for name in (*cached.case.inputs, *cached.images)}
    wanted = {OURS, *map(alone, names), *map(hidden, names)}
    fold = Fold(WHOLE, np.array([], dtype=np.intp), np.arange(len(kept)))
    return replace(
        tested,
        dataset=dataset,
        folds=((fold,),),
        scores={name: _only(kept, v) for name, v in tested.scores.items() if name in wanted},
        in_set={name: _only(kept, v) for name, v in tested.in_set.items()},
    )


def thresholds(tested: OutOfFold, model: Model) -> tuple[Chosen, ...]:
    """The thresholds that a checkpoint carries. There is nobody to choose maps on."""
    count = len(tested.dataset.cases)
    nothing = np.full(count, np.nan)
    return tuple(
        Chosen(
            {WHOLE: Threshold(model.thresholds[name], RULE)},
            0,
            np.full(count, model.thresholds[name]),
            {},
            nothing,
        )
        for name in tested.dataset.diagnoses
    )


def checks(assessed: Assessed, dataset: Dataset, selection: Selection) -> tuple[str, ...]:
    """What is known of patients on both sides, and how much of what is tested readers are shown."""
    model, patients = assessed.model, dataset.patients
    facts, kept = model.facts, selection.kept
    learnt = facts["training_patients"] + facts["validation_patients"]
    hidden = assessed.withheld[kept].sum(axis=0)
    counts = ", ".join(
        f"{name} {count}" for name, count in zip(model.diagnoses, hidden, strict=True) if count
    )
    return (
        f"The model {model.name} ({model.identity.digest[:12]}) was trained beforehand, on"
        f" {facts['training_patients']} patients, and calibrated on"
        f" {facts['validation_patients']}.",
        f"{int(assessed.outside[kept].sum())} of {len(patients)} tested cases are marked as unlike"
        f" those that it learnt from. Suggestions that readers are not shown, judged here all the"
        f" same: {counts or 'none'}.",
        f"{WHOLE}: {len(patients)} cases of {len(set(patients))} patients tested, each once."
        f" It was not checked whether any of them is among the {learnt} patients that the model was"
        " trained on: a checkpoint does not name them, and pseudonyms differ between cohorts.",
    )


def left_out(assessed: Assessed, sampled: str) -> dict[str, str]:
    """What such a study does not do, and why.

    Args:
        assessed: the cohort.
        sampled: how many patients the guards looked at, in words; empty for all.
    """
    found = {
        "recalibration maps": "there are no validation patients to choose one on; the checkpoint's"
        " own calibration is evaluated",
        "trained comparators": "nothing is trained; the model's own single modalities are used"
        " instead",
        "stress curves": "only whole modalities are hidden from an existing model",
        "learning curve": "nothing is trained",
        "patients that the model was trained on": "not checked whether they are tested here",
        "identical images across the split": "the model's training images are not available",
    }
    if assessed.survey.unknown:
        names = ", ".join(assessed.survey.unknown)
        found["labels without outcomes in the cohort"] = f"not evaluated: {names}"
    if sampled:
        found["guards on all patients"] = sampled
    return found


def look_for_shortcuts(
    assessed: Assessed,
    tested: OutOfFold,
    design: StudyDesign,
    out: Path,
    run: Executor,
    jobs: int,
) -> tuple[tuple[Finding, ...], str]:
    """What the guards find, and in how many patients if not in all; nothing if switched off."""
    if not design.evaluation.guards:
        return (), ""
    study, dataset = design.study, tested.dataset
    rows = whole_patients(dataset.patients, guard_sample.MOST_CASES, study.seed)
    wanted = guard_sample.Sample(
        replace(assessed.model.study, cohort=replace(study.cohort, limit=0)),
        out / FEATURES,
        frozenset(dataset.cases[i].case.case_id for i in rows),
        tuple(name for name in dataset.diagnoses if name not in assessed.survey.unknown),
        Judging(samples=study.evaluation.bootstrap, seed=study.seed),
    )
    found = only(run, guard_sample.guards, wanted, None, jobs)
    some, every = len({dataset.patients[i] for i in rows}), len(set(dataset.patients))
    words = f"they were run on {some} of {every} patients, drawn by the study's seed"
    return found, words if some < every else ""
