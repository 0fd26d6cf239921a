"""What single pieces of a case say of every label: alone, and given all the rest.

A piece is what a reader would name: all values of one analyte, one coded event, one sentence. Taken
away it is not known (it is summed out), as if nobody had looked. That a panel was ordered stays
known, and so does what another piece says of the same thing.

All pieces of a case are judged with the same draws, reweighted. An illness that is stated for
certain is left a little open in the draws, so that they also hold those who do not have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipelines.laboratory.oracle import evidence, history_and_notes, measurements
from pipelines.laboratory.oracle.history_and_notes import Heard
from pipelines.laboratory.oracle.importance_sampling import (
    Drug,
    Known,
    People,
    Tilt,
    draw,
    drug_likelihood,
)
from pipelines.laboratory.oracle.posterior import (
    Oracle,
    all_factors,
    log_prior,
    moved,
    normalised,
    tempered,
)
from pipelines.laboratory.oracle.readings import read
from pipelines.laboratory.oracle.sentences import Said
from pipelines.laboratory.oracle.sets import ConditionSets, Floats
from pipelines.laboratory.simulate.clinic import SUDDEN, SimulatedPatient
from pipelines.laboratory.simulate.laboratory import RawMeasurement
from pipelines.laboratory.simulate.likelihoods import Likelihoods

PILOT, POINTS = 512, 2048
"""Draws, a power of two: twice to move the proposal, then those that count."""

_OPEN = {True: 3.5, False: -1.0}
"""Log odds of an illness that is stated as there, and as not there, in the draws."""

_KEPT = 1 - 1e-4
_DURATION = "duration"


@dataclass(frozen=True)
class Piece:
    """One piece of evidence; one of the three is given.

    Attributes:
        analyte: key in the table.
        event: code of a history item.
        said: what a sentence says.
    """

    analyte: str = ""
    event: str = ""
    said: Said | None = None


@dataclass(frozen=True)
class Worth:
    """Log-likelihood ratios of one piece for each label; NaN where they are not defined.

    Attributes:
        alone: among persons of the same age, sex and site.
        given_all: given all other evidence of the case.
        halves: the latter by either half of the draws, which shows its error.
    """

    alone: Floats
    given_all: Floats
    halves: Floats


@dataclass(frozen=True, eq=False)
class _Chart:
    """What can be taken away of a case: by source what is heard of signs and illnesses."""

    signs: Mapping[str, Mapping[str, Heard]]
    illnesses: Mapping[str, Floats]
    drugs: tuple[tuple[str, Drug], ...]
    rows: tuple[RawMeasurement, ...]


def worths(
    patient: SimulatedPatient, oracle: Oracle, pieces: Sequence[Piece], *, points: int = POINTS
) -> list[Worth | None]:
    """The worth of each piece, None for those that are none of the oracle's (age, smoking).

    Args:
        patient: a case drawn from the law of `oracle`.
        oracle: of `posterior.prepare`.
        pieces: of this case.
        points: draws that count, a power of two.

    Returns:
        Of each piece; arrays are in the order of `oracle.labels`, `halves` [2, labels].
    """
    whole = _chart(patient, oracle.table)
    parts = [_parted(whole, piece, patient, oracle.table) for piece in pieces]
    scene, base = _scene(patient, oracle, whole, points)
    signs, values = scene.signs(whole), scene.values(whole)
    full = base + signs + values + scene.persons(whole)
    alone, prior = _blank_scene(patient, oracle)
    before = _logits(prior, alone.sets, oracle.labels)
    found: list[Worth | None] = []
    for part in parts:
        if part is None:
            found.append(None)
            continue
        rest, own = part
        less = base + scene.persons(rest)
        less += signs if rest.signs is whole.signs else scene.signs(rest)
        less += values if rest.rows is whole.rows else scene.values(rest)
        with np.errstate(invalid="ignore"):
            given, *halves = (
                _logits(full[:, cut], scene.sets, oracle.labels)
                - _logits(less[:, cut], scene.sets, oracle.labels)
                for cut in (slice(None), slice(0, None, 2), slice(1, None, 2))
            )
            after = _logits(prior + alone.all_of(own), alone.sets, oracle.labels)
            found.append(Worth(after - before, given, np.array(halves)))
    return found


def _chart(patient: SimulatedPatient, table: Likelihoods) -> _Chart:
    there = evidence.present(patient)
    signs: dict[str, Mapping[str, Heard]] = {}
    illnesses: dict[str, Floats] = {}
    drugs: tuple[tuple[str, Drug], ...] = ()
    days = None
    coding = table.sites[patient.site].coding
    if "history" in there:
        codes = {event.code for event in patient.events}
        signs["history"] = history_and_notes.from_events(patient.events, table, coding)
        illnesses["history"] = evidence.recorded(codes, table, coding)
        listed = evidence.drugs(codes, table, coding)
        drugs = tuple(zip(evidence.drug_codes(table), listed, strict=True))
        days = history_and_notes.days_coded(patient.events, patient.decision_time, table)
    if patient.report is not None:
        signs["notes"] = history_and_notes.from_report(patient.report, table)
        illnesses["notes"] = evidence.mentioned(patient.report, table)
        days = patient.report.days
    if days is not None and SUDDEN in table.signs:
        signs[_DURATION] = {SUDDEN: history_and_notes.from_duration(days)}
    return _Chart(signs, illnesses, drugs, patient.measurements)


def _parted(
    whole: _Chart, piece: Piece, patient: SimulatedPatient, table: Likelihoods
) -> tuple[_Chart, _Chart] | None:
    """The chart without the piece, and a chart that has nothing else; None if it is not in it."""
    site = table.sites[patient.site]
    if piece.analyte:
        units = site.units.get(piece.analyte)
        code = units.code if units else table.analytes[piece.analyte].code
        own = tuple(row for row in whole.rows if row.code == code)
        rest = tuple(row for row in whole.rows if row.code != code)
        return (replace(whole, rows=rest), _Chart({}, {}, (), own)) if own else None
    if piece.said is not None:
        signs = piece.said.present | piece.said.absent
        ill = piece.said.background | piece.said.denied
        coded = history_and_notes.days_coded(patient.events, patient.decision_time, table)
        days = piece.said.days and coded is None
        return _stated(whole, "notes", signs, ill, frozenset(), table, days=days)
    signs = frozenset(k for k, sign in table.signs.items() if sign.code == piece.event)
    ill = frozenset(k for k, one in table.background.items() if one.code == piece.event)
    drug = frozenset(code for code, _ in whole.drugs if code == piece.event)
    return _stated(whole, "history", signs, ill, drug, table)


def _stated(
    whole: _Chart,
    source: str,
    signs: frozenset[str],
    ill: frozenset[str],
    drugs: frozenset[str],
    table: Likelihoods,
    *,
    days: bool = False,
) -> tuple[_Chart, _Chart] | None:
    if not (signs or ill or drugs or days) or source not in whole.illnesses:
        return None
    chosen = np.array([name in ill for name in table.background], bool)
    stated, heard = whole.illnesses[source], whole.signs[source]
    kept_signs = {**whole.signs, source: {k: v for k, v in heard.items() if k not in signs}}
    own_signs: dict[str, Mapping[str, Heard]] = {
        source: {k: v for k, v in heard.items() if k in signs}
    }
    if days and _DURATION in kept_signs:
        own_signs[_DURATION] = kept_signs.pop(_DURATION)
    rest = replace(
        whole,
        signs=kept_signs,
        illnesses={**whole.illnesses, source: np.where(chosen, 0.0, stated)},
        drugs=tuple(one for one in whole.drugs if one[0] not in drugs),
    )
    own_drugs = tuple(one for one in whole.drugs if one[0] in drugs)
    return rest, _Chart(own_signs, {source: np.where(chosen, stated, 0.0)}, own_drugs, ())


@dataclass(frozen=True, eq=False)
class _Scene:
    """Sets of conditions and persons that could explain a case, and how to judge a chart by them.

    Attributes:
        patient, oracle: the case and the law.
        sets: K sets of conditions.
        people: N persons.
        drawn: what their weights hold already of each illness (absent, present), 2 x B.
    """

    patient: SimulatedPatient
    oracle: Oracle
    sets: ConditionSets
    people: People
    drawn: Floats

    def all_of(self, chart: _Chart) -> Floats:
        """Log likelihood of a chart, K by N."""
        return self.signs(chart) + self.values(chart) + self.persons(chart)

    def signs(self, chart: _Chart) -> Floats:
        """What is heard of signs, K by N."""
        total = np.zeros((len(self.sets.members), len(self.people.age)))
        heard = history_and_notes.merged(*chart.signs.values())
        for factor in history_and_notes.factors(heard, self.oracle.table, self.sets, self.people):
            factor.add_to(total)
        return total

    def values(self, chart: _Chart) -> Floats:
        """What was measured, K by N."""
        total = np.zeros((len(self.sets.members), len(self.people.age)))
        table, site = self.oracle.table, self.oracle.table.sites[self.patient.site]
        found = read(chart.rows, self.patient.decision_time, site, table)
        measurements.add_values(
            total, measurements.blocks(found, site, table, self.sets, self.people)
        )
        return total

    def persons(self, chart: _Chart) -> Floats:
        """What is stated of illnesses and drugs, N."""
        absent, present = sum(chart.illnesses.values(), np.zeros_like(self.drawn))
        absent, present = absent - self.drawn[0], present - self.drawn[1]
        stated = np.where(self.people.background, present[:, None], absent[:, None]).sum(axis=0)
        drugs = drug_likelihood([drug for _, drug in chart.drugs], self.people.background)
        return np.asarray(stated + drugs)


def _scene(
    patient: SimulatedPatient, oracle: Oracle, whole: _Chart, points: int
) -> tuple[_Scene, Floats]:
    """Draws near the posterior, and what they have beside the chart, K by N: prior, film."""
    kinds = evidence.present(patient)
    facts = evidence.known(patient, kinds, oracle.table)
    certain = np.isinf(facts.illnesses).any(axis=0)
    facts = replace(facts, illnesses=_opened(facts.illnesses), drugs=())
    rng = np.random.default_rng(0)
    sets, tilt = oracle.sets[patient.site], Tilt()
    for pilot in (True, True, False):
        people = draw(
            oracle.table,
            facts,
            tilt,
            PILOT if pilot else points,
            rng,
            oracle.earlier[patient.site],
        )
        scene = _Scene(patient, oracle, sets, people, facts.illnesses)
        base = _beside(scene, kinds)
        if pilot:
            flatter = tempered(normalised(base + scene.all_of(whole)))
            tilt = moved(flatter, sets, people, facts)
            if tilt.illnesses is not None:
                tilt = replace(tilt, illnesses=np.where(certain, 0.0, tilt.illnesses))
            sets = sets.keep(_needed(flatter.sum(axis=1), sets, oracle.labels))
    return scene, base


def _beside(scene: _Scene, kinds: frozenset[str]) -> Floats:
    people, sets, oracle = scene.people, scene.sets, scene.oracle
    total = log_prior(sets, people, scene.patient.site, oracle.table) + people.log_weight
    if people.condition_weight.any():
        total += sets.members.astype(float) @ people.condition_weight
    for factor in all_factors(scene.patient, oracle, kinds - {"history", "notes"}, sets, people):
        factor.add_to(total)
    return total


def _blank_scene(patient: SimulatedPatient, oracle: Oracle) -> tuple[_Scene, Floats]:
    """Persons of the same age and sex at the same site, of whom nothing else is known."""
    kinds = evidence.present(patient)
    facts = evidence.known(patient, kinds, oracle.table)
    blank = Known(np.zeros_like(facts.illnesses), again=facts.again)
    blank = replace(blank, sex=facts.sex, years=facts.years, age=facts.age)
    rng = np.random.default_rng(0)
    people = draw(oracle.table, blank, Tilt(), POINTS, rng, oracle.earlier[patient.site])
    sets = oracle.sets[patient.site]
    base = log_prior(sets, people, patient.site, oracle.table) + people.log_weight
    return _Scene(patient, oracle, sets, people, blank.illnesses), base


def _opened(illnesses: Floats) -> Floats:
    absent, present = illnesses
    return np.array(
        [
            np.where(np.isinf(absent), present - _OPEN[True], absent),
            np.where(np.isinf(present), absent + _OPEN[False], present),
        ]
    )


def _needed(mass: Floats, sets: ConditionSets, labels: Sequence[str]) -> np.ndarray:
    """The sets that hold nearly all of every label, and nearly all of what is without it."""
    needed = np.zeros(len(mass), bool)
    for label in labels:
        own = sets.with_label(label, labels)
        for side in (own, ~own):
            order = np.flatnonzero(side)[np.argsort(-mass[side], kind="stable")]
            total = np.cumsum(mass[order])
            if len(total):
                needed[order[: int(np.searchsorted(total, _KEPT * total[-1])) + 1]] = True
    return needed


def _logits(joint: Floats, sets: ConditionSets, labels: Sequence[str]) -> Floats:
    """Log odds of each label from unnormalised log weights, K by N."""
    mass = np.exp(joint - joint.max()).sum(axis=1)
    found = []
    with np.errstate(divide="ignore", invalid="ignore"):
        for label in labels:
            own = sets.with_label(label, labels)
            found.append(np.log(mass[own].sum()) - np.log(mass[~own].sum()))
    return np.array(found)
