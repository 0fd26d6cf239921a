"""What a piece says alone, and given all the rest, against small clinics worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from math import log

import numpy as np
import pytest
from small_clinics import MIMIC, A, B, clinic, prior, sign

from pipelines.laboratory.oracle import evidence, posterior
from pipelines.laboratory.oracle.leave_one_out import Piece, worths
from pipelines.laboratory.oracle.sentences import Said
from pipelines.laboratory.simulate import likelihoods, notes
from pipelines.laboratory.simulate.clinic import draw_patient

PULL = {"fever": (0.05, {A: 0.6}), "cough": (0.1, {A: 0.5, MIMIC: 0.3})}


def told(key: str, conditions: frozenset[str]) -> float:
    """Probability that a note says that a sign is there."""
    base, given = PULL[key]
    missing = 1 - base
    for name in conditions:
        missing *= 1 - given.get(name, 0.0)
    return (1 - missing) * notes.TOLD + missing * notes.MISHEARD


def log_odds(keys: tuple[str, ...], label: str) -> float:
    joint = {s: p * float(np.prod([told(k, s) for k in keys])) for s, p in prior().items()}
    own = sum(p for s, p in joint.items() if label in s)
    return log(own / (sum(joint.values()) - own))


@pytest.mark.parametrize("label", [A, B])
def test_a_sentence_alone_and_given_another_by_hand(label: str) -> None:
    table = clinic(signs={key: sign(base, **given) for key, (base, given) in PULL.items()})
    patients = (draw_patient(1, number, table=table) for number in range(400))
    patient = next(p for p in patients if p.report and p.report.present == {"fever", "cough"})
    oracle = posterior.prepare(table)
    (worth,) = worths(patient, oracle, [Piece(said=Said(present=frozenset({"fever"})))])
    assert worth is not None
    column = oracle.labels.index(label)
    both, rest = log_odds(("fever", "cough"), label), log_odds(("cough",), label)
    assert worth.given_all[column] == pytest.approx(both - rest, abs=2e-3)
    alone = log_odds(("fever",), label) - log_odds((), label)
    assert worth.alone[column] == pytest.approx(alone, abs=1e-6)


def test_age_and_smoking_are_no_pieces() -> None:
    patient = next(
        p for p in (draw_patient(4, n) for n in range(50)) if evidence.present(p) >= {"history"}
    )
    oracle = posterior.prepare(likelihoods.load())
    asked = [Piece(event="age"), Piece(said=Said())]
    assert worths(patient, oracle, asked, points=256) == [None, None]


def test_given_all_the_rest_is_the_posterior_with_less_without_the_piece() -> None:
    """One coded illness and one analyte, against the oracle asked about a poorer chart."""
    table = likelihoods.load()
    oracle = posterior.prepare(table)
    codes = {table.analytes[key].code: key for key in ("crp", "nt_probnp")}
    patient = next(
        p
        for p in (draw_patient(20264, n) for n in range(60))
        if p.measurements and p.site == "A" and {row.code for row in p.measurements} & set(codes)
    )
    code = next(row.code for row in patient.measurements if row.code in codes)
    (worth,) = worths(patient, oracle, [Piece(analyte=codes[code])])
    assert worth is not None
    poorer = replace(
        patient, measurements=tuple(row for row in patient.measurements if row.code != code)
    )
    kinds = evidence.present(patient)
    with_it, without = (posterior.posterior(p, oracle, kinds) for p in (patient, poorer))
    for column, label in enumerate(oracle.labels):
        before, after = without.probabilities[label], with_it.probabilities[label]
        if 0.02 < before < 0.98 and 0.02 < after < 0.98:
            expected = log(after / (1 - after)) - log(before / (1 - before))
            assert worth.given_all[column] == pytest.approx(expected, abs=0.2)
    assert np.abs(worth.halves[0] - worth.halves[1])[~np.isnan(worth.halves[0])].max() < 1
