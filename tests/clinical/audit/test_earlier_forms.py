"""A record from before heads in form 2, kept as it was: it verifies by the rule of its time.

`record_of_form_1.zip` holds database and key of `honest_record`, made by the version before.
"""

from __future__ import annotations

import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine

from clinical.audit import heads, ledger, verifier
from clinical.audit.verify import Verdict, verify
from clinical.export.bundle import export
from clinical.review import intake
from clinical.workspace.database import DATABASE_NAME, open_workspace, writing

KEPT = Path(__file__).with_name("record_of_form_1.zip")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "workspace"
    with zipfile.ZipFile(KEPT) as archive:
        archive.extractall(place)
    for file in place.iterdir():
        file.chmod(0o600)
    return place


@pytest.fixture
def engine(folder: Path) -> Engine:
    return open_workspace(folder)


def verdict(engine: Engine) -> Verdict:
    with engine.connect() as connection:
        return verify(connection, pixels=True)


def forms(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        found = heads.with_edges(connection)
    return [heads.form_of(found[size][0]) for size in sorted(found)]


def test_it_verifies_and_goes_on_in_the_new_form(engine: Engine) -> None:
    found = verdict(engine)
    assert found.intact, found.reason
    assert set(forms(engine)) == {1}
    intake.record_opened(engine, "case-3", "dr.ada")
    assert forms(engine)[-1] == 2, "signed with the first event that comes after"
    for _ in range(3):
        intake.record_opened(engine, "case-3", "dr.ada")
    with writing(engine) as connection:
        heads.sign_now(connection)
    found = verdict(engine)
    assert (found.intact, found.signed) == (True, found.events), found.reason
    engine.dispose()


def test_its_export_is_whole(engine: Engine, tmp_path: Path) -> None:
    export(engine, tmp_path / "record.zip", actor="auditor")
    engine.dispose()
    good, bad, _, _ = verifier.examine(tmp_path / "record.zip", "")
    assert bad == []
    assert any("4 signatures of readers match" in line for line in good)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE accounts SET role = 'administrator'", "given another role"),
        ("INSERT INTO accounts VALUES ('ghost', 'reader', '', '', '')", "that no event made"),
        ("UPDATE worklist SET flagged = 0", "the list of cases says something else"),
        ("UPDATE pixels SET data = x'00'", "an image of the case"),
        ("DELETE FROM tree_heads WHERE size = 23", "the signed head over 23 events is missing"),
    ],
)
def test_what_binds_its_events_is_compared(folder: Path, statement: str, reason: str) -> None:
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as raw, raw:
        raw.execute("DROP TRIGGER tree_heads_no_delete")
        raw.execute(statement)
    engine = open_workspace(folder)
    found = verdict(engine)
    engine.dispose()
    assert not found.intact
    assert reason in found.reason


def test_taken_back_to_where_the_old_form_ends_a_kept_head_tells(
    engine: Engine, folder: Path
) -> None:
    with writing(engine) as connection:
        ledger.append(connection, "OPENED", actor="dr.ada", case_id="case-3", payload={})
        kept = heads.sign_now(connection)
    engine.dispose()
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as raw, raw:
        raw.execute("DROP TRIGGER tree_heads_no_delete")
        raw.execute("DELETE FROM tree_heads WHERE size = (SELECT max(size) FROM tree_heads)")
    again = open_workspace(folder)
    assert verdict(again).intact, "as if the new version had not been there yet"
    with again.connect() as connection:
        assert not verify(connection, known=kept).intact
    again.dispose()
