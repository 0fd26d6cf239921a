"""How a model is evaluated: the `[evaluation]` table of a study file, and its valid values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from clinical.errors import ConfigError

SPLITS = ("patient", "site", "given", "time")

SEX, AGE, SITE, VIEW = "sex", "age", "site", "view"
COLUMNS = (SEX, AGE, SITE, VIEW)
"""Columns that patients can be grouped by in every cohort."""


@dataclass(frozen=True)
class EvaluationConfig:
    """How the model is evaluated.

    Attributes:
        split: "patient" (patient-grouped folds), "site" (each site left out in turn), "given"
            (the cohort's own split: cases marked "test" are tested, all others train) or "time"
            (earlier decisions train, later ones are tested).
        folds: number of folds; 0 with "patient" tests nothing. With "site", 0 leaves out one site
            at a time, and a number groups whole sites into that many folds.
        tested_from: with "time", the first day that is tested (ISO 8601); empty: set by
            `train_fraction`.
        train_fraction: with "time", fraction of the patients to train on, those whose last case
            is earliest.
        inner: number of nested folds in each fold, so that each training patient is a validation
            patient once; for small cohorts. 0: one training that keeps `training.validation` of
            the patients for validation.
        repeats: repetitions, each with a new training seed (initialisation, order, validation
            patients); with "patient" also with new folds.
        bootstrap: patient-bootstrap samples for confidence intervals.
        margin: difference in macro AUROC below which two methods count as equally good.
        oracle: file with the posteriors that `triptych compute-oracle` wrote, relative to the
            cohort's folder; empty for none.
        removal: also train a model without each modality, to compare with hiding it.
        automl: trials of the AutoML comparator for each label and fold; 0: no AutoML.
        sensitivity: target sensitivity of the operating point, on validation patients.
        subgroups: columns to group patients by: any of COLUMNS, or of the cohort's own table of
            cases.
        age_edges: lowest age in years of every age band except the first.
        guards: check for shortcuts and leaks.
        curve_from, curve_to: range of threshold probabilities of the decision curve.
        stress: also test patients with inputs removed.
        learning_curve: fractions of the patients that further models are trained on; empty for
            none.
    """

    split: str = "patient"
    folds: int = 0
    tested_from: str = ""
    train_fraction: float = 0.7
    inner: int = 0
    repeats: int = 1
    bootstrap: int = 1000
    margin: float = 0.01
    oracle: str = ""
    removal: bool = False
    automl: int = 0
    sensitivity: float = 0.9
    subgroups: tuple[str, ...] = COLUMNS
    age_edges: tuple[int, ...] = (18, 40, 65)
    guards: bool = True
    curve_from: float = 0.01
    curve_to: float = 0.5
    stress: bool = True
    learning_curve: tuple[float, ...] = (0.2, 0.35, 0.6)

    @property
    def judges(self) -> bool:
        """Whether anything is tested at all."""
        return self.folds > 0 or self.split != "patient"

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Threshold probabilities of the decision curve, in steps of 0.01."""
        first, last = round(self.curve_from * 100), round(self.curve_to * 100)
        return tuple(n / 100 for n in range(first, last + 1))


def check(evaluation: EvaluationConfig, where: str) -> None:
    """Refuse what cannot be used.

    Args:
        evaluation: as stated.
        where: of the table, for the message.

    Raises:
        ConfigError: naming the key and what may be chosen.
    """
    _check_counts(evaluation, where)
    _check_time(evaluation, where)
    if not 0 < evaluation.margin < 1:
        raise ConfigError(
            f"{where}.margin is {evaluation.margin}.", remedy="choose above 0 and below 1"
        )
    if not 0 < evaluation.sensitivity <= 1:
        raise ConfigError(
            f"{where}.sensitivity is {evaluation.sensitivity:g}.",
            remedy="choose above 0 and at most 1, for example 0.9",
        )
    if not all(evaluation.subgroups):
        raise ConfigError(f"{where}.subgroups holds an empty name.", remedy="name a column")
    edges = evaluation.age_edges
    if not edges or any(low >= high for low, high in pairwise(edges)):
        raise ConfigError(
            f"{where}.age_edges are not in ascending order.",
            remedy="give the lowest age of each further band, for example [40, 65]",
        )
    if any(not 0 < share < 1 for share in evaluation.learning_curve):
        raise ConfigError(
            f"{where}.learning_curve holds a fraction that is not between 0 and 1.",
            remedy="give fractions of the patients, for example [0.2, 0.35, 0.6], or [] for none",
        )
    if not 0.01 <= evaluation.curve_from < evaluation.curve_to <= 0.99:
        raise ConfigError(
            f"{where}.curve_from is {evaluation.curve_from:g}, curve_to {evaluation.curve_to:g}.",
            remedy="choose probabilities from 0.01 to 0.99, the lower one first",
        )


def _check_counts(evaluation: EvaluationConfig, where: str) -> None:
    for name in ("repeats", "bootstrap"):
        if getattr(evaluation, name) < 1:
            raise ConfigError(
                f"{where}.{name} is {getattr(evaluation, name)}.", remedy="choose 1 or more"
            )
    for name in ("folds", "inner"):
        if getattr(evaluation, name) < 0 or getattr(evaluation, name) == 1:
            raise ConfigError(
                f"{where}.{name} is {getattr(evaluation, name)}.", remedy="choose 0, or 2 or more"
            )
    if evaluation.automl < 0:
        raise ConfigError(f"{where}.automl is {evaluation.automl}.", remedy="choose 0 or more")


def _check_time(evaluation: EvaluationConfig, where: str) -> None:
    if not 0 < evaluation.train_fraction < 1:
        raise ConfigError(
            f"{where}.train_fraction is {evaluation.train_fraction}.",
            remedy="choose above 0 and below 1",
        )
    if not evaluation.tested_from:
        return
    try:
        date.fromisoformat(evaluation.tested_from)
    except ValueError:
        raise ConfigError(
            f"{where}.tested_from is {evaluation.tested_from!r}.",
            remedy="write a day as 2024-12-31",
        ) from None
    if evaluation.split != "time":
        raise ConfigError(
            f"{where}.tested_from is only for a split by time.", remedy='add split = "time"'
        )
