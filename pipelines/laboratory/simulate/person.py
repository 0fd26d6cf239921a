"""Who comes to the clinic, and what is wrong with them: the top of the generative model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from clinical.case.shapes import Sex
from pipelines.laboratory.simulate.likelihoods import Likelihoods, Site

LEAVES_BEHIND = {
    "heart_failure": "chronic_heart_failure",
    "pulmonary_embolism": "prior_thrombosis",
    "pneumothorax": "previous_pneumothorax",
    "copd_exacerbation": "copd",
    "lung_mass": "lung_cancer",
}
"""What an earlier visit's diagnosis adds to the background of the next visit."""

INTENSITY = (0.25, 2.2)
"""Where the log-normal intensity of a condition is clipped."""


@dataclass(frozen=True)
class Person:
    """What stays the same over the visits of one patient, except age.

    Attributes:
        sex: as recorded for clinical use.
        age_years: at the visit.
        bmi: kg/m2.
        pack_years: 0 for those who never smoked.
        background: keys of chronic illnesses and exposures.
        renal: standard normal latent; high is a poor kidney function.
    """

    sex: Sex
    age_years: float
    bmi: float
    pack_years: float
    background: frozenset[str]
    renal: float


def draw_person(rng: np.random.Generator, table: Likelihoods) -> Person:
    """Draw a patient as of the first visit."""
    demographics = table.demographics
    sex: Sex = "male" if rng.random() < demographics.male else "female"
    hump = demographics.young if rng.random() < demographics.young["share"] else demographics.old
    low, high = demographics.age_range
    age = float(np.clip(rng.normal(hump["mean"], hump["sd"]), low, high))
    bmi_prior = demographics.bmi
    bmi = float(
        np.clip(rng.normal(bmi_prior["mean"], bmi_prior["sd"]), bmi_prior["low"], bmi_prior["high"])
    )
    smoker = rng.random() < demographics.ever_smoker[sex]
    amount = demographics.pack_years["median"] * np.exp(
        demographics.pack_years["spread"] * rng.standard_normal()
    )
    # Nobody smokes more than two packs a day from 15 on.
    pack_years = float(min(amount, 2 * max(age - 15, 1))) if smoker else 0.0
    person = Person(sex, age, bmi, pack_years, frozenset(), float(rng.standard_normal()))
    return replace(person, background=_draw_background(rng, person, table))


def _draw_background(
    rng: np.random.Generator, person: Person, table: Likelihoods
) -> frozenset[str]:
    units = risk_units(person)
    present = set()
    for key, illness in table.background.items():
        odds = illness.odds + sum(
            getattr(illness, name) * units[name] for name in ("age", "male", "pack_years", "bmi")
        )
        if rng.random() < logistic(odds):
            present.add(key)
    return frozenset(present)


def later(person: Person, years: float, earlier: frozenset[str]) -> Person:
    """The same person `years` after a visit with the diagnoses `earlier`."""
    added = {LEAVES_BEHIND[name] for name in earlier if name in LEAVES_BEHIND}
    return replace(person, age_years=person.age_years + years, background=person.background | added)


def risk_units(person: Person) -> dict[str, float]:
    """The person in the risk units of the table."""
    return {
        "age": (person.age_years - 60) / 10,
        "male": float(person.sex == "male"),
        "pack_years": person.pack_years / 20,
        "bmi": (person.bmi - 26) / 5,
        **dict.fromkeys(person.background, 1.0),
    }


def draw_conditions(
    rng: np.random.Generator, person: Person, severity: float, site: Site, table: Likelihoods
) -> dict[str, float]:
    """Draw what is wrong at this visit: condition to intensity (log-normal around 1)."""
    units = risk_units(person)
    weights = np.array(
        [
            condition.weight
            + site.prevalence.get(key, 0.0)
            + sum(odds * units.get(name, 0.0) for name, odds in condition.risk.items())
            for key, condition in table.conditions.items()
        ]
    )
    shares = np.exp(weights - weights.max())
    active = [list(table.conditions)[int(rng.choice(len(shares), p=shares / shares.sum()))]]
    for key, condition in table.conditions.items():
        chance = rng.random()
        if key in active or condition.requires not in ("", *person.background):
            continue
        if chance < noisy_or(0.0, condition.follows, dict.fromkeys(active, 1.0)):
            active.append(key)
    visit = table.visit
    return {
        key: float(
            np.clip(
                np.exp(
                    visit.intensity_severity * severity
                    + visit.intensity_spread * rng.standard_normal()
                ),
                *INTENSITY,
            )
        )
        for key in active
    }


def noisy_or(base: float, given: Mapping[str, float], causes: Mapping[str, float]) -> float:
    """Probability of an effect of independent causes.

    Each present cause alone would bring it about with `given[cause]`. An intensity below 1 makes
    that less likely: 1 - (1 - p) ** intensity; above 1 it adds nothing.
    """
    spared = 1 - base
    for cause, probability in given.items():
        if cause in causes:
            spared *= (1 - probability) ** min(causes[cause], 1.0)
    return 1 - spared


def logistic(log_odds: float) -> float:
    """Probability of log odds."""
    return float(1 / (1 + np.exp(-log_odds)))
