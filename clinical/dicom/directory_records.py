"""The index of a disc (DICOMDIR), read inside the guarded process (`clinical.dicom.directory`)."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from clinical.dicom import dataset
from clinical.dicom.limits import Limits
from clinical.dicom.picture import PARSER_ERRORS
from clinical.errors import ImageRefused

MOST = 1_000_000  # records of a disc


def files_of(data: bytes, limits: Limits) -> list[list[str]]:
    """The parts of the path of each file that an index names.

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
