"""Several values of one thing at one time, as a folder of tables gives them."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinical.case.case import Case
from clinical.case.shapes import Measurement
from clinical.cohorts import folder
from clinical.modalities.kit import kit_of

AT = "2024-03-01T09:00"


def read(root: Path, *rows: str) -> tuple[list[Measurement], list[str]]:
    """Measurements of one case whose rows are code, value, unit, time, specimen; and its problems.

    A heart rate stands first, in row 2, so that the case is never without an input.
    """
    (root / "cases.csv").write_text(
        "case_id,patient_id,decision_time\na,p,2024-03-01T12:00\n", encoding="utf-8"
    )
    lines = ["case_id,code,value,unit,time,specimen", f"a,HR,80,/min,{AT},"]
    lines += [f"a,{row}" for row in rows]
    (root / "measurements.csv").write_text("\n".join(lines), encoding="utf-8")
    (case,) = (found for found in folder.read(root) if isinstance(found, Case))
    value = case.inputs["measurements"]
    _, *items = kit_of("measurements", value).measured(value)
    return items, [str(problem) for problem in case.problems]


def test_contradictory_values_are_not_used_and_their_rows_are_named(tmp_path: Path) -> None:
    items, problems = read(
        tmp_path, f"CRP,5,mg/L,{AT},", f"CRP,5,mg/L,{AT},", f"CRP,500,mg/L,{AT},"
    )

    assert [item.value for item in items] == [None, None, None]
    assert all("contradicts" in item.problem for item in items)
    assert problems == [
        "measurements.csv, row 3, column value: rows 3, 4 and 5 give different values of C-reactive"
        " protein at one time; none of them is used. Remedy: keep the right one, or correct its"
        " time or specimen"
    ]


def test_a_repeated_value_counts_once_and_is_counted(tmp_path: Path) -> None:
    items, problems = read(
        tmp_path, f"CRP,5,mg/L,{AT},", f"CRP,5,mg/L,{AT},", f"1988-5,5,mg/L,{AT},"
    )

    assert [item.value for item in items] == [5.0]
    assert len(problems) == 1
    assert "2 rows (4 and 5) give a value again" in problems[0]


@pytest.mark.parametrize(
    ("one", "other", "kept"),
    [
        ("Krea,106,umol/L", "Krea,1.2,mg/dL", "106"),  # the more exact one stays
        ("Krea,1.2,mg/dL", "Krea,106,umol/L", "106"),
        ("Hb,7.5,mmol/l", "Hb,121,g/l", "121"),
        ("CRP,<5,mg/L", "CRP,3,mg/L", "3"),
        ("CRP,>300,mg/L", "CRP,312,mg/L", "312"),
        ("CRP,12,mg/L", "CRP,12.0,mg/L", "12.0"),
    ],
)
def test_values_that_rounding_or_a_bound_allows_to_be_one_agree(
    tmp_path: Path, one: str, other: str, kept: str
) -> None:
    items, problems = read(tmp_path, f"{one},{AT},", f"{other},{AT},")

    assert [item.raw_value for item in items] == [kept]
    assert "give" in problems[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CRP,5.1,mg/L", "CRP,5.2,mg/L"),  # next to each other, and two values
        ("Krea,106,umol/L", "Krea,1.3,mg/dL"),
        ("CRP,<5,mg/L", "CRP,7,mg/L"),
        ("pO2,90,mmHg", "pO2,40,mmHg"),
    ],
)
def test_values_that_cannot_be_one_contradict_each_other(
    tmp_path: Path, one: str, other: str
) -> None:
    items, problems = read(tmp_path, f"{one},{AT},", f"{other},{AT},")

    assert [item.value for item in items] == [None, None]
    assert "rows 3 and 4 give different values" in problems[0]


@pytest.mark.parametrize(
    "time",
    ["20240301090000", "20240301T09", "01.03.2024 09:00", "1 Mar 2024 9 AM", "2024/3/1 9:00"],
)
def test_an_hour_is_one_however_it_is_written(tmp_path: Path, time: str) -> None:
    items, problems = read(tmp_path, f"CRP,5,mg/L,{time},", f"CRP,500,mg/L,{time},")

    assert [item.value for item in items] == [None, None]
    assert "rows 3 and 4 give different values" in problems[0]


@pytest.mark.parametrize(
    ("offset", "used"), [("-0.5", 0), ('"-0,5"', 0), ("-1.0", 2), ("-1", 2)], ids=str
)
def test_part_of_a_day_before_the_decision_is_an_hour(
    tmp_path: Path, offset: str, used: int
) -> None:
    """A file of whole days that a program wrote as -1.0 names no hours."""
    (tmp_path / "cases.csv").write_text("case_id,patient_id\na,p\n", encoding="utf-8")
    rows = [f"a,{code},{offset}" for code in ("HR,80,/min", "CRP,5,mg/L", "CRP,50,mg/L")]
    lines = ["case_id,code,value,unit,offset_days", *rows]
    (tmp_path / "measurements.csv").write_text("\n".join(lines), encoding="utf-8")
    (case,) = (found for found in folder.read(tmp_path) if isinstance(found, Case))
    value = case.inputs["measurements"]
    _, *items = kit_of("measurements", value).measured(value)
    assert sum(item.value is not None for item in items) == used


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (f"CRP,5,mg/L,{AT},", "CRP,50,mg/L,2024-03-01T09:01,"),  # another time
        ("CRP,5,mg/L,2024-02-29,", "CRP,50,mg/L,2024-02-29,"),  # a day has room for both
        ("CRP,5,mg/L,2024-02-29T00:00,", "CRP,50,mg/L,2024-02-29T00:00,"),
        ("CRP,5,mg/L,20240229000000,", "CRP,50,mg/L,20240229000000,"),
        ("CRP,5,mg/L,,", "CRP,50,mg/L,,"),  # no time at all
        (f"pO2,90,mmHg,{AT},arterial", f"pO2,40,mmHg,{AT},venous"),
    ],
)
def test_what_may_both_be_true_is_used(tmp_path: Path, first: str, second: str) -> None:
    items, problems = read(tmp_path, first, second)

    assert problems == []
    assert all(item.value is not None for item in items)
    assert len(items) == 2


def test_a_specimen_of_the_table_keeps_urine_from_being_blood(tmp_path: Path) -> None:
    items, problems = read(tmp_path, f"Kreatinin,80,mg/dl,{AT},Urin", f"Krea,1.1,mg/dl,{AT},Serum")

    assert [(item.code, item.value) for item in items] == [
        ("urine:Kreatinin", None),
        ("2160-0", 1.1),
    ]
    assert items[0].name == "Creatinine (urine)"
    assert problems == [
        "measurements.csv, row 3, column specimen: a value of urine, and no value of urine is read."
        " Remedy: leave the row out, or correct the specimen"
    ]
