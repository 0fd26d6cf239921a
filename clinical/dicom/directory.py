"""The index of a disc (DICOMDIR, PS3.3 annex F): which files it says are there.

The index is never needed to read them: each file says itself whose and which it is. It only shows
what is missing.
"""

from __future__ import annotations

import os
from pathlib import Path

from clinical.dicom import reader
from clinical.dicom.limits import DEFAULT_LIMITS, Limits
from clinical.dicom.picture import Request


def referenced(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> tuple[tuple[str, ...], ...]:
    """The parts of the path of each file that an index names (PS3.10 section 8.2).

    Raises:
        ImageRefused: if it is no index.
        ImageUnreadable: if it is broken, hostile or over a limit.
    """
    answer, _ = reader.ask(Request(os.fspath(path.absolute()), None, None, limits, "directory"))
    return tuple(tuple(parts) for parts in answer["files"])
