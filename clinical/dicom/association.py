"""Associations of DICOM senders (PS3.8), bounded where the library that speaks for us is not.

pynetdicom believes the length that a PDU states and keeps whatever a peer sends in memory, waits
for a TLS handshake before it accepts the next peer, and for the rest of a PDU for ever. Here a PDU
has a largest size, a data set goes to a file and is cut above its largest size, each peer shakes
hands in a thread of its own, and whoever falls silent or leaves is let go.

Nothing that a peer sends becomes part of a path: the files come from the caller, who names them.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from socketserver import TCPServer
from typing import IO, Any, cast

from pydicom.config import IGNORE, settings
from pynetdicom import _config
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.events import EventHandlerType
from pynetdicom.fsm import StateMachine
from pynetdicom.pdu_primitives import P_DATA
from pynetdicom.presentation import PresentationContext
from pynetdicom.transport import AssociationSocket, RequestHandler, ThreadedAssociationServer

from clinical.dicom import meta

PDU_BYTES = 1 << 17
"""The largest PDU that senders are asked to send; the larger, the fewer."""
LARGEST_PDU = 1 << 20
"""Of any kind: a request for all presentation contexts has some 100 kB."""
LARGEST_COMMAND = 1 << 16
SPARE_CONNECTIONS = 8
"""That may wait for an answer, such as that there are enough associations already."""

Network = IPv4Network | IPv6Network


def silence() -> None:
    """Let the libraries say nothing: what they log and warn of may be of a patient."""
    warnings.filterwarnings("ignore", module="pydicom")
    _config.LOG_HANDLER_LEVEL = "none"
    settings.reading_validation_mode = IGNORE  # its warnings quote what they are about
    for name in ("pynetdicom", "pydicom"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def address_of(text: str) -> IPv4Address | IPv6Address:
    """The address of a peer; one of IPv4 that came by IPv6 is what it is in IPv4."""
    found = ip_address(text.partition("%")[0])
    return getattr(found, "ipv4_mapped", None) or found


class Server(ThreadedAssociationServer):
    """Accepts peers from the networks that are allowed, at most so many at a time."""

    daemon_threads = True
    request_queue_size = 32

    def __init__(
        self,
        ae: ApplicationEntity,
        address: tuple[str, int],
        ae_title: str,
        contexts: list[PresentationContext],
        ssl_context: ssl.SSLContext | None,
        evt_handlers: list[EventHandlerType],
        *,
        new_file: Callable[[], IO[bytes]],
        largest: int,
        networks: tuple[Network, ...],
        refused: Callable[[str], None],
    ) -> None:
        self.new_file = new_file
        self.largest = largest
        self.networks = networks
        self.refused = refused
        self._most = ae.maximum_associations + SPARE_CONNECTIONS
        self._beginning = threading.BoundedSemaphore(self._most)
        super().__init__(
            ae, address, ae_title, contexts, ssl_context, evt_handlers, request_handler=_Handler
        )

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """Accept a connection; its handshake is left to its own thread."""
        connection, address = cast(socket.socket, self.socket).accept()
        connection.settimeout(self.ae.network_timeout)
        return connection, address

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002
        """Whether a connection is answered at all."""
        peer = address_of(client_address[0])
        if not any(peer in network for network in self.networks):
            self.refused("a connection from an address that is not allowed")
            return False
        full = len(self.active_associations) >= self._most
        if full or not self._beginning.acquire(blocking=False):
            self.refused("a connection above the most that are answered")
            return False
        return True

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands, in the thread of this connection, and let the association begin."""
        try:
            if self.ssl_context is not None:
                request = self.ssl_context.wrap_socket(request, server_side=True)
        except (OSError, ValueError):
            # Whoever sees it counted, or closed, finds its place free.
            self._beginning.release()
            self.refused("a connection without the TLS that is asked for")
            self.shutdown_request(request)
            return
        try:
            super().finish_request(request, client_address)
        finally:
            self._beginning.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Count what went wrong with one connection; the others go on."""
        self.refused("a connection that failed")

    def shutdown(self) -> None:
        """Accept nobody any more; associations that are there go on."""
        TCPServer.shutdown(self)
        self.server_close()


class _Handler(RequestHandler):
    """Makes an association with bounds out of a connection."""

    def _create_association(self) -> Association:
        server = cast(Server, self.server)
        made = super()._create_association()
        cast(AssociationSocket, made.dul.socket).__class__ = _Socket
        made.dimse = _Messages(made, server.new_file, server.largest)
        made.dul.state_machine = _States(made.dul)
        return made


class _States(StateMachine):
    """The states of an association (PS3.8 section 9.2), which end it where they know no way on.

    pynetdicom would let the error end the thread, print it, and go on waiting for a peer that has
    left before it asked for anything.
    """

    def do_action(self, event: str) -> None:
        """Go on to the next state."""
        try:
            super().do_action(event)
        except Exception:  # noqa: BLE001 - whatever a peer has brought it to
            self.dul.kill_dul()
            self.current_state = "Sta1"
        if self.current_state == "Sta1":
            cast(_Messages, self.dul.assoc.dimse).drop()
            if self.dul.assoc.requestor.primitive is None:
                self.dul.to_user_queue.put(None)


class _Socket(AssociationSocket):
    """Reads PDUs of at most `LARGEST_PDU` bytes."""

    def recv(self, nr_bytes: int) -> bytearray:
        """So many bytes, or fewer where the connection ends.

        Raises:
            OSError: if that is more than a PDU may have, or the peer falls silent.
        """
        if nr_bytes > LARGEST_PDU:
            self._shutdown_socket()
            raise ConnectionError("a PDU that is too large")
        data = bytearray(nr_bytes)
        view, got = memoryview(data), 0
        while got < nr_bytes:
            more = cast(socket.socket, self.socket).recv_into(view[got:])
            if not more:
                break
            got += more
        view.release()
        del data[got:]
        return data

    def _shutdown_socket(self) -> None:
        """Close it also where the peer was faster, which makes `shutdown` fail."""
        if self.socket is not None:
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)
            self.socket.close()


class _Messages(DIMSEServiceProvider):
    """Collects the fragments of a message; a data set to be stored goes to a file.

    Of a data set that is too large, one byte too many is kept and the rest is not, so that its
    sender is told at its end, and the association goes on.
    """

    def __init__(
        self, association: Association, new_file: Callable[[], IO[bytes]], largest: int
    ) -> None:
        super().__init__(association)
        self._new_file = new_file
        self._largest = largest
        self._bytes = 0

    def receive_primitive(self, primitive: P_DATA) -> None:
        """Take one PDU with fragments of messages; what cannot be understood ends the association.

        No sender that keeps to PS3.7 gets there. An error would end a thread, and be printed.
        """
        try:
            for context, data in primitive.presentation_data_value_list:
                if not self._fits(data) or self.msg_queue.qsize() > 1:
                    raise ValueError("not one message after another")
                self._take(context, data)
        except Exception:  # noqa: BLE001 - of whatever is sent
            self.drop()
            self.dul.event_queue.put("Evt19")

    def drop(self) -> None:
        """Forget a message that will never be whole."""
        file = self.message._data_set_file if self.message is not None else None
        self.message = None
        if file is not None:
            file.close()
            Path(file.name).unlink(missing_ok=True)

    def _take(self, context: int, data: bytes) -> None:
        one = P_DATA()
        one.presentation_data_value_list = [[context, self._cut(data)]]  # type: ignore[list-item]
        super().receive_primitive(one)
        message = self.message
        if message is None:
            self._bytes = 0
        elif isinstance(message, C_STORE_RQ) and message._data_set_file is None:
            self._bytes = 0
            file = self._new_file()
            file.write(_head(message, self.assoc))
            file.flush()
            message._data_set_file = file  # type: ignore[assignment]
            message._data_set_path = Path(file.name)

    def _fits(self, data: bytes) -> bool:
        if not data:
            return False
        if data[0] & 1:
            self._bytes += len(data)
        return isinstance(self.message, C_STORE_RQ) or self._bytes <= LARGEST_COMMAND

    def _cut(self, data: bytes) -> bytes:
        """A fragment as far as it is kept; its first byte says what it is (PS3.8 annex E.2)."""
        if data[0] & 1:
            return data
        left = max(0, self._largest + 1 - self._bytes)
        self._bytes += len(data) - 1
        return data[: 1 + left]


def _head(message: C_STORE_RQ, association: Association) -> bytes:
    """What a PS3.10 file begins with; always the same for the same object."""
    command = message.command_set
    context = association._accepted_cx.get(message.context_id or 0)
    sop_class = str(command.get("AffectedSOPClassUID", ""))
    sop_instance = str(command.get("AffectedSOPInstanceUID", ""))
    syntax = str(context.transfer_syntax[0]) if context else ""
    return meta.written(sop_class, sop_instance, syntax)
