"""What a header says of where its object belongs, read inside the guarded process.

`clinical.dicom.identity` asks for it, and does not load pydicom.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import date

from pydicom.dataset import Dataset

from clinical.dicom import dataset, dates, provenance, sniff, view
from clinical.dicom.identity import Identity
from clinical.dicom.limits import Limits
from clinical.dicom.picture import PARSER_ERRORS
from clinical.errors import ImageRefused

_DESCRIPTIONS = ("StudyDescription", "SeriesDescription", "ProtocolName", "BodyPartExamined")
_REGION = "AnatomicRegionSequence"
_LONGEST = 64  # of a number: PS3.5 6.2, LO
_UIDS = re.compile(r"[0-9.]{1,64}")


def of(data: bytes, limits: Limits) -> dict[str, str]:
    """The fields of an `Identity`.

    Raises:
        ImageRefused: if `data` are not DICOM.
        ImageUnreadable: if the header cannot be parsed.
    """
    if sniff.kind_of(data[: sniff.HEAD]) in ("png", "jpeg"):
        raise ImageRefused("The file is a picture, not a DICOM object.", remedy="Send DICOM.")
    found, _ = dataset.parse(data, limits)
    stamps = dates.of(found)
    source = provenance.of(found)
    return asdict(
        Identity(
            patient_id=_text(found, "PatientID"),
            issuer=_text(found, "IssuerOfPatientID"),
            sex=_text(found, "PatientSex"),
            birth_date=_birth(_text(found, "PatientBirthDate")),
            instance=_uid(found, "SOPInstanceUID"),
            study=_uid(found, "StudyInstanceUID"),
            series=_uid(found, "SeriesInstanceUID"),
            sop_class=_uid(found, "SOPClassUID"),
            accession=source.get("AccessionNumber", ""),
            modality=dataset.code(found, "Modality"),
            body_part=dataset.code(found, "BodyPartExamined"),
            described=_described(found),
            view=view.of(found).position,
            intent=dataset.code(found, "PresentationIntentType"),
            acquired=stamps.acquired,
            latest=stamps.latest,
        )
    )


def _text(found: Dataset, keyword: str) -> str:
    try:
        text = str(found.get(keyword) or "").strip(" \0")
    except PARSER_ERRORS:
        return ""
    return text if text.isprintable() and len(text) <= _LONGEST else ""


def _uid(found: Dataset, keyword: str) -> str:
    text = _text(found, keyword)
    return text if _UIDS.fullmatch(text) else ""


def _birth(text: str) -> str:
    match = re.fullmatch(r"(\d{4})[-./]?(\d\d)[-./]?(\d\d)", text)
    try:
        return date.fromisoformat("-".join(match.groups())).isoformat() if match else ""
    except ValueError:
        return ""


def _described(found: Dataset) -> str:
    """All words that say what was done; the anatomic region is a code with its meaning."""
    words = [_text(found, keyword) for keyword in _DESCRIPTIONS]
    try:
        items = list(found.get(_REGION) or ())
        words += [_text(item, "CodeMeaning") for item in items if isinstance(item, Dataset)]
    except PARSER_ERRORS:
        pass
    return " ".join(word for word in words if word).upper()
