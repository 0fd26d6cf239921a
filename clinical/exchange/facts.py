"""What hospital systems tell of a patient, as they told it: the values that every road in yields.

Codes, values and units are text as received. They become a case's measurements only by the reader
of tables that every cohort goes through, so that a potassium of a laboratory message and one of a
CSV file are understood, converted or refused by the same rules.

A road in has one function `told(data: bytes, zone: tzinfo) -> tuple[Told, ...]`, one value for each
person that the message speaks of. It never raises for what it was sent: bytes that are no message
are one `Told` without a person that holds a `Refusal`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

Status = Literal["preliminary", "final", "corrected", "cancelled"]
Kind = Literal["diagnosis", "procedure", "allergy", "medicine"]


@dataclass(frozen=True)
class PatientIdentifier:
    """An identifier and who gave it out; without an authority it is nobody's but itself.

    Attributes:
        value: as received, for example of HL7 v2 PID-3.1, DICOM (0010,0020), FHIR Identifier.value.
        authority: HL7 v2 PID-3.4, DICOM Issuer of Patient ID (0010,0021), FHIR Identifier.system.
    """

    value: str
    authority: str = ""


@dataclass(frozen=True)
class Person:
    """Who a message is about; a name is never kept.

    Attributes:
        identifiers: all that the message gives, the one to match by first.
        sex: as received, or "".
        birth_date: None where it is not known to the day.
    """

    identifiers: tuple[PatientIdentifier, ...]
    sex: str = ""
    birth_date: date | None = None


@dataclass(frozen=True)
class MeasurementFact:
    """One result, as its sender has it.

    Attributes:
        identity: the same for a result and its corrections, never for two results.
        code: of `system`, or the local name where it has none.
        system: "LOINC", the sender's own system, or "".
        value: as received, a comparator such as "<" in front of it.
        time: when the specimen was taken or the patient measured, with its zone.
        issued: when the result was told, with its zone; a decision before it did not know it.
        place: where in the message it stands, for example "OBX[3]".
    """

    identity: str
    code: str
    system: str
    display: str
    value: str
    unit: str
    time: datetime
    issued: datetime | None
    status: Status
    specimen: str = ""
    place: str = ""


@dataclass(frozen=True)
class HistoryFact:
    """A diagnosis, procedure, allergy or medicine that is known, or known not to be there.

    Attributes:
        kind: what it is; an allergy to penicillin has the code of the medicine penicillin.
        onset: when it began, None where that is not said.
        recorded: when it was written down; a decision before it did not know it.
        present: False where the sender says that the patient does not have it.
    """

    identity: str
    code: str
    system: str
    display: str
    onset: datetime | None
    recorded: datetime | None
    status: Status
    kind: Kind = "diagnosis"
    present: bool = True
    place: str = ""


@dataclass(frozen=True)
class NoteFact:
    """A text of the record.

    Attributes:
        section: a name that notes.csv knows, or the sender's title.
        time: when the text was told as it stands; a decision before it did not know it.
    """

    identity: str
    section: str
    text: str
    time: datetime
    status: Status
    place: str = ""


@dataclass(frozen=True)
class Merge:
    """Two identifiers turned out to be one patient: what goes by `retired` goes by `kept` now."""

    kept: PatientIdentifier
    retired: PatientIdentifier


@dataclass(frozen=True)
class Refusal:
    """A part that cannot be used: where it stands, why, and what its sender can do.

    None of the three holds a value of the message: a refusal is logged and sent back.
    """

    place: str
    reason: str
    remedy: str = ""


Fact = MeasurementFact | HistoryFact | NoteFact


@dataclass(frozen=True)
class Told:
    """What one message says of one person.

    Attributes:
        person: None where the message names nobody that can be matched.
        facts: in the order of the message.
        merges: of identifiers.
        refused: parts that cannot be used; the rest of the message is.
        unused: what was understood and holds no fact, such as "ImagingStudy", and how many of it.
    """

    person: Person | None
    facts: tuple[Fact, ...] = ()
    merges: tuple[Merge, ...] = ()
    refused: tuple[Refusal, ...] = ()
    unused: tuple[tuple[str, int], ...] = ()
