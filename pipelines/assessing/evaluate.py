"""Join assessments with outcomes: how well each modality alone, and all together, tell.

This reads the `assessments.jsonl` that `triptych assess` wrote, and judges every probability in it,
also those that were withheld from view (their number is given); outcomes are read only here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clinical.cohorts.cohort import Source
from clinical.errors import CohortError
from pipelines.statistics.coverage import SetResult, set_results
from pipelines.statistics.metrics import (
    Interval,
    auroc_difference,
    auroc_interval,
    calibration_error_floor,
    expected_calibration_error,
)

ALL = "all"


@dataclass(frozen=True)
class Result:
    """How one set of inputs tells one diagnosis.

    Attributes:
        diagnosis, inputs: which.
        auroc: with its interval.
        calibration_error: ECE over 15 bins, or None where no outcome is known.
        calibration_floor: what it would be by chance if every probability were exactly right.
    """

    diagnosis: str
    inputs: str
    auroc: Interval
    calibration_error: float | None
    calibration_floor: float | None = None


@dataclass(frozen=True)
class Gain:
    """All modalities together against the best single one, on the same cases."""

    diagnosis: str
    best_single: str
    difference: Interval


@dataclass(frozen=True)
class Evaluation:
    """Everything that `evaluate` found.

    Attributes:
        cases, patients: assessed, with at least one known outcome.
        results: one for each diagnosis and set of inputs.
        gains: one for each diagnosis.
        macro, macro_single: mean AUROC over diagnoses of all inputs, and of the best single input
            (the one with the highest mean).
        flagged: share of the cases with an out-of-distribution mark.
        withheld: diagnosis to number of withheld suggestions.
        sets: coverage and size of the prediction sets; empty where the model has none.
    """

    cases: int
    patients: int
    results: tuple[Result, ...]
    gains: tuple[Gain, ...]
    macro: float
    macro_single: float
    flagged: float
    withheld: Mapping[str, int]
    sets: tuple[SetResult, ...] = ()


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else float("nan")


def read_assessments(folder: Path) -> Iterator[dict[str, Any]]:
    """The lines of `assessments.jsonl`.

    Raises:
        CohortError: if there is no such file.
    """
    file = folder / "assessments.jsonl"
    if not file.exists():
        raise CohortError(
            f"{folder} holds no assessments.jsonl.", remedy="run `triptych assess` with this --out"
        )
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def evaluate(
    folder: Path, source: Source, root: Path, *, samples: int = 1000, seed: int = 0
) -> Evaluation:
    """Judge the assessments in `folder` by the outcomes of the cohort at `root`."""
    records = list(read_assessments(folder))
    if not records:
        raise CohortError(f"{folder} holds no assessed case.", remedy="see skipped.csv there")
    truth = {
        (outcome.case_id, outcome.diagnosis): float(outcome.value)
        for outcome in source.outcomes(root)
        if outcome.value is not None
    }
    with_outcome = {case_id for case_id, _ in truth}
    records = [record for record in records if record["case_id"] in with_outcome]
    if not records:
        raise CohortError(
            "No assessed case has a known outcome in this cohort.",
            remedy="give the cohort that was assessed with --cohort",
        )
    diagnoses = sorted({s["diagnosis"] for record in records for s in record["suggestions"]})
    modalities = sorted({m for r in records for m in (*r["modalities"]["used"],)})
    patients = [record["patient_id"] for record in records]
    results: list[Result] = []
    gains: list[Gain] = []
    for diagnosis in diagnoses:
        labels = np.array([truth.get((r["case_id"], diagnosis), np.nan) for r in records])
        scores = _scores(records, diagnosis, modalities)
        for inputs, column in scores.items():
            interval = auroc_interval(column, labels, patients, samples=samples, seed=seed)
            known = ~np.isnan(column + labels)
            error = expected_calibration_error(column, labels) if known.any() else None
            floor = calibration_error_floor(column[known], seed=seed) if known.any() else None
            results.append(Result(diagnosis, inputs, interval, error, floor))
        gains.extend(_gain(diagnosis, results, scores, labels, patients, samples, seed))
    withheld = {
        name: sum(
            s["withheld_because"] is not None
            for r in records
            for s in r["suggestions"]
            if s["diagnosis"] == name
        )
        for name in diagnoses
    }
    flagged = float(np.mean([r["out_of_distribution"]["flagged"] for r in records]))
    means = {
        name: _mean([r.auroc.value for r in results if r.inputs == name])
        for name in (*modalities, ALL)
    }
    return Evaluation(
        len(records),
        len(set(patients)),
        tuple(results),
        tuple(gains),
        means[ALL],
        max((means[name] for name in modalities), default=float("nan")),
        flagged,
        withheld,
        set_results(records, truth, samples=samples, seed=seed),
    )


def _scores(
    records: Sequence[Mapping[str, Any]], diagnosis: str, modalities: Sequence[str]
) -> dict[str, np.ndarray]:
    scores = {
        name: np.array([r["ledger"]["alone"].get(name, {}).get(diagnosis, np.nan) for r in records])
        for name in modalities
    }
    scores[ALL] = np.array(
        [
            next(s["probability"] for s in r["suggestions"] if s["diagnosis"] == diagnosis)
            for r in records
        ]
    )
    return scores


def _gain(
    diagnosis: str,
    results: Sequence[Result],
    scores: Mapping[str, np.ndarray],
    labels: np.ndarray,
    patients: Sequence[str],
    samples: int,
    seed: int,
) -> list[Gain]:
    singles = [
        r
        for r in results
        if r.diagnosis == diagnosis and r.inputs != ALL and r.auroc.value is not None
    ]
    if not singles:
        return []
    best = max(singles, key=lambda r: r.auroc.value or 0.0).inputs
    difference = auroc_difference(
        scores[ALL], scores[best], labels, patients, samples=samples, seed=seed
    )
    return [Gain(diagnosis, best, difference)]


def to_json(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation as JSON-compatible values."""
    return {**asdict(evaluation), "withheld": dict(evaluation.withheld)}
