"""`triptych reading ...`: import a cohort, set the protocol, ask how readers agree, export."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from clinic_of_two import write_cohort
from read_case import film

from clinical.audit import ledger
from clinical.case.assessment import ReviewDecision
from clinical.review import decisions, intake, progress, signature
from clinical.review.signature import Signature
from clinical.workspace import store
from clinical.workspace.database import open_workspace
from pipelines.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert main(["reading", *map(str, arguments)], {}) == 0
    return capsys.readouterr().out


def read(workspace: Path, case_id: str, *readers: str) -> None:
    """Each reader finds pneumonia and signs."""
    engine = open_workspace(workspace)
    for name in readers:
        intake.record_opened(engine, case_id, name)
        now = datetime.now(UTC)
        decisions.decide(engine, ReviewDecision(case_id, "", "ICD-10:J18.9", "add", "", name, now))
        with engine.connect() as connection:
            mine = progress.progress(ledger.events(connection, case_id=case_id)).of(name)
        digest = signature.decisions_digest(mine)
        signature.sign(engine, Signature(case_id, "", name, "reader", digest, now))
    engine.dispose()


def test_a_cohort_is_imported_once_read_and_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort, workspace = tmp_path / "cohort", tmp_path / "workspace"
    write_cohort(cohort, cases=4)
    found = run(capsys, "import", cohort, "--workspace", workspace)
    engine = open_workspace(workspace)
    with engine.connect() as connection:
        cases = [entry.case_id for entry in store.worklist(connection)]
    engine.dispose()
    assert f"{len(cases)} imported, 0 already there" in found
    again = run(capsys, "import", cohort, "--workspace", workspace)
    assert f"0 imported, {len(cases)} already there" in again

    read(workspace, cases[0], "dr.one", "dr.two")
    told = run(capsys, "compare", "--workspace", workspace, "--cohort", cohort)
    assert "1 cases signed by two readers, who differ in 0" in told
    assert "not defined" in told
    assert "0 helpful, 0 harmful" in told


def test_the_protocol_is_shown_and_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = tmp_path / "workspace"
    open_workspace(workspace, create=True).dispose()

    def told(*arguments: str) -> str:
        return run(capsys, "set-protocol", "--workspace", workspace, *arguments)

    assert "model's: no; cases with two readers: 0%" in told()
    assert "model's: yes; cases with two readers: 0%" in told("--first-read")
    assert "model's: yes; cases with two readers: 25%" in told("--second-readers", "0.25")
    assert "model's: no; cases with two readers: 25%" in told("--no-first-read")
    engine = open_workspace(workspace)
    with engine.connect() as connection:
        kinds = [event.kind for event in ledger.events(connection)]
    engine.dispose()
    assert kinds == ["PROTOCOL"] * 3


def test_a_share_that_is_none_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    open_workspace(tmp_path, create=True).dispose()
    assert main(
        ["reading", "set-protocol", "--workspace", str(tmp_path), "--second-readers", "2"], {}
    )
    assert "from 0 to 1" in capsys.readouterr().err


def test_a_case_read_without_a_model_is_exported_and_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort, workspace, out = tmp_path / "cohort", tmp_path / "workspace", tmp_path / "out"
    cohort.mkdir()
    film(cohort, SimpleNamespace(noon=datetime(2025, 3, 4, 12, 0, tzinfo=UTC)))
    header = "case_id,patient_id,decision_time\n"
    (cohort / "cases.csv").write_text(f"{header}c1,MRN-77,2025-03-04T13:00:00Z\n", "utf-8")
    (cohort / "images.csv").write_text("case_id,path\nc1,film.dcm\n", "utf-8")
    (cohort / "cohort.toml").write_text(
        'name = "one"\n[[diagnoses]]\nname = "pneumonia"\n', "utf-8"
    )
    run(capsys, "import", cohort, "--workspace", workspace)
    engine, case_id = open_workspace(workspace), "c1"
    read(workspace, case_id, "dr.one")
    written = [
        Path(line)
        for wanted in ("dicom", "fhir", "hl7")
        for line in run(
            capsys,
            *("export", case_id, "--workspace", workspace, "--out", out),
            *("--as", wanted, "--films", cohort, "--actor", "auditor"),
        ).splitlines()
    ]
    assert [path.name for path in written] == ["report.dcm", "bundle.json", "reading.hl7"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in written)
    assert b"233604007^Pneumonia, organism not specified^SCT" in written[2].read_bytes()
    with engine.connect() as connection:
        events = [e for e in ledger.events(connection) if e.kind == "EXPORTED"]
    engine.dispose()
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in written]
    assert [event.payload["files"] for event in events] == [[digest] for digest in digests]
    assert [event.payload["what"] for event in events] == ["case_dicom", "case_fhir", "case_hl7"]


def test_a_format_that_is_none_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--workspace", str(tmp_path), "--out", str(tmp_path), "--as", "pdf"]
    assert main(["reading", "export", "case", *arguments], {}) == 1
    assert "use one of dicom, fhir, hl7" in capsys.readouterr().err
