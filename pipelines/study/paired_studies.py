"""Two finished studies of one cohort, case by case: what one adds to the other.

Each prediction of `predictions.parquet` was made by a model that has not seen the patient, so cases
that both studies tested can be compared in pairs, whatever folds either used: the difference of
the AUROCs, with patients drawn whole and the same patients for both (paired patient bootstrap).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clinical.errors import ConfigError
from pipelines.folds.compare import Comparison, verdict
from pipelines.statistics.metrics import Areas, areas_of, bootstrap_weights, interval, macro_of
from pipelines.study.checklists.about_model import PREDICTIONS

NEEDED = ("case_id", "patient_id", "label", "method", "repeat", "boolean_value")
SCORE = "predicted_boolean_probability"

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """One method of two studies on the cases that both tested.

    Attributes:
        method: of both studies.
        first, second: its macro AUROC in either, on the shared cases; None where it is not
            defined.
        difference: first minus second.
    """

    method: str
    first: float | None
    second: float | None
    difference: Comparison


@dataclass(frozen=True)
class PairedStudies:
    """What two studies of one cohort say of each other.

    Attributes:
        cases, patients: tested by both.
        only_first, only_second: cases that the other has not tested, left out.
        methods: one for each method that both have, in the order of the first study.
    """

    cases: int
    patients: int
    only_first: int
    only_second: int
    methods: tuple[Pair, ...]


def compare(
    first: Path, second: Path, *, margin: float = 0.01, samples: int = 1000, seed: int = 0
) -> PairedStudies:
    """Compare two folders that `study run` has written.

    Args:
        first, second: the folders; of one cohort.
        margin: difference in macro AUROC that counts as equally good.
        samples, seed: of the patient bootstrap.

    Raises:
        ConfigError: if a folder holds no predictions, or the two are not of one cohort.
    """
    one, two = _predictions(first), _predictions(second)
    people = _people(one, two)
    labels = [name for name in one["label"].unique() if name in set(two["label"])]
    methods = [name for name in one["method"].unique() if name in set(two["method"])]
    if not people or not labels or not methods:
        raise ConfigError(
            "The two studies have no case, label or method in common.",
            remedy="compare two studies of one cohort.",
        )
    cases = list(people)
    truth = _truth(one, two, cases, labels)
    weights = bootstrap_weights(list(people.values()), samples, seed)
    names = (_called(first, second), _called(second, first))
    pairs = []
    for method in methods:
        scores = [_scores(table, method, cases, labels) for table in (one, two)]
        gaps = np.logical_or.reduce([np.isnan(s).any(axis=0) for s in scores])
        areas = [areas_of(np.where(gaps, np.nan, s), truth, weights) for s in scores]
        pairs.append(_pair(method, names, labels, areas, truth, margin))
    return PairedStudies(
        cases=len(cases),
        patients=len(set(people.values())),
        only_first=one["case_id"].nunique() - len(cases),
        only_second=two["case_id"].nunique() - len(cases),
        methods=tuple(pairs),
    )


def to_json(found: PairedStudies) -> dict[str, Any]:
    """A comparison as JSON-compatible values."""
    return asdict(found)


def _pair(
    method: str,
    names: tuple[str, str],
    labels: Sequence[str],
    areas: Sequence[Areas],
    truth: Values,
    margin: float,
) -> Pair:
    one, two = areas
    gains = Areas(one.value - two.value, one.samples - two.samples)
    by_label = {}
    for column, label in enumerate(labels):
        known = truth[~np.isnan(truth[:, column]), column]
        by_label[label] = interval(
            gains.value[column], gains.samples[:, column], len(known), int(known.sum())
        )
    macro = macro_of(gains)
    difference = Comparison(*names, macro, by_label, margin, verdict(macro, margin))
    return Pair(method, macro_of(one).value, macro_of(two).value, difference)


def _called(folder: Path, other: Path) -> str:
    """Its last part, or the whole of it where both end alike."""
    return folder.name if folder.name != other.name else str(folder)


def _predictions(folder: Path) -> pd.DataFrame:
    file = folder / PREDICTIONS
    if not file.is_file():
        raise ConfigError(
            f"{folder} holds no {PREDICTIONS}.",
            remedy="give a folder that `study run` has written.",
        )
    try:
        return pd.read_parquet(file, columns=[*NEEDED, SCORE])
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{file} cannot be read ({type(error).__name__}).", remedy="run the study again."
        ) from None


def _people(one: pd.DataFrame, two: pd.DataFrame) -> dict[str, str]:
    """Case to patient, for the cases that both have tested, in order of their names."""
    owners = [dict(zip(t["case_id"], t["patient_id"], strict=True)) for t in (one, two)]
    shared = sorted(owners[0].keys() & owners[1].keys())
    if any(owners[0][case] != owners[1][case] for case in shared):
        raise ConfigError(
            "A case belongs to one patient in the first study and to another in the second.",
            remedy="compare two studies of one cohort.",
        )
    return {case: owners[0][case] for case in shared}


def _truth(
    one: pd.DataFrame, two: pd.DataFrame, cases: Sequence[str], labels: Sequence[str]
) -> Values:
    """Outcomes [cases, labels], NaN for unknown."""
    first, second = (
        _wide(t.assign(y=t["boolean_value"].astype("Float64")), "y", cases, labels)
        for t in (one, two)
    )
    if not np.array_equal(first, second, equal_nan=True):
        raise ConfigError(
            "The two studies have different outcomes for the same cases.",
            remedy="compare two studies of one cohort in the same state.",
        )
    return first


def _scores(
    table: pd.DataFrame, method: str, cases: Sequence[str], labels: Sequence[str]
) -> Values:
    """Probabilities [repeats, cases, labels], NaN where there is none."""
    own = table[table["method"] == method]
    return np.stack([_wide(rows, SCORE, cases, labels) for _, rows in own.groupby("repeat")])


def _wide(table: pd.DataFrame, column: str, cases: Sequence[str], labels: Sequence[str]) -> Values:
    found = table.drop_duplicates(["case_id", "label"]).pivot(
        index="case_id", columns="label", values=column
    )
    wide = found.reindex(index=list(cases), columns=list(labels))
    return wide.to_numpy(dtype=np.float64, na_value=np.nan)
