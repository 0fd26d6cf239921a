"""A backup made while others write, and the workspace that comes back from it."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from models_of_two_ages import ADULTS, CHILDREN, named, write
from sqlalchemy import Engine
from waiting import SECONDS

from clinical.assess import installing
from clinical.audit import heads, ledger
from clinical.audit.verify import NO_KEY, verify
from clinical.errors import StoreError
from clinical.export.bundle import export
from clinical.model import installed
from clinical.model import model as models
from clinical.model.model import Model
from clinical.workspace import backup, own_file, store
from clinical.workspace.database import DATABASE_NAME, folder_of, open_workspace, writing
from pipelines.cli import main


@pytest.fixture
def folder(workspace: Engine, example: Any) -> Path:
    example.recorded(workspace)
    with workspace.connect() as connection:
        return folder_of(connection)


def test_it_is_whole_while_somebody_writes(folder: Path, workspace: Engine, tmp_path: Path) -> None:
    begun, stop = Event(), Event()

    def busy() -> None:
        while not stop.is_set():
            with writing(workspace) as connection:
                ledger.append(connection, "OPENED", actor="reader", payload={})
            begun.set()

    writer = Thread(target=busy)
    writer.start()
    try:
        assert begun.wait(SECONDS)
        backup.save(folder, tmp_path / "b.zip", with_key=True)
    finally:
        stop.set()
        writer.join()
    assert backup.restore(tmp_path / "b.zip", tmp_path / "again")
    engine = open_workspace(tmp_path / "again")
    with engine.connect() as connection:
        found = verify(connection, pixels=True)
        assert store.get_case(connection, "case-1").patient_id == "patient of case-1"
    engine.dispose()
    assert found.intact, found.reason
    assert found.events > 2
    for file in (tmp_path / "b.zip", tmp_path / "again" / DATABASE_NAME):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_key_that_is_kept_elsewhere_cannot_be_copied(folder: Path, tmp_path: Path) -> None:
    own_file.write(folder / backup.KEY_FILE, '{"kept": "keyring", "key": ""}')
    with pytest.raises(StoreError, match="only says where the key is kept"):
        backup.save(folder, tmp_path / "b.zip", with_key=True)
    assert not (tmp_path / "b.zip").exists()


def test_the_key_stays_behind_unless_it_is_asked_for(folder: Path, tmp_path: Path) -> None:
    backup.save(folder, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert archive.namelist() == [DATABASE_NAME]
    assert not backup.restore(tmp_path / "b.zip", tmp_path / "again")
    engine = open_workspace(tmp_path / "again")
    with engine.connect() as connection:
        assert verify(connection, key=NO_KEY).intact
    engine.dispose()


def test_added_and_retired_models_come_back(
    folder: Path, workspace: Engine, model_of_two: Model, tmp_path: Path
) -> None:
    made = [
        write(tmp_path / name, named(model_of_two, name, ages))
        for name, ages in (("adults", ADULTS), ("children", CHILDREN))
    ]
    for checkpoint in made:
        found = installing.add(workspace, checkpoint, actor="physicist")
    installing.retire(workspace, found, actor="physicist")
    # What a killed `add` left behind is no model.
    (installed.root(folder) / ".part-00").mkdir()
    (installed.root(folder) / ".part-00" / "model.json").write_text("{}")
    backup.save(folder, tmp_path / "b.zip")
    backup.restore(tmp_path / "b.zip", tmp_path / "again")
    for cards in (installed.asked, installed.retired):
        before, after = cards(folder), cards(tmp_path / "again")
        assert [one.digest for one in after] == [one.digest for one in before]
    assert models.load(installed.asked(tmp_path / "again")[0].folder).identity.name == "adults"
    files = [file for file in (tmp_path / "again").rglob("*") if file.is_file()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.mark.parametrize(
    "name",
    [
        "models/0001-ab/../../x.json",
        "models/x/model.json",
        "/models/0001-ab/model.json",
        "models/retired/0001-ab/.json",
        "cases.csv",
    ],
)
def test_a_file_that_no_backup_has_is_not_unpacked(folder: Path, tmp_path: Path, name: str) -> None:
    backup.save(folder, tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "b.zip", "a") as archive:
        archive.writestr(name, "{}")
    with pytest.raises(StoreError, match="is not a backup"):
        backup.restore(tmp_path / "b.zip", tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_what_is_refused(folder: Path, tmp_path: Path) -> None:
    backup.save(folder, tmp_path / "b.zip")
    with pytest.raises(StoreError, match="holds a workspace already"):
        backup.restore(tmp_path / "b.zip", folder)
    with pytest.raises(StoreError, match=r"holds no triptych\.sqlite"):
        backup.save(tmp_path, tmp_path / "b.zip")
    (tmp_path / "no.zip").write_bytes(b"nothing")
    with pytest.raises(StoreError, match="cannot be restored"):
        backup.restore(tmp_path / "no.zip", tmp_path / "again")
    with zipfile.ZipFile(tmp_path / "no.zip", "w") as archive:
        archive.writestr("../elsewhere", b"x")
    with pytest.raises(StoreError, match="is not a backup"):
        backup.restore(tmp_path / "no.zip", tmp_path / "again")
    assert not (tmp_path / "again" / DATABASE_NAME).exists()


def test_an_export_is_not_restored_and_it_is_said_what_is(
    folder: Path, workspace: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(workspace, tmp_path / "record.zip", actor="system")
    again = ["--workspace", str(tmp_path / "again")]
    assert main(["workspace", "restore", str(tmp_path / "record.zip"), *again], {}) == 1
    said = capsys.readouterr().err
    assert "is not a backup of a workspace" in said
    assert "triptych workspace backup`; an export cannot be restored" in " ".join(said.split())
    assert not (tmp_path / "again").exists()


def test_the_commands_and_a_head_that_shows_what_is_missing(
    folder: Path, workspace: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, head = str(tmp_path / "b.zip"), str(tmp_path / "head.json")
    place = ["--workspace", str(folder)]
    assert main(["workspace", "backup", *place, "--out", out, "--with-key"], {}) == 0
    assert "with the key" in capsys.readouterr().out
    with writing(workspace) as connection:
        ledger.append(connection, "OPENED", actor="reader", payload={})
        heads.sign_now(connection)
    assert main(["audit", "sign", *place, "--out", head], {}) == 0
    again = ["--workspace", str(tmp_path / "again")]
    assert main(["workspace", "restore", out, *again], {}) == 0
    assert "intact: 2 events" in capsys.readouterr().out
    other = ["--workspace", str(tmp_path / "other"), "--head", head]
    assert main(["workspace", "restore", out, *other], {}) == 1
    assert "rolled back: the ledger ends at event 2" in capsys.readouterr().out
