"""Small cohorts with one fault each, and what is to be decided about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from pipelines.checking.found import CheckFound

Look = Callable[[Mapping[str, str]], CheckFound]

CASES = """
    case_id,patient_id,decision_time,sex,age_years
    c1,p1,2021-03-12T12:00,female,61
    c2,p2,2021-03-13T12:00,male,48
"""
LABS = """
    case_id,code,value,unit,time
    c1,CRP,5,mg/L,2021-03-12T08:00
    c2,CRP,7,mg/L,2021-03-13T08:00
"""
SOUND = {"cases.csv": CASES, "measurements.csv": LABS}


def labs(*rows: str) -> dict[str, str]:
    head = "case_id,code,value,unit,time"
    return {"cases.csv": CASES, "measurements.csv": "\n".join([head, *rows])}


def creatinine(*values: str, unit: str = "mg/dL") -> dict[str, str]:
    rows = [f"c1,Creatinine,{v},{unit},2021-03-11T0{n % 10}:00" for n, v in enumerate(values)]
    return labs(*rows)


DECIDED = [
    # fault, files, place, what is said
    (
        "another unit than the one written",
        creatinine("70", "80", "90", "95", "100", "110"),
        "measurements.csv, Creatinine",
        "have a median 88.4 times the usual; they would be usual in umol/L",
    ),
    (
        "two values of one time",
        labs("c1,CRP,5,mg/L,2021-03-12T08:00", "c1,CRP,500,mg/L,2021-03-12T08:00"),
        "measurements.csv, CRP",
        "Values of one case at one time differ",
    ),
    (
        "a name that two measurements share",
        labs("c1,CRP,5,mg/L,2021-03-12T08:00", *["c1,anion gap,12,mmol/L,2021-03-12T08:00"] * 5),
        "measurements.csv, anion gap",
        "the name fits several measurements",
    ),
    (
        "no unit",
        labs(*[f"c1,Glucose,{v},,2021-03-12T0{v % 10}:00" for v in range(84, 92)]),
        "measurements.csv",
        "Values have no unit, and are not used: Glucose (usual in mg/dL)",
    ),
    (
        "identifiers from a spreadsheet",
        {
            **SOUND,
            "cases.csv": CASES.replace(",p1,", ",1.23457E+11,").replace(",p2,", ",1.23457E+11,"),
        },
        "patients",
        "as a spreadsheet does with long numbers",
    ),
    (
        "an identifier for nobody",
        {**SOUND, "cases.csv": CASES.replace(",p1,", ",NA,")},
        "patients",
        "a word for nobody",
    ),
    (
        "one identifier, two sexes",
        {**SOUND, "cases.csv": CASES.replace(",p2,", ",p1,")},
        "patients",
        "One identifier has two sexes",
    ),
    (
        "cells that have moved",
        labs("c1,CRP,5,mg/L,2021-03-12T08:00", "c1,Krea,1,2,mg/dL,2021-03-12T08:00"),
        "measurements.csv",
        "Rows have another number of cells than the header",
    ),
    (
        "three and a half, or three thousand five hundred",
        labs(
            'c1,CRP,"5,5",mg/L,2021-03-12T08:00',
            "c2,CRP,7.25,mg/L,2021-03-13T08:00",
            "c2,NT-proBNP,3.500,pg/mL,2021-03-13T08:00",
        ),
        "measurements.csv, column value",
        "The number can be read in two ways",
    ),
    (
        "the day of the decision, without an hour",
        labs("c1,CRP,5,mg/L,2021-03-12"),
        "measurements.csv, column time",
        "dated with the day of the decision and no hour",
    ),
    (
        "an outcome that is none",
        {**SOUND, "outcomes.csv": "case_id,diagnosis,value\nc1,death,2\n"},
        "outcomes.csv",
        "No outcome is read",
    ),
    (
        "most rows after the decision",
        labs("c1,CRP,5,mg/L,2021-03-12T08:00", "c1,CRP,6,mg/L,2021-03-14T08:00"),
        "measurements.csv, column time",
        "50% of the rows are later than the decision",
    ),
]


@pytest.mark.parametrize(
    ("files", "place", "says"), [row[1:] for row in DECIDED], ids=[row[0] for row in DECIDED]
)
def test_a_fault_is_to_be_decided_on(
    look: Look, files: dict[str, str], place: str, says: str
) -> None:
    found = look(files)
    assert [one for one in found.to_decide if one.place == place and says in one.text], (
        found.to_decide
    )


def test_a_sound_cohort_has_nothing_to_decide(look: Look) -> None:
    outcomes = "case_id,diagnosis,value\nc1,pneumonia,1\nc2,pneumonia,0\n"
    history = "case_id,code,display,onset\nc1,J44.9,COPD,2019\nc2,I10,,\n"
    found = look({**SOUND, "outcomes.csv": outcomes, "history.csv": history})
    assert found.findings == ()
    assert (found.layout, found.cases_listed, found.cases_read, found.skipped) == (
        "folder",
        2,
        2,
        0,
    )
    assert [(one.positive, one.negative) for one in found.people.outcomes] == [(1, 1)]
    assert [(one.text, one.count) for one in found.codes[0].systems] == [("ICD-10", 2)]
    assert found.proposal == ()


def test_times_are_counted_against_the_decision(look: Look) -> None:
    found = look(
        labs(
            "c1,CRP,1,mg/L,2021-03-12T08:00",
            "c1,CRP,2,mg/L,2021-03-12T13:00",
            "c1,CRP,3,mg/L,2019-01-01T13:00",
            "c1,CRP,4,mg/L,2021-03-11",
            "c1,CRP,5,mg/L,2021-03-12",
            "c1,CRP,6,mg/L,2021-03-11T08:00Z",
            "c1,CRP,7,mg/L,yesterday",
            "c1,CRP,8,mg/L,",
        )
    )
    (told,) = found.times
    assert (told.rows, told.stated, told.unreadable) == (8, 6, 1)
    assert (told.after, told.long_before, told.day_only, told.decision_day) == (1, 1, 2, 1)
    assert (told.naive, told.zoned) == (5, 1)


def test_midnight_in_every_row_is_a_day(look: Look) -> None:
    """Programs write a date as one; beside other hours it is what it says."""
    midnights = ["c1,CRP,1,mg/L,20210312000000", "c2,CRP,2,mg/L,2021-03-12 00:00"]
    (days,) = look(labs(*midnights)).times
    assert (days.day_only, days.decision_day) == (2, 1)
    (hours,) = look(labs(*midnights, "c1,Hb,12,g/dL,20210312080000")).times
    assert (hours.day_only, hours.decision_day) == (0, 0)


def test_values_of_one_moment_contradict_each_other_however_it_is_written(look: Look) -> None:
    for written in ("20210311080000", "11/03/2021 08:00"):
        rows = (f"c1,CRP,{value},mg/L,{written}" for value in (5, 500))
        found = look(labs(*rows, "c1,Hb,12,g/dL,31/01/2021 08:00"))
        assert [one.contradictions for one in found.measurements.known] == [1, 0], written


def test_what_the_reader_leaves_out_is_counted_by_reason(look: Look) -> None:
    found = look(labs("c1,CRP,1,mg/L,2021-03-12T08:00", *["c2,CRP,2,kg,2021-03-13T08:00"] * 3))
    reasons = {one.place: (one.reason, one.count) for one in found.left_out}
    assert reasons["measurements.csv, column unit"][1] == 3
    assert (found.cases_read, found.skipped) == (2, 0)


def test_values_are_counted_by_name(look: Look) -> None:
    rows = [f"c{1 + n % 2},CRP,{n},mg/L,2021-03-11T{n:02d}:00" for n in range(24)]
    found = look(labs(*rows, "c1,CRP,<5,mg/L,2021-03-10T08:00", "c1,CRP,9,,2021-03-10T09:00"))
    (crp,) = found.measurements.known
    assert (crp.written, crp.code, crp.values, crp.cases, crp.used) == ("CRP", "1988-5", 26, 2, 25)
    assert (crp.bounds, crp.quantiles[2], crp.unit) == (1, 11.0, "mg/L")
    assert [(one.text, one.count) for one in crp.units] == [("mg/L", 25), ("", 1)]


@pytest.mark.parametrize(
    ("name", "readings"),
    [
        ("O2 Sat", ["2708-6", "2711-0", "20564-1", "59408-5"]),
        ("-polys", ["770-8", "26505-8"]),
        ("Troponin", ["89579-7", "67151-1", "10839-9", "6598-7"]),
    ],
)
def test_a_name_that_fits_several_is_asked_about_and_its_answer_can_be_pasted(
    look: Look, name: str, readings: list[str]
) -> None:
    """However seldom it is there: such a name is of the table of measurements, and no free text."""
    files = labs(
        "c1,CRP,5,mg/L,2021-03-12T08:00",
        f"c1,{name},{'20,ng/L' if name == 'Troponin' else '97,%'},2021-03-12T08:00",
    )
    before = look(files)
    assert [one.place for one in before.to_decide] == [f"measurements.csv, {name}"]
    head, *asked = before.proposal
    assert head == "[codes]"
    assert [line.split('"')[3] for line in asked] == readings
    after = look({**files, "cohort.toml": f"{head}\n{asked[-1].removeprefix('# ')}\n"})
    assert after.to_decide == ()
    assert {one.written: one.used for one in after.measurements.known} == {"CRP": 1, name: 1}


def test_the_codes_of_the_cohort_count(look: Look) -> None:
    rows = ["c1,KREA_X7,1.1,mg/dL,2021-03-12T08:00"] * 5
    before = look(labs(*rows))
    after = look({**labs(*rows), "cohort.toml": '[codes]\n"KREA_X7" = "2160-0"\n'})
    assert [one.written for one in before.measurements.unknown] == ["KREA_X7"]
    assert [(one.written, one.name) for one in after.measurements.known] == [
        ("KREA_X7", "Creatinine")
    ]
