"""Who was studied and what was known of them: table 1 of a paper, and the predictors.

TRIPOD+AI (Collins, BMJ 2024) items 20b and 20c: characteristics of the participants with what is
missing, for the cohort that is learnt from and the one that is tested; item 9: the predictors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinical.modalities.kit import read_by
from clinical.tables import spreadsheet
from pipelines.folds.splits import Indices
from pipelines.study import subgroup_columns
from pipelines.training.dataset import CachedCase, Dataset

Values = NDArray[np.float64]

MEASURED, CODED = "measured", "coded"
_FIGURES = ("known", "missing", "count", "low", "middle", "high")


@dataclass(frozen=True)
class Spread:
    """A quantity in the cases of one part.

    Attributes:
        low, middle, high: quartiles of the known values; None where none is known.
        known, missing: cases.
    """

    low: float | None
    middle: float | None
    high: float | None
    known: int
    missing: int


@dataclass(frozen=True)
class Share:
    """How many cases of one part something is true of, and of how many it is not known."""

    count: int
    known: int
    missing: int


@dataclass(frozen=True)
class Line:
    """One row of table 1: `parts` in the order of the parts of the study."""

    group: str
    name: str
    parts: tuple[Spread | Share, ...]


@dataclass(frozen=True)
class Predictor:
    """One thing that the model may read of a case.

    Attributes:
        modality: name of the input.
        kind: MEASURED, with the spread of the last value of a case, or CODED, with how many cases
            have it; a case without the input itself counts as missing, one with the input that says
            nothing of a code is not known to have it.
        code, name, unit: of the predictor.
        parts: in the order of the parts of the study.
    """

    modality: str
    kind: str
    code: str
    name: str
    unit: str
    parts: tuple[Spread | Share, ...]


def characteristics(dataset: Dataset, parts: Mapping[str, Indices]) -> dict[str, Any]:
    """Table 1 and the predictors, JSON-compatible.

    Args:
        dataset: selected cases.
        parts: name to indices of its cases; with folds one part, all tested cases.
    """
    rows = tuple(parts.values())
    return {
        "parts": [
            {"name": name, "cases": len(of), "patients": len({dataset.patients[i] for i in of})}
            for name, of in parts.items()
        ],
        "rows": [asdict(line) for line in (*_people(dataset, rows), *_known(dataset, rows))],
        "predictors": [asdict(one) for one in _predictors(dataset, rows)],
    }


def _people(dataset: Dataset, rows: Sequence[Indices]) -> list[Line]:
    ages = np.array([_number(subgroup_columns.age(cached)) for cached in dataset.cases])
    sexes = [subgroup_columns.sex(cached) for cached in dataset.cases]
    found = [Line("people", "age at the decision, years", _spreads(ages, rows))]
    told = np.array([bool(sex) for sex in sexes], dtype=bool)
    for sex in sorted(set(sexes) - {""}):
        held = np.array([own == sex for own in sexes], dtype=bool)
        found.append(Line("people", f"sex: {sex}", _shares(held, told, rows)))
    sites = np.array(dataset.sites)
    stated = sites != ""
    # Many sites would be a table of their own; `subgroups` judges them.
    if 1 < len(set(sites[stated].tolist())) <= 12:
        found += [
            Line("people", f"site: {site}", _shares(sites == site, stated, rows))
            for site in sorted(set(sites[stated].tolist()))
        ]
    return found


def _known(dataset: Dataset, rows: Sequence[Indices]) -> list[Line]:
    """Inputs that cases have, and what turned out to be true of them."""
    everybody = np.ones(len(dataset.cases), dtype=bool)
    have = [frozenset((*cached.case.inputs, *cached.images)) for cached in dataset.cases]
    found = [
        Line("inputs", name, _shares(np.array([name in own for own in have]), everybody, rows))
        for name in dataset.modalities
    ]
    for column, name in enumerate(dataset.diagnoses):
        labels = dataset.labels[:, column]
        found.append(Line("outcomes", name, _shares(labels == 1, ~np.isnan(labels), rows)))
        days = np.full(len(labels), np.nan) if dataset.days is None else dataset.days[:, column]
        if not np.isnan(days).all():
            sure = np.where(np.isnan(labels), np.nan, days)
            found.append(Line("days from decision to outcome", name, _spreads(sure, rows)))
    return found


def _predictors(dataset: Dataset, rows: Sequence[Indices]) -> list[Predictor]:
    told = [_of_case(cached) for cached in dataset.cases]
    names: dict[tuple[str, str, str], tuple[str, str]] = {}
    for own in told:
        for key, (name, unit, _) in own.items():
            names.setdefault(key, (name, unit))
    found = []
    there = {
        name: np.array([name in cached.case.inputs for cached in dataset.cases], dtype=bool)
        for name in {modality for modality, _, _ in names}
    }
    for key, (name, unit) in sorted(names.items()):
        modality, kind, code = key
        values = np.array([own[key][2] if key in own else np.nan for own in told])
        if kind == MEASURED:
            parts: tuple[Spread | Share, ...] = _spreads(values, rows)
        else:
            parts = _shares(values == 1, there[modality], rows)
        found.append(Predictor(modality, kind, code, name, unit, parts))
    return found


def _of_case(cached: CachedCase) -> dict[tuple[str, str, str], tuple[str, str, float]]:
    """Input, kind and code to name, unit and value; of a repeated measurement the last one."""
    found: dict[tuple[str, str, str], tuple[str, str, float]] = {}
    for kit, name, value in read_by(cached.case):
        last: dict[str, float] = {}
        for one in kit.measured(value):
            if one.value is None:
                continue
            when = one.time.timestamp() if one.time else -np.inf
            if when >= last.get(one.code, -np.inf):
                last[one.code] = when
                found[name, MEASURED, one.code] = (one.name, one.unit, one.value)
        for event in kit.coded(value):
            found[name, CODED, event.code] = (event.display, "", float(event.present))
    return found


def most_frequent(predictors: Sequence[Mapping[str, Any]], most: int) -> list[Mapping[str, Any]]:
    """The predictors that most cases have, in their order.

    Args:
        predictors: of `characteristics`.
        most: how many.
    """
    seen: Counter[int] = Counter()
    for number, one in enumerate(predictors):
        seen[number] = sum(
            part["known"] if one["kind"] == MEASURED else part["count"] for part in one["parts"]
        )
    kept = {number for number, _ in seen.most_common(most)}
    return [one for number, one in enumerate(predictors) if number in kept]


def predictors_table(found: Mapping[str, Any]) -> str:
    """All predictors as CSV, one line for each and part of the study.

    Args:
        found: `characteristics`.
    """
    columns = ("input", "kind", "code", "name", "unit", "part", *_FIGURES)
    lines = [spreadsheet.line(columns, end="\n")]
    for one in found["predictors"]:
        what = [one[name] for name in ("modality", "kind", "code", "name", "unit")]
        for part, figures in zip(found["parts"], one["parts"], strict=True):
            row = [*what, part["name"], *(figures.get(name) for name in _FIGURES)]
            lines.append(spreadsheet.line(row, end="\n"))
    return "".join(lines)


def _number(value: float | None) -> float:
    return np.nan if value is None else value


def _spreads(values: Values, rows: Sequence[Indices]) -> tuple[Spread, ...]:
    return tuple(_spread(values[of]) for of in rows)


def _spread(values: Values) -> Spread:
    known = values[~np.isnan(values)]
    missing = len(values) - len(known)
    if not len(known):
        return Spread(None, None, None, 0, missing)
    low, middle, high = (float(q) for q in np.quantile(known, [0.25, 0.5, 0.75]))
    return Spread(low, middle, high, len(known), missing)


def _shares(
    held: NDArray[np.bool_], told: NDArray[np.bool_], rows: Sequence[Indices]
) -> tuple[Share, ...]:
    return tuple(
        Share(int((held & told)[of].sum()), int(told[of].sum()), int((~told[of]).sum()))
        for of in rows
    )
