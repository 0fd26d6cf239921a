"""What a measurement says about an analyte: an interval on the scale of its likelihood.

A reported value stands for all values that round to it in the unit of the report; one at the end of
the measuring range for all beyond it. Derived analytes say something of those they derive from only
where these are missing from the same sample: then they are turned into a substitute observation
with the variance of the derivation (first order; two moments for pO2), as if the derivations of two
samples of one patient were independent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from pipelines.laboratory.oracle.sets import Floats
from pipelines.laboratory.simulate.laboratory import (
    DIASTOLIC,
    OTHER_CELLS,
    PK,
    SATURATED,
    SOLUBILITY,
    WITHIN_PERSON,
    RawMeasurement,
    oxygen_tension,
)
from pipelines.laboratory.simulate.likelihoods import Analyte, Likelihoods, ReportedUnit, Site

OWN_NOISE = 1 + WITHIN_PERSON**2
"""Variance of one value of one patient, in squares of the analyte's spread."""


@dataclass(frozen=True)
class Reading:
    """One value.

    Attributes:
        low, high: ends of the interval it stands for, on the analyte's scale (natural logarithm of
            the value, of the distance to the ceiling, or the value); may be infinite.
        hours: before the decision.
        variance: of a substitute observation, beside rounding; 0 for a measured value.
    """

    low: float
    high: float
    hours: float
    variance: float = 0.0

    @property
    def middle(self) -> float:
        """Centre of the interval."""
        return (self.low + self.high) / 2

    @property
    def width(self) -> float:
        """Length of the interval."""
        return self.high - self.low


@dataclass(frozen=True)
class _Value:
    """A value in the table's unit and half the step it was rounded to."""

    value: float
    half: float


def read(
    rows: Sequence[RawMeasurement], decided: datetime, site: Site, table: Likelihoods
) -> dict[str, list[Reading]]:
    """The readings of each analyte that is not derived, substitutes among them."""
    keys = {_reported(key, analyte, site).code: key for key, analyte in table.analytes.items()}
    samples: dict[tuple[str, datetime], dict[str, _Value]] = defaultdict(dict)
    for row in rows:
        key = keys[row.code]
        unit = _reported(key, table.analytes[key], site)
        half = 0.5 * 10.0**-unit.decimals / unit.factor
        found = _Value(float(row.value) / unit.factor, half)
        samples[table.analytes[key].panel, row.time][key] = found
    readings: dict[str, list[Reading]] = defaultdict(list)
    for (_, time), values in samples.items():
        hours = (decided - time).total_seconds() / 3600
        for key, value in values.items():
            if table.analytes[key].scale != "derived":
                readings[key].append(_interval(table.analytes[key], value, hours))
        for key, middle, variance in _substitutes(values, table):
            readings[key].append(Reading(middle, middle, hours, variance))
    return dict(readings)


def panels_seen(rows: Sequence[RawMeasurement], site: Site, table: Likelihoods) -> frozenset[str]:
    """Panels with at least one row."""
    panels = {_reported(key, a, site).code: a.panel for key, a in table.analytes.items()}
    return frozenset(panels[row.code] for row in rows)


def _reported(key: str, analyte: Analyte, site: Site) -> ReportedUnit:
    own = ReportedUnit(analyte.code, analyte.unit, 1.0, analyte.decimals)
    return site.units.get(key, own)


def _interval(analyte: Analyte, value: _Value, hours: float) -> Reading:
    low, high = value.value - value.half, value.value + value.half
    low = -np.inf if low <= analyte.low else low
    high = np.inf if high >= analyte.high else high
    if analyte.scale == "gap":
        low, high = analyte.ceiling - high, analyte.ceiling - low
    if analyte.scale != "linear":
        low = float(np.log(low)) if low > 0 else -np.inf
        high = float(np.log(high))
    return Reading(low, high, hours)


def _rounding(value: _Value) -> float:
    return value.half**2 / 3


def _substitutes(
    values: Mapping[str, _Value], table: Likelihoods
) -> Iterator[tuple[str, float, float]]:
    """Analyte, middle and variance on its scale, for each that only a derived value tells of."""
    if "diastolic" in values and "systolic" not in values:
        noise = table.analytes["diastolic"].spread ** 2 * OWN_NOISE
        pressure, (base, slope) = values["diastolic"], DIASTOLIC
        yield "systolic", (pressure.value - base) / slope, (noise + _rounding(pressure)) / slope**2
    if "leukocytes" in values:
        yield from _missing_cells(values, table)
    if "ph" in values:
        yield from _missing_gas(values, table)
    if "po2" in values:
        found = _saturation(values["po2"], table)
        if found is not None:
            yield "spo2", *found


def _missing_cells(
    values: Mapping[str, _Value], table: Likelihoods
) -> Iterator[tuple[str, float, float]]:
    noise = table.analytes["leukocytes"].spread ** 2 * OWN_NOISE
    rest = OTHER_CELLS * float(np.exp(noise / 2))
    for missing, other in (("neutrophils", "lymphocytes"), ("lymphocytes", "neutrophils")):
        if missing in values or other not in values:
            continue
        count = values["leukocytes"].value - values[other].value - rest
        variance = rest**2 * np.expm1(noise)
        variance += _rounding(values["leukocytes"]) + _rounding(values[other])
        if count > 3 * np.sqrt(variance):
            yield missing, float(np.log(count)), float(variance / count**2)


def _missing_gas(
    values: Mapping[str, _Value], table: Likelihoods
) -> Iterator[tuple[str, float, float]]:
    ph = values["ph"]
    decades = table.analytes["ph"].spread ** 2 * OWN_NOISE + _rounding(ph)
    ratio = SOLUBILITY * 10 ** (ph.value - PK)
    variance = np.log(10) ** 2 * decades
    if "pco2" not in values and "bicarbonate" in values:
        base = values["bicarbonate"]
        variance += _rounding(base) / base.value**2
        yield "pco2", float(np.log(base.value / ratio)), float(variance)
    if "bicarbonate" not in values and "pco2" in values:
        acid = values["pco2"]
        variance += _rounding(acid) / acid.value**2
        expected = ratio * acid.value
        yield "bicarbonate", float(expected), float(variance * expected**2)


def _saturation(value: _Value, table: Likelihoods) -> tuple[float, float] | None:
    """The saturation in the same sample on its scale, by matching two moments.

    The curve is flat where blood is saturated, so the likelihood is first put on a wide normal
    (the spread of all patients), and that normal is then taken out again.
    """
    saturation = table.analytes["spo2"]
    centre, wide = float(np.log(saturation.base)) + 0.3, 0.6
    scale = np.linspace(centre - 4 * wide, centre + 4 * wide, 241)
    share = np.clip(saturation.ceiling - np.exp(scale), saturation.low, SATURATED)
    noise = table.analytes["po2"].spread ** 2 * OWN_NOISE + _rounding(value) / value.value**2
    error = np.log(value.value) - np.log(_tension(share))
    weight = np.exp(-0.5 * error**2 / noise - 0.5 * ((scale - centre) / wide) ** 2)
    weight /= weight.sum()
    mean = float(weight @ scale)
    precision = 1 / float(weight @ (scale - mean) ** 2) - 1 / wide**2
    if precision < 0.1:
        return None
    middle = (mean * (precision + 1 / wide**2) - centre / wide**2) / precision
    return middle, 1 / precision


def _tension(share: Floats) -> Floats:
    return np.array([oxygen_tension(float(s)) for s in share])
