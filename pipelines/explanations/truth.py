"""Do explanations agree with the truth of a simulated clinic?

Of a simulated case it is known what each piece of evidence is worth
(`pipelines.laboratory.oracle.leave_one_out`): its log-likelihood ratio for a diagnosis alone, among
persons of the same age and sex, and given all other evidence of the case. What the page shows of a
piece is how the model's answer changes when the piece is taken away, so its counterpart is the
ratio *given all the rest*; *alone* is what a textbook says of the piece. Compared are, for each
suggestion at or above its threshold, sign and order of the pieces, ranked by the size of the change
in log odds. Age, sex, smoking and what the film shows are left out; so are ratios that are not
defined, where a finding proves or excludes the diagnosis by itself, and ratios of exactly 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from clinical.assess import explain, without
from clinical.assess.without import Pieces
from clinical.case.case import Case
from clinical.case.shapes import Text
from clinical.modalities.encoding import Prepared, TokenSource
from clinical.model import calibration
from clinical.model.calibration import Support
from clinical.model.model import Model
from pipelines.explanations.pointing import mean_interval
from pipelines.laboratory.oracle import leave_one_out, posterior
from pipelines.laboratory.oracle.leave_one_out import Piece
from pipelines.laboratory.oracle.posterior import Oracle
from pipelines.laboratory.oracle.posterior_table import drawn_again
from pipelines.laboratory.oracle.sentences import Said, said
from pipelines.laboratory.simulate import likelihoods
from pipelines.laboratory.simulate.clinic import SimulatedPatient
from pipelines.laboratory.simulate.likelihoods import Likelihoods
from pipelines.laboratory.simulate.notes import Report
from pipelines.statistics.metrics import Interval, Weights, bootstrap_weights

CASES = 220
"""Cases that are compared, the first ones: the oracle needs seconds for each."""

ALONE, GIVEN_ALL = "alone", "given all the rest"
STRONGEST = (5, 10)
EVERY = "all inputs"
SHOWN, DENIALS = "inputs that are explained", "sentences that only deny"
MODEL, HALF = "model", "half the draws"
_TOP = 3
_LISTED = 20
_NOTHING = 1e-6
_FEWEST = 5


@dataclass(frozen=True)
class Compared:
    """One piece of one suggestion.

    Attributes:
        case_id, patient_id, diagnosis: of what and whom.
        modality: of the piece.
        name: of an analyte or event, or what a sentence says.
        denies: whether it is a sentence that only denies.
        shown: whether the gate lets its input be explained.
        change: by how much the log odds fall without it; above 0 it speaks for the diagnosis.
        alone, given_all: true log-likelihood ratios; infinite, or NaN where not defined.
        halves: the latter from either half of the draws of the oracle.
    """

    case_id: str
    patient_id: str
    diagnosis: str
    modality: str
    name: str
    denies: bool
    shown: bool
    change: float
    alone: float
    given_all: float
    halves: tuple[float, float]


@dataclass(frozen=True)
class Agreement:
    """How far the pieces that count most have the sign of the truth; means over diagnoses.

    Attributes:
        truth: `ALONE` or `GIVEN_ALL`.
        part: an input, `EVERY`, or a diagnosis.
        strongest: so many pieces of a suggestion, those that change the answer most.
        pairs: suggestions.
        sign: share of them that have the sign of the truth.
        plus: share that would have it if all spoke for the diagnosis.
    """

    truth: str
    part: str
    strongest: int
    pairs: int
    sign: Interval
    plus: Interval


@dataclass(frozen=True)
class Order:
    """Rank correlation with sign, and how many of the first three are the same.

    Attributes:
        truth: `ALONE` or `GIVEN_ALL`.
        other: what it is compared with: `MODEL`, the other truth, or `HALF`: half the draws.
        spearman: over all pieces of a suggestion.
        top: share of the three largest that are the same.
        sign: share of the ten that are largest in `other` which have the same sign.
        sign_of_true: the same of the ten that are largest in truth.
    """

    truth: str
    other: str
    spearman: Interval
    top: Interval
    sign: Interval
    sign_of_true: Interval


@dataclass(frozen=True)
class Wrong:
    """Pieces of one name among the ten strongest of their suggestion.

    Attributes:
        diagnosis, modality, name: which.
        pieces: how many.
        wrong: those with another sign than the truth given all the rest.
        wrong_alone: those with another sign than the truth alone.
        change, truth: mean sizes of the change in log odds and of the ratio given all the rest.
    """

    diagnosis: str
    modality: str
    name: str
    pieces: int
    wrong: int
    wrong_alone: int
    change: float
    truth: float


@dataclass(frozen=True)
class Against:
    """All that was compared: cases, suggestions, and what came of it."""

    cases: int
    suggestions: int
    agreements: tuple[Agreement, ...]
    orders: tuple[Order, ...]
    worst: tuple[Wrong, ...]


def measure(
    root: Path, model: Model, cases: Sequence[Case], prepared: Sequence[Mapping[str, Prepared]]
) -> list[Compared]:
    """Compare every piece of every suggestion of the first `CASES` cases.

    Args:
        root: the simulated cohort.
        model: the model.
        cases: of the cohort, without their arrays.
        prepared: the same cases, prepared.

    Raises:
        ConfigError: if the folder is not a simulated cohort, or of another table of likelihoods.
    """
    design, patients = drawn_again(root)
    oracle = posterior.prepare(likelihoods.load(), design)
    wanted = {
        case.case_id: (case, inputs)
        for case, inputs in list(zip(cases, prepared, strict=True))[:CASES]
    }
    found: list[Compared] = []
    for patient in patients:
        if patient.case_id in wanted:
            found += _of_case(model, oracle, patient, *wanted.pop(patient.case_id))
        if not wanted:
            break
    return found


@dataclass(frozen=True)
class _Listed:
    """A piece: its input and first token, and what the oracle and a reader call it."""

    modality: str
    token: int
    piece: Piece
    name: str


def _of_case(
    model: Model,
    oracle: Oracle,
    patient: SimulatedPatient,
    case: Case,
    inputs: Mapping[str, Prepared],
) -> Iterator[Compared]:
    seen = explain.read(model.network, model.network.encode([inputs]))
    weighed = explain.weigh(model.network, seen, inputs)
    groups = without.pieces(seen.tokens, inputs)
    support = model.support.get(calibration.pattern_key(tuple(groups)), {})
    listed = list(_listed(case, inputs, groups, patient, oracle.table))
    suggested = [
        column
        for column, diagnosis in enumerate(model.diagnoses)
        if diagnosis in oracle.labels
        and calibration.apply(float(weighed.whole[column]), support.get(diagnosis, Support()))
        >= model.thresholds[diagnosis]
    ]
    if not suggested or not listed:
        return
    worths = leave_one_out.worths(patient, oracle, [one.piece for one in listed])
    for column in suggested:
        diagnosis = model.diagnoses[column]
        label = oracle.labels.index(diagnosis)
        for one, worth in zip(listed, worths, strict=True):
            if worth is None:
                continue
            said_of = one.piece.said
            yield Compared(
                patient.case_id,
                patient.patient_id,
                diagnosis,
                one.modality,
                one.name,
                said_of is not None and not said_of.present and bool(said_of.absent),
                one.modality not in weighed.held_back[column],
                float(weighed.whole[column] - weighed.without[column, one.token]),
                float(worth.alone[label]),
                float(worth.given_all[label]),
                (float(worth.halves[0, label]), float(worth.halves[1, label])),
            )


def _listed(
    case: Case,
    inputs: Mapping[str, Prepared],
    groups: Mapping[str, Pieces],
    patient: SimulatedPatient,
    table: Likelihoods,
) -> Iterator[_Listed]:
    """The pieces of a case that the oracle knows."""
    analytes = _analytes(table)
    for modality, group in groups.items():
        if group.drawn or modality not in ("history", "measurements", "notes"):
            continue
        for members in group.members:
            token = int(members[0])
            source = inputs[modality].sources[token - group.first]
            if modality == "measurements" and source.label in analytes:
                key = analytes[source.label]
                yield _Listed(modality, token, Piece(analyte=key), key)
            elif modality == "history":
                yield _Listed(modality, token, Piece(event=source.label), source.label)
            elif modality == "notes" and patient.report is not None:
                told = _told(case.inputs["notes"], source, patient.report, table)
                signs = (*sorted(told.present), *(f"no {key}" for key in sorted(told.absent)))
                yield _Listed(modality, token, Piece(said=told), ", ".join(signs))


def _analytes(table: Likelihoods) -> dict[str, str]:
    """Codes that any site reports, to the analyte."""
    found = {analyte.code: key for key, analyte in table.analytes.items()}
    for site in table.sites.values():
        found |= {unit.code: key for key, unit in site.units.items()}
    return found


def _told(notes: Any, source: TokenSource, report: Report, table: Likelihoods) -> Said:
    text: Text = notes.items[source.index]
    return said(text.section, text.text[source.start : source.end], report, table)


def summarise(found: Sequence[Compared], *, samples: int = 1000, seed: int = 0) -> Against:
    """All figures, with intervals that resample patients."""
    pairs = _pairs(found)
    weights = bootstrap_weights([pair[0].patient_id for pair in pairs], samples, seed)
    names = np.array([pair[0].diagnosis for pair in pairs])
    parts = [EVERY, *sorted({one.modality for one in found}), *sorted(set(names.tolist()))]
    agreements = [
        _agreement(pairs, names, weights, truth, part, strongest)
        for truth in (ALONE, GIVEN_ALL)
        for part in (*parts, SHOWN, DENIALS)
        for strongest in STRONGEST
    ]
    orders = [
        _order(pairs, names, weights, truth, other)
        for truth, other in (
            (ALONE, MODEL),
            (GIVEN_ALL, MODEL),
            (ALONE, GIVEN_ALL),
            (GIVEN_ALL, HALF),
        )
    ]
    return Against(
        len({one.case_id for one in found}),
        len(pairs),
        tuple(agreements),
        tuple(orders),
        tuple(_worst(pairs)),
    )


def _pairs(found: Sequence[Compared]) -> list[list[Compared]]:
    """The pieces of each suggestion, those first that change the answer most."""
    pairs: dict[tuple[str, str], list[Compared]] = {}
    for one in found:
        pairs.setdefault((one.case_id, one.diagnosis), []).append(one)
    return [sorted(pair, key=lambda one: -abs(one.change)) for pair in pairs.values()]


def _value(one: Compared, which: str) -> float:
    if which == MODEL:
        return one.change
    if which == HALF:
        return one.halves[0]
    return one.alone if which == ALONE else one.given_all


def _defined(value: float) -> bool:
    """Whether a ratio has a sign: a number, not 0, or infinite."""
    return not np.isnan(value) and abs(value) > _NOTHING


def _agreement(
    pairs: Sequence[Sequence[Compared]],
    names: NDArray[np.str_],
    weights: Weights,
    truth: str,
    part: str,
    strongest: int,
) -> Agreement:
    signs, plus = np.full(len(pairs), np.nan), np.full(len(pairs), np.nan)
    for row, pair in enumerate(pairs):
        first = [one for one in pair if _defined(_value(one, truth))][:strongest]
        own = [one for one in first if _in_part(one, part)]
        if own:
            signs[row] = np.mean([_same(one.change, _value(one, truth)) for one in own])
            plus[row] = np.mean([_value(one, truth) > 0 for one in own])
    groups = sorted(set(names.tolist()))
    return Agreement(
        truth,
        part,
        strongest,
        int((~np.isnan(signs)).sum()),
        mean_interval(signs, names, groups, weights),
        mean_interval(plus, names, groups, weights),
    )


def _in_part(one: Compared, part: str) -> bool:
    if part == SHOWN:
        return one.shown
    if part == DENIALS:
        return one.denies
    return part in (EVERY, one.modality, one.diagnosis)


def _same(change: float, truth: float) -> bool:
    return (change > 0) == (truth > 0)


def _order(
    pairs: Sequence[Sequence[Compared]],
    names: NDArray[np.str_],
    weights: Weights,
    truth: str,
    other: str,
) -> Order:
    columns = np.full((4, len(pairs)), np.nan)
    for row, pair in enumerate(pairs):
        # Infinite ratios come first or last of all.
        both = [
            (
                float(np.clip(_value(one, other), -99, 99)),
                float(np.clip(_value(one, truth), -99, 99)),
            )
            for one in pair
            if _defined(_value(one, truth)) and not np.isnan(_value(one, other))
        ]
        if len(both) < _FEWEST:
            continue
        ours, true = np.array(both).T
        if np.ptp(ours) > 0 and np.ptp(true) > 0:
            columns[0, row] = spearmanr(ours, true).statistic
        tops = (set(np.argsort(-np.abs(v), kind="stable")[:_TOP].tolist()) for v in (ours, true))
        columns[1, row] = len(set.intersection(*tops)) / _TOP
        for column, ranked in ((2, ours), (3, true)):
            first = np.argsort(-np.abs(ranked), kind="stable")[: STRONGEST[-1]]
            columns[column, row] = np.mean((ours[first] > 0) == (true[first] > 0))
    groups = sorted(set(names.tolist()))
    return Order(
        truth, other, *(mean_interval(values, names, groups, weights) for values in columns)
    )


def _worst(pairs: Sequence[Sequence[Compared]]) -> list[Wrong]:
    """Names with most wrong signs among the ten strongest, given all the rest."""
    named: dict[tuple[str, str, str], list[Compared]] = {}
    for pair in pairs:
        for one in [o for o in pair if _defined(o.given_all)][: STRONGEST[-1]]:
            named.setdefault((one.diagnosis, one.modality, one.name), []).append(one)
    found = [
        Wrong(
            *key,
            len(own),
            sum(not _same(one.change, one.given_all) for one in own),
            sum(not _same(one.change, one.alone) for one in own if _defined(one.alone)),
            float(np.mean([abs(one.change) for one in own])),
            float(np.mean([min(abs(one.given_all), 99.0) for one in own])),
        )
        for key, own in named.items()
    ]
    return sorted(found, key=lambda one: (-one.wrong, one.name))[:_LISTED]
