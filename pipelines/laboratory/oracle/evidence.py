"""What a case states directly about the person: age, sex, smoking, conditions, drugs, build."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipelines.laboratory.oracle import radiograph
from pipelines.laboratory.oracle.importance_sampling import Drug, Known
from pipelines.laboratory.oracle.sets import Floats
from pipelines.laboratory.simulate import history, notes
from pipelines.laboratory.simulate.clinic import SimulatedPatient
from pipelines.laboratory.simulate.likelihoods import Likelihoods

KINDS = ("history", "image", "measurements", "notes")
"""The kinds of evidence that every cohort has, by the names that the product's modalities have."""

_STEP = 2.5


def present(patient: SimulatedPatient) -> frozenset[str]:
    """The kinds of evidence that a case has, further senses too."""
    there = {
        "history": patient.sex is not None,
        "image": patient.radiograph is not None,
        "measurements": bool(patient.measurements),
        "notes": patient.report is not None,
    }
    return frozenset(kind for kind in KINDS if there[kind]) | frozenset(patient.recorded)


def known(patient: SimulatedPatient, kinds: frozenset[str], table: Likelihoods) -> Known:
    """All that these kinds of evidence state of the person, apart from signs and findings."""
    facts = Known(
        illnesses=np.zeros((2, len(table.background))),
        again=patient.patient_id[-6:] != patient.case_id[-6:],
    )
    if "history" in kinds:
        facts = _from_history(facts, patient, table)
    if "notes" in kinds:
        facts = _from_report(facts, patient, table)
    if "image" in kinds and patient.radiograph is not None:
        spec = patient.radiograph
        facts = replace(
            facts,
            sex=spec.sex,
            age=spec.age_years,
            bmi=spec.bmi,
            obese=(1.0, 1.0),
            severity=radiograph.severity_bounds(spec),
        )
    return facts


def _from_history(facts: Known, patient: SimulatedPatient, table: Likelihoods) -> Known:
    coding = table.sites[patient.site].coding
    codes = {event.code for event in patient.events}
    habit = history.coded(history.HABIT_CODED, coding)
    smokes = bool({history.CURRENT_CODE, history.FORMER_CODE} & codes)
    obese = history.OBESITY_CODE in codes
    return replace(
        facts,
        sex=patient.sex,
        years=patient.age_years,
        illnesses=facts.illnesses + recorded(codes, table, coding),
        drugs=drugs(codes, table, coding),
        smoker=(0.0, habit) if smokes else (1.0, 1 - habit),
        obese=(0.0, habit) if obese else (1.0, 1 - habit),
    )


def recorded(codes: set[str], table: Likelihoods, coding: float) -> Floats:
    """Log likelihood of each illness's code, there or not: (absent, present) by B."""
    likelihood = np.zeros((2, len(table.background)))
    for row, illness in enumerate(table.background.values()):
        chance = history.coded(illness.recorded, coding)
        if illness.code in codes:
            likelihood[:, row] = -np.inf, np.log(chance)
        else:
            likelihood[1, row] = np.log1p(-chance)
    return likelihood


def drugs(codes: set[str], table: Likelihoods, coding: float) -> tuple[Drug, ...]:
    """Each of `drug_codes` with those who take it."""
    illnesses = list(table.background.values())
    return tuple(
        Drug(
            tuple(
                (row, history.coded(share, coding))
                for row, illness in enumerate(illnesses)
                for other, _, share in illness.drugs
                if other == code
            ),
            code in codes,
        )
        for code in drug_codes(table)
    )


def drug_codes(table: Likelihoods) -> tuple[str, ...]:
    """The drugs that somebody takes, in table order."""
    every = (code for illness in table.background.values() for code, _, _ in illness.drugs)
    return tuple(dict.fromkeys(every))


def _from_report(facts: Known, patient: SimulatedPatient, table: Likelihoods) -> Known:
    report = patient.report
    if report is None:
        return facts
    smoker, bounds = facts.smoker, facts.pack_years
    if report.pack_years is not None:
        smokes = report.pack_years > 0
        smoker = (0.0, 1.0) if smokes else (1.0, 0.0)
        low = report.pack_years - _STEP if report.pack_years > 2 * _STEP else 0.0
        bounds = (low, report.pack_years + _STEP) if smokes else None
    return replace(
        facts,
        sex=report.sex,
        years=report.age_years,
        illnesses=facts.illnesses + mentioned(report, table),
        smoker=smoker,
        pack_years=bounds,
    )


def mentioned(report: notes.Report, table: Likelihoods) -> Floats:
    """Log likelihood of what a note says of each illness: (absent, present) by B."""
    likelihood = np.zeros((2, len(table.background)))
    for row, key in enumerate(table.background):
        if key in report.background:
            likelihood[:, row] = -np.inf, np.log(notes.BACKGROUND_TOLD)
        elif key in report.denied:
            likelihood[:, row] = np.log(notes.BACKGROUND_DENIED), -np.inf
        else:
            silent = 1 - notes.BACKGROUND_DENIED * (key in notes.deniable())
            likelihood[:, row] = np.log(silent), np.log(1 - notes.BACKGROUND_TOLD)
    return likelihood
