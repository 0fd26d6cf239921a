"""Example cases: for each label the clearest that were found, missed, or a false alarm.

`as_json` has figures alone and may go where the report goes. `page` names the cases and shows their
images; it is patient data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinical.case.case import Case
from clinical.cohorts.cohort import Source
from clinical.modalities.kit import Picture, pictures
from clinical.wording import words
from pipelines.folds.cross_validate import OutOfFold
from pipelines.folds.methods import OURS, alone
from pipelines.reports.formatting import number
from pipelines.reports.html import rendered
from pipelines.study.thresholds import Chosen

FILE = "examples.html"
TEMPLATE = Path(__file__).with_name("examples.html.jinja")
FOUND, MISSED, FALSE_ALARM = "found", "missed", "false alarm"
EACH = 2

Values = NDArray[np.float64]
Films = Mapping[str, tuple[Picture, ...]]


@dataclass(frozen=True)
class Example:
    """One case of one label, in the first repeat.

    Attributes:
        kind: "found", "missed" or "false alarm".
        label: as in the study.
        row: of the case in the dataset.
        probability, threshold: of the whole model, and of the case's fold.
        alone: modality to what it says by itself; None where the case does not have it.
    """

    kind: str
    label: str
    row: int
    probability: float
    threshold: float
    alone: Mapping[str, float | None]


def pick(tested: OutOfFold, chosen: Sequence[Chosen]) -> tuple[Example, ...]:
    """Up to two cases of each kind for every label, of different patients.

    Args:
        tested: out of fold.
        chosen: thresholds of every label; a case whose fold has none is not picked.
    """
    return tuple(
        example for column in range(len(chosen)) for example in _of_label(tested, chosen, column)
    )


def as_json(picked: Iterable[Example]) -> list[dict[str, Any]]:
    """Figures alone: no case, no patient, no row."""
    return [
        {
            "kind": one.kind,
            "label": one.label,
            "probability": one.probability,
            "threshold": one.threshold,
            "alone": dict(one.alone),
        }
        for one in picked
    ]


def films(source: Source, root: Path, case_ids: Iterable[str]) -> dict[str, tuple[Picture, ...]]:
    """Images of cases as small pictures, read again: case id to its pictures.

    A case that cannot be read any more is not in it.
    """
    wanted = frozenset(case_ids)
    return {
        reading.case_id: tuple(pictures(reading, None))
        for reading in source.read(root, wanted)
        if isinstance(reading, Case) and reading.case_id in wanted
    }


def case_ids(picked: Iterable[Example], tested: OutOfFold) -> tuple[str, ...]:
    """The cases of examples, each once."""
    cases = tested.dataset.cases
    return tuple(dict.fromkeys(cases[one.row].case.case_id for one in picked))


def page(name: str, picked: Sequence[Example], tested: OutOfFold, shown: Films) -> bytes:
    """The cases by name and with their images, as one HTML file that loads nothing.

    Args:
        name: of the study.
        picked: `pick`.
        tested: that they were picked from.
        shown: their images (`films`).
    """
    labels: dict[str, list[dict[str, Any]]] = {}
    for one in picked:
        labels.setdefault(words(one.label), []).append(_facts(one, tested, shown))
    return rendered(TEMPLATE, images=True, name=name, labels=labels).encode()


def _facts(one: Example, tested: OutOfFold, shown: Films) -> dict[str, Any]:
    case_id = tested.dataset.cases[one.row].case.case_id
    return {
        "kind": one.kind,
        "case_id": case_id,
        "probability": number(one.probability),
        "threshold": number(one.threshold),
        "alone": {words(name): number(p) for name, p in one.alone.items()},
        "films": shown.get(case_id),
    }


def _of_label(tested: OutOfFold, chosen: Sequence[Chosen], column: int) -> Iterator[Example]:
    scores, cuts = tested.scores[OURS][0][:, column], chosen[column].cuts
    labels = tested.dataset.labels[:, column]
    # What is not known compares as false, so that such a case is of no kind.
    kinds: dict[str, tuple[NDArray[np.bool_], Values]] = {
        FOUND: ((labels == 1) & (scores >= cuts), -scores),
        MISSED: ((labels == 1) & (scores < cuts), scores),
        FALSE_ALARM: ((labels == 0) & (scores >= cuts), -scores),
    }
    for kind, (which, order) in kinds.items():
        for row in _first(which, order, tested.dataset.patients):
            yield Example(
                kind,
                tested.dataset.diagnoses[column],
                row,
                float(scores[row]),
                float(cuts[row]),
                _alone(tested, row, column),
            )


def _first(which: NDArray[np.bool_], order: Values, patients: Sequence[str]) -> list[int]:
    """Rows with the lowest order, at most EACH and each of another patient."""
    rows = np.flatnonzero(which)
    found: dict[str, int] = {}
    for row in rows[np.argsort(order[rows], kind="stable")].tolist():
        found.setdefault(patients[row], row)
    return list(found.values())[:EACH]


def _alone(tested: OutOfFold, row: int, column: int) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name in _modalities(tested):
        score = float(tested.scores[alone(name)][0][row, column])
        found[name] = None if np.isnan(score) else score
    return found


def _modalities(tested: OutOfFold) -> list[str]:
    names = {
        name for cached in tested.dataset.cases for name in (*cached.case.inputs, *cached.images)
    }
    return sorted(name for name in names if alone(name) in tested.scores)
