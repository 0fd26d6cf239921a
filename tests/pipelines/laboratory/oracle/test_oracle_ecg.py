"""The oracle's part of the electrocardiogram: by hand, and calibrated on what the clinic draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import beta

from pipelines.laboratory.oracle import ecg as oracle_ecg
from pipelines.laboratory.oracle.importance_sampling import Known, People, Tilt, draw
from pipelines.laboratory.oracle.posterior import Oracle, posterior, prepare
from pipelines.laboratory.oracle.sets import ConditionSets
from pipelines.laboratory.simulate import likelihoods
from pipelines.laboratory.simulate.clinic import draw_patient
from pipelines.laboratory.simulate.design import Design
from pipelines.laboratory.simulate.ecg import heart as ecg
from pipelines.laboratory.simulate.ecg.heart import OBESITY, EcgSpec
from pipelines.laboratory.simulate.imaging import EXTENT_POWER
from pipelines.laboratory.simulate.person import noisy_or

TABLE, ECG = likelihoods.load(), ecg.load()
HEART = ecg.draw_heart(np.random.default_rng(0))
WITH = Design("none", senses=("ecg",))


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return prepare(TABLE)


def people_of(count: int = 64) -> People:
    nothing = Known(illnesses=np.zeros((2, len(TABLE.background))))
    return draw(TABLE, nothing, Tilt(), count, np.random.default_rng(1), {})


def spec(rate: int = 90, **findings: float) -> EcgSpec:
    return EcgSpec(findings, rate, "inferior", 2.0, HEART, ECG.device("A"))


def causes(sets: ConditionSets, row: int, people: People, column: int) -> dict[str, float]:
    """What one set of conditions in one person amounts to, with intensities."""
    found = {
        name: float(people.intensity[people.conditions.index(name), column])
        for name, there in zip(sets.names, sets.members[row], strict=True)
        if there
    }
    ill = people.background[:, column]
    found |= {name: 1.0 for name, there in zip(people.names, ill, strict=True) if there}
    return found | ({OBESITY: 1.0} if people.bmi[column] >= 30 else {})


@pytest.mark.parametrize("finding", list(ECG.findings))
@pytest.mark.parametrize("seen", [False, True])
def test_a_finding_is_as_likely_as_it_is_drawn(oracle: Oracle, finding: str, seen: bool) -> None:
    sets, people = oracle.sets["A"], people_of()
    entry = ECG.findings[finding]
    low, high = entry.extent["low"], entry.extent["high"]
    extent = low + 0.4 * (high - low)
    shown = spec(**({finding: extent} if seen else {}))
    factor = next(f for f in oracle_ecg.factors(shown, TABLE, sets, people) if finding in f.name)
    values = factor.values[factor.rows]
    if values.shape[0] == 1:
        values = np.repeat(values, len(sets.members), axis=0)
    rng = np.random.default_rng(2)
    by_hand, said = [], []
    for row, column in zip(rng.integers(len(sets.members), size=60), range(60), strict=True):
        there = causes(sets, int(row), people, column)
        chance = noisy_or(entry.base, entry.given, dict.fromkeys(there, 1.0))
        if seen:
            strength = max((there[c] for c in entry.given if c in there), default=1.0)
            law = beta(entry.extent["a"] * strength**EXTENT_POWER, entry.extent["b"])
            by_hand.append(np.log(chance) + law.logpdf(0.4))
        else:
            by_hand.append(np.log(1 - chance))
        said.append(values[row, column])
    # A factor may leave out what is the same for all.
    difference = np.array(said) - np.array(by_hand)
    np.testing.assert_allclose(difference, difference[0], atol=1e-6)
    assert seen or difference[0] == pytest.approx(0, abs=1e-9)


def test_the_rate_is_one_more_reading_of_the_heart_rate() -> None:
    found = oracle_ecg.readings(spec(rate=112), TABLE)
    assert list(found) == ["heart_rate"]
    (reading,) = found["heart_rate"]
    assert (reading.low, reading.high, reading.hours) == (111.5, 112.5, 2.0)
    limit = round(TABLE.analytes["heart_rate"].high)
    assert oracle_ecg.readings(spec(rate=limit), TABLE)["heart_rate"][0].high == np.inf
    assert oracle_ecg.readings(spec(rate=35), TABLE)["heart_rate"][0].low == -np.inf


def told(shown: EcgSpec, oracle: Oracle) -> Mapping[str, float]:
    """Probability of each label from the electrocardiogram alone, of a patient of site A."""
    patient = next(p for p in (draw_patient(11, n) for n in range(50)) if p.site == "A")
    alone = replace(patient, recorded={"ecg": shown})
    return posterior(alone, oracle, frozenset({"ecg"})).probabilities


def test_what_the_oracle_says_happens_as_often(oracle: Oracle) -> None:
    patients = [draw_patient(11, number, design=WITH) for number in range(0, 500, 2)]
    said = [posterior(p, oracle, frozenset({"ecg"})).probabilities for p in patients]
    for label in ("pulmonary_embolism", "heart_failure", "none_of_these"):
        chances = np.array([one[label] for one in said])
        true = np.array([label in patient.diagnoses for patient in patients], float)
        # The sum of what was said, within three standard errors of what happened.
        error = np.sqrt((chances * (1 - chances)).sum())
        assert abs(true.sum() - chances.sum()) < 3 * error
        assert chances[true == 1].mean() > chances[true == 0].mean()


def test_right_strain_speaks_for_embolism_and_a_quiet_ecg_against_it(oracle: Oracle) -> None:
    quiet = told(spec(rate=80), oracle)
    strain = told(spec(rate=112, right_strain=0.8), oracle)
    fibrillation = told(spec(rate=140, atrial_fibrillation=0.1), oracle)
    assert strain["pulmonary_embolism"] > 4 * quiet["pulmonary_embolism"]
    assert fibrillation["heart_failure"] > quiet["heart_failure"]


def test_obesity_is_as_good_a_reason_for_low_voltage(oracle: Oracle) -> None:
    entry = replace(ECG.findings["low_voltage"], given={OBESITY: 0.9}, base=0.01)
    table = replace(ECG, findings={"low_voltage": entry})
    sets, people = oracle.sets["A"], people_of()
    shown = spec(low_voltage=0.6)
    values = oracle_ecg.of_findings(shown, table, sets, people)[0].values[0]
    obese = people.bmi >= 30
    assert obese.any()
    expected = np.log(1 - 0.99 * 0.1) - np.log(0.01)
    assert values[obese].mean() - values[~obese].mean() == pytest.approx(expected, abs=1e-9)
