"""When a film of a hospital seems to be mirrored, learnt from its films as they stand.

A mirrored film has the same `sides` with the other sign, so that nobody need mark mirrored ones: a
logistic regression without intercept tells films from their mirror images. What is known of a film
is known by weights that were fitted without its patient.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from clinical.case.case import Case
from clinical.cohorts.sources import source
from clinical.errors import CohortError, ModelError
from clinical.modalities.catalogue import catalogue, encoder
from clinical.modalities.kit import kit_of
from clinical.model import mirrored
from clinical.model.card import SHIPPED_MODEL
from clinical.model.mirrored import MARKED, Rule, Values
from clinical.model.model import Model, load
from clinical.workspace import own_file
from pipelines.jobs.progress import track
from pipelines.statistics.metrics import Interval
from pipelines.statistics.proportions import proportion

REPORT = "mirrored-measured.json"
LEAST_FILMS = 200
LEAST_FOUND = 0.5
"""A rule that finds fewer mirrored films is not worth its false alarms, and is not written."""

_FOLDS = 5
_KEPT = 0.05  # share of the scores that are kept, the highest
_SEED = 17


@dataclass(frozen=True, eq=False)
class Films:
    """The first film of every case that has one.

    Attributes:
        sides: [films, numbers].
        patients, sites: of each.
    """

    sides: Values
    patients: tuple[str, ...]
    sites: tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """Films of one site; "" for all together.

    Attributes:
        site: its name.
        found: share of the films that are marked when mirrored.
        marked: share that is marked as they stand.
    """

    site: str
    found: Interval
    marked: Interval


def learn(
    root: Path, name: str, model_folder: Path | None, out: Path
) -> tuple[Path, tuple[Line, ...]]:
    """Make the rule of a model and write it into `out`.

    Args:
        root: a cohort of the model's hospital; its training patients may be among them.
        name: of the cohort's format.
        model_folder: of the checkpoint; None is the one that ships.
        out: for the file.

    Returns:
        The file, and how well the rule does on the same films, each by weights that were fitted
        without its patient.

    Raises:
        CohortError: if it cannot be read, has too few films, or the rule would find too few.
        ModelError: if the checkpoint cannot be used, or reads no films.
    """
    model = load(model_folder or SHIPPED_MODEL)
    modality = _modality(model)
    films = read(root, name, model, modality)
    spec, told = model.specs[modality], source(name).describe(root).name
    rule, lines = rule_of(films, modality, spec.encoder, told)
    out.mkdir(parents=True, exist_ok=True)
    file = out / mirrored.BESIDE
    own_file.write(file, json.dumps(mirrored.record(rule, model.identity.digest)) + "\n")
    return file, lines


def rule_of(films: Films, modality: str, name: str, cohort: str) -> tuple[Rule, tuple[Line, ...]]:
    """The rule that films teach, and how well it does on them.

    Args:
        films: that stand as they should.
        modality: the input.
        name: of its encoder.
        cohort: where the films come from.

    Raises:
        CohortError: if they are too few, or too few would be found if they were mirrored.
    """
    count = len(films.patients)
    if count < LEAST_FILMS:
        raise CohortError(
            f"There are {count} frontal films; a rule needs {LEAST_FILMS}.",
            remedy="give a larger cohort",
        )
    scores = crossed(films)
    highest = np.sort(scores)[-round(_KEPT * count) :].tolist()
    weights = np.round(_weights(films.sides), 6).tolist()
    rule = Rule(modality, name, tuple(weights), count, tuple(highest), cohort)
    lines = by_site(rule, scores, films.sites)
    found = lines[0].found.value or 0.0
    if found < LEAST_FOUND:
        raise CohortError(
            f"Of mirrored films {found:.0%} would be found; no rule is made.",
            remedy="give films of one hospital that all stand as they should",
        )
    return rule, lines


def measure(root: Path, name: str, model_folder: Path | None, out: Path) -> tuple[Line, ...]:
    """How many films of other patients a model's rule marks, mirrored and as they stand.

    Args:
        root, name, model_folder, out: as in `learn`; none of the patients may have taught the rule.

    Raises:
        CohortError: if the cohort cannot be read, or has no films.
        ModelError: if the checkpoint cannot be used, or has no rule.
    """
    model = load(model_folder or SHIPPED_MODEL)
    rule = model.mirror
    if rule is None:
        raise ModelError(
            "The model has no rule for mirrored films.",
            remedy="make it with `triptych films teach-sides`, and copy it beside the checkpoint",
        )
    films = read(root, name, model, rule.modality)
    if not films.patients:
        raise CohortError(f"{root} has no frontal films.", remedy="give a cohort with films")
    lines = by_site(rule, np.array([rule.score(row) for row in films.sides]), films.sites)
    out.mkdir(parents=True, exist_ok=True)
    own_file.write(out / REPORT, json.dumps([asdict(line) for line in lines], indent=1) + "\n")
    return lines


def read(root: Path, name: str, model: Model, modality: str) -> Films:
    """The films of a cohort; those that are said to be no frontal ones are left out.

    Raises:
        CohortError: if it cannot be read.
    """
    module, found = encoder(model.specs[modality].encoder), []
    cases = (one for one in source(name).read(root) if isinstance(one, Case))
    for case in track(cases, "look at films", len(source(name).index(root))):
        value = case.inputs.get(modality)
        if value is None or kit_of(modality, value).name != model.specs[modality].encoder:
            continue
        if (own := module.sides(value)) is not None:
            found.append((own, case.patient_id, case.site))
    rows, patients, sites = zip(*found, strict=True) if found else ((), (), ())
    return Films(np.array(rows), patients, sites)


def _modality(model: Model) -> str:
    for name, spec in model.specs.items():
        if hasattr(catalogue()[spec.encoder], "sides"):
            return name
    raise ModelError("The model reads no films.", remedy="give a model of radiographs")


def crossed(films: Films) -> Values:
    """Scores [films] by weights that were fitted without the patient."""
    people = sorted(set(films.patients))
    order = np.random.default_rng(_SEED).permutation(len(people)) % _FOLDS
    place: Mapping[str, int] = dict(zip(people, order.tolist(), strict=True))
    fold = np.array([place[name] for name in films.patients])
    scores = np.empty(len(fold))
    for number in range(_FOLDS):
        mine = fold == number
        scores[mine] = films.sides[mine] @ _weights(films.sides[~mine])
    rounded: Values = np.round(scores, 4)
    return rounded


def _weights(rows: Values) -> Values:
    both, which = np.concatenate([rows, -rows]), np.repeat([0, 1], len(rows))
    learner = LogisticRegression(fit_intercept=False, max_iter=1000).fit(both, which)
    found: Values = learner.coef_[0]
    return found


def by_site(rule: Rule, scores: Values, sites: Sequence[str]) -> tuple[Line, ...]:
    """All films first, then each site where there are several.

    Args:
        rule: gives the p-values.
        scores: [films] as they stand; mirrored they have the other sign.
        sites: of the films.
    """
    upright, turned = (
        np.array([rule.p_value(score) <= MARKED for score in sign * scores]) for sign in (1, -1)
    )
    names = sorted(set(sites))
    choices = [("", np.ones(len(scores), dtype=bool))]
    choices += [(one, np.array(sites) == one) for one in names if len(names) > 1]
    return tuple(
        Line(
            site,
            proportion(int(turned[among].sum()), int(among.sum())),
            proportion(int(upright[among].sum()), int(among.sum())),
        )
        for site, among in choices
    )
