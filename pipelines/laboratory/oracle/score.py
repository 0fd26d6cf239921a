"""Discrimination of the oracle on a cohort: the best possible, not what a model reaches."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clinical.errors import ConfigError
from pipelines.statistics.metrics import Interval, auroc_interval

_LEAST = 1e-6


@dataclass(frozen=True)
class Score:
    """One label from one kind of evidence.

    Attributes:
        evidence, diagnosis: as in the oracle's CSV.
        auroc: with its patient-bootstrap interval.
        log_loss: mean over the cases, in nats.
    """

    evidence: str
    diagnosis: str
    auroc: Interval
    log_loss: float


def score(file: Path, cohort: Path, *, samples: int = 1000) -> tuple[Score, ...]:
    """Compare what `run` wrote with the outcomes of the same cohort.

    Args:
        file: the oracle's CSV.
        cohort: folder with cases.csv and outcomes.csv.
        samples: patient-bootstrap samples of the intervals.

    Raises:
        ConfigError: if a file is missing or a case has no outcome.
    """
    try:
        patients = {row["case_id"]: row["patient_id"] for row in _rows(cohort / "cases.csv")}
        truth = {
            (row["case_id"], row["diagnosis"]): float(row["value"])
            for row in _rows(cohort / "outcomes.csv")
        }
        asked: Mapping[tuple[str, str], list[tuple[str, float]]] = defaultdict(list)
        for row in _rows(file):
            key = row["evidence"], row["diagnosis"]
            asked[key].append((row["case_id"], float(row["probability"])))
        return tuple(
            _score(evidence, diagnosis, found, patients, truth, samples)
            for (evidence, diagnosis), found in asked.items()
        )
    except (OSError, KeyError, ValueError) as error:
        raise ConfigError(
            f"{file.name} and {cohort.name} do not belong together: {error}",
            remedy="Give the file that `triptych compute-oracle` wrote for this cohort.",
        ) from error


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _score(
    evidence: str,
    diagnosis: str,
    found: list[tuple[str, float]],
    patients: Mapping[str, str],
    truth: Mapping[tuple[str, str], float],
    samples: int,
) -> Score:
    said = np.array([probability for _, probability in found])
    true = np.array([truth[case, diagnosis] for case, _ in found])
    bounded = np.clip(said, _LEAST, 1 - _LEAST)
    loss = -(true * np.log(bounded) + (1 - true) * np.log1p(-bounded)).mean()
    people = [patients[case] for case, _ in found]
    area = auroc_interval(said, true, people, samples=samples)
    return Score(evidence, diagnosis, area, float(loss))


def markdown(scores: tuple[Score, ...]) -> str:
    """A table of AUROC, with means over the labels, and of the mean log loss."""
    kinds = list(dict.fromkeys(score.evidence for score in scores))
    labels = list(dict.fromkeys(score.diagnosis for score in scores))
    by = {(score.evidence, score.diagnosis): score for score in scores}
    lines = [f"| AUROC | {' | '.join(kinds)} |", f"|---|{'---|' * len(kinds)}"]
    for label in labels:
        areas = [str(by[kind, label].auroc) for kind in kinds]
        lines.append(f"| {label} | {' | '.join(areas)} |")
    defined = [[by[kind, label].auroc.value for label in labels] for kind in kinds]
    means = [
        f"{np.mean([value for value in values if value is not None] or [np.nan]):.3f}"
        for values in defined
    ]
    lines.append(f"| mean | {' | '.join(means)} |")
    losses = [np.mean([by[kind, label].log_loss for label in labels]) for kind in kinds]
    lines.append(f"| mean log loss | {' | '.join(f'{loss:.4f}' for loss in losses)} |")
    return "\n".join(lines) + "\n"
