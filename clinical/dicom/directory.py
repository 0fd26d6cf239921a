"""The index of a disc (DICOMDIR, PS3.3 annex F): which files it says are there.

The index is never needed to read them: each file says itself whose and which it is. It only shows
what is missing.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from clinical.dicom import dataset, reader
from clinical.dicom.limits import DEFAULT_LIMITS, Limits
from clinical.dicom.picture import PARSER_ERRORS, Request
from clinical.errors import ImageRefused

MOST = 1_000_000  # records of a disc


def referenced(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> tuple[tuple[str, ...], ...]:
    """The parts of the path of each file that an index names (PS3.10 section 8.2).

    Raises:
        ImageRefused: if it is no index.
        ImageUnreadable: if it is broken, hostile or over a limit.
    """
    answer, _ = reader.ask(Request(os.fspath(path.absolute()), None, None, limits, "directory"))
    return tuple(tuple(parts) for parts in answer["files"])


def of(data: bytes, limits: Limits) -> list[list[str]]:
    """The same, inside the guarded process.

    Raises:
        ImageRefused: if `data` are no index.
        ImageUnreadable: if the header cannot be parsed.
    """
    found, _ = dataset.parse(data, limits)
    try:
        records = found.get("DirectoryRecordSequence")
        if records is None:
            raise ImageRefused(
                "The file is no index of a disc (DICOMDIR).", remedy="Give the files themselves."
            )
        return [parts for record in list(records)[:MOST] if (parts := _parts(record))]
    except PARSER_ERRORS:
        raise ImageRefused(
            "The index of the disc (DICOMDIR) is broken.", remedy="Give the files themselves."
        ) from None


def _parts(record: Dataset) -> list[str]:
    told = record.get("ReferencedFileID") or ()
    parts = list(told) if isinstance(told, MultiValue) else [told] if told else []
    return [str(part) for part in parts]
