"""A case with a film of an archive, and the steps of its reading, for the tests of what leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from sqlalchemy import Engine

from clinical.audit import ledger
from clinical.case.case import Case
from clinical.case.shapes import Arrays
from clinical.dicom.read import read_image
from clinical.dicom.write import RadiographHeader, derived_uid, write_radiograph
from clinical.review import decisions as decisions_rules
from clinical.review import progress
from clinical.review import signature as signature_rules

ROWS, COLUMNS = 60, 44


def film(folder: Path, example: Any, name: str = "film.dcm", **attributes: Any) -> Path:
    """A film as an archive holds it; `attributes` replace those of its header."""
    header = RadiographHeader(
        patient_id="MRN-77",
        patient_name="Müller^Jürgen",
        sex="male",
        age_years=71,
        acquired=example.noon - timedelta(hours=1),
        study_uid=derived_uid("study", name),
        series_uid=derived_uid("series", name),
        instance_uid=derived_uid("image", name),
        view="PA",
        kvp=110,
        institution="Clinic",
        manufacturer="Maker",
    )
    pixels = np.add.outer(np.arange(ROWS) * 60, np.arange(COLUMNS)).astype(np.uint16)
    path = folder / name
    write_radiograph(path, pixels, header, spacing_mm=(0.5, 0.5), window=(1800, 3600))
    found = pydicom.dcmread(path)
    found.AccessionNumber = "ACC-1"
    for keyword, value in attributes.items():
        setattr(found, keyword, value)
    found.save_as(path)
    return path


def case_of(path: Path, example: Any, case_id: str = "case-1") -> Case:
    """The example's case with this film in place of its own."""
    plain = example.case(case_id)
    return replace(plain, inputs={**plain.inputs, "image": Arrays((read_image(path),))})


def decide(workspace: Engine, example: Any, digest: str, **changes: Any) -> None:
    """The reader decides on the suggestion that has to be decided on."""
    decisions_rules.decide(workspace, example.decision(digest, **changes))


def sign(workspace: Engine, example: Any, digest: str) -> None:
    """The reader signs what they decided."""
    with workspace.connect() as connection:
        mine = progress.progress(ledger.events(connection, case_id="case-1")).of(example.reader)
    signature = signature_rules.Signature(
        "case-1",
        digest,
        example.reader,
        "reader",
        signature_rules.decisions_digest(mine),
        example.noon + timedelta(minutes=9),
    )
    signature_rules.sign(workspace, signature)


def nothing(workspace: Engine, example: Any, digest: str) -> None:
    """Nobody has read it."""


def accepted(workspace: Engine, example: Any, digest: str) -> None:
    decide(workspace, example, digest, confidence="high")


def modified(workspace: Engine, example: Any, digest: str) -> None:
    decide(
        workspace,
        example,
        digest,
        action="modify",
        reason="lab_explains",
        replacement="ICD-10:J12.9",
    )


def rejected(workspace: Engine, example: Any, digest: str) -> None:
    decide(workspace, example, digest, action="reject", reason="finding_is_artifact")


def signed(workspace: Engine, example: Any, digest: str) -> None:
    modified(workspace, example, digest)
    sign(workspace, example, digest)


STATES: dict[str, Callable[[Engine, Any, str], None]] = {
    "unread": nothing,
    "accepted": accepted,
    "modified": modified,
    "rejected": rejected,
    "signed": signed,
}
