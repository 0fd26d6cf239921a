"""`triptych send`: one command from a signature to an archive."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from read_case import film
from receivers import archive

from clinical.audit import ledger
from clinical.case.assessment import ReviewDecision
from clinical.review import decisions, intake, progress, signature
from clinical.review.signature import Signature
from clinical.workspace.database import open_workspace
from pipelines.cli import main


def signed_case(folder: Path) -> Path:
    """A workspace with one case, read without a model and signed."""
    cohort, workspace = folder / "cohort", folder / "workspace"
    cohort.mkdir()
    film(cohort, SimpleNamespace(noon=datetime(2025, 3, 4, 12, 0, tzinfo=UTC)))
    header = "case_id,patient_id,decision_time\n"
    (cohort / "cases.csv").write_text(f"{header}c1,MRN-77,2025-03-04T13:00:00Z\n", "utf-8")
    (cohort / "images.csv").write_text("case_id,path\nc1,film.dcm\n", "utf-8")
    (cohort / "cohort.toml").write_text(
        'name = "one"\n[[diagnoses]]\nname = "pneumonia"\n', "utf-8"
    )
    assert main(["reading", "import", str(cohort), "--workspace", str(workspace)], {}) == 0
    engine = open_workspace(workspace)
    intake.record_opened(engine, "c1", "dr.one")
    now = datetime.now(UTC)
    decisions.decide(engine, ReviewDecision("c1", "", "ICD-10:J18.9", "add", "", "dr.one", now))
    with engine.connect() as connection:
        mine = progress.progress(ledger.events(connection, case_id="c1")).of("dr.one")
    digest = signature.decisions_digest(mine)
    signature.sign(engine, Signature("c1", "", "dr.one", "reader", digest, now))
    engine.dispose()
    return workspace


def test_a_signed_case_is_sent_once_and_what_is_refused_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, settings = signed_case(tmp_path), tmp_path / "send.toml"
    arguments = ["send", str(settings), "--workspace", str(workspace)]
    with archive(answer=lambda number: 0xA900 if number == 1 else 0) as (port, objects):
        settings.write_text(
            'outbox = "outbox"\nfilms = ["cohort"]\n'
            f'[dicom.pacs]\naddress = "127.0.0.1"\nport = {port}\ntitle = "PACS"\n',
            "utf-8",
        )
        capsys.readouterr()
        assert main(arguments, {}) == 0
        assert capsys.readouterr().out == "0 delivered, 1 refused, 0 waiting\n"
        assert main([*arguments, "--status"], {}) == 0
        assert "status A900" in capsys.readouterr().out
        assert main([*arguments, "--again"], {}) == 0
        assert capsys.readouterr().out == "1 wait again\n1 delivered, 0 refused, 0 waiting\n"
        assert main(arguments, {}) == 0
    assert len(objects) == 1
    assert capsys.readouterr().out == "0 delivered, 0 refused, 0 waiting\n"
