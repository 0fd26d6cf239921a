"""The CSV files: what is in them, and that a spreadsheet runs none of it."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine
from waiting import SECONDS

from clinical.export import tables
from clinical.export.bundle import export
from clinical.review.decisions import decide, record_decision
from clinical.workspace.database import writing

GOLDEN = Path(__file__).with_name("golden_tables.txt")
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", '=HYPERLINK("http://e")')


def frames(out: Path) -> dict[str, pd.DataFrame]:
    with zipfile.ZipFile(out) as archive:
        return {
            name: pd.read_csv(io.BytesIO(archive.read(name)), keep_default_na=False)
            for name in archive.namelist()
            if name.endswith(".csv")
        }


@pytest.fixture
def out(workspace: Engine, example: Any, tmp_path: Path) -> Path:
    digest, _ = example.recorded(workspace)
    with writing(workspace) as connection:
        for number, text in enumerate(["=cmd|' /C calc'!A0", "肺炎, «пневмония»\nالتهاب"]):
            at = example.noon + timedelta(minutes=3 + number)
            decision = example.decision(digest, comment=text, time=at)
            record_decision(connection, decision, time=at)
    export(workspace, tmp_path / "record.zip", actor="auditor", time=example.noon)
    return tmp_path / "record.zip"


def test_pandas_opens_them_and_numbers_are_numbers(out: Path) -> None:
    found = frames(out)
    assert set(found) == {"cases.csv", "suggestions.csv", "decisions.csv", "events.csv"}
    assert list(found["suggestions.csv"].probability) == [0.83, 0.22, 0.004, 0.3]
    assert list(found["suggestions.csv"].suggested) == [True, False, False, False]
    assert list(found["decisions.csv"].stands) == [False, True]
    assert list(found["decisions.csv"].comment) == [
        "'=cmd|' /C calc'!A0",
        "肺炎, «пневмония»\nالتهاب",
    ]
    assert list(found["events.csv"]["sequence"]) == [1, 2, 3, 4]


def test_the_tables_of_one_small_case_are_as_they_were_looked_at(out: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(out) as archive:
        text = "".join(
            f"--- {name}\n{archive.read(name).decode('utf-8-sig')}"
            for name in ("cases.csv", "suggestions.csv", "decisions.csv", "events.csv")
        )
    # Comments are salted, so that their digests and all hashes after them are new each time.
    text = re.sub(r"\b[0-9a-f]{64}\b", "<digest>", text).replace("\r\n", "\n")
    (tmp_path / "new.txt").write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8"), f"look at {tmp_path / 'new.txt'}"


def test_a_case_that_cannot_be_read_says_why(workspace: Engine, example: Any) -> None:
    digest, _ = example.recorded(workspace)
    decide(workspace, example.decision(digest, comment="x"))
    with workspace.connect() as connection:
        connection.exec_driver_sql("UPDATE assessments SET record = '{}'")
        connection.exec_driver_sql("UPDATE comments SET text = 'y'")
        (case,) = tables.cases(connection, ["case-1"])
        (decision,) = tables.decisions(connection, ["case-1"])
    assert "was changed" in str(case[-1])
    assert "was changed" in str(decision[-1])


PLAIN = ("a=b", "3-4", "12:30 h", "5%", "x'y", "肺炎, «пневмония»\nالتهاب", ' "quoted"')
READ_AS_NUMBERS = {"00123": "123", "1e5": "100000", "0.10": "0.1"}
SHOWN_OTHERWISE = READ_AS_NUMBERS | {"true": "TRUE", "false": "FALSE", "0" * 64: "0", "'\tx": "'x"}
"""What LibreOffice takes for something else than text; docs/export.md says so."""
AS_UTF8 = "44,34,76,1"  # comma, double quote, UTF-8, from the first line
ONLY_VALUES = f"csv:Text - txt - csv (StarCalc):{AS_UTF8},,0,false,true,false"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not on this machine")
def test_libreoffice_opens_them_and_computes_nothing(
    workspace: Engine, example: Any, tmp_path: Path
) -> None:
    said = [*FORMULAS, *PLAIN, *READ_AS_NUMBERS]
    digest, _ = example.recorded(workspace)
    with writing(workspace) as connection:
        for number, text in enumerate(said):
            at = example.noon + timedelta(minutes=3 + number)
            record_decision(connection, example.decision(digest, comment=text, time=at), time=at)
    export(workspace, tmp_path / "record.zip", actor="auditor", time=example.noon)
    with zipfile.ZipFile(tmp_path / "record.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".csv")]
        archive.extractall(tmp_path, names)
    profile = f"-env:UserInstallation=file://{tmp_path / 'profile'}"
    office = ["soffice", profile, "--headless"]
    there = ["--outdir", str(tmp_path / "out")]
    opened = [*office, f"--infilter=CSV:{AS_UTF8}", "--convert-to", "ods", *there]
    sheets = [str(tmp_path / "out" / name.replace(".csv", ".ods")) for name in names]
    for command in (
        [*opened, *(str(tmp_path / name) for name in names)],
        [*office, "--convert-to", ONLY_VALUES, *there, *sheets],
    ):
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
    changed: dict[str, str] = {}
    for name, sheet in zip(names, sheets, strict=True):
        with zipfile.ZipFile(sheet) as document:
            assert b"table:formula" not in document.read("content.xml")
        was, now = cells(tmp_path / name), cells(tmp_path / "out" / name)
        assert [len(row) for row in was] == [len(row) for row in now]
        changed |= {
            a: b for x, y in zip(was, now, strict=True) for a, b in zip(x, y, strict=True) if a != b
        }
    assert {a: b for a, b in changed.items() if a.replace("\r", "\n") != b} == SHOWN_OTHERWISE


def cells(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.reader(lines))
