"""On clinics small enough to compute by hand, the oracle says what the hand computes."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from small_clinics import MIMIC, A, B, clinic, condition, labels, prior, sign

from pipelines.laboratory.oracle.posterior import posterior, prepare
from pipelines.laboratory.simulate import history, notes
from pipelines.laboratory.simulate.clinic import draw_patient
from pipelines.laboratory.simulate.likelihoods import Background, ImageFinding, Likelihoods
from pipelines.laboratory.simulate.notes import Report
from pipelines.laboratory.simulate.person import noisy_or

NOTES = frozenset({"notes"})


def test_without_evidence_the_oracle_gives_the_prior() -> None:
    table = clinic()
    found = posterior(draw_patient(1, 0, table=table), prepare(table), frozenset())
    assert found.probabilities == pytest.approx(labels(prior()), abs=1e-9)
    assert found.lost == pytest.approx(0, abs=1e-12)


def test_a_site_shifts_the_prior() -> None:
    table = clinic()
    shifted = type(table.sites["A"])(**{**vars(table.sites["A"]), "prevalence": {MIMIC: 1.0}})
    weights = np.exp([0.2, 0.0, 1.4])
    other = type(table)(**{**vars(table), "sites": {"A": shifted}})
    found = posterior(draw_patient(1, 0, table=other), prepare(other), frozenset())
    none = weights[2] / weights.sum()
    assert found.probabilities["none_of_these"] == pytest.approx(none, abs=1e-9)


SIGNS = {
    "cough": sign(0.1, **{A: 0.8, B: 0.5, MIMIC: 0.6}),
    "fever": sign(0.05, **{A: 0.6}),
    "leg_swelling": sign(0.1, **{B: 0.3}),
    "ankle_oedema": sign(0.05, **{A: 0.1, "leg_swelling": 0.7}),
}


def said(report: Report, key: str, there: bool) -> float:
    """Probability of what a note says of a sign."""
    if key in report.present:
        return notes.TOLD if there else notes.MISHEARD
    if key in report.absent:
        return 0.0 if there else notes.DENIED
    return 1 - notes.TOLD if there else 1 - notes.MISHEARD - notes.DENIED


def by_hand(report: Report, table: Likelihoods) -> dict[str, float]:
    """Sum over every set and every combination of signs."""
    joint = {}
    for conditions, chance in prior().items():
        total = 0.0
        for states in product((False, True), repeat=len(table.signs)):
            causes = dict.fromkeys(conditions, 1.0)
            product_of_all = 1.0
            for (key, law), there in zip(table.signs.items(), states, strict=True):
                shown = noisy_or(law.base, law.given, causes)
                product_of_all *= (shown if there else 1 - shown) * said(report, key, there)
                if there:
                    causes[key] = 1.0
            total += product_of_all
        joint[conditions] = chance * total
    return labels(joint)


@pytest.mark.parametrize("number", range(8))
def test_signs_told_in_a_note_by_enumeration(number: int) -> None:
    table = clinic(signs=SIGNS)
    patient = draw_patient(2, number, table=table)
    assert patient.report is not None
    found = posterior(patient, prepare(table), NOTES)
    assert found.probabilities == pytest.approx(by_hand(patient.report, table), abs=1e-9)
    assert max(found.errors.values()) < 1e-9


def test_an_uncertain_intensity_is_averaged_over() -> None:
    """One sign of A, whose intensity is log-normal: one integral by quadrature."""
    table = clinic(0.5, signs={"fever": sign(0.05, **{A: 0.6})})
    patient = next(
        p
        for p in (draw_patient(3, n, table=table) for n in range(50))
        if p.report and "fever" in p.report.absent
    )
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    intensity = np.clip(np.exp(0.5 * nodes), 0.25, 2.2)
    missing = 0.95 * float(weights @ 0.4 ** np.minimum(intensity, 1)) / float(weights.sum())
    joint = {
        conditions: chance * (missing if A in conditions else 0.95)
        for conditions, chance in prior().items()
    }
    found = posterior(patient, prepare(table), NOTES)
    for label, expected in labels(joint).items():
        assert found.probabilities[label] == pytest.approx(expected, abs=2e-3)


def test_an_illness_that_may_be_there_is_summed_over() -> None:
    """One background illness that raises the odds of A, recorded or not, with one drug."""
    illness = Background("I10", "", -0.4, 0.7, (("C09", "", 0.5),), "test")
    table = clinic(
        background={"hypertension": illness},
        conditions={
            A: condition(0.2, risk={"hypertension": 1.2}),
            MIMIC: condition(0.4, kind="mimic"),
        },
    )
    oracle = prepare(table)
    coding = table.sites["A"].coding
    recorded, drug = history.coded(0.7, coding), history.coded(0.5, coding)
    seen = set()
    for number in range(12):
        patient = draw_patient(4, number, table=table)
        codes = {event.code for event in patient.events}
        here = (recorded if "I10" in codes else 1 - recorded) * (
            drug if "C09" in codes else 1 - drug
        )
        not_here = 0.0 if codes & {"I10", "C09"} else 1.0
        share = 1 / (1 + np.exp(0.4))
        ill = share * here / (share * here + (1 - share) * not_here)
        with_it, without = 1 / (1 + np.exp(0.4 - 1.4)), 1 / (1 + np.exp(0.4 - 0.2))
        expected = ill * with_it + (1 - ill) * without
        found = posterior(patient, oracle, frozenset({"history"}))
        assert found.probabilities[A] == pytest.approx(expected, abs=4e-3)
        seen.add(frozenset(codes & {"I10", "C09"}))
    assert len(seen) >= 3


def test_findings_seen_and_not_seen() -> None:
    shape = {"a": 1.0, "b": 1.0, "low": 1.0, "high": 1.0}
    image = {
        "interstitial": ImageFinding(0.03, {B: 0.6}, shape, "test"),
        "atelectasis": ImageFinding(0.2, {A: 0.4, MIMIC: 0.1}, shape, "test"),
    }
    table = clinic(image=image)
    oracle = prepare(table)
    seen = set()
    for number in range(10):
        patient = draw_patient(5, number, table=table)
        joint = {}
        for conditions, chance in prior().items():
            for key, law in image.items():
                shown = noisy_or(law.base, law.given, dict.fromkeys(conditions, 1.0))
                chance *= shown if key in patient.image_findings else 1 - shown
            joint[conditions] = chance
        found = posterior(patient, oracle, frozenset({"image"}))
        assert found.probabilities == pytest.approx(labels(joint), abs=1e-9)
        seen.add(frozenset(patient.image_findings))
    assert len(seen) >= 3


def test_another_day_gives_the_same_answer() -> None:
    table = clinic(0.5, signs=SIGNS)
    patient = draw_patient(2, 0, table=table)
    first, second = (posterior(patient, prepare(table), NOTES) for _ in range(2))
    assert first == second
    assert B in first.probabilities
