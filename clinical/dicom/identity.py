"""Of whom, of which study and of when a DICOM object is: what puts it in its place among others.

Unlike what travels with pixels (`clinical.dicom.provenance`) this holds the patient's number, so it
goes to those who put cases together and to nobody else. Never a name. No pixel is decoded.
"""

from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from pydicom.dataset import Dataset

from clinical.dicom import dataset, dates, provenance, reader, sniff, view
from clinical.dicom.limits import DEFAULT_LIMITS, Limits
from clinical.dicom.picture import PARSER_ERRORS, Request
from clinical.errors import ImageRefused

_DESCRIPTIONS = ("StudyDescription", "SeriesDescription", "ProtocolName", "BodyPartExamined")
_REGION = "AnatomicRegionSequence"
_LONGEST = 64  # of a number: PS3.5 6.2, LO
_UIDS = re.compile(r"[0-9.]{1,64}")


@dataclass(frozen=True)
class Identity:
    """What a header says of where its object belongs; "" where it does not say it.

    Attributes:
        patient_id, issuer: (0010,0020) and (0010,0021), who gave the number out.
        sex: (0010,0040), as written.
        birth_date: (0010,0030), ISO 8601.
        instance, study, series, sop_class: unique identifiers.
        accession: number of the order.
        modality: such as DX.
        body_part: (0018,0015).
        described: the words of what was done, in capitals, for rules to look in.
        view: as `clinical.dicom.view` understands it.
        intent: FOR PRESENTATION or FOR PROCESSING.
        acquired, latest: ISO 8601; `latest` is the last of all dates that the header states.
    """

    patient_id: str
    issuer: str
    sex: str
    birth_date: str
    instance: str
    study: str
    series: str
    sop_class: str
    accession: str
    modality: str
    body_part: str
    described: str
    view: str
    intent: str
    acquired: str
    latest: str


def read_identity(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Identity:
    """Where the object in a DICOM file belongs, read in the guarded process that reads images.

    Raises:
        ImageRefused: if it is not DICOM, or names no instance.
        ImageUnreadable: if it is broken, hostile or over a limit.
    """
    answer, _ = reader.ask(Request(os.fspath(path.absolute()), None, None, limits, "identity"))
    found = Identity(**answer["identity"])
    if not found.instance:
        raise ImageRefused(
            "The DICOM object has no SOP Instance UID.", remedy="Send it again from its source."
        )
    return found


def of(data: bytes, limits: Limits) -> dict[str, str]:
    """The fields of an `Identity`, inside the guarded process.

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
