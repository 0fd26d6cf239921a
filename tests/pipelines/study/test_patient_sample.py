"""A sample holds whole patients from all over the cohort, as many as fit, drawn by the seed."""

from __future__ import annotations

from pipelines.study.patient_sample import whole_patients


def cohort(patients: int, each: int) -> list[str]:
    """The patient of every case; cases of one patient do not stand together."""
    return [f"p{patient:04d}" for _ in range(each) for patient in range(patients)]


def test_all_cases_of_a_patient_are_drawn_or_none() -> None:
    patients = cohort(20, 2)
    drawn = whole_patients(patients, 11, seed=1)
    people = [patients[number] for number in drawn]
    assert len(drawn) == 10
    assert all(people.count(patient) == 2 for patient in people)
    assert drawn == sorted(drawn)


def test_patients_come_from_all_over_the_cohort() -> None:
    patients = cohort(400, 3)
    people = {int(patients[number][1:]) for number in whole_patients(patients, 300, seed=5)}
    assert len(people) == 100
    assert all(15 < sum(p // 100 == quarter for p in people) < 35 for quarter in range(4))


def test_the_seed_draws_them() -> None:
    one, same, other = (whole_patients(cohort(20, 2), 10, seed) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_a_small_cohort_is_its_own_sample() -> None:
    assert whole_patients(cohort(5, 2), 1000, seed=0) == list(range(10))


def test_a_patient_with_too_many_cases_is_passed_by() -> None:
    assert whole_patients(["many"] * 30, 20, seed=0) == []
    assert whole_patients([*["many"] * 30, "one"], 20, seed=0) == [30]
