"""The log-likelihood ratio of each piece of evidence, alone, for every label.

The ratio compares those with the label and those without it, among persons of the same age, sex and
site, all else (the other evidence, other conditions, background) averaged over. Ratios of pieces
that share a cause do not add up; the posterior of all of them is the oracle's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from pipelines.laboratory.oracle import (
    evidence,
    further_senses,
    history_and_notes,
    measurements,
    radiograph,
)
from pipelines.laboratory.oracle.importance_sampling import (
    Known,
    People,
    Tilt,
    draw,
    drug_likelihood,
)
from pipelines.laboratory.oracle.posterior import Oracle, heard, log_prior
from pipelines.laboratory.oracle.readings import panels_seen, read
from pipelines.laboratory.oracle.sets import ConditionSets, Floats
from pipelines.laboratory.simulate.clinic import SimulatedPatient

POINTS = 1024


@dataclass(frozen=True)
class Worth:
    """One piece of evidence.

    Attributes:
        kind: of evidence, see `evidence.present`.
        name: of the sign, event, analyte or finding.
        ratios: label to the natural logarithm of P(piece | label) / P(piece | not label); infinite
            where the piece excludes the label or all else.
    """

    kind: str
    name: str
    ratios: Mapping[str, float]


def evidence_ratios(
    patient: SimulatedPatient, oracle: Oracle, kinds: frozenset[str]
) -> tuple[Worth, ...]:
    """The worth of every piece of the evidence of these kinds, in the order of the table."""
    kinds = kinds & evidence.present(patient)
    sets = oracle.sets[patient.site]
    facts = evidence.known(patient, kinds, oracle.table)
    # Of the person only what nobody would call a finding; the rest is among the pieces.
    blank = Known(illnesses=np.zeros_like(facts.illnesses), again=facts.again)
    facts = replace(blank, sex=facts.sex, years=facts.years, age=facts.age)
    rng = np.random.default_rng(0)
    earlier = oracle.earlier[patient.site]
    people = draw(oracle.table, facts, Tilt(), POINTS, rng, earlier)
    prior = np.exp(log_prior(sets, people, patient.site, oracle.table) + people.log_weight)
    return tuple(
        Worth(kind, name, _ratios(prior, likelihood, sets, oracle.labels))
        for kind, name, likelihood in _pieces(patient, oracle, kinds, sets, people)
    )


def _ratios(
    prior: Floats, likelihood: Floats, sets: ConditionSets, labels: tuple[str, ...]
) -> Mapping[str, float]:
    """From K by N prior weights and the log likelihood of one piece."""
    of_set = prior.sum(axis=1)
    joint = (prior * np.exp(likelihood - likelihood.max())).sum(axis=1)
    ratios = {}
    with np.errstate(divide="ignore"):
        for label in labels:
            own = sets.with_label(label, labels)
            with_it, without = (joint[rows].sum() / of_set[rows].sum() for rows in (own, ~own))
            ratios[label] = float(np.log(with_it) - np.log(without))
    return MappingProxyType(ratios)


def _pieces(
    patient: SimulatedPatient,
    oracle: Oracle,
    kinds: frozenset[str],
    sets: ConditionSets,
    people: People,
) -> Iterator[tuple[str, str, Floats]]:
    """Kind, name and log likelihood (K by N, or what becomes that) of each piece."""
    table, site = oracle.table, oracle.table.sites[patient.site]
    shape = (len(sets.members), len(people.age))
    for kind in ("history", "notes"):
        if kind in kinds:
            for name, values in _stated(patient, oracle, kind, people):
                yield kind, name, np.broadcast_to(values, shape)
            for factor in history_and_notes.factors(
                heard(patient, table, frozenset({kind})), table, sets, people
            ):
                yield kind, factor.name, factor.values[factor.rows]
    if "image" in kinds:
        for factor in radiograph.factors(patient, table, sets, people):
            yield "image", factor.name, factor.values[factor.rows]
    if "measurements" in kinds:
        readings = read(patient.measurements, patient.decision_time, site, table)
        for block in measurements.blocks(readings, site, table, sets, people):
            total = np.zeros(shape)
            measurements.add_values(total, [block])
            yield "measurements", block.key, total
        if oracle.design.missing == "mnar":
            seen = panels_seen(patient.measurements, site, table)
            for factor in measurements.ordering(seen, site, table, sets, people):
                yield "measurements", factor.name, factor.values[factor.rows]
    for kind, own in further_senses.shown(patient, kinds):
        for factor in own.factors(patient.recorded[kind], table, sets, people):
            yield kind, factor.name, factor.values[factor.rows]
        again = own.readings(patient.recorded[kind], table)
        for block in measurements.blocks(again, site, table, sets, people):
            total = np.zeros(shape)
            measurements.add_values(total, [block])
            yield kind, block.key, total


def _stated(
    patient: SimulatedPatient, oracle: Oracle, kind: str, people: People
) -> Iterator[tuple[str, Floats]]:
    """Background illnesses and drugs that are stated, with their likelihood for N persons."""
    facts = evidence.known(patient, frozenset({kind}), oracle.table)
    for row, name in enumerate(people.names):
        absent, present = facts.illnesses[:, row]
        if absent != present:
            yield name, np.where(people.background[row], present, absent)
    codes = evidence.drug_codes(oracle.table)
    for code, drug in zip(codes, facts.drugs, strict=False):
        yield code, drug_likelihood([drug], people.background)
