"""A history as tables give it: codes with and without dots, of several systems."""

from __future__ import annotations

from pathlib import Path

from clinical.case.case import Case
from clinical.case.shapes import Events
from clinical.cohorts import folder


def read(root: Path, history: str) -> dict[str, Case]:
    (root / "cases.csv").write_text("case_id,patient_id\na,p\nb,q\n", encoding="utf-8")
    (root / "history.csv").write_text(history, encoding="utf-8")
    return {found.case_id: found for found in folder.read(root) if isinstance(found, Case)}


def codes(case: Case) -> list[str]:
    value = case.inputs["history"]
    assert isinstance(value, Events)
    return [event.code for event in value.items]


def test_codes_with_and_without_their_dot_are_the_same(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "case_id,code,display\na,I509,heart failure\na,j449 ,COPD\n"
        "b,I50.9,heart failure\nb,ICD-10-CM:J44.9,COPD\n",
    )

    assert codes(found["a"]) == codes(found["b"]) == ["I50.9", "J44.9"]
    assert found["a"].problems == ()


def test_the_system_may_stand_in_a_column(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "case_id,code,code_system,display\na,4280,9,heart failure\na,V4501,ICD-9-CM,pacemaker\n"
        "b,V4501,10,\n",
    )

    assert codes(found["a"]) == ["ICD-9-CM:428.0", "ICD-9-CM:V45.01"]
    assert codes(found["b"]) == ["V45.01"]


def test_what_is_present_and_denied_at_once_is_reported_and_not_used(tmp_path: Path) -> None:
    case = read(
        tmp_path,
        "case_id,code,display,present\na,I10,,1\na,J449,COPD,1\na,J44.9,COPD,0\n",
    )["a"]

    assert codes(case) == ["I10"]
    assert "rows 3 and 4 say of one code that it is present" in str(case.problems[0])


def test_a_code_of_several_systems_is_kept_and_its_row_named(tmp_path: Path) -> None:
    case = read(tmp_path, "case_id,code,display\na,4280,heart failure\n")["a"]

    assert codes(case) == ["4280"]
    assert [str(problem) for problem in case.problems] == [
        "history.csv, row 2, column code: a bare number, which several systems have; it is kept as"
        " it is. Remedy: name the system in a column code_system, such as ICD-10 or ICD-9-CM"
    ]
