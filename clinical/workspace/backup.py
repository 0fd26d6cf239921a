"""A backup of a workspace: one file with the database as it stood at one moment, and back again.

SQLite's online backup copies the database while others read and write; no event is in it by half.
The models that were added are in it, too: without them nothing that they said can be replayed. The
file is a ZIP for its owner only. It holds patient data, and no key unless that is asked for: the
key should be kept apart from what it signs.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

from clinical.errors import StoreError
from clinical.workspace import own_file, scratch
from clinical.workspace.database import DATABASE_NAME
from clinical.workspace.place import MODELS, RETIRED

KEY_FILE = "ledger.key"
_MODEL_FILE = re.compile(
    rf"{MODELS}/({RETIRED}/)?[0-9]{{4,}}-[0-9a-f]+/[A-Za-z][A-Za-z0-9_]*\.[a-z]+"
)
CHUNK_PAGES = 1000  # copied at a time, so that writers are not kept waiting


def save(folder: Path, out: Path, *, with_key: bool = False) -> int:
    """Write a backup of the workspace in `folder` to `out`, replacing an earlier one.

    Returns:
        Size of the file in bytes.

    Raises:
        StoreError: if there is no workspace, or no key that can be copied, or the file cannot be
            written.
    """
    if not (folder / DATABASE_NAME).is_file():
        raise StoreError(
            f"{folder} holds no {DATABASE_NAME}.",
            remedy="give the folder of a workspace; a server has `pg_dump`.",
        )
    if with_key:
        _check_key(folder / KEY_FILE)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with scratch.folder() as place, scratch.part(out) as part:
            _copy(folder / DATABASE_NAME, place / DATABASE_NAME)
            with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.write(place / DATABASE_NAME, DATABASE_NAME)
                for model in _models(folder, place):
                    archive.write(place / model, model)
                if with_key:
                    archive.write(folder / KEY_FILE, KEY_FILE)
            part.replace(out)
    except OSError as error:
        raise own_file.unwritable(out, error) from None
    except sqlite3.Error as error:
        raise StoreError(
            f"The backup {out} cannot be written: {error}.",
            remedy="choose another place, or check the free space.",
        ) from None
    return out.stat().st_size


def restore(backup: Path, folder: Path) -> bool:
    """Make a workspace in `folder` from a backup.

    Returns:
        Whether the backup held the key.

    Raises:
        StoreError: if the folder holds a workspace already, or the file is no backup.
    """
    if (folder / DATABASE_NAME).exists():
        raise StoreError(
            f"{folder} holds a workspace already.",
            remedy="restore into a new folder; what is there may be evidence.",
        )
    try:
        with zipfile.ZipFile(backup) as archive:
            names = set(archive.namelist())
            others = sorted(names - {DATABASE_NAME})
            if others == sorted(names) or not all(map(_is_known, others)):
                raise _no_backup(backup)
            folder.mkdir(parents=True, exist_ok=True)
            for name in (*others, DATABASE_NAME):
                _unpack(archive, name, folder)
    except (OSError, zipfile.BadZipFile) as error:
        raise StoreError(
            f"{backup} cannot be restored: {error}.", remedy="use another backup."
        ) from None
    return KEY_FILE in names


def _check_key(file: Path) -> None:
    if not file.is_file():
        raise StoreError(f"{file.parent} holds no {file.name}.", remedy="leave out --with-key.")
    if file.read_bytes().startswith(b"{"):
        raise StoreError(
            f"{file} only says where the key is kept; the key itself cannot be copied from there.",
            remedy="leave out --with-key, and keep the token or the keyring.",
        )


def _copy(source: Path, target: Path) -> None:
    with (
        closing(sqlite3.connect(f"file:{source.absolute()}?mode=ro", uri=True)) as read,
        closing(sqlite3.connect(target)) as written,
    ):
        read.backup(written, pages=CHUNK_PAGES)
        written.execute("PRAGMA journal_mode=DELETE")


def _models(folder: Path, place: Path) -> list[str]:
    """Copy the models of a workspace to `place`; what the copies are called below it.

    The database was copied before: what was added since is more than it names, and what goes
    meanwhile is left out, whole.
    """
    found: list[str] = []
    for home in (Path(MODELS), Path(MODELS, RETIRED)):
        for model in sorted((folder / home).glob("[0-9]*")):
            copy = place / home / model.name
            try:
                shutil.copytree(model, copy)
            except (FileNotFoundError, shutil.Error):
                if model.exists():
                    raise
                continue
            found += sorted(str(file.relative_to(place)) for file in copy.iterdir())
    return found


def _is_known(name: str) -> bool:
    return name == KEY_FILE or _MODEL_FILE.fullmatch(name) is not None


def _unpack(archive: zipfile.ZipFile, name: str, folder: Path) -> None:
    """Write one file for its owner only; the database last gets its name, whole."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    with archive.open(name) as packed, own_file.writing(folder / name) as file:
        shutil.copyfileobj(packed, file)
        file.flush()
        os.fsync(file.fileno())


def _no_backup(file: Path) -> StoreError:
    return StoreError(
        f"{file} is not a backup of a workspace.",
        remedy="use a file written by `triptych workspace backup`; an export cannot be restored.",
    )
