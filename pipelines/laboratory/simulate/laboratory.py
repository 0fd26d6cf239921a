"""Vital signs and laboratory values of a visit, with the gaps of a real chart.

All analytes of a patient share latents (renal function, inflammation, severity), so urea moves with
creatinine and NT-proBNP. pH follows from pCO2 and bicarbonate, pO2 from the saturation, the white
count from its parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from clinical.case.shapes import Sex
from pipelines.laboratory.simulate.design import Missing
from pipelines.laboratory.simulate.likelihoods import Analyte, Likelihoods, Site
from pipelines.laboratory.simulate.person import Person, logistic

WITHIN_PERSON = 0.3
"""Spread between two samples of one patient, as a share of the spread between patients."""

VITALS = "vitals"

DIASTOLIC = (20.0, 0.45)
"""Diastolic pressure: mm[Hg] at a systolic of 0, and for each mm[Hg] of it."""

OTHER_CELLS = 0.6
"""Median white cells that are neither neutrophils nor lymphocytes, 10*3/uL."""

PK, SOLUBILITY = 6.1, 0.0307
"""Of carbon dioxide in plasma; mmol/L per mm[Hg]."""

SATURATED = 98.5
"""Percent of saturation that is the most a tension is derived from."""

EARLIER = 0.006
"""Share of an illness's effect that was not there yet, for each hour before the decision."""


@dataclass(frozen=True)
class RawMeasurement:
    """One row of measurements.csv, as the laboratory wrote it."""

    code: str
    value: str
    unit: str
    time: datetime


@dataclass(frozen=True)
class Physiology:
    """Everything of a visit that moves analytes.

    Attributes:
        person: the patient.
        causes: condition to intensity; background illnesses count as 1.
        latents: standard normal `severity`, `inflammation`, `renal`.
    """

    person: Person
    causes: Mapping[str, float]
    latents: Mapping[str, float]


def draw_measurements(
    rng: np.random.Generator,
    physiology: Physiology,
    site: Site,
    decision_time: datetime,
    table: Likelihoods,
    missing: Missing = "mnar",
) -> tuple[RawMeasurement, ...]:
    """Draw the chart of up to 48 h before `decision_time`, oldest first.

    Vital signs are the first panel; under "mar" they decide with what probability others follow.
    """
    offsets = patient_offsets(rng, table)
    rows: list[RawMeasurement] = []
    vitals: dict[str, float] = {}
    for name in table.panels:
        chance, hours_of = rng.random(), _sample_times(rng, name, table)
        if missing != "none" and chance >= ordered(name, physiology, site, table, missing, vitals):
            continue
        for hours in hours_of:
            values = _values(rng, hours, offsets, physiology, _needed(table, name))
            time = decision_time - timedelta(minutes=round(hours * 60))
            for key, value in values.items():
                lost = rng.random() < table.visit.single_value_lost and missing != "none"
                if table.analytes[key].panel == name and not lost:
                    rows.append(_reported(key, table.analytes[key], value, site, time))
                    if name == VITALS:
                        vitals.setdefault(key, round(value, table.analytes[key].decimals))
    return tuple(sorted(rows, key=lambda row: row.time))


def patient_offsets(rng: np.random.Generator, table: Likelihoods) -> dict[str, float]:
    """Analyte to the offset of the patient at a visit, a standard normal: drawn first of all."""
    return {key: float(rng.standard_normal()) for key in table.analytes}


def ordered(
    panel: str,
    physiology: Physiology,
    site: Site,
    table: Likelihoods,
    missing: Missing,
    vitals: Mapping[str, float],
) -> float:
    """Probability that `panel` is measured at all.

    Args:
        panel: its name.
        physiology: read under "mnar" only.
        site: its habits count under "mar" and "mnar".
        table: bases and slopes.
        missing: the design.
        vitals: latest vital signs that reached the chart; read under "mar" only.
    """
    entry = table.panels[panel]
    odds = float(np.log(entry.base / (1 - entry.base)))
    if missing == "mcar":
        return logistic(odds)
    odds += site.measured.get(panel, 0.0)
    if missing == "mar":
        alarm = (early_warning(vitals) - 3) / 2.5 if vitals and panel != VITALS else 0.0
        return logistic(odds + entry.severity * float(np.clip(alarm, -1.2, 3)))
    return logistic(odds + entry.severity * physiology.latents["severity"])


_WARNING = {
    "respiratory_rate": ((8, 3), (11, 1), (20, 0), (24, 2), (np.inf, 3)),
    "spo2": ((91, 3), (93, 2), (95, 1), (np.inf, 0)),
    "systolic": ((90, 3), (100, 2), (110, 1), (219, 0), (np.inf, 3)),
    "heart_rate": ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (np.inf, 3)),
    "temperature": ((35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1), (np.inf, 2)),
}
"""Upper ends and points of NEWS2 (Royal College of Physicians 2017), without consciousness."""


