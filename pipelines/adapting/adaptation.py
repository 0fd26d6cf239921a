"""The whole procedure on some cases of a site; the same for a fold, a subsample and all cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from clinical.model import calibration, domain
from clinical.model.calibration import SetRule, Support
from clinical.model.domain import Envelope
from clinical.model.model import Model
from pipelines.adapting import support, thresholds
from pipelines.adapting.change import LAYERS, NONE, Change, unchanged
from pipelines.adapting.domain import Refit, refit
from pipelines.adapting.evidence import Told, Values, support_of, told
from pipelines.adapting.nested import Choice, choose
from pipelines.adapting.site import Site
from pipelines.adapting.thresholds import Chosen, Goal


@dataclass(frozen=True, eq=False)
class Adapted:
    """What is different in a model after the procedure; only numbers, no network.

    Attributes:
        choices: diagnosis to what nested validation supported.
        thresholds: diagnosis to its threshold.
        support: pattern to diagnosis to calibration and validation AUROC.
        local: how many of those pairs rest on local cases.
        set_rules: pattern to the rule of the prediction set.
        local_sets: whether local cases gave them.
        prevalence: diagnosis to its share.
        domains: modality to what became of its domain.
    """

    choices: Mapping[str, Choice]
    thresholds: Mapping[str, Chosen]
    support: Mapping[str, Mapping[str, Support]]
    local: int
    set_rules: Mapping[str, SetRule]
    local_sets: bool
    prevalence: Mapping[str, float]
    domains: Mapping[str, Refit]

    @property
    def changes(self) -> dict[str, Change]:
        """Diagnosis to the change of its log odds."""
        return {name: choice.change for name, choice in self.choices.items()}

    @property
    def anything(self) -> bool:
        """Whether the model would say anything otherwise than before."""
        return (
            any(change.kind != NONE for change in self.changes.values())
            or any(chosen.aimed for chosen in self.thresholds.values())
            or any(one.fitted for one in self.domains.values())
            or self.local > 0
            or self.local_sets
        )


def as_it_is(model: Model) -> Adapted:
    """The model without any change, in the same form."""
    nothing = Choice(unchanged(len(model.specs)), (), (), "")
    return Adapted(
        dict.fromkeys(model.diagnoses, nothing),
        {name: Chosen(value, "as it was", False) for name, value in model.thresholds.items()},
        model.support,
        0,
        model.set_rules,
        False,
        model.prevalence,
        {name: Refit(envelope, False, 0, 0, "") for name, envelope in model.envelopes.items()},
    )


def choices(
    model: Model, site: Site, seed: int, most: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Choice]:
    """What nested validation supports for each diagnosis; `most` as in `adapt`."""
    return {
        name: choose(
            told(model, site.evidence, number),
            _spoken(site, number),
            site.people,
            seed,
            most.get(name, LAYERS),
        )
        for number, name in enumerate(model.diagnoses)
    }


def adapt(
    model: Model,
    site: Site,
    goal: Goal,
    seed: int,
    most: Mapping[str, str] = MappingProxyType({}),
) -> Adapted:
    """Adapt a model to all cases of a site, each part as far as nested validation supports it.

    Args:
        model: as it was.
        site: its cases; those without labels help with the domain, and with an alert rate.
        goal: of the thresholds.
        seed: of all folds.
        most: diagnosis to the change that bends most of those that may be kept; all, if not named.
    """
    chosen = choices(model, site, seed, most)
    prevalence = {
        name: _share(site.labels[:, number], chosen[name], model.prevalence[name])
        for number, name in enumerate(model.diagnoses)
    }
    unseen, supports, local = _under_patterns(model, site, chosen)
    rules, local_sets = thresholds.set_rules(
        model.set_rules,
        {name: choice.change for name, choice in chosen.items()},
        unseen,
        prevalence,
        thresholds.true_cases(site.labels),
    )
    return Adapted(
        chosen,
        _thresholds(model, site, chosen, goal),
        supports,
        local,
        rules,
        local_sets,
        prevalence,
        domains(model, site, seed),
    )


def _spoken(site: Site, diagnosis: int) -> Values:
    """Labels of the cases of which the model reads anything [cases]."""
    read = site.evidence.present.any(axis=1)
    return np.where(read, site.labels[:, diagnosis], np.nan)


def _share(labels: Values, choice: Choice, before: float) -> float:
    known = labels[~np.isnan(labels)]
    return before if choice.change.kind == NONE else float(known.mean())


def _thresholds(
    model: Model, site: Site, chosen: Mapping[str, Choice], goal: Goal
) -> dict[str, Chosen]:
    read = site.evidence.present.any(axis=1)
    found = {}
    for number, (name, choice) in enumerate(chosen.items()):
        probabilities = expit(choice.unseen(told(model, site.evidence, number)))
        found[name] = thresholds.threshold(
            goal,
            model.thresholds[name],
            choice.change,
            probabilities[read],
            site.labels[read, number],
        )
    return found


def _under_patterns(
    model: Model, site: Site, chosen: Mapping[str, Choice]
) -> tuple[dict[str, tuple[Values, Values]], dict[str, dict[str, Support]], int]:
    """Pattern to unseen probabilities and labels, and to support; and how much of it is local."""
    names = tuple(model.specs)
    judged, supports, local = {}, {}, 0
    for pattern in site.evidence.patterns:
        key = calibration.pattern_key(pattern)
        wanted = [names.index(name) for name in pattern]
        rows = np.flatnonzero(site.evidence.present[:, wanted].all(axis=1))
        labels = site.labels[rows]
        logits = np.zeros(labels.shape)
        row: dict[str, Support] = {}
        for number, (name, choice) in enumerate(chosen.items()):
            logits[:, number] = choice.unseen(told(model, site.evidence, number, pattern))[rows]
            before = support_of(model.support, pattern, name)
            row[name], here = support.supported(
                before, choice.change, logits[:, number], labels[:, number]
            )
            local += here
        judged[key], supports[key] = (expit(logits), labels), row
    return judged, supports, local


def domains(model: Model, site: Site, seed: int) -> dict[str, Refit]:
    """What becomes of the domain of every modality that has one."""
    found = {}
    for name, envelope in model.envelopes.items():
        rows = np.flatnonzero(~np.isnan(site.embeddings[name]).any(axis=1))
        embeddings = site.embeddings[name][rows]
        people = [site.people[i] for i in rows]
        found[name] = refit(
            envelope, embeddings, people, tells=_tells(model, site, name), seed=seed
        )
    return found


def _tells(model: Model, site: Site, modality: str) -> bool:
    """Whether local outcomes show that the model tells a diagnosis from this modality alone, of
    the cases whose input is outside the domain.
    """
    envelope, embeddings = model.envelopes[modality], site.embeddings[modality]
    outside = np.array(
        [
            not np.isnan(row).any() and domain.distance(envelope, row) > envelope.limit
            for row in embeddings
        ]
    )
    for number in range(len(model.diagnoses)):
        logits = told(model, site.evidence, number, (modality,)).logits
        local = calibration.fit_support(logits[outside], site.labels[outside, number])
        if local.low is not None and local.low >= calibration.USEFUL_AUROC:
            return True
    return False


@dataclass(frozen=True, eq=False)
class Shown:
    """What a model, adapted or not, tells of some cases.

    Attributes:
        probabilities: [cases, diagnoses].
        alerts: whether a probability reaches the threshold [cases, diagnoses].
        members: of the prediction set, 1 or 0; NaN where there is no rule [cases, diagnoses].
        withheld: whether a reader is not shown the number [cases, diagnoses].
        outside: whether the case is marked as unlike those that the model knows [cases].
    """

    probabilities: Values
    alerts: NDArray[np.bool_]
    members: Values
    withheld: NDArray[np.bool_]
    outside: NDArray[np.bool_]


def shown(model: Model, adapted: Adapted, site: Site) -> Shown:
    """What the model tells of the cases of a site once it is changed; no outcome is looked at."""
    parts = [told(model, site.evidence, number) for number in range(len(model.diagnoses))]
    changes = adapted.changes
    logits = [changes[name].logits(one) for name, one in zip(model.diagnoses, parts, strict=True)]
    probabilities = np.asarray(expit(np.stack(logits, axis=1)))
    cuts = np.array([adapted.thresholds[name].value for name in model.diagnoses])
    outside = _outside(site, {name: one.envelope for name, one in adapted.domains.items()})
    unsupported, members = _of_patterns(model, adapted, parts[0], probabilities)
    beyond = outside | site.too_old
    return Shown(
        probabilities, probabilities >= cuts, members, unsupported | beyond[:, None], outside
    )


def _of_patterns(
    model: Model, adapted: Adapted, of: Told, probabilities: Values
) -> tuple[NDArray[np.bool_], Values]:
    """Where support is missing, and membership of the sets, each case by what it has."""
    unsupported = np.ones(probabilities.shape, dtype=bool)
    members = np.full(probabilities.shape, np.nan)
    names = tuple(model.specs)
    for row, here in enumerate(of.present):
        pattern = tuple(name for name, there in zip(names, here, strict=True) if there)
        key = calibration.pattern_key(pattern)
        kept = adapted.support.get(key)
        if kept is None:
            continue
        unsupported[row] = [
            calibration.withheld(kept[name], pattern, adapted.prevalence[name]) is not None
            for name in model.diagnoses
        ]
        rule = adapted.set_rules.get(key)
        if rule is not None:
            cuts = [rule.cuts[name] for name in model.diagnoses]
            members[row] = probabilities[row] >= cuts
    return unsupported, members


def _outside(site: Site, envelopes: Mapping[str, Envelope]) -> NDArray[np.bool_]:
    found = np.zeros(len(site.people), dtype=bool)
    for row in range(len(found)):
        embeddings = {
            name: rows[row]
            for name, rows in site.embeddings.items()
            if not np.isnan(rows[row]).any()
        }
        unknown = {
            name: (int(rows[row, 0]), int(rows[row, 1])) for name, rows in site.unknown.items()
        }
        found[row] = domain.judge(embeddings, envelopes, unknown).flagged
    return found
