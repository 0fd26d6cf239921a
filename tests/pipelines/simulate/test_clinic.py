"""What the simulated clinic draws: shares, independence, times, units, gaps."""

from collections import Counter
from functools import lru_cache

import pytest

from clinical import terms
from pipelines.simulate import likelihoods
from pipelines.simulate.clinic import LABELS, SimulatedPatient, draw_patient
from pipelines.simulate.laboratory import oxygen_tension

PREVALENCES = {
    "bacterial_pneumonia": 0.17,
    "viral_pneumonia": 0.14,
    "heart_failure": 0.17,
    "pleural_effusion": 0.16,
    "pneumothorax": 0.07,
    "copd_exacerbation": 0.10,
    "pulmonary_embolism": 0.09,
    "none_of_these": 0.30,
}


@lru_cache(maxsize=1)
def patients() -> tuple[SimulatedPatient, ...]:
    return tuple(draw_patient(11, number) for number in range(4000))


@pytest.mark.parametrize(("label", "prevalence"), PREVALENCES.items())
def test_prevalence(label: str, prevalence: float) -> None:
    share = sum(label in patient.diagnoses for patient in patients()) / len(patients())
    assert share == pytest.approx(prevalence, abs=0.025)


def test_labels_are_those_of_the_table() -> None:
    assert set(LABELS) == {*likelihoods.load().diagnoses, "none_of_these"}


def test_none_of_these_excludes_all_others_and_some_have_several() -> None:
    sizes = Counter(len(patient.diagnoses) for patient in patients())
    assert all(
        patient.diagnoses == {"none_of_these"}
        for patient in patients()
        if "none_of_these" in patient.diagnoses
    )
    assert sizes[0] == 0
    assert sizes[2] > 300
    together = sum({"heart_failure", "pleural_effusion"} <= p.diagnoses for p in patients())
    assert together > 100


def test_a_case_is_the_same_in_whatever_order_it_is_drawn() -> None:
    forward = [repr(draw_patient(5, number)) for number in range(8)]
    backward = [repr(draw_patient(5, number)) for number in reversed(range(8))]
    assert forward == backward[::-1]
    assert repr(draw_patient(6, 3)) != forward[3]


def test_nothing_is_later_than_the_decision() -> None:
    for patient in patients():
        times = [row.time for row in patient.measurements]
        times += [note.time for note in patient.notes if note.time]
        times += [event.onset for event in patient.events if event.onset]
        times.append(patient.acquired)
        assert max(times) <= patient.decision_time
        assert all((patient.decision_time - row.time).days <= 2 for row in patient.measurements)


def test_each_modality_is_sometimes_absent_and_something_is_always_there() -> None:
    absent = Counter(
        name
        for patient in patients()
        for name, there in {
            "image": patient.radiograph is not None,
            "measurements": bool(patient.measurements),
            "notes": bool(patient.notes),
            "history": patient.sex is not None,
        }.items()
        if not there
    )
    shares = {name: count / len(patients()) for name, count in absent.items()}
    assert shares["image"] == pytest.approx(0.08, abs=0.015)
    assert shares["measurements"] == pytest.approx(0.05, abs=0.015)
    assert shares["notes"] == pytest.approx(0.08, abs=0.015)
    assert shares["history"] == pytest.approx(0.05, abs=0.015)
    for patient in patients():
        assert patient.radiograph or patient.measurements or patient.notes or patient.events


def test_a_few_patients_come_twice_and_the_second_time_is_later_and_knows_the_first() -> None:
    by_patient: dict[str, list[SimulatedPatient]] = {}
    for patient in patients():
        by_patient.setdefault(patient.patient_id, []).append(patient)
    pairs = [visits for visits in by_patient.values() if len(visits) == 2]
    assert 0.02 < len(pairs) / len(by_patient) < 0.07
    for first, second in pairs:
        assert first.decision_time < second.decision_time
        assert first.person.sex == second.person.sex
        assert first.person.background <= second.person.background
        if "heart_failure" in first.diagnoses:
            assert "chronic_heart_failure" in second.person.background


def test_every_measurement_is_a_known_term_in_a_known_unit_and_plausible() -> None:
    codes = set()
    for patient in patients()[:600]:
        for row in patient.measurements:
            value = terms.measurement(row.code, row.value, row.unit, time=row.time)
            assert value.problem == ""
            assert terms.lookup(row.code) is not None
            codes.add(value.code)
    assert len(codes) >= 28


def test_the_sites_report_glucose_in_their_own_units() -> None:
    units = {
        (patient.site, row.unit)
        for patient in patients()[:600]
        for row in patient.measurements
        if row.code in ("2345-7", "14749-6")
    }
    assert units == {("A", "mg/dL"), ("B", "mmol/L")}
    assert {p.site: p.photometric for p in patients()} == {"A": "MONOCHROME2", "B": "MONOCHROME1"}


def test_renal_values_move_together() -> None:
    latest = [
        {row.code: float(row.value) for row in p.measurements} for p in patients() if p.site == "A"
    ]
    both = [(v["2160-0"], v["22664-7"]) for v in latest if {"2160-0", "22664-7"} <= v.keys()]
    creatinine = sorted(pair[0] for pair in both)
    cut = creatinine[int(0.8 * len(both))]
    high = [urea for value, urea in both if value > cut]
    low = [urea for value, urea in both if value <= cut]
    assert sum(high) / len(high) > 1.4 * sum(low) / len(low)


@pytest.mark.parametrize(
    ("finding", "label", "sensitivity"),
    [
        ("consolidation", "bacterial_pneumonia", 0.86),
        ("interstitial", "viral_pneumonia", 0.67),
        ("enlarged_heart", "heart_failure", 0.81),
        ("pneumothorax", "pneumothorax", 0.92),
        ("effusion", "pleural_effusion", 0.92),
        ("hyperinflation", "copd_exacerbation", 0.78),
    ],
)
def test_how_often_a_diagnosis_shows(finding: str, label: str, sensitivity: float) -> None:
    ill = [p for p in patients() if label in p.diagnoses and p.radiograph]
    seen = sum(finding in p.image_findings for p in ill) / len(ill)
    assert seen == pytest.approx(sensitivity, abs=0.05)


def test_a_finding_that_is_not_seen_is_not_rendered() -> None:
    for patient in patients():
        spec, seen = patient.radiograph, patient.image_findings
        if spec is None:
            continue
        assert (spec.pneumothorax_left + spec.pneumothorax_right > 0) == ("pneumothorax" in seen)
        assert bool(spec.consolidations) == ("consolidation" in seen)
        assert (spec.effusion_left + spec.effusion_right > 0) == bool(
            {"effusion", "blunting"} & seen.keys()
        )


@pytest.mark.parametrize(("saturation", "tension"), [(50, 26.9), (75, 40.0), (90, 57.8), (97, 91)])
def test_oxygen_tension_follows_the_dissociation_curve(saturation: int, tension: float) -> None:
    assert oxygen_tension(saturation) == pytest.approx(tension, rel=0.02)
