"""Receive DICOM objects: C-ECHO (PS3.4 annex A) and C-STORE (PS3.4 annex B) as a provider.

A sender is told "success" only when `keep` has returned, which it does when the object is safe on
disk. Everything else is a failure with a status that says whether to try again, and the association
goes on:

    0000  kept
    A700  not now: the disk is full or does not answer, or this is about to stop; try again
    A900  the data set is of another SOP class than the request says
    C000  broken, too large, or it does not say which object it is; sending it again will not help
    0110  a fault of ours; try again
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path
from typing import IO, cast

from pydicom.dataset import Dataset
from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event
from pynetdicom.pdu_primitives import A_ASSOCIATE

from clinical.dicom import acceptance, association, codecs
from clinical.dicom.limits import DEFAULT_LIMITS
from clinical.dicom.tls import Tls, server_context
from clinical.errors import ConfigError, ImageError, TriptychError

KEPT, NOT_NOW, OTHER_CLASS, BROKEN, OUR_FAULT = 0x0000, 0xA700, 0xA900, 0xC000, 0x0110

VERIFICATION = "1.2.840.10008.1.1"
_MB = 1 << 20
_GRACE_SECONDS = 1.0
"""In which the last answers reach their senders, and those who are done may say so."""
_TITLE = "write 1 to 16 characters of ASCII, without a backslash."


@dataclass(frozen=True)
class Sender:
    """Who may send.

    Attributes:
        title: its AE title.
        address: an IP address, or a network such as 192.0.2.0/24.
    """

    title: str
    address: str


@dataclass(frozen=True)
class Settings:
    """A DICOM port.

    Attributes:
        senders: who may send; nobody else is answered.
        title: own AE title, which senders must call.
        address, port: to listen on; port 0: any that is free.
        largest_mb: megabytes of the largest object that is taken.
        associations: at a time; more are rejected, and their senders try again.
        idle_seconds: after which a sender that says nothing is let go.
        tls: encryption.
    """

    senders: tuple[Sender, ...]
    title: str = "TRIPTYCH"
    address: str = "127.0.0.1"
    port: int = 11112
    largest_mb: int = DEFAULT_LIMITS.file_bytes // _MB
    associations: int = 8
    idle_seconds: float = 60.0
    tls: Tls = field(default_factory=Tls)


@dataclass(frozen=True)
class Receiver:
    """A port that listens; made by `start`."""

    address: str
    port: int
    stop: Callable[[], None]


def start(
    settings: Settings,
    keep: Callable[[Path, str], object],
    new_file: Callable[[], IO[bytes]],
    refused: Callable[[str], None],
) -> Receiver:
    """Listen until `stop` is called, which waits for objects that are being kept.

    Args:
        settings: of the port.
        keep: called with a PS3.10 file, which is gone afterwards, and "TITLE@ADDRESS"; returns when
            the object is safe on disk.
        new_file: makes a file, for its owner only, which is closed and removed in the end.
        refused: called with what was refused, in words that hold nothing of a patient or a sender.

    Raises:
        ConfigError: if the settings cannot be used, or the port is taken.
    """
    association.silence()
    work = _Work(keep, refused, settings.largest_mb * _MB)
    entity = _entity(settings)
    allowed = _allowed(settings.senders)
    try:
        server = association.Server(
            entity,
            (settings.address, settings.port),
            settings.title,
            entity.supported_contexts,
            server_context(settings.tls, "dicom"),
            [
                (evt.EVT_REQUESTED, _request, [allowed, refused]),
                (evt.EVT_REJECTED, _rejected, [refused]),
                (evt.EVT_C_ECHO, lambda _: KEPT),
                (evt.EVT_C_STORE, work.store),
            ],
            new_file=new_file,
            largest=settings.largest_mb * _MB,
            networks=tuple(network for _, network in allowed),
            refused=refused,
        )
    except OSError as error:
        raise ConfigError(
            f"DICOM cannot listen on {settings.address} port {settings.port}: {error.strerror}.",
            remedy="choose another address or port.",
        ) from None
    door = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    door.start()

    def stop() -> None:
        server.shutdown()
        door.join()
        work.finish()
        deadline = time.monotonic() + _GRACE_SECONDS
        while server.active_associations and time.monotonic() < deadline:
            time.sleep(0.01)
        for one in server.active_associations:
            one.abort()

    return Receiver(*server.server_address[:2], stop)


class _Work:
    """The objects that are being kept, and whether more are taken."""

    def __init__(
        self, keep: Callable[[Path, str], object], refused: Callable[[str], None], largest: int
    ) -> None:
        self._keep = keep
        self._refused = refused
        self._limits = replace(DEFAULT_LIMITS, file_bytes=largest)
        self._running = 0
        self._closed = False
        self._changed = threading.Condition()

    def store(self, event: Event) -> Dataset:
        """Answer one C-STORE request, in the thread of its association."""
        with self._changed:
            if self._closed:
                return _answer(NOT_NOW, "about to stop")
            self._running += 1
        try:
            return self._told(event)
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def finish(self) -> None:
        """Take nothing more, and return when what was taken is answered."""
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: not self._running)

    def _told(self, event: Event) -> Dataset:
        try:
            status, why = self._outcome(event)
        except TriptychError:
            status, why = NOT_NOW, "no room on the disk, or no answer from it"
        except Exception:  # noqa: BLE001 - whatever it is, the association goes on
            status, why = OUR_FAULT, "a fault of the receiver"
        if status != KEPT:
            self._refused(f"an object: {why}")
        return _answer(status, why)

    def _outcome(self, event: Event) -> tuple[int, str]:
        request, path = cast(C_STORE, event.request), event.dataset_path
        if path.stat().st_size > self._limits.file_bytes:
            return BROKEN, f"more than {self._limits.file_bytes // _MB} MB"
        try:
            found = acceptance.accepted(path, self._limits)
        except ImageError as error:
            return BROKEN, _comment(error)
        if found.sop_class != request.AffectedSOPClassUID:
            return OTHER_CLASS, "SOP Class UID differs from the request"
        if found.sop_instance != request.AffectedSOPInstanceUID:
            return BROKEN, "SOP Instance UID differs from the request"
        self._keep(path, "@".join(_peer(event.assoc)))
        return KEPT, ""


def _comment(error: ImageError) -> str:
    return error.message.removesuffix(".")[:64]  # LO (PS3.7 annex C)


def _answer(status: int, why: str) -> Dataset:
    answer = Dataset()
    answer.Status = status
    if why:
        answer.ErrorComment = why
    return answer


def _request(
    event: Event, allowed: set[tuple[str, association.Network]], refused: Callable[[str], None]
) -> None:
    """Reject a peer that is not on the list with this title and this address (PS3.8 9.3.4)."""
    title, address = _peer(event.assoc)
    place = association.address_of(address)
    if not any(title == known and place in network for known, network in allowed):
        refused("an association of a sender that is not on the list")
        event.assoc.acse.send_reject(0x01, 0x01, 0x03)
        event.assoc.kill()


def _rejected(_: Event, refused: Callable[[str], None]) -> None:
    refused("an association that calls another title, or is one too many")


def _peer(one: Association) -> tuple[str, str]:
    """Title and address of a peer."""
    asked = cast(A_ASSOCIATE, one.requestor.primitive)
    return asked.calling_ae_title.strip(), one.requestor.address


def _entity(settings: Settings) -> ApplicationEntity:
    for name, least, most in (
        ("port", 0, 65535),
        ("largest_mb", 1, 1 << 16),
        ("associations", 1, 200),
        ("idle_seconds", 0.1, 86_400),
    ):
        if not least <= getattr(settings, name) <= most:
            raise ConfigError(f"dicom.{name} is out of bounds.", remedy=f"{least:g} to {most:g}.")
    if not _is_title(settings.title):
        raise ConfigError("dicom.title is not an AE title.", remedy=_TITLE)
    entity = ApplicationEntity(settings.title)
    entity.require_called_aet = True
    entity.maximum_associations = settings.associations
    entity.maximum_pdu_size = association.PDU_BYTES
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = settings.idle_seconds
    entity.add_supported_context(VERIFICATION)
    for uid in acceptance.IMAGES:
        entity.add_supported_context(uid, [*codecs.NATIVE, *codecs.DECODERS])
    for uid in acceptance.RECORDINGS:
        entity.add_supported_context(uid, list(codecs.NATIVE))
    return entity


def _is_title(text: str) -> bool:
    """Whether a text is an AE title (PS3.5 6.2, AE)."""
    plain = text.isascii() and text.isprintable() and "\\" not in text
    return plain and text == text.strip() and 0 < len(text) <= 16


def _allowed(senders: tuple[Sender, ...]) -> set[tuple[str, association.Network]]:
    if not senders:
        raise ConfigError("No DICOM sender is allowed.", remedy="add [[dicom.senders]].")
    found = set()
    for sender in senders:
        if not _is_title(sender.title):
            raise ConfigError("A title of dicom.senders is not an AE title.", remedy=_TITLE)
        try:
            found.add((sender.title, ip_network(sender.address)))
        except ValueError:
            raise ConfigError(
                f"The address {sender.address!r} of dicom.senders is not an address.",
                remedy="write an IP address, or a network such as 192.0.2.0/24.",
            ) from None
    return found
