"""What a piece of evidence is worth, by itself."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from small_clinics import MIMIC, A, B, clinic, prior, sign

from pipelines.laboratory.oracle import evidence
from pipelines.laboratory.oracle.likelihood_ratios import Worth, evidence_ratios
from pipelines.laboratory.oracle.posterior import prepare
from pipelines.laboratory.simulate import likelihoods, notes
from pipelines.laboratory.simulate.clinic import SimulatedPatient, draw_patient

EVERYTHING = frozenset(evidence.KINDS)


def test_a_sign_in_a_note_by_hand() -> None:
    table = clinic(signs={"fever": sign(0.05, **{A: 0.6})})
    patients = (draw_patient(1, number, table=table) for number in range(40))
    patient = next(p for p in patients if p.report and "fever" in p.report.present)
    (worth,) = evidence_ratios(patient, prepare(table), frozenset({"notes"}))
    told = {
        there: shown * notes.TOLD + (1 - shown) * notes.MISHEARD
        for there, shown in ((True, 1 - 0.95 * 0.4), (False, 0.05))
    }
    assert worth.name == "fever"
    assert worth.ratios[A] == pytest.approx(log(told[True] / told[False]), abs=1e-9)
    share = prior()
    b = share[frozenset({B})] + share[frozenset({A, B})]
    with_b = (share[frozenset({B})] * told[False] + share[frozenset({A, B})] * told[True]) / b
    a_alone, mimic = share[frozenset({A})], share[frozenset({MIMIC})]
    without = (a_alone * told[True] + mimic * told[False]) / (a_alone + mimic)
    assert worth.ratios[B] == pytest.approx(log(with_b / without), abs=1e-9)


def strongest(patient: SimulatedPatient, label: str) -> list[Worth]:
    worths = evidence_ratios(patient, prepare(likelihoods.load()), EVERYTHING)
    return sorted(worths, key=lambda worth: -worth.ratios[label])


def test_the_air_in_the_chest_is_the_proof_of_a_pneumothorax() -> None:
    patients = (draw_patient(4, number) for number in range(400))
    patient = next(p for p in patients if "pneumothorax" in p.image_findings)
    best = strongest(patient, "pneumothorax")[0]
    assert (best.kind, best.name) == ("image", "pneumothorax")
    assert best.ratios["pneumothorax"] == np.inf


def test_every_kind_of_evidence_has_pieces() -> None:
    patient = next(
        p for p in (draw_patient(4, n) for n in range(50)) if evidence.present(p) == EVERYTHING
    )
    pieces = strongest(patient, "heart_failure")
    assert {piece.kind for piece in pieces} == EVERYTHING
    names = [(piece.kind, piece.name) for piece in pieces]
    assert len(set(names)) == len(names)
    measured = {name for kind, name in names if kind == "measurements"}
    assert {"crp", "heart_rate"} & measured
