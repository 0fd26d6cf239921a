"""The example of a source keeps the contract of every source, and goes the whole road."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cohort_contract import CohortContract, Labels

from clinical.case.case import Case, SkippedCase
from clinical.case.shapes import Measurements
from clinical.cohorts.cohort import Source
from clinical.cohorts.sources import SOURCES
from examples.add_a_source import triage_sheet
from pipelines.cli import main

SHEET = Path(triage_sheet.__file__).with_name("ward")


class TestTheTriageSheet(CohortContract):
    @pytest.fixture
    def reader(self) -> Source:
        return triage_sheet

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        return Path(shutil.copytree(SHEET, tmp_path / "ward"))

    @pytest.fixture
    def table(self) -> str:
        return "triage.csv"

    @pytest.fixture
    def labels(self) -> Labels:
        return Labels("triage.csv", {'right.",yes': 'right.",no', "ankle.,no": "ankle.,yes"})


def test_units_are_normalised() -> None:
    first = next(r for r in triage_sheet.read(SHEET, {"v1"}) if isinstance(r, Case))
    measured = first.inputs["measurements"]
    assert isinstance(measured, Measurements)
    values = {item.code: (round(item.value or 0, 1), item.unit) for item in measured.items}
    assert values == {
        "8310-5": (38.5, "Cel"),
        "1988-5": (121.0, "mg/L"),
        "6690-2": (14.2, "10*3/uL"),
    }


def test_a_value_that_is_none_is_kept_raw_and_reported() -> None:
    last = next(r for r in triage_sheet.read(SHEET, {"v4"}) if isinstance(r, Case))
    assert [(p.row, p.column) for p in last.problems] == [(5, "white_cells")]


def test_a_visit_without_a_time_is_skipped(tmp_path: Path) -> None:
    text = (SHEET / "triage.csv").read_text(encoding="utf-8")
    spoiled = text.replace("2025-01-10T09:05", "yesterday")
    (tmp_path / "triage.csv").write_text(spoiled, encoding="utf-8")
    skipped = [r for r in triage_sheet.read(tmp_path) if isinstance(r, SkippedCase)]
    assert [(s.case_id, s.problem.column) for s in skipped] == [("v2", "arrived")]


def test_once_it_is_registered_the_command_line_reads_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(SOURCES, triage_sheet.NAME, triage_sheet)
    command = ["assess", str(SHEET), "--source", "triage_sheet", "--out", str(tmp_path / "out")]
    assert main(command, {}) == 0
    assert "4 cases = 4 assessed + 0 skipped" in capsys.readouterr().out
