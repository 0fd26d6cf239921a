"""A witness: a second place where every signed head is written at once, a line each.

Best is a place to which whoever records may add, but which they cannot change: a file on another
machine, or one that its system only lets grow. A line is the JSON of the head; it says nothing of
any patient. It is written after the transaction of its event: a head that is in the witness is in
the ledger, or was. A witness that cannot be reached stops nobody's work; what it lacks is written
with the next head, and verification says how far it reaches.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from clinical.audit import verifier
from clinical.audit.verifier import Fault
from clinical.errors import LedgerError, StoreError
from clinical.workspace.database import after_commit

SETTING = "ledger.witness"
"""File beside the key that names the witness."""

TAIL = 1 << 16  # bytes at the end of a witness that hold its last line

_log = logging.getLogger("triptych.witness")


def appointed(folder: Path) -> Path | None:
    """The witness of the workspace whose key lies in `folder`, or None."""
    try:
        return Path((folder / SETTING).read_text(encoding="utf-8").strip())
    except FileNotFoundError:
        return None


def appoint(folder: Path, file: Path, lines: Sequence[bytes]) -> None:
    """Make `file` the witness, and write the heads that there are into it.

    Args:
        folder: where the key lies.
        file: the witness; made if it is not there.
        lines: all heads so far, oldest first.

    Raises:
        LedgerError: if the file holds heads of another ledger, or something else.
        StoreError: if it lies in the folder of the workspace, or cannot be written.
    """
    place = file.absolute()
    if place.resolve().is_relative_to(folder.resolve()):
        raise StoreError(
            "A witness in the folder of the workspace would be lost or changed with it.",
            remedy="name a file on another disk or another machine.",
        )
    held = set(read(place)) if place.exists() else set()
    if held - {line.strip() for line in lines}:
        raise LedgerError(
            f"{file} holds heads of another ledger, or later ones.",
            remedy="give each workspace a witness of its own; run `triptych audit verify --witness`"
            " if it is this one's.",
        )
    try:
        _append(place, [line for line in lines if line.strip() not in held])
        (folder / SETTING).write_text(f"{place}\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"{file} cannot be written: {error.strerror}.", remedy="choose another file."
        ) from None


def dismiss(folder: Path) -> None:
    """Write no more heads to a witness."""
    (folder / SETTING).unlink(missing_ok=True)


def read(file: Path) -> list[bytes]:
    """The lines of a witness that are whole.

    Raises:
        StoreError: if it cannot be read.
    """
    try:
        return [line for line in file.read_bytes().split(b"\n")[:-1] if line]
    except OSError as error:
        raise StoreError(
            f"{file} cannot be read: {error.strerror}.", remedy="name the file of the witness."
        ) from None


def last_size(file: Path) -> int:
    """Number of events under the last head in a witness; 0 where there is none."""
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - TAIL))
            lines = stream.read().split(b"\n")[:-1]
        heads = verifier.kept_heads(lines[-1]) if lines else []
    except (OSError, Fault, ValueError):
        return 0
    return int(heads[-1]["size"]) if heads else 0


def tell(connection: Connection, place: Path, lines: Sequence[bytes]) -> None:
    """Write heads to the witness at `place` once the transaction is committed.

    Called again in one transaction, only the last call counts: it names all heads that are missing.
    """
    after_commit(connection, SETTING, partial(_tell, place, list(lines)))


def _tell(place: Path, lines: Sequence[bytes]) -> None:
    try:
        _append(place, lines)
    except OSError as error:
        _log.warning("The witness %s cannot be written: %s.", place, error.strerror)


def _append(place: Path, lines: Sequence[bytes]) -> None:
    """One write at the end, on the disk when it returns; a line that was cut short is ended."""
    handle = os.open(place, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = os.lseek(handle, 0, os.SEEK_END)
        torn = bool(size) and os.pread(handle, 1, size - 1) != b"\n"
        data = b"\n" * torn + b"".join(line.strip() + b"\n" for line in lines)
        if data:
            os.write(handle, data)
            os.fsync(handle)
    finally:
        os.close(handle)
