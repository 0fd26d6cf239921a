"""Likelihoods of measured values against integrals over the rectangle that rounding leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from small_clinics import MIMIC, PACKAGED, A, clinic, condition

from pipelines.laboratory.oracle import measurements
from pipelines.laboratory.oracle.importance_sampling import Known, Tilt, draw
from pipelines.laboratory.oracle.posterior import prepare
from pipelines.laboratory.oracle.readings import Reading, read
from pipelines.laboratory.simulate.laboratory import (
    EARLIER,
    WITHIN_PERSON,
    RawMeasurement,
    oxygen_tension,
)
from pipelines.laboratory.simulate.likelihoods import Analyte, Likelihoods

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)

CRP = Analyte(
    "1988-5", "mg/L", "blood", "log", 0.9, 1, 0.3, 600, "test",
    base=4.0, latent={"inflammation": 0.5}, given={A: 12.0},
)  # fmt: skip
HEAT = Analyte(
    "8310-5", "Cel", "vitals", "linear", 0.4, 1, 34.0, 41.5, "test",
    base=36.7, latent={"inflammation": 0.2, "renal": -0.1}, given={A: 1.1},
)  # fmt: skip
PEPTIDE = Analyte(
    "33762-6", "pg/mL", "blood", "log", 0.8, 0, 60, 70000, "test",
    base=100.0, latent={"renal": 0.4}, given={MIMIC: 3.0},
)  # fmt: skip
TABLE = clinic(
    analytes={"crp": CRP, "temperature": HEAT, "nt_probnp": PEPTIDE},
    panels={"vitals": PACKAGED.panels["vitals"], "blood": PACKAGED.panels["crp"]},
    conditions={A: condition(0.0), MIMIC: condition(0.0, kind="mimic")},
)
KEYS = {"crp": CRP, "temperature": HEAT, "nt_probnp": PEPTIDE}


@dataclass(frozen=True)
class Row:
    key: str
    value: str
    hours: float

    def raw(self) -> RawMeasurement:
        analyte = KEYS[self.key]
        time = NOW - timedelta(hours=self.hours)
        return RawMeasurement(analyte.code, self.value, analyte.unit, time)


def by_rectangle(rows: list[Row], condition_name: str) -> float:
    """Log probability of the rounded values: all normals are one multivariate normal."""
    low, high, mean, loadings, own = [], [], [], [], []
    for row in rows:
        analyte = KEYS[row.key]
        half = 0.5 * 10.0**-analyte.decimals
        ends = [float(row.value) - half, float(row.value) + half]
        bounds = [
            -np.inf if ends[0] <= analyte.low else ends[0],
            np.inf if ends[1] >= analyte.high else ends[1],
        ]
        effect = analyte.given.get(condition_name, 0.0)
        base = analyte.base
        if analyte.scale == "log":
            bounds = [np.log(b) if b > 0 else -np.inf for b in bounds]
            base, effect = np.log(base), np.log(effect or 1.0)
        low.append(bounds[0])
        high.append(bounds[1])
        mean.append(base + effect * (1 - EARLIER * row.hours))
        loadings.append([analyte.latent.get(name, 0.0) for name in ("inflammation", "renal")])
        own.append(analyte.spread)
    same = np.array([[a.key == b.key for a in rows] for b in rows])
    covariance = np.array(loadings) @ np.array(loadings).T
    covariance += same * np.outer(own, own) + np.diag((WITHIN_PERSON * np.array(own)) ** 2)
    law = multivariate_normal(np.array(mean), covariance, seed=0, abseps=1e-9, maxpts=400_000)
    return float(np.log(law.cdf(np.array(high), lower_limit=np.array(low))))


def by_oracle(rows: list[Row]) -> dict[str, float]:
    """Log likelihood of the rows for each condition, up to a constant."""
    sets = prepare(TABLE).sets["A"]
    known = Known(illnesses=np.zeros((2, 0)), sex="male", age=60.0)
    people = draw(TABLE, known, Tilt(), 4, np.random.default_rng(0), {})
    people.severity[:] = 0.0
    total = np.zeros((len(sets.members), 4))
    site = TABLE.sites["A"]
    readings = read([row.raw() for row in rows], NOW, site, TABLE)
    measurements.add_values(total, measurements.blocks(readings, site, TABLE, sets, people))
    return {
        name: float(total[sets.members[:, column], 0][0]) for column, name in enumerate(sets.names)
    }


@pytest.mark.parametrize(
    "rows",
    [
        [Row("crp", "31.4", 2)],
        [Row("crp", "31.4", 2), Row("crp", "18.0", 30)],
        [Row("crp", "31.4", 2), Row("temperature", "38.1", 1)],
        [Row("temperature", "38.1", 1), Row("temperature", "37.4", 5), Row("crp", "9.2", 9)],
        # At the end of the range: all values up to it.
        [Row("nt_probnp", "60", 3)],
        [Row("nt_probnp", "60", 3), Row("crp", "4.1", 3)],
        [Row("nt_probnp", "60", 3), Row("nt_probnp", "85", 9), Row("crp", "4.1", 3)],
        [Row("nt_probnp", "60", 3), Row("nt_probnp", "60", 9), Row("temperature", "37.0", 3)],
        # 0.4 stands for 0.35 to 0.45; 0.3, the end of the range, for all below 0.35.
        [Row("crp", "0.4", 2), Row("temperature", "36.2", 2)],
        [Row("crp", "0.3", 2), Row("temperature", "36.2", 2)],
    ],
    ids=lambda rows: "-".join(f"{row.key}{row.value}" for row in rows),
)
def test_values_by_integration(rows: list[Row]) -> None:
    found = by_oracle(rows)
    expected = by_rectangle(rows, A) - by_rectangle(rows, MIMIC)
    assert found[A] - found[MIMIC] == pytest.approx(expected, abs=0.01)


def test_wide_intervals_are_integrated_not_approximated() -> None:
    coarse = replace(CRP, spread=0.2)
    assert not measurements.is_narrow(Reading(np.log(0.35), np.log(0.45), 1), coarse)
    assert measurements.is_narrow(Reading(np.log(30.0), np.log(30.1), 1), coarse)


def test_a_reading_stands_for_what_rounds_to_it_in_the_unit_of_the_site() -> None:
    table = PACKAGED
    for name, value, expected in (("A", "106", (105.5, 106.5)), ("B", "5.9", (5.85, 5.95))):
        site = table.sites[name]
        unit = site.units.get("glucose")
        code, factor = (unit.code, unit.factor) if unit else ("2345-7", 1.0)
        row = RawMeasurement(code, value, unit.unit if unit else "mg/dL", NOW)
        (reading,) = read([row], NOW, site, table)["glucose"]
        ends = np.exp([reading.low, reading.high]) * factor
        assert ends == pytest.approx(expected)


def test_a_full_saturation_is_any_distance_below_the_ceiling() -> None:
    row = RawMeasurement("59408-5", "100", "%", NOW)
    (reading,) = read([row], NOW, PACKAGED.sites["A"], PACKAGED)["spo2"]
    assert reading.low == -np.inf
    assert np.exp(reading.high) == pytest.approx(100.4 - 99.5)


def values(table: Likelihoods, **by_key: str) -> list[RawMeasurement]:
    return [
        RawMeasurement(table.analytes[key].code, value, table.analytes[key].unit, NOW)
        for key, value in by_key.items()
    ]


def test_a_derived_value_speaks_for_one_that_is_missing_and_only_then() -> None:
    site = PACKAGED.sites["A"]
    both = read(values(PACKAGED, systolic="120", diastolic="74"), NOW, site, PACKAGED)
    assert [reading.variance for reading in both["systolic"]] == [0.0]
    (alone,) = read(values(PACKAGED, diastolic="74"), NOW, site, PACKAGED)["systolic"]
    assert alone.middle == pytest.approx(120)
    assert alone.variance**0.5 == pytest.approx(7 * 1.044 / 0.45, rel=0.01)


def test_substitutes_are_where_the_missing_value_was() -> None:
    """Derive pH, pO2 and the white count as the laboratory does, hide a part, find it again."""
    site, table = PACKAGED.sites["A"], PACKAGED
    ph = 6.1 + np.log10(26.0 / (0.0307 * 50.0))
    gas = read(values(table, ph=f"{ph:.2f}", pco2="50"), NOW, site, table)["bicarbonate"]
    assert gas[0].middle == pytest.approx(26.0, abs=0.4)
    acid = read(values(table, ph=f"{ph:.2f}", bicarbonate="26.0"), NOW, site, table)["pco2"]
    assert np.exp(acid[0].middle) == pytest.approx(50, rel=0.02)
    cells = read(values(table, leukocytes="11.3", neutrophils="9.10"), NOW, site, table)
    assert np.exp(cells["lymphocytes"][0].middle) == pytest.approx(1.6, abs=0.05)
    for saturation in (82.0, 90.0, 95.0):
        tension = f"{oxygen_tension(saturation):.0f}"
        (found,) = read(values(table, po2=tension), NOW, site, table)["spo2"]
        assert found.middle == pytest.approx(
            np.log(100.4 - saturation), abs=0.6 * found.variance**0.5
        )
        assert 0.02 < found.variance**0.5 < 0.6
