"""Sending: signed readings into the outbox, and from there to archives and hospital systems.

Where to send is one TOML file (docs/sending.md). Every delivery and every final refusal is an event
of its case (SENT), appended before the outbox forgets the bytes: what is killed in between is
delivered and recorded again, never lost. Receivers have it once all the same, because objects and
resources keep their identifiers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from sqlalchemy import Engine

from clinical.audit import ledger
from clinical.audit.retention import purge_of
from clinical.case.delivery import Delivered, NotNow, Outcome
from clinical.config import build, read_toml, unknown
from clinical.dicom import sender
from clinical.dicom.sender import Archive
from clinical.errors import ConfigError, ImageError, ReviewError
from clinical.exchange import fhir_sender, hl7_reading, mllp_sender, stow_sender, web_sender
from clinical.exchange.fhir_sender import Server
from clinical.exchange.hl7_reading import Envelope
from clinical.exchange.mllp_sender import Listener
from clinical.exchange.outbox import Outbox, Parcel
from clinical.exchange.stow_sender import Studies
from clinical.export import model_card
from clinical.export.case_dicom import case_objects
from clinical.export.fhir_reading import transaction
from clinical.export.leaving import Leaving, What, leaving, record, require_films
from clinical.workspace.database import writing

Kind = Literal["dicom", "stow", "fhir", "hl7"]

KINDS: Final[Mapping[Kind, type[Any]]] = {
    "dicom": Archive,
    "stow": Studies,
    "fhir": Server,
    "hl7": Listener,
}
"""Kind of destination to its settings; a destination is a table [KIND.NAME]."""

_CERTIFICATES = ("ca", "certificate", "key")
_FILES: Final[Mapping[Kind, tuple[str, ...]]] = {
    "dicom": _CERTIFICATES,
    "stow": ("token_file", *_CERTIFICATES),
    "fhir": ("token_file", *_CERTIFICATES),
    "hl7": ("ca",),
}
_WHAT: Final[Mapping[Kind, What]] = {
    "dicom": "case_dicom",
    "stow": "case_dicom",
    "fhir": "case_fhir",
    "hl7": "case_hl7",
}
_ACTOR = "system"


@dataclass(frozen=True)
class Destination:
    """One receiver: its name in the settings and the ledger, what it understands, where it is."""

    name: str
    kind: Kind
    place: Archive | Studies | Server | Listener


@dataclass(frozen=True)
class Settings:
    """Where to send.

    Attributes:
        outbox: its folder.
        films: files and folders in which the films of cases are looked for.
        destinations: in the order of the file.
    """

    outbox: Path
    films: tuple[Path, ...]
    destinations: tuple[Destination, ...]


@dataclass(frozen=True)
class Done:
    """What one round did: parcels put, delivered, refused for good, and left for later."""

    put: int = 0
    delivered: int = 0
    refused: int = 0
    waiting: int = 0


def read(path: Path) -> Settings:
    """The settings in a TOML file; relative paths are relative to it.

    Raises:
        ConfigError: if it cannot be read, has a key or a value that is not one, or names nobody.
    """
    data, where = read_toml(path), path.name
    known = ("outbox", "films", *KINDS)
    for key in data:
        if key not in known:
            raise unknown(key, known, where)
    destinations = [
        _destination(kind, name, table, path)
        for kind in KINDS
        for name, table in _tables(data.get(kind, {}), f"{where}: {kind}").items()
    ]
    names = [found.name for found in destinations]
    if not destinations or len(set(names)) < len(names):
        raise ConfigError(
            f"{where} names nobody to send to, or two by one name.",
            remedy="add a table such as [dicom.pacs]; docs/sending.md has them.",
        )
    films = data.get("films", [])
    if not isinstance(data.get("outbox"), str) or not isinstance(films, list):
        raise ConfigError(
            f"{where} needs outbox, a folder, and films, a list of folders.",
            remedy="docs/sending.md has an example.",
        )
    beside = tuple(_beside(path, str(film)) for film in films)
    return Settings(_beside(path, data["outbox"]), beside, tuple(destinations))


def round_of(
    engine: Engine, outbox: Outbox, settings: Settings, tell: Callable[[str], None]
) -> Done:
    """Put what was signed since the last round, and deliver what is due.

    Raises:
        TriptychError: as `deliver`.
    """
    put = put_signed(engine, outbox, settings, tell)
    return replace(deliver(engine, outbox, settings.destinations), put=put)


def put_signed(
    engine: Engine, outbox: Outbox, settings: Settings, tell: Callable[[str], None]
) -> int:
    """Put every reading that was signed since the last round, for every destination.

    A case that cannot leave, such as one whose films are not there, is told and passed; it is
    looked at again when it is signed again, or named.

    Returns:
        How many parcels were put.
    """
    after = outbox.bookmark
    with engine.connect() as connection:
        end = ledger.head(connection).sequence
        signed = [
            event.case_id
            for kind in ("SIGNED", "ADJUDICATED")
            for event in ledger.events(connection, kind=kind, after=after)
        ]
    put = 0
    for case_id in dict.fromkeys(signed):
        try:
            put += put_case(engine, outbox, settings, case_id, only_final=True)
        except (ConfigError, ImageError, ReviewError) as error:
            tell(f"{case_id}: {error}")
    outbox.turn_to(end)
    return put


def put_case(
    engine: Engine, outbox: Outbox, settings: Settings, case_id: str, *, only_final: bool = False
) -> int:
    """Put one reading for every destination that has not got it yet.

    Args:
        engine: the workspace.
        outbox: where it is put.
        settings: the destinations, and where films are.
        case_id: the case.
        only_final: pass a reading that is not final; as it is named, else, it goes to those that
            take one.

    Returns:
        How many parcels were put.

    Raises:
        TriptychError: as `leaving`, or what a format needs is not there.
    """
    found = leaving(engine, case_id, settings.films)
    if only_final and not found.reading.final:
        return 0
    put = 0
    for destination in settings.destinations:
        if destination.kind == "hl7" and not found.reading.final:
            continue
        if outbox.holds(destination.name, found.reading.digest):
            continue
        files = _made(destination, found)
        record(engine, found, _WHAT[destination.kind], files.values(), actor=_ACTOR)
        put += len(outbox.put(destination.name, case_id, found.reading.digest, files))
    return put


def deliver(engine: Engine, outbox: Outbox, destinations: Iterable[Destination]) -> Done:
    """Deliver what is due, each destination in its order, until it takes no more.

    Raises:
        ConfigError: if a certificate or a token cannot be used.
        LedgerError: if a delivery cannot be recorded; the parcel then waits.
    """
    clear(engine, outbox)
    delivered = refused = 0
    for destination in destinations:
        while parcel := outbox.next_for(destination.name):
            if parcel.next_at > outbox.now():
                break
            if _gone(engine, parcel.case_id):
                _clear(engine, outbox, parcel.case_id)
                continue
            outcome = _sent(destination, outbox.data(parcel))
            if isinstance(outcome, NotNow):
                outbox.later(parcel, outcome.reason)
                break
            _record(engine, parcel, outcome)
            if isinstance(outcome, Delivered):
                outbox.delivered(parcel)
                delivered += 1
            else:
                outbox.set_aside(parcel, outcome.reason)
                refused += 1
    waiting = len(outbox.listed("waiting"))
    return Done(delivered=delivered, refused=refused, waiting=waiting)


def clear(engine: Engine, outbox: Outbox) -> int:
    """Remove the bytes of cases that were purged, each recorded as an event; of how many cases.

    Raises:
        LedgerError: if that cannot be recorded; the bytes are there then.
    """
    gone = [case_id for case_id in outbox.cases() if _gone(engine, case_id)]
    for case_id in gone:
        _clear(engine, outbox, case_id)
    return len(gone)


def _clear(engine: Engine, outbox: Outbox, case_id: str) -> None:
    with writing(engine) as connection:
        purge = purge_of(list(ledger.events(connection, case_id=case_id)))
        payload = {
            "because": purge.payload["because"] if purge else "",
            "what": "case",
            "parcels": outbox.count(case_id),
        }
        ledger.append(connection, "CLEARED", actor=_ACTOR, case_id=case_id, payload=payload)
    outbox.forget_case(case_id, "the case was purged")


def _gone(engine: Engine, case_id: str) -> bool:
    with engine.connect() as connection:
        return purge_of(list(ledger.events(connection, case_id=case_id))) is not None


def _sent(destination: Destination, data: bytes) -> Outcome:
    match destination.place:
        case Archive():
            return sender.store(destination.place, data)
        case Studies():
            return stow_sender.store(destination.place, data)
        case Server():
            return fhir_sender.post(destination.place, data)
        case Listener():
            return mllp_sender.send(destination.place, data)


def _record(engine: Engine, parcel: Parcel, outcome: Outcome) -> None:
    payload = {
        "to": parcel.destination,
        "name": parcel.name,
        "file": parcel.digest,
        "reading": parcel.reading,
        "outcome": "delivered" if isinstance(outcome, Delivered) else "refused",
        "tries": parcel.tries + 1,
    }
    if not isinstance(outcome, Delivered):
        payload["reason"] = outcome.reason
    with writing(engine) as connection:
        ledger.append(connection, "SENT", actor=_ACTOR, case_id=parcel.case_id, payload=payload)


def _made(destination: Destination, found: Leaving) -> dict[str, bytes]:
    """What a destination is sent of a case: name to file."""
    match destination.place:
        case Archive() | Studies():
            require_films(found)
            return {made.name: made.data for made in case_objects(found)}
        case Server():
            cards = model_card.of_installed(found.reading.model, found.workspace)
            bundle = transaction(found.reading, found.subject, cards)
            return {"bundle": json.dumps(bundle, ensure_ascii=False).encode()}
        case Listener():
            place = destination.place
            envelope = Envelope(
                facility=place.facility,
                to_application=place.to_application,
                to_facility=place.to_facility,
            )
            return {"message": hl7_reading.message(found.reading, found.subject, envelope)}


def _destination(kind: Kind, name: str, table: object, path: Path) -> Destination:
    where = f"{path.name}: {kind}.{name}"
    if not isinstance(table, dict):
        raise ConfigError(f"{where} is not a table.", remedy=f"write it as [{kind}.{name}].")
    told = {
        key: str(_beside(path, value)) if key in _FILES[kind] and value else value
        for key, value in table.items()
    }
    place = build(KINDS[kind], told, where)
    if isinstance(place, Studies):
        stow_sender.check(place)
    elif isinstance(place, Server):
        web_sender.check(place)
    return Destination(name, kind, place)


def _tables(data: object, where: str) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise ConfigError(f"{where} is not a table.", remedy="write one [KIND.NAME] for each.")
    return data


def _beside(path: Path, given: str) -> Path:
    return (path.parent / Path(given).expanduser()).absolute()
