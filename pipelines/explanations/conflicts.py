"""Are inputs that belong to different patients found out, and honest cases left alone?

`learn` makes the rules of a model from a cohort that it has not seen, for a file beside the
checkpoint; `measure` asks on another such cohort how good they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from clinical.cohorts.sources import source
from clinical.errors import CohortError, ModelError
from clinical.model import conflict
from clinical.model.card import SHIPPED_MODEL
from clinical.model.conflict import MARKED, Rules, Values
from clinical.model.model import Model, load
from clinical.workspace import own_file
from pipelines.explanations.unseen_cases import read_unseen
from pipelines.statistics.metrics import Interval, auroc_interval
from pipelines.training import disagreement
from pipelines.training.dataset import Dataset
from pipelines.training.disagreement import Sides
from pipelines.training.train import prepare_cached

REPORT = "conflicts-measured.json"
_SEED = 17


@dataclass(frozen=True)
class Line:
    """One input of the cases.

    Attributes:
        modality: which.
        cases: honest ones.
        auroc: of telling a case with this input of another patient, with other diagnoses, from a
            case as it is; patient bootstrap.
        found: share of mixed-up cases with a p-value at or below `MARKED`.
        marked: the same of honest ones.
    """

    modality: str
    cases: int
    auroc: Interval
    found: float
    marked: float


@dataclass(frozen=True)
class Measured:
    """What `measure` found.

    Attributes:
        lines: one for each input that has a rule.
        cases: with two inputs or more.
        marked: share of these that a page would mark, as they are.
        by_site, by_inputs: the same by site, and by the number of inputs: cases, and share.
    """

    lines: tuple[Line, ...]
    cases: int
    marked: float
    by_site: Mapping[str, tuple[int, float]]
    by_inputs: Mapping[str, tuple[int, float]]


def learn(root: Path, model_folder: Path | None, out: Path) -> Path:
    """Make the rules of a model and write them into `out`.

    Args:
        root: a cohort in the folder format; none of its patients may have been in training.
        model_folder: of the checkpoint; None is the one that ships.
        out: for the file, and for cached features of images.

    Raises:
        CohortError: if it cannot be read, or too few of its cases have two inputs.
        ModelError: if the checkpoint cannot be used.
    """
    model = load(model_folder or SHIPPED_MODEL)
    dataset, found = _asked(root, model, out)
    rules = disagreement.fit_rules(
        found, dataset.labels, dataset.patients, _prevalence(model), _name(root)
    )
    if rules is None:
        raise CohortError(
            f"Fewer than {disagreement.LEAST} cases have two inputs that the model reads.",
            remedy="give a larger cohort",
        )
    record = {"model_digest": model.identity.digest, **conflict.described(rules)}
    own_file.write(out / conflict.BESIDE, json.dumps(record) + "\n")
    return out / conflict.BESIDE


def measure(root: Path, model_folder: Path | None, out: Path, *, samples: int = 1000) -> Measured:
    """How good a model's rules are on cases that neither the model nor the rules have seen.

    Args:
        root, model_folder, out: as in `learn`.
        samples: of the bootstrap.

    Raises:
        CohortError: if the cohort cannot be read.
        ModelError: if the checkpoint cannot be used, or has no rules.
    """
    model = load(model_folder or SHIPPED_MODEL)
    rules = model.conflict
    if rules is None:
        raise ModelError(
            "The model has no rules for inputs that disagree.",
            remedy="make them with --learn on another cohort, and copy them beside the checkpoint",
        )
    dataset, found = _asked(root, model, out)
    lines, values = [], {}
    for name in rules.rules:
        if found[name].cases:
            line, honest = _line(name, found, dataset, model, rules, samples)
            lines.append(line)
            values[name] = dict(zip(found[name].cases, honest.tolist(), strict=True))
    marks = _marks(values)
    sites = {number: dataset.cases[number].case.site for number in marks}
    inputs = {number: str(sum(number in row for row in values.values())) for number in marks}
    measured = Measured(
        tuple(lines),
        len(marks),
        _mean(list(marks.values())),
        _grouped(marks, sites),
        _grouped(marks, inputs),
    )
    own_file.write(out / REPORT, json.dumps(asdict(measured), indent=1) + "\n")
    return measured


def _asked(root: Path, model: Model, out: Path) -> tuple[Dataset, dict[str, Sides]]:
    dataset = read_unseen(root, model, out)
    cases = [prepare_cached(cached, model.specs)[0] for cached in dataset.cases]
    names = tuple(model.specs)
    return dataset, disagreement.sides(model.network, model.support, model.diagnoses, names, cases)


def _line(
    name: str,
    found: Mapping[str, Sides],
    dataset: Dataset,
    model: Model,
    rules: Rules,
    samples: int,
) -> tuple[Line, Values]:
    rule, names, prevalence = rules.rules[name], tuple(found), _prevalence(model)
    sides = found[name]
    as_they_are = disagreement.honest_features(sides, prevalence, names)
    mixed, pairs = disagreement.mixed_features(
        sides, dataset.labels, dataset.patients, prevalence, names, _SEED
    )
    honest, strange = (np.array([rule.score(row) for row in rows]) for rows in (as_they_are, mixed))
    p_honest, p_mixed = (
        np.array([rule.p_value(row) for row in rows]) for rows in (as_they_are, mixed)
    )
    people = [dataset.patients[number] for number in sides.cases]
    area = auroc_interval(
        np.concatenate([honest, strange]),
        np.repeat([0.0, 1.0], [len(honest), len(strange)]),
        [*people, *(people[host] for host, _ in pairs)],
        samples=samples,
    )
    shares = (float((values <= MARKED).mean()) for values in (p_mixed, p_honest))
    return Line(name, len(honest), area, *shares), p_honest


def _marks(values: Mapping[str, Mapping[int, float]]) -> dict[int, bool]:
    """Whether a page would mark each case: the least p-value against its part of `MARKED`."""
    marks = {}
    for number in sorted({number for row in values.values() for number in row}):
        own = [row[number] for row in values.values() if number in row]
        marks[number] = min(own) <= MARKED / len(own)
    return marks


def _grouped(marks: Mapping[int, bool], groups: Mapping[int, str]) -> dict[str, tuple[int, float]]:
    found: dict[str, list[bool]] = {}
    for number, marked in marks.items():
        found.setdefault(groups[number], []).append(marked)
    return {name: (len(own), _mean(own)) for name, own in sorted(found.items())}


def _mean(marks: Sequence[bool]) -> float:
    return float(np.mean(marks)) if marks else 0.0


def _prevalence(model: Model) -> Values:
    return np.array([model.prevalence[name] for name in model.diagnoses])


def _name(root: Path) -> str:
    return source("folder").describe(root).name
