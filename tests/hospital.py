"""A made-up hospital: what its systems send, with no more in it than a test speaks of."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from clinical.dicom.identity import Identity
from clinical.dicom.write import RadiographHeader, StudyHeader, derived_uid, write_radiograph
from clinical.dicom.write_ecg import write_ecg
from clinical.exchange.facts import (
    Fact,
    HistoryFact,
    MeasurementFact,
    Merge,
    NoteFact,
    PatientIdentifier,
    Person,
    Status,
    Told,
)
from clinical.exchange.known import Film, Heard
from clinical.modalities.ecg.leads import STANDARD, code_of

NOON = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)
"""When the film of most tests is taken."""

PACS, LAB = "PACS", "LAB"


def at(minutes: float) -> datetime:
    """Minutes after noon; before it, if negative."""
    return NOON + timedelta(minutes=minutes)


def film(
    name: str = "a",
    *,
    taken: float = 0,
    arrived: float | None = None,
    number: str = "1001",
    issuer: str = "HOSP",
    study: str = "study-1",
    sender: str = PACS,
    **header: Any,
) -> Film:
    """A PA film of the chest, sent two minutes after it was taken unless `arrived` says when."""
    stated = Identity(
        patient_id=number,
        issuer=issuer,
        sex="F",
        birth_date="1960-05-01",
        instance=f"1.2.{name}",
        study=study,
        series="1.2.3",
        sop_class="1.2.840.10008.5.1.4.1.1.1.1",
        accession="",
        modality="DX",
        body_part="CHEST",
        described="CHEST PA",
        view="PA",
        intent="FOR PRESENTATION",
        acquired=at(taken).isoformat(),
        latest=at(taken).isoformat(),
    )
    digest = hashlib.sha256(f"{name} {number} {header}".encode()).hexdigest()
    sent = at(taken + 2 if arrived is None else arrived)
    return Film(digest, sender, sent, replace(stated, **header))


def result(
    identity: str = "k",
    *,
    taken: float = -60,
    issued: float | None = -30,
    value: str = "4.1",
    code: str = "2823-3",
    status: Status = "final",
) -> MeasurementFact:
    """A potassium that was taken an hour before noon and told half an hour before it."""
    told = None if issued is None else at(issued)
    return MeasurementFact(
        identity, code, "LOINC", "Potassium", value, "mmol/L", at(taken), told, status
    )


def diagnosis(identity: str = "d", *, recorded: float | None = -1000, **more: Any) -> HistoryFact:
    """Heart failure, written down long before."""
    when = None if recorded is None else at(recorded)
    plain = HistoryFact(identity, "I50.9", "ICD-10", "Heart failure", None, when, "final")
    return replace(plain, **more)


def note(identity: str = "n", *, written: float = -20, text: str = "Cough.") -> NoteFact:
    """An indication, written before noon."""
    return NoteFact(identity, "indication", text, at(written), "final")


def number(value: str = "1001", authority: str = "HOSP") -> PatientIdentifier:
    """A number of a patient."""
    return PatientIdentifier(value, authority)


def heard(
    *facts: Fact,
    arrived: float = -10,
    who: tuple[PatientIdentifier, ...] | None = None,
    sender: str = LAB,
    sex: str = "",
    born: date | None = None,
    merges: tuple[Merge, ...] = (),
) -> Heard:
    """A message of a patient, 1001 of HOSP unless `who` says of whom."""
    numbers = (number(),) if who is None else who
    person = Person(numbers, sex, born) if numbers else None
    told = Told(person, facts, merges)
    name = hashlib.sha256(repr((told, sender)).encode()).hexdigest()
    return Heard(name, sender, at(arrived), told)


def write_film(
    path: Path,
    *,
    number: str = "1001",
    acquired: datetime = NOON,
    study: str = "1",
    name: str = "a",
    view: str = "PA",
) -> bytes:
    """A drawn film as a file; its bytes."""
    pixels = np.random.default_rng(len(name)).integers(0, 4095, (48, 40)).astype(np.uint16)
    header = RadiographHeader(
        patient_id=number,
        patient_name="Test^Only",
        sex="female",
        age_years=acquired.year - 1960 - (acquired.month < 5),
        acquired=acquired,
        study_uid=derived_uid("study", study),
        series_uid=derived_uid("series", name),
        instance_uid=derived_uid("instance", name),
        institution="",
        manufacturer="",
        view=view,  # type: ignore[arg-type]
        kvp=90,
    )
    write_radiograph(
        path, pixels, header, spacing_mm=(0.2, 0.2), window=(2000, 3000), compression="none"
    )
    return path.read_bytes()


def write_tracing(
    path: Path,
    *,
    number: str = "1001",
    acquired: datetime = NOON,
    study: str = "e",
    name: str = "e",
) -> bytes:
    """A drawn electrocardiogram of 12 leads as a file; its bytes."""
    time = np.arange(1000) / 500
    samples = np.array([np.sin(7 * time + lead) for lead in range(12)], np.float32)
    header = StudyHeader(
        patient_id=number,
        patient_name="Test^Only",
        sex="female",
        age_years=acquired.year - 1960 - (acquired.month < 5),
        acquired=acquired,
        study_uid=derived_uid("study", study),
        series_uid=derived_uid("series", name),
        instance_uid=derived_uid("instance", name, number),
        institution="",
        manufacturer="",
    )
    write_ecg(path, samples, [(code_of(lead), lead) for lead in STANDARD], 500.0, header)
    return path.read_bytes()
