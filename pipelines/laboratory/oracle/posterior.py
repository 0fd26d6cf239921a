"""The oracle: the Bayes-optimal posterior of a simulated case, from any part of its evidence.

It knows the law of the clinic (`likelihoods.toml` and the code that draws from it), the site and
its habits, and the evidence; not the truth. So no model of the same evidence can have a lower
expected log loss, and its AUROC is what is possible.

Evidence: the coded history with age and sex; the measurements, and in the design "mnar" which
panels were measured; what the note says (`notes.Report`, a sufficient statistic of its text); and
of the radiograph the true findings with their extents, pattern and projection, and sex, age and
body mass index as rendered (`film`), not the pixels. A model that reads pixels is bounded all the
more. A further sense brings what it says as a module of its own (`further_senses`).

Exact: the prior of every set of conditions (sets of a total probability below 1e-4 are left out;
`Posterior.lost` says how much); signs, summed out; offsets, repeated values, inflammation and renal
function, integrated as normals (`chart` says how rounding and the ends of the range enter).

Monte Carlo: severity, intensities, background illnesses, pack-years and what else of the person is
not stated: importance sampling with exact weights, whose proposal is moved towards the
posterior until enough draws count. `Posterior.errors` has standard errors.

Left out: what an earlier visit of the same patient showed (only that there was one, so that its
diagnosis may be in the background, counts); onset dates of background illnesses and the hour at
which things were done (they say nothing but age); a planted shortcut; the sides of findings (they
say nothing). Of a derived analyte only what the table's own analytes leave open (`readings`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from pipelines.laboratory.oracle import (
    evidence,
    further_senses,
    history_and_notes,
    measurements,
    radiograph,
)
from pipelines.laboratory.oracle.factors import Factor
from pipelines.laboratory.oracle.importance_sampling import Known, People, Tilt, draw
from pipelines.laboratory.oracle.readings import Reading, panels_seen, read
from pipelines.laboratory.oracle.sets import (
    ConditionSets,
    Flags,
    Floats,
    enumerate_sets,
    primary_shares,
    pruned,
)
from pipelines.laboratory.simulate.clinic import PLAIN, SUDDEN, SimulatedPatient
from pipelines.laboratory.simulate.design import Design
from pipelines.laboratory.simulate.likelihoods import Likelihoods

NONE = "none_of_these"

PILOTS: Mapping[bool, tuple[int, ...]] = {True: (256, 256), False: ()}
"""Draws that move the proposal, with and without measurements in the evidence."""

POINTS: Mapping[bool, int] = {True: 1024, False: 512}
"""Draws that count, with and without measurements."""

ENOUGH = 100.0
"""Effective draws below which the proposal is moved and drawn from again, up to `AGAIN` times."""

AGAIN = 3

LIMIT = 3.5
"""Log odds, at most, by which the proposal of an illness is moved."""

DROP = 1e-5
"""Posterior probability of the sets that each pilot leaves out for the draws that count."""

_BATCHES = 8
_TINY = 1e-200
_TYPICAL = 2048


@dataclass(frozen=True, eq=False)
class Oracle:
    """The law of a clinic, prepared.

    Attributes:
        table: priors and likelihoods.
        design: how values go missing.
        sets: for each site, the sets of conditions that are kept.
        earlier: for each site, the share of visits with each condition.
    """

    table: Likelihoods
    design: Design
    sets: Mapping[str, ConditionSets]
    earlier: Mapping[str, Mapping[str, float]]

    @property
    def labels(self) -> tuple[str, ...]:
        """What there are probabilities of."""
        return (*self.table.diagnoses, NONE)


@dataclass(frozen=True)
class Posterior:
    """Probabilities given some evidence.

    Attributes:
        probabilities: label to probability; several labels may hold at once.
        errors: label to the standard error of the Monte Carlo.
        effective: number of independent draws that the weighted ones are worth (Kish).
        lost: prior probability of the sets of conditions that were left out.
    """

    probabilities: Mapping[str, float]
    errors: Mapping[str, float]
    effective: float
    lost: float


def prepare(table: Likelihoods, design: Design = PLAIN) -> Oracle:
    """Enumerate the sets of conditions of each site."""
    every = enumerate_sets(table)
    nothing = Known(illnesses=np.zeros((2, len(table.background))))
    typical = draw(table, nothing, Tilt(), _TYPICAL, np.random.default_rng(0), {})
    sets, earlier = {}, {}
    for site in table.sites:
        prior = log_prior(every, typical, site, table)
        sets[site] = pruned(every, prior)
        shares = every.members.T @ np.exp(prior).mean(axis=1)
        earlier[site] = MappingProxyType(dict(zip(every.names, map(float, shares), strict=True)))
    return Oracle(table, design, MappingProxyType(sets), MappingProxyType(earlier))


def posterior(patient: SimulatedPatient, oracle: Oracle, kinds: frozenset[str]) -> Posterior:
    """Probability of each label given these kinds of evidence, as far as the case has them.

    Args:
        patient: a case drawn from the law of `oracle`.
        oracle: of `prepare`.
        kinds: of evidence, see `evidence.present`; none at all gives the prior of the site.
    """
    kinds = kinds & evidence.present(patient)
    table, sets = oracle.table, oracle.sets[patient.site]
    facts = evidence.known(patient, kinds, table)
    rng = _random(patient, kinds)
    earlier = oracle.earlier[patient.site]
    measured = "measurements" in kinds
    tilt, trials = Tilt(), [*PILOTS[measured], *[POINTS[measured]] * (1 + AGAIN)]
    for trial, points in enumerate(trials):
        people = draw(table, facts, tilt, points, rng, earlier)
        weights = normalised(_log_joint(patient, oracle, kinds, sets, people))
        pilot = trial < len(PILOTS[measured])
        if not pilot and _effective(weights.sum(axis=0)) >= ENOUGH:
            break
        if trial < len(trials) - 1:
            flatter = tempered(weights)
            tilt = moved(flatter, sets, people, facts)
            if pilot:
                sets = sets.keep(_worth_keeping(flatter))
    return _summary(weights, sets, oracle.labels)


def _random(patient: SimulatedPatient, kinds: frozenset[str]) -> np.random.Generator:
    name = " ".join([patient.case_id, *sorted(kinds)])
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]))


def log_prior(sets: ConditionSets, people: People, site: str, table: Likelihoods) -> Floats:
    """Log probability of K sets for each of N persons, before any evidence of the visit."""
    background = {name: people.background[people.names.index(name)] for name in sets.required}
    return sets.log_prior(primary_shares(table, site, people.units()), background)


def _log_joint(
    patient: SimulatedPatient,
    oracle: Oracle,
    kinds: frozenset[str],
    sets: ConditionSets,
    people: People,
) -> Floats:
    """Log of prior, importance weight and likelihood; K sets by N persons."""
    table, site = oracle.table, oracle.table.sites[patient.site]
    total = log_prior(sets, people, patient.site, table)
    total += people.log_weight
    if people.condition_weight.any():
        total += sets.members.astype(float) @ people.condition_weight
    for factor in all_factors(patient, oracle, kinds, sets, people):
        factor.add_to(total)
    readings = _readings(patient, table, kinds)
    measurements.add_values(total, measurements.blocks(readings, site, table, sets, people))
    return total


def _readings(
    patient: SimulatedPatient, table: Likelihoods, kinds: frozenset[str]
) -> dict[str, list[Reading]]:
    """The values of the chart, and those that a further sense reads once more."""
    found: dict[str, list[Reading]] = {}
    if "measurements" in kinds:
        site = table.sites[patient.site]
        found |= read(patient.measurements, patient.decision_time, site, table)
    for name, own in further_senses.shown(patient, kinds):
        for key, readings in own.readings(patient.recorded[name], table).items():
            found[key] = [*found.get(key, ()), *readings]
    return found


def all_factors(
    patient: SimulatedPatient,
    oracle: Oracle,
    kinds: frozenset[str],
    sets: ConditionSets,
    people: People,
) -> list[Factor]:
    """Likelihoods of all evidence but the values."""
    table, site = oracle.table, oracle.table.sites[patient.site]
    found = history_and_notes.factors(heard(patient, table, kinds), table, sets, people)
    if "image" in kinds:
        found += radiograph.factors(patient, table, sets, people)
    for name, own in further_senses.shown(patient, kinds):
        found += own.factors(patient.recorded[name], table, sets, people)
    if "measurements" in kinds and oracle.design.missing == "mnar":
        seen = panels_seen(patient.measurements, site, table)
        found += measurements.ordering(seen, site, table, sets, people)
    return found


def heard(
    patient: SimulatedPatient, table: Likelihoods, kinds: frozenset[str]
) -> dict[str, history_and_notes.Heard]:
    """What history and note say of signs."""
    sources = []
    days = None
    if "history" in kinds:
        sources.append(
            history_and_notes.from_events(patient.events, table, table.sites[patient.site].coding)
        )
        days = history_and_notes.days_coded(patient.events, patient.decision_time, table)
    if "notes" in kinds and patient.report is not None:
        sources.append(history_and_notes.from_report(patient.report, table))
        days = patient.report.days
    if days is not None and SUDDEN in table.signs:
        sources.append({SUDDEN: history_and_notes.from_duration(days)})
    return history_and_notes.merged(*sources)


def normalised(log_joint: Floats) -> Floats:
    """Weights that sum to 1."""
    weights = np.exp(log_joint - log_joint.max())
    return np.asarray(weights / weights.sum())


def _worth_keeping(weights: Floats) -> Flags:
    mass = weights.sum(axis=1)
    order = np.argsort(mass)[::-1]
    count = int(np.searchsorted(np.cumsum(mass[order]), 1 - DROP)) + 1
    chosen = np.zeros(len(mass), bool)
    chosen[order[:count]] = True
    return chosen


def moved(weights: Floats, sets: ConditionSets, people: People, facts: Known) -> Tilt:
    """A proposal nearer to the posterior, wider than it, and never far from the law."""
    each = weights.sum(axis=0)
    severity = _moments(people.normal_severity, each)
    intensity = np.array([np.zeros(len(sets.names)), np.ones(len(sets.names))])
    for column in range(len(sets.names)):
        own = weights[sets.members[:, column]].sum(axis=0)
        if own.sum() > 1e-3:
            intensity[:, column] = _moments(people.normals[column], own)
    share = (people.background @ each + 0.002) / 1.004
    drawn = (people.background.mean(axis=1) + 0.002) / 1.004
    odds = np.log(share / (1 - share)) - np.log(drawn / (1 - drawn))
    male = 0.0
    if facts.sex is None:
        chance = float(np.clip(people.male @ each, 0.05, 0.95))
        male = float(np.log(chance / (1 - chance)))
    shapes = np.array([_shapes(quantile, each) for quantile in people.quantiles]).T
    return Tilt(male, severity, np.clip(odds, -LIMIT, LIMIT), intensity, shapes)


def tempered(weights: Floats, least: float = 40.0) -> Floats:
    """Flatter weights, if a few persons have nearly all."""
    each = weights.sum(axis=0)
    power = 1.0
    while power > 0.05 and _effective(each**power) < least:
        power *= 0.8
    flatter = weights * np.maximum(each, _TINY) ** (power - 1)
    return np.asarray(flatter / flatter.sum())


def _effective(weights: Floats) -> float:
    return float(weights.sum() ** 2 / (weights**2).sum())


def _moments(values: Floats, weights: Floats) -> tuple[float, float]:
    share = weights / weights.sum()
    mean = float(share @ values)
    sd = float(np.sqrt(share @ (values - mean) ** 2))
    return mean, float(np.clip(1.2 * sd, 0.4, 1.1))


def _shapes(quantile: Floats, weights: Floats) -> tuple[float, float]:
    """A beta distribution somewhat wider than the weighted quantiles."""
    mean = float(np.clip(weights @ quantile, 0.02, 0.98))
    variance = 1.4 * float(weights @ (quantile - mean) ** 2)
    total = mean * (1 - mean) / max(variance, 1e-6) - 1
    a, b = np.clip([mean * total, (1 - mean) * total], 0.7, 20)
    return float(a), float(b)


def _summary(weights: Floats, sets: ConditionSets, labels: tuple[str, ...]) -> Posterior:
    each = weights.sum(axis=0)
    batch = each.reshape(_BATCHES, -1).sum(axis=1)
    probabilities, errors = {}, {}
    for label in labels:
        own = weights[sets.with_label(label, labels)].sum(axis=0)
        probability = float(own.sum())
        rest = own.reshape(_BATCHES, -1).sum(axis=1) - probability * batch
        probabilities[label] = min(max(probability, 0.0), 1.0)
        errors[label] = float(np.sqrt((rest**2).sum() * _BATCHES / (_BATCHES - 1)))
    return Posterior(
        MappingProxyType(probabilities), MappingProxyType(errors), _effective(each), sets.lost
    )
