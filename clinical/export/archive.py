"""One ZIP, written file by file; only one chunk is held in memory.

The same content at the same time gives the same bytes: entries carry the time of the export and no
owner, in the order in which they were put.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

MODE = 0o644 << 16
BATCH = 1 << 16  # bytes gathered before they are packed


class Archive:
    """A ZIP that is being written.

    Attributes:
        digests: name of each file to the SHA-256 of its content.
    """

    def __init__(self, path: Path, time: datetime) -> None:
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
        moment = time.astimezone(UTC)
        self._date = (
            max(moment.year, 1980),  # ZIP knows no earlier year
            moment.month,
            moment.day,
            moment.hour,
            moment.minute,
            moment.second,
        )
        self.digests: dict[str, str] = {}

    def put(self, name: str, pieces: Iterable[bytes]) -> None:
        """Add a file."""
        info = zipfile.ZipInfo(name, self._date)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = MODE
        state = hashlib.sha256()
        with self._zip.open(info, "w", force_zip64=True) as file:
            waiting = bytearray()
            for piece in pieces:
                waiting += piece
                if len(waiting) >= BATCH:
                    state.update(waiting)
                    file.write(waiting)
                    waiting.clear()
            state.update(waiting)
            file.write(waiting)
        self.digests[name] = state.hexdigest()

    def close(self) -> None:
        """Finish the ZIP."""
        self._zip.close()
