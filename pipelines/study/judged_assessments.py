"""Assessments that `triptych assess` wrote, judged by the outcomes of their cohort.

A quick look at what readers are shown: every probability counts, also those that are withheld from
view. It is judged by what judges a study (`pipelines.folds.compare`); a study of the checkpoint
says the same and more: thresholds, calibration, decision curves, subgroups, guards, a report.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinical.case.case import Case
from clinical.cohorts.cohort import Source
from clinical.config import CohortConfig, StudyConfig
from clinical.errors import CohortError
from clinical.evaluation import EvaluationConfig
from pipelines.assessing.results import ASSESSMENTS
from pipelines.folds import compare
from pipelines.folds.compare import CrossValidation
from pipelines.folds.cross_validate import OutOfFold
from pipelines.folds.methods import AS_THEY_ARE, OURS, alone
from pipelines.folds.splits import Fold
from pipelines.study.metrics_json import plain
from pipelines.training.dataset import CachedCase, Dataset

Json = Mapping[str, Any]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Evaluation:
    """How assessments compare with outcomes.

    Attributes:
        inputs: modality to the name of its method in `figures`.
        figures: of all inputs together and of each modality alone.
        withheld: diagnosis to number of suggestions that readers are not shown.
        flagged: share of the cases with an out-of-distribution mark.
    """

    inputs: Mapping[str, str]
    figures: CrossValidation
    withheld: Mapping[str, int]
    flagged: float


def evaluate(folder: Path, source: Source, root: Path, *, samples: int = 1000) -> Evaluation:
    """Judge the assessments in `folder` by the outcomes of the cohort at `root`.

    Args:
        folder: that `triptych assess` wrote.
        source, root: of the cohort.
        samples: of the patient bootstrap.

    Raises:
        CohortError: if there is no assessment, or none of a case with a known outcome, or several
            models made them.
    """
    records = list(_assessments(folder))
    if not records:
        raise CohortError(f"{folder} holds no assessed case.", remedy="see skipped.csv there")
    if len({record["model"]["digest"] for record in records}) > 1:
        raise CohortError(
            f"{folder} holds assessments that several models made: each has diagnoses of its own.",
            remedy="assess the cohort with each of them alone (--model) and judge it by itself",
        )
    truth = {
        (outcome.case_id, outcome.diagnosis): float(outcome.value)
        for outcome in source.outcomes(root)
        if outcome.value is not None
    }
    known = {case_id for case_id, _ in truth}
    records = [record for record in records if record["case_id"] in known]
    if not records:
        raise CohortError(
            "No assessed case has a known outcome in this cohort.",
            remedy="give the cohort that was assessed with --cohort",
        )
    tested = _tested(records, truth)
    study = StudyConfig(
        "evaluation", CohortConfig(str(root)), evaluation=EvaluationConfig(bootstrap=samples)
    )
    names = sorted({name for record in records for name in record["modalities"]["used"]})
    return Evaluation(
        {name: alone(name) for name in names},
        compare.judge(tested, study),
        {
            name: sum(_of(record, name)["withheld_because"] is not None for record in records)
            for name in tested.dataset.diagnoses
        },
        float(np.mean([record["out_of_distribution"]["flagged"] for record in records])),
    )


def to_json(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation as JSON-compatible values."""
    figures = compare.to_json(evaluation.figures)
    marks = {"withheld": evaluation.withheld, "flagged": evaluation.flagged}
    found: dict[str, Any] = plain({**figures, **marks})
    return found


def _assessments(folder: Path) -> Iterator[Json]:
    """What judging needs of every assessment."""
    file = folder / ASSESSMENTS
    if not file.exists():
        raise CohortError(
            f"{folder} holds no {ASSESSMENTS}.", remedy="run `triptych assess` with this --out"
        )
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            del record["explanations"]
            yield record


def _tested(records: Sequence[Json], truth: Mapping[tuple[str, str], float]) -> OutOfFold:
    """The assessments as what a model says of cases that it has not learnt from."""
    diagnoses = tuple(sorted({s["diagnosis"] for r in records for s in r["suggestions"]}))
    labels = [[truth.get((r["case_id"], name), np.nan) for name in diagnoses] for r in records]
    cases = tuple(
        CachedCase(Case(record["case_id"], record["patient_id"], None, {}), {})
        for record in records
    )
    scores = {OURS: _rows(records, diagnoses, lambda r, name: _of(r, name)["probability"])}
    for modality in sorted({name for r in records for name in r["modalities"]["used"]}):
        scores[alone(modality)] = _rows(records, diagnoses, _alone(modality))
    sets = _rows(records, diagnoses, lambda r, name: _of(r, name).get("in_set"))
    fold = Fold("assessed", np.array([], dtype=np.intp), np.arange(len(records)))
    dataset = Dataset(cases, diagnoses, np.array(labels), (), ())
    return OutOfFold(dataset, ((fold,),), scores, {}, {AS_THEY_ARE: sets}, {})


def _of(record: Json, diagnosis: str) -> Json:
    """The suggestion of a diagnosis."""
    found: Json = next(s for s in record["suggestions"] if s["diagnosis"] == diagnosis)
    return found


def _alone(modality: str) -> Callable[[Json, str], float | None]:
    """What a modality says by itself, or None where the case does not have it."""
    return lambda record, name: record["ledger"]["alone"].get(modality, {}).get(name)


def _rows(
    records: Sequence[Json],
    diagnoses: Sequence[str],
    value: Callable[[Json, str], float | None],
) -> Values:
    """[1, cases, diagnoses]; NaN for None."""
    rows = [[value(record, name) for name in diagnoses] for record in records]
    return np.array([rows], dtype=np.float64)
