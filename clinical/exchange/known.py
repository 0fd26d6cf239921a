"""What is known of patients: messages and films, each with when it arrived and who sent it.

Nothing here is changed by what comes later. A correction stands beside what it corrects, a merge
beside both numbers, and whoever puts a case together decides what held at which moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from clinical.dicom import sniff
from clinical.dicom.identity import Identity
from clinical.exchange.facts import (
    Fact,
    HistoryFact,
    MeasurementFact,
    Merge,
    NoteFact,
    PatientIdentifier,
    Person,
    Told,
)


@dataclass(frozen=True)
class Heard:
    """What one message said of one person.

    Attributes:
        message: names it; the same message again has the same name.
        sender: who sent it.
        arrived: when it was first safe on disk.
        told: what it says.
    """

    message: str
    sender: str
    arrived: datetime
    told: Told


@dataclass(frozen=True)
class Film:
    """One DICOM object: a film or an electrocardiogram.

    Attributes:
        digest: SHA-256 of its bytes.
        sender, arrived: as in `Heard`.
        identity: what its header says.
    """

    digest: str
    sender: str
    arrived: datetime
    identity: Identity

    @property
    def is_ecg(self) -> bool:
        """Whether it is a recording and no image."""
        return self.identity.sop_class.startswith(sniff.WAVEFORMS)

    @property
    def number(self) -> PatientIdentifier:
        """The patient's number as the header has it."""
        return PatientIdentifier(self.identity.patient_id, self.identity.issuer)


@dataclass(frozen=True)
class Known:
    """Messages and films in which some numbers of patients occur, whoever gave them out."""

    heard: tuple[Heard, ...] = ()
    films: tuple[Film, ...] = ()


KINDS: dict[str, type[Fact]] = {
    "measurement": MeasurementFact,
    "history": HistoryFact,
    "note": NoteFact,
}
_TIMES = ("time", "issued", "onset", "recorded")


def told_as_json(told: Told) -> dict[str, Any]:
    """What a message says as JSON-compatible values; what it refused is not part of it."""
    person = None
    if told.person is not None:
        born = told.person.birth_date
        person = {**asdict(told.person), "birth_date": born.isoformat() if born else None}
    return {
        "person": person,
        "facts": [_fact_as_json(fact) for fact in told.facts],
        "merges": [asdict(merge) for merge in told.merges],
    }


def told_from_json(data: Mapping[str, Any]) -> Told:
    """The inverse of `told_as_json`."""
    return Told(
        _person(data["person"]) if data["person"] else None,
        tuple(_fact(fact) for fact in data["facts"]),
        tuple(
            Merge(PatientIdentifier(**m["kept"]), PatientIdentifier(**m["retired"]))
            for m in data["merges"]
        ),
    )


def _person(data: Mapping[str, Any]) -> Person:
    born = data["birth_date"]
    numbers = tuple(PatientIdentifier(**number) for number in data["identifiers"])
    return Person(numbers, data["sex"], date.fromisoformat(born) if born else None)


def _fact_as_json(fact: Fact) -> dict[str, Any]:
    (kind,) = (name for name, kind in KINDS.items() if isinstance(fact, kind))
    values = asdict(fact)
    for name in _TIMES:
        if isinstance(values.get(name), datetime):
            values[name] = values[name].isoformat()
    return {"fact": kind, **values}


def _fact(data: Mapping[str, Any]) -> Fact:
    values = {key: value for key, value in data.items() if key != "fact"}
    for name in _TIMES:
        if values.get(name):
            values[name] = datetime.fromisoformat(values[name])
    return KINDS[data["fact"]](**values)
