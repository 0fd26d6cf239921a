"""Patients are grouped by any column of the cohort's own table of cases."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from clinic_of_two import write_cohort
from test_retrospective_study import STUDY

from clinical.errors import ConfigError
from pipelines.study.design import load_design
from pipelines.study.own_columns import named_columns
from pipelines.study.run_study import run_study

SMALL = STUDY.replace("[evaluation]", "[evaluation]\nlearning_curve = []\nstress = false").replace(
    "age_edges = [60]", 'subgroups = ["sex", "insurance"]'
)


def write(folder: Path, text: str) -> Path:
    write_cohort(folder / "cohort", cases=160)
    cases = pd.read_csv(folder / "cohort" / "cases.csv", dtype=str)
    cases["insurance"] = ["private" if n // 2 % 2 == 0 else "public" for n in range(len(cases))]
    cases.loc[:1, "insurance"] = ""
    cases.to_csv(folder / "cohort" / "cases.csv", index=False)
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder / "study.toml"


def test_a_column_of_the_cohort_makes_groups(tmp_path: Path) -> None:
    run_study(write(tmp_path, SMALL), tmp_path / "out")
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())
    groups = found["subgroups"]["groups"]
    names = {group["name"] for group in groups if group["column"] == "insurance"}
    assert names == {"private", "public"}
    assert found["subgroups"]["unstated"]["insurance"] == 2
    assert "insurance" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_a_column_that_no_case_has_is_named_with_the_nearest(tmp_path: Path) -> None:
    design = load_design(write(tmp_path, SMALL.replace('"insurance"', '"insurence"')))
    with pytest.raises(ConfigError, match="insurence") as raised:
        named_columns(design)
    assert raised.value.remedy == "did you mean 'insurance'?"
