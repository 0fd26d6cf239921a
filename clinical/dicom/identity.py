"""Of whom, of which study and of when a DICOM object is: what puts it in its place among others.

Unlike what travels with pixels (`clinical.dicom.provenance`) this holds the patient's number, so it
goes to those who put cases together and to nobody else. Never a name. No pixel is decoded.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from clinical.dicom import reader
from clinical.dicom.limits import DEFAULT_LIMITS, Limits
from clinical.dicom.picture import Request
from clinical.errors import ImageRefused


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
