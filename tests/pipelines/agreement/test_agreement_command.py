"""`triptych report-agreement`: its files, its event, and what it makes of a broken record."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from printed_file import unpacked
from sqlalchemy import Engine
from two_months import BETA, CODE, JANUARY, assess, decide, sign, two_months

from clinical import canonical
from clinical.audit import ledger
from clinical.audit.verify import verify
from clinical.review import intake, protocol
from clinical.wording import RESEARCH_USE
from clinical.workspace.database import DATABASE_NAME, open_workspace
from pipelines.agreement.findings import Findings, find
from pipelines.agreement.readings import Window
from pipelines.agreement.recorded_report import contents
from pipelines.cli import main


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    two_months(folder).dispose()
    return folder


@pytest.fixture
def engine(workspace: Path) -> Iterator[Engine]:
    opened = open_workspace(workspace)
    yield opened
    opened.dispose()


def counted(engine: Engine) -> Findings:
    with engine.connect() as connection:
        return find(connection, Window(), {}, {})


def run(workspace: Path, out: Path, *more: str) -> int:
    return main(["report-agreement", "--workspace", str(workspace), "--out", str(out), *more], {})


def test_the_report_is_written_and_that_it_was_made_is_recorded(
    workspace: Path, engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(workspace, out, "--actor", "eve", "--until", "2031-02-01") == 0
    assert "11 signed readings of 6 cases" in capsys.readouterr().out
    numbers = (out / "agreement.json").read_bytes()
    with engine.connect() as connection:
        *_, last = ledger.events(connection)
        assert verify(connection).signed == last.sequence  # signed at once, as an export is
    assert (last.kind, last.actor) == ("REPORTED", "eve")
    assert last.payload["report"] == canonical.sha256(numbers)
    assert (last.payload["readings"], last.payload["cases"]) == (11, 6)
    assert last.payload["until"].startswith("2031-02-01")
    assert json.loads(numbers)["acceptance"][0]["model"].startswith("alpha")
    assert not list(out.glob(".*"))


def test_outcomes_of_a_cohort_are_a_truth(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort, out = tmp_path / "cohort", tmp_path / "out"
    cohort.mkdir()
    (cohort / "cohort.toml").write_text(
        'name = "c"\nlicence = "none"\nsource = "made up"\ntime_zone = "UTC"\n'
        'diagnoses = [{name = "pneumonia"}, {name = "effusion"}]\n',
        encoding="utf-8",
    )
    (cohort / "cases.csv").write_text(
        "case_id,patient_id,decision_time\nB5,p,2031-02-10T09:00:00Z\n", encoding="utf-8"
    )
    (cohort / "outcomes.csv").write_text(
        "case_id,diagnosis,value\nB5,pneumonia,1\n", encoding="utf-8"
    )
    assert run(workspace, out, "--cohort", str(cohort)) == 0
    rows = json.loads((out / "agreement.json").read_text(encoding="utf-8"))["switched"]
    (all_of_it,) = (r for r in rows if (r["model"], r["reader"], r["period"]) == (BETA, "", ""))
    assert (all_of_it["helpful"], all_of_it["harmful"], all_of_it["unknown"]) == (0, 1, 3)


def test_a_page_that_loads_nothing_and_a_print_that_says_the_same(engine: Engine) -> None:
    files = contents(counted(engine))
    page = files["agreement.html"].decode()
    assert RESEARCH_USE in page
    assert "The record is intact" in page
    assert "default-src &#39;none&#39;" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    assert "1 decision in readings that nobody signed" in page
    assert "82% [52, 95]" in page  # 9 of 11
    assert files["agreement.pdf"].startswith(b"%PDF")
    assert b"pdfaid" in unpacked(files["agreement.pdf"])
    assert contents(counted(engine)) == files


def test_a_hostile_name_is_no_formula_and_no_markup(engine: Engine) -> None:
    name = "=<b>cmd()"
    protocol.set_protocol(engine, protocol.Protocol(), "dr.chief")
    assess(engine, "A9", ("alpha", "a" * 64), JANUARY, {"pneumonia": 0.8})
    intake.record_opened(engine, "A9", name)
    decide(engine, "A9", name, JANUARY)
    sign(engine, "A9", name, JANUARY, 5)
    files = contents(counted(engine))
    text = files["agreement.csv"].decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert f"'{name}" in {row["reader"] for row in rows}
    assert not any(cell.startswith("=") for row in rows for cell in row.values())
    assert CODE not in files["diagnoses.csv"].decode()
    assert rows[0]["agreement_value"]
    page = files["agreement.html"].decode()
    assert "=&lt;b&gt;cmd()" in page
    assert "<b>cmd" not in page


def test_of_a_broken_record_only_what_comes_before_the_fault_is_counted(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(workspace / DATABASE_NAME)) as raw:
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            raw.execute(f"DROP TRIGGER {name}")
        first = raw.execute(
            "SELECT min(sequence) FROM events WHERE kind = 'FIRST_READ'"
        ).fetchone()[0]
        raw.execute("UPDATE events SET payload = 'spoilt' WHERE sequence = ?", (first,))
        raw.commit()
    assert run(workspace, tmp_path / "out") == 1
    assert "BROKEN: the field payload was changed" in capsys.readouterr().out
    found = json.loads((tmp_path / "out" / "agreement.json").read_text(encoding="utf-8"))
    assert found["verdict"]["first_broken"] == first
    assert found["counts"]["readings"] == 11  # January's
    page = (tmp_path / "out" / "agreement.html").read_text(encoding="utf-8")
    assert "The record is broken" in page
    assert f"Only the {first - 1} events before it are counted here." in page


def test_a_folder_that_cannot_be_made_is_said_so(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert run(workspace, tmp_path / "file") == 1
    assert "cannot be written" in capsys.readouterr().err
