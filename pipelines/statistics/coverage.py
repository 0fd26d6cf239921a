"""Do prediction sets keep their promise? Achieved coverage and size, on unseen patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinical.model.calibration import pattern_key
from pipelines.statistics.metrics import Interval
from pipelines.statistics.proportions import share_of_all

EVERY = "every pattern"


@dataclass(frozen=True)
class SetResult:
    """Prediction sets of the cases with one availability pattern.

    Attributes:
        inputs: pattern key, or EVERY.
        promised: coverage that the model was calibrated for.
        achieved: share of cases whose true diagnoses are all in the set, with its interval; cases
            whose outcomes are all unknown are left out.
        size: mean number of diagnoses in a set.
        empty: share of sets that hold no diagnosis.
    """

    inputs: str
    promised: float
    achieved: Interval
    size: float
    empty: float


def set_results(
    records: Sequence[Mapping[str, Any]],
    truth: Mapping[tuple[str, str], float],
    *,
    samples: int,
    seed: int,
) -> tuple[SetResult, ...]:
    """Coverage overall, then by availability pattern; empty where no record has a set.

    Args:
        records: assessments in their JSON form, also of schema 1.0, which have none.
        truth: (case_id, diagnosis) to 1.0 or 0.0, of known outcomes.
        samples, seed: of the patient bootstrap.
    """
    known = {case_id for case_id, _ in truth}
    sets = [r for r in records if _has_set(r) and r["case_id"] in known]
    groups: dict[str, list[Mapping[str, Any]]] = {EVERY: sets} if sets else {}
    for record in sets:
        groups.setdefault(pattern_key(record["modalities"]["used"]), []).append(record)
    patterns = sorted(name for name in groups if name != EVERY)
    return tuple(
        _result(name, groups[name], truth, samples, seed)
        for name in ([EVERY] if sets else []) + patterns
    )


def _has_set(record: Mapping[str, Any]) -> bool:
    return all(s.get("in_set") is not None for s in record["suggestions"])


def _result(
    inputs: str,
    records: Sequence[Mapping[str, Any]],
    truth: Mapping[tuple[str, str], float],
    samples: int,
    seed: int,
) -> SetResult:
    held = np.array([_held(record, truth) for record in records])
    sizes = np.array([sum(s["in_set"] for s in record["suggestions"]) for record in records])
    patients = [record["patient_id"] for record in records]
    return SetResult(
        inputs,
        min(record["prediction_set"]["coverage"] for record in records),
        share_of_all(held, patients, samples=samples, seed=seed),
        float(sizes.mean()),
        float((sizes == 0).mean()),
    )


def _held(record: Mapping[str, Any], truth: Mapping[tuple[str, str], float]) -> bool:
    suggestions = record["suggestions"]
    true = [truth.get((record["case_id"], s["diagnosis"])) == 1 for s in suggestions]
    return bool(covered(np.array(true), np.array([bool(s["in_set"]) for s in suggestions])))


def covered(true: NDArray[np.bool_], members: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether all true diagnoses of a case are in its prediction set; if none is true, they are.

    Args:
        true: [..., diagnoses].
        members: of the set [..., diagnoses].

    Returns:
        [...].
    """
    return np.asarray((~true | members).all(axis=-1))
