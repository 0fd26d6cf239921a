"""`[codes]` in cohort.toml: a cohort's own names of measurements, and what they mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinical.case.case import Case
from clinical.case.shapes import Measurements
from clinical.cohorts import folder
from clinical.errors import CohortError


def written(root: Path, codes: str, *rows: str) -> Path:
    (root / "cases.csv").write_text("case_id,patient_id,decision_time\nc1,p1,2024-03-01T12:00\n")
    (root / "measurements.csv").write_text(
        "\n".join(["case_id,code,value,unit,time", *rows]) + "\n", encoding="utf-8"
    )
    (root / "cohort.toml").write_text(f"[codes]\n{codes}\n", encoding="utf-8")
    return root


def items(root: Path) -> list[tuple[str, float | None, str]]:
    (case,) = (found for found in folder.read(root) if isinstance(found, Case))
    found = case.inputs["measurements"]
    assert isinstance(found, Measurements)
    return [(item.code, item.value, item.problem) for item in found.items]


def test_a_name_of_ones_own_is_read_as_what_it_means(tmp_path: Path) -> None:
    codes = '"KREA_X7" = "2160-0"\n"50971" = "potassium"'
    rows = ("c1,KREA_X7,1,mg/dL,2024-03-01T09:00", "c1,50971,4.1,mmol/L,2024-03-01T09:00")
    assert items(written(tmp_path, codes, *rows)) == [("2160-0", 1.0, ""), ("2823-3", 4.1, "")]


def test_a_name_that_is_known_can_be_given_another_meaning(tmp_path: Path) -> None:
    root = written(tmp_path, '"anion gap" = "10466-1"', "c1,anion gap,9,mmol/L,2024-03-01T09:00")
    assert items(root) == [("10466-1", 9.0, "")]


def test_other_names_are_read_as_ever(tmp_path: Path) -> None:
    rows = ("c1,KREA_X8,1,mg/dL,2024-03-01T09:00", "c1,CRP,5,mg/L,2024-03-01T09:00")
    unknown = ("local:KREA_X8", None, "not in the table of measurements")
    root = written(tmp_path, '"KREA_X7" = "2160-0"', *rows)
    assert items(root) == [unknown, ("1988-5", 5.0, "")]


@pytest.mark.parametrize(
    ("codes", "says"),
    [
        ('"X" = "99999-9"', r"codes: '99999-9' is neither a LOINC code nor a known name"),
        ('"X" = "creatinin1"', r"did you mean 'Creatinin.*'\?"),
        ('"X" = 2160', r"codes is not a table of texts"),
    ],
)
def test_an_unknown_meaning_is_an_error_at_once(tmp_path: Path, codes: str, says: str) -> None:
    with pytest.raises(CohortError, match=says):
        folder.describe(written(tmp_path, codes))


def test_codes_are_part_of_what_a_case_is_made_of(tmp_path: Path) -> None:
    row = "c1,KREA_X7,1,mg/dL,2024-03-01T09:00"
    before = folder.digests(written(tmp_path, "", row))
    after = folder.digests(written(tmp_path, '"KREA_X7" = "2160-0"', row))
    assert before != after
    assert after == folder.digests(tmp_path)
