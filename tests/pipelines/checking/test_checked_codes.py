"""What `triptych check` says of coded history."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.checking import codes
from pipelines.cli import main


def test_what_a_patient_does_not_have_is_not_counted_as_frequent() -> None:
    written = ["I50.9"] * 7 + ["J44.9"] * 9
    found = codes.of("history", written, denials=[False] * 7 + [True] * 9)
    assert (found.rows, found.codes, found.denied) == (16, 2, 9)
    assert [(one.text, one.count) for one in found.commonest.counts] == [("I50.9", 7)]


def test_a_cohort_says_so_in_its_column_present(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cohort.toml").write_text(
        'name = "c"\nlicence = "own"\n[[diagnoses]]\nname = "copd"\n'
    )
    cases = [f"c{n},p{n},2030-01-01T10:00:00Z" for n in range(6)]
    (tmp_path / "cases.csv").write_text("\n".join(["case_id,patient_id,decision_time", *cases]))
    rows = [f"c{n},J44.9,COPD,{'yes' if n < 5 else 'No'}" for n in range(6)]
    (tmp_path / "history.csv").write_text("\n".join(["case_id,code,display,present", *rows]))
    assert main(["check", str(tmp_path)], {}) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Said not to be there 1 row" in said
    assert "Most frequent of what is there J44.9 (5)" in said
