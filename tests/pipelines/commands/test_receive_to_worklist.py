"""From a folder that a hospital's systems write into to an assessed case on the worklist."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hospital import write_film
from waiting import until

from clinical.audit import ledger
from clinical.audit.verify import verify
from clinical.case.shapes import Measurements
from clinical.workspace import store
from clinical.workspace.database import opened
from pipelines.cli import main

ROOT = Path(__file__).parents[3]
TAKEN = (datetime.now(UTC) - timedelta(hours=1)).replace(microsecond=0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    path = tmp_path / "receive.toml"
    path.write_text(
        'inbox = "inbox"\nkeep_free_gb = 0\n'
        '[folder]\npath = "in"\nquiet_seconds = 0.1\nlook_seconds = 0.1\n'
        '[assembly]\nauthority = "HOSP"\n'
    )
    return path


@contextmanager
def receiving(file: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", "from pipelines.cli import run; run()", "receive", str(file)]
    command += ["--workspace", str(file.parent / "workspace")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def arrives(file: Path, name: str, data: bytes) -> None:
    place = file.parent / "in" / f"{name}.part"
    place.write_bytes(data)
    place.rename(place.with_suffix(""))
    taken = file.parent / "in" / "taken"
    until(lambda: list(taken.glob(f"*{name}")), f"that {name} is taken")


def potassium(value: str, issued: datetime) -> bytes:
    told, taken = (f"{moment:%Y%m%d%H%M%S+0000}" for moment in (issued, TAKEN - timedelta(hours=1)))
    lines = (
        f"MSH|^~\\&|LAB|HOSP|T|HOSP|{told}||ORU^R01^ORU_R01|{value}|P|2.5.1",
        "PID|1||1001^^^HOSP^MR||Test^Only||19600501|F",
        f"OBR|1|P1|F1|24323-8^Panel^LN|||{taken}|||||||||||||||{told}|||F",
        f"OBX|1|NM|2823-3^Potassium^LN||{value}|mmol/L|||||F|||{taken}",
    )
    return "\r".join(lines).encode()


def assessed(file: Path, versions: int) -> str:
    """Name of the one case, once it has this many assessments; "" before."""
    place = file.parent / "workspace"
    with opened(place, create=True) as engine, engine.connect() as connection:
        rows = store.worklist(connection)
        if not rows or not rows[0].assessment_digest:
            return ""
        kinds = [e.kind for e in ledger.events(connection, case_id=rows[0].case_id)]
        assert verify(connection).intact
    return rows[0].case_id if kinds.count("ASSESSED") == versions else ""


def test_a_film_becomes_an_assessed_case_and_survives_a_kill(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = write_film(file.parent / "film", acquired=TAKEN)
    with receiving(file):
        arrives(file, "lab", potassium("4.1", TAKEN - timedelta(minutes=20)))
        arrives(file, "film", film)
        name = until(lambda: assessed(file, 1), "the first assessment")
    # Killed; what comes meanwhile waits for the next start.
    with receiving(file):
        arrives(file, "late", potassium("5.9", TAKEN + timedelta(minutes=20)))
        assert until(lambda: assessed(file, 2), "the second assessment") == name
    with opened(file.parent / "workspace") as engine, engine.connect() as connection:
        case = store.get_case(connection, name)
    found = case.inputs["measurements"]
    assert isinstance(found, Measurements)
    assert [item.value for item in found.items] == [5.9]
    assert main(["receive", str(file), "--trail", "--case", name], {}) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.split(f" {name} ")[1] for line in told] == [
        "made: from 1 film, 1 result",
        "versioned: from 1 film, 1 result",
    ]