def early_warning(vitals: Mapping[str, float]) -> int:
    """National Early Warning Score 2 of the vital signs available; those not taken count 0."""
    return sum(
        next(points for end, points in steps if vitals[key] <= end)
        for key, steps in _WARNING.items()
        if key in vitals
    )


def _sample_times(rng: np.random.Generator, name: str, table: Likelihoods) -> list[float]:
    """Hours before the decision, latest first, should the panel be measured."""
    panel = table.panels[name]
    count = 1 + int(rng.random() < panel.again) + int(rng.random() < panel.again**2)
    return sorted(float(h) for h in rng.uniform(*panel.hours, size=count))


def _needed(table: Likelihoods, panel: str) -> dict[str, Analyte]:
    """The analytes of a panel and the saturation, which the blood gas follows."""
    return {
        key: analyte
        for key, analyte in table.analytes.items()
        if analyte.panel == panel or key == "spo2"
    }


def _values(
    rng: np.random.Generator,
    hours: float,
    offsets: Mapping[str, float],
    physiology: Physiology,
    analytes: Mapping[str, Analyte],
) -> dict[str, float]:
    """The given analytes in the table's units, `hours` before the decision."""
    values = {}
    noise = {}
    for key, analyte in analytes.items():
        noise[key] = analyte.spread * (offsets[key] + WITHIN_PERSON * float(rng.standard_normal()))
        if analyte.scale != "derived":
            values[key] = clipped(analyte, drawn(analyte, noise[key], hours, physiology))
    _derive(values, noise)
    return {key: clipped(analytes[key], value) for key, value in values.items()}


def drawn(analyte: Analyte, noise: float, hours: float, physiology: Physiology) -> float:
    """One analyte from its likelihood; log and gap scales work on natural logarithms."""
    decades = (physiology.person.age_years - 60) / 10
    grown = 1 - EARLIER * hours
    latent = sum(c * physiology.latents[name] for name, c in analyte.latent.items())
    own = _own_term(analyte, physiology.person.sex)
    if analyte.scale == "linear":
        shift = sum(
            analyte.given[cause] * intensity
            for cause, intensity in physiology.causes.items()
            if cause in analyte.given
        )
        ageing = (analyte.per_decade or 0.0) * decades
        return analyte.base + own + ageing + latent + shift * grown + noise
    factor = sum(
        np.log(analyte.given[cause]) * intensity
        for cause, intensity in physiology.causes.items()
        if cause in analyte.given
    )
    ageing = np.log(analyte.per_decade or 1.0) * decades
    magnitude = float(analyte.base * np.exp(own + ageing + latent + factor * grown + noise))
    return analyte.ceiling - magnitude if analyte.scale == "gap" else magnitude


def _own_term(analyte: Analyte, sex: Sex) -> float:
    value = analyte.female if sex == "female" else analyte.male
    if value is None:
        return 0.0
    return value if analyte.scale == "linear" else float(np.log(value))


def _derive(values: dict[str, float], noise: Mapping[str, float]) -> None:
    """Add the analytes among `noise` that follow from others."""
    if "diastolic" in noise:
        values["diastolic"] = DIASTOLIC[0] + DIASTOLIC[1] * values["systolic"] + noise["diastolic"]
    if "leukocytes" in noise:
        others = float(OTHER_CELLS * np.exp(noise["leukocytes"]))
        values["leukocytes"] = values["neutrophils"] + values["lymphocytes"] + others
    if "ph" in noise:
        acid = float(np.log10(values["bicarbonate"] / (SOLUBILITY * values["pco2"])))
        values["ph"] = PK + acid + noise["ph"]
    if "po2" in noise:
        values["po2"] = oxygen_tension(min(values["spo2"], SATURATED)) * float(np.exp(noise["po2"]))


def oxygen_tension(saturation: float) -> float:
    """pO2 in mm[Hg] at a saturation in percent below 100 (Severinghaus 1979, inverted).

    The curve is S = 1 / (23400 / (p^3 + 150 p) + 1); its cubic has one real root.
    """
    share = saturation / 100
    c = 23400 * share / (1 - share)
    root = np.sqrt(c**2 / 4 + 50.0**3)
    return float(np.cbrt(c / 2 + root) + np.cbrt(c / 2 - root))


def clipped(analyte: Analyte, value: float) -> float:
    """The value, or the end of the measuring range that it lies beyond."""
    return float(np.clip(value, analyte.low, analyte.high))


def _reported(
    key: str, analyte: Analyte, value: float, site: Site, time: datetime
) -> RawMeasurement:
    if key in site.units:
        other = site.units[key]
        return RawMeasurement(
            other.code, f"{value * other.factor:.{other.decimals}f}", other.unit, time
        )
    return RawMeasurement(analyte.code, f"{value:.{analyte.decimals}f}", analyte.unit, time)
