"""What the simulated clinic draws: shares, independence, times, units, gaps."""

from collections import Counter
from collections.abc import Sequence
from functools import cache

import pytest

from clinical.errors import ConfigError
from clinical.terms import loinc, normalise
from pipelines.laboratory.simulate import likelihoods
from pipelines.laboratory.simulate.clinic import LABELS, SimulatedPatient, draw_patient
from pipelines.laboratory.simulate.design import Design, Missing, design
from pipelines.laboratory.simulate.laboratory import early_warning, oxygen_tension

PREVALENCES = {
    "bacterial_pneumonia": 0.17,
    "viral_pneumonia": 0.14,
    "heart_failure": 0.17,
    "pleural_effusion": 0.16,
    "pneumothorax": 0.07,
    "copd_exacerbation": 0.10,
    "pulmonary_embolism": 0.09,
    "lung_mass": 0.06,
    "none_of_these": 0.30,
}


@cache
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


def test_sites_differ_in_what_their_patients_have_and_a_patient_keeps_to_one() -> None:
    shares = {
        site: sum("heart_failure" in p.diagnoses for p in patients() if p.site == site)
        / sum(p.site == site for p in patients())
        for site in "ABC"
    }
    assert shares["B"] > shares["A"] + 0.02
    assert shares["B"] > shares["C"] + 0.02
    sites: dict[str, set[str]] = {}
    for patient in patients():
        sites.setdefault(patient.patient_id, set()).add(patient.site)
    assert all(len(found) == 1 for found in sites.values())


def test_a_second_visit_knows_the_radiograph_of_the_first() -> None:
    later = [p for p in patients() if p.earlier is not None]
    assert len(later) > 80
    for patient in later:
        first = patients()[patient.earlier]
        assert first.patient_id == patient.patient_id
        assert first.radiograph is not None
        assert first.acquired < patient.acquired


def panels_of(patient: SimulatedPatient) -> frozenset[str]:
    panel = panel_of_code()
    return frozenset(panel[row.code] for row in patient.measurements)


@cache
def panel_of_code() -> dict[str, str]:
    table = likelihoods.load()
    panel = {analyte.code: analyte.panel for analyte in table.analytes.values()}
    for site in table.sites.values():
        panel |= {unit.code: table.analytes[key].panel for key, unit in site.units.items()}
    return panel


def measured_share(drawn: Sequence[SimulatedPatient], name: str, among) -> float:
    chosen = [p for p in drawn if p.measurements and among(p)]
    return sum(name in panels_of(p) for p in chosen) / len(chosen)


def test_nothing_is_missing_where_nothing_shall_be() -> None:
    table = likelihoods.load()
    for number in range(60):
        patient = draw_patient(12, number, design=Design("none"))
        assert patient.radiograph is not None
        assert patient.notes
        assert patient.sex is not None
        assert panels_of(patient) == set(table.panels)


def test_the_sicker_are_measured_more_only_where_that_is_the_design() -> None:
    def gap(missing: Missing) -> float:
        drawn = [draw_patient(12, number, design=Design(missing)) for number in range(1500)]
        sick = measured_share(drawn, "blood_gas", lambda p: p.severity > 0.5)
        well = measured_share(drawn, "blood_gas", lambda p: p.severity < -0.5)
        return sick - well

    assert gap("mnar") > 0.2
    assert abs(gap("mcar")) < 0.08
    # Severity moves the vital signs, and those decide under "mar": a weaker trace of it.
    assert 0.05 < gap("mar") < gap("mnar")


def test_the_design_changes_nothing_but_what_is_seen() -> None:
    for number in range(40):
        plain = draw_patient(12, number)
        other = draw_patient(12, number, design=Design("none", "pneumothorax"))
        assert (plain.diagnoses, plain.signs) == (other.diagnoses, other.signs)
        assert plain.person == other.person


def test_a_planted_token_goes_with_its_label() -> None:
    drawn = [draw_patient(12, n, design=Design(shortcut="heart_failure")) for n in range(1200)]
    films = [p for p in drawn if p.radiograph]
    for ill, share in ((True, 0.9), (False, 0.1)):
        tokens = [p.radiograph.token for p in films if ("heart_failure" in p.diagnoses) == ill]
        assert sum(tokens) / len(tokens) == pytest.approx(share, abs=0.06)
    assert not any(p.radiograph.token for p in patients() if p.radiograph)


def test_a_switch_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigError, match="mnra"):
        design("mnra", "", LABELS)
    with pytest.raises(ConfigError, match="heart_falure"):
        design("mar", "heart_falure", LABELS)
    assert design("mar", "heart_failure", LABELS) == Design("mar", "heart_failure")


@pytest.mark.parametrize(
    ("vitals", "score"),
    [
        ({}, 0),
        ({"respiratory_rate": 16, "spo2": 98, "systolic": 130, "heart_rate": 70}, 0),
        ({"respiratory_rate": 25, "spo2": 91, "systolic": 90, "heart_rate": 131}, 12),
        ({"temperature": 38.1, "respiratory_rate": 21, "spo2": 95}, 4),
    ],
)
def test_the_early_warning_score_is_that_of_the_royal_college(vitals, score: int) -> None:
    assert early_warning(vitals) == score


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
            value = normalise.measurement(row.code, row.value, row.unit, time=row.time)
            assert value.problem == ""
            assert loinc.lookup(row.code) is not None
            codes.add(value.code)
    assert len(codes) >= 28


def test_the_sites_report_glucose_in_their_own_units() -> None:
    units = {
        (patient.site, row.unit)
        for patient in patients()[:600]
        for row in patient.measurements
        if row.code in ("2345-7", "14749-6")
    }
    assert units == {("A", "mg/dL"), ("B", "mmol/L"), ("C", "mmol/L")}
    stored = {p.site: p.photometric for p in patients()}
    assert stored == {"A": "MONOCHROME2", "B": "MONOCHROME1", "C": "MONOCHROME2"}
    assert {p.compression for p in patients()} == {"jpeg-ls", "jpeg-2000", "rle", "none"}


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
        ("mass", "lung_mass", 0.93),
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
