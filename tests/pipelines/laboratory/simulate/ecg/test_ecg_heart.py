"""The simulated electrocardiogram: findings by their likelihoods, a rate that fits the chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from clinical.errors import ConfigError
from clinical.modalities.ecg import reading
from clinical.modalities.ecg.analysis import analyse
from pipelines.laboratory.simulate import likelihoods, senses
from pipelines.laboratory.simulate.clinic import draw_patient, stream
from pipelines.laboratory.simulate.ecg import heart as ecg
from pipelines.laboratory.simulate.ecg.heart import EcgSpec
from pipelines.laboratory.simulate.laboratory import (
    Physiology,
    draw_measurements,
    patient_offsets,
)
from pipelines.laboratory.simulate.person import Person, noisy_or
from pipelines.laboratory.simulate.senses import Visit

TABLE, ECG = likelihoods.load(), ecg.load()
PERSON = Person("female", 60.0, 26.0, 0.0, frozenset(), 0.0)
LATENTS = {"severity": 0.0, "inflammation": 0.0, "renal": 0.0}


def visited(causes: Mapping[str, float], person: Person, offset: float, *, complete: bool) -> Visit:
    physiology = Physiology(person, causes, LATENTS)
    return Visit(physiology, {ecg.RATE: offset}, "A", TABLE, complete=complete)


def drawn(
    seed: int, causes: Mapping[str, float], person: Person = PERSON, offset: float = 0.0
) -> EcgSpec:
    visit = visited(causes, person, offset, complete=True)
    heart = ecg.draw_heart(np.random.default_rng(0))
    found = ecg.draw_ecg(np.random.default_rng(seed), visit, heart, ECG)
    assert found is not None
    return found


def share(finding: str, causes: Mapping[str, float], person: Person = PERSON) -> float:
    return float(np.mean([finding in drawn(s, causes, person).findings for s in range(1500)]))


def test_every_cause_is_one_that_the_clinic_has() -> None:
    ecg.check(ECG, TABLE)
    stranger = replace(ECG.findings["low_voltage"], given={"gout": 0.5})
    with pytest.raises(ConfigError, match=r"low_voltage.given names gout"):
        ecg.check(replace(ECG, findings={"low_voltage": stranger}), TABLE)


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ecg.toml"
    path.write_text("[visit]\nabsent = 0.1\n")
    with pytest.raises(ConfigError, match="not a table of electrocardiograms"):
        ecg.load(path)


@pytest.mark.parametrize(
    ("finding", "causes"),
    [
        ("right_strain", {"pulmonary_embolism": 1.0}),
        ("right_strain", {}),
        ("atrial_fibrillation", {"arrhythmia": 0.6}),
        ("st_elevation", {"coronary_event": 1.4}),
        ("left_hypertrophy", {"hypertension": 1.0, "chronic_heart_failure": 1.0}),
        ("low_voltage", {"pleural_effusion": 1.0, "copd": 1.0}),
    ],
)
def test_findings_come_as_often_as_the_table_says(finding: str, causes: dict[str, float]) -> None:
    entry = ECG.findings[finding]
    expected = noisy_or(entry.base, entry.given, dict.fromkeys(causes, 1.0))
    assert share(finding, causes) == pytest.approx(expected, abs=0.04)


def test_obesity_takes_voltage() -> None:
    heavy = replace(PERSON, bmi=34.0)
    assert share("low_voltage", {}, heavy) > share("low_voltage", {}) + 0.04


def test_a_stronger_illness_makes_larger_findings() -> None:
    def mean(intensity: float) -> float:
        seen = [drawn(s, {"pulmonary_embolism": intensity}).findings for s in range(1500)]
        return float(np.mean([f["right_strain"] for f in seen if "right_strain" in f]))

    assert mean(2.0) > mean(0.4) + 0.05


def test_illnesses_quicken_the_heart() -> None:
    quiet = np.mean([drawn(s, {}).rate for s in range(300)])
    embolism = np.mean([drawn(s, {"pulmonary_embolism": 1.0}).rate for s in range(300)])
    assert quiet == pytest.approx(80, abs=2)
    assert embolism == pytest.approx(80 + 19, abs=2)


def test_the_rate_is_that_of_the_chart() -> None:
    """The offset is the one the vital signs have, so both move together."""
    pairs = []
    for number in range(200):
        physiology = Physiology(PERSON, {}, LATENTS)
        patient = draw_patient(5, number)
        rows = draw_measurements(
            stream(5, number, "measurements"),
            physiology,
            TABLE.sites["A"],
            patient.decision_time,
            TABLE,
            "none",
        )
        charted = [float(row.value) for row in rows if row.code == "8867-4"]
        offset = patient_offsets(stream(5, number, "measurements"), TABLE)[ecg.RATE]
        pairs.append((np.mean(charted), drawn(number, {}, offset=offset).rate))
    one, other = np.array(pairs).T
    assert np.corrcoef(one, other)[0, 1] > 0.85
    assert np.abs(one - other).mean() < 6


def test_an_ecg_is_now_and_then_missing() -> None:
    visit = visited({}, PERSON, 0.0, complete=False)
    heart = ecg.draw_heart(np.random.default_rng(0))
    found = [ecg.draw_ecg(np.random.default_rng(s), visit, heart, ECG) for s in range(1000)]
    assert sum(one is None for one in found) / 1000 == pytest.approx(ECG.absent, abs=0.03)


def test_the_same_numbers_give_the_same_ecg() -> None:
    assert drawn(7, {"heart_failure": 1.0}) == drawn(7, {"heart_failure": 1.0})


def test_a_file_says_what_was_drawn_and_is_the_same_to_the_byte(tmp_path: Path) -> None:
    sense = senses.senses()["ecg"]
    shown = drawn(7, {"pulmonary_embolism": 1.0})
    decided = datetime(2026, 3, 1, 8, tzinfo=UTC)
    owner = senses.Owner("sim-1-000001", "sim-1-p000001", PERSON, "A", decided)
    times = {sense.write(tmp_path / name, shown, owner, np.random.default_rng(3)) for name in "ab"}
    assert (tmp_path / "a.dcm").read_bytes() == (tmp_path / "b.dcm").read_bytes()
    found = reading.read(tmp_path / "a.dcm", expected_patient_id="sim-1-p000001")
    assert {datetime.fromisoformat(found.source["acquired"])} == times
    assert decided - times.pop() == timedelta(minutes=round(60 * shown.hours))
    assert analyse(found).rate == pytest.approx(shown.rate, abs=3)


def test_a_rhythm_has_a_name() -> None:
    base = drawn(1, {})
    assert replace(base, rate=80, findings={}).rhythm == "sinus rhythm"
    assert replace(base, rate=101, findings={}).rhythm == "sinus tachycardia"
    fibrillating = {"atrial_fibrillation": 0.1}
    assert replace(base, rate=130, findings=fibrillating).rhythm == "atrial fibrillation"


def test_a_site_without_a_device_has_the_first_one() -> None:
    assert ECG.device("elsewhere") == ECG.devices["A"]
    assert ECG.device("C").rate == 250
