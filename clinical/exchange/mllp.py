"""HL7 v2 over MLLP: a listener that answers each message when it is safe on disk, and not before.

Minimal Lower Layer Protocol, release 1: a message stands between VT (0x0B) and FS CR (0x1C 0x0D);
the answer comes back on the same connection in the same way. A connection carries as many messages
as its sender likes, one after the other. FS alone ends a message as well: no text has one.
"""

from __future__ import annotations

import errno
import logging
import re
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from clinical.dicom.tls import Tls, server_context
from clinical.errors import ConfigError
from clinical.exchange import peers
from clinical.exchange.facts import Refusal
from clinical.exchange.hl7_answer import Answer, Keep, answered, failed, rejected
from clinical.exchange.hl7_text import CODECS, codec_of
from clinical.exchange.hl7_told import Habits

START, END = b"\x0b", b"\x1c"
_HEADERS = (b"\x0bMSH", b"\x0bFHS", b"\x0bBHS")
_MB = 1 << 20
_BLOCK = 64 * 1024
_MOST_NOISE = 64 * 1024
"""Bytes outside of messages after which a connection is closed."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """A port for HL7 v2.

    Attributes:
        senders: addresses and networks, such as 192.0.2.0/24, that may connect; nobody else is
            heard.
        address, port: to listen on; port 0: any that is free.
        character_set: of messages that name none, by its name in MSH-18.
        processing: kinds of MSH-11 that are taken; T is training and D debugging.
        largest_mb: megabytes of the largest message that is taken.
        connections: at a time; more are turned away, and their senders try again.
        idle_seconds: after which a sender that says nothing is let go.
        message_seconds: from the first byte of a message to its last.
        tls: encryption.
    """

    senders: tuple[str, ...]
    address: str = "127.0.0.1"
    port: int = 2575
    character_set: str = "UNICODE UTF-8"
    processing: tuple[str, ...] = ("P",)
    largest_mb: float = 16.0
    connections: int = 32
    idle_seconds: float = 300.0
    message_seconds: float = 60.0
    tls: Tls = field(default_factory=Tls)


def habits(settings: Settings) -> Habits:
    """What the settings say of the senders, for whoever reads later what was kept.

    Raises:
        ConfigError: for a character set that is not read.
    """
    codec = codec_of(settings.character_set)
    if codec is None:
        raise ConfigError(
            f"hl7: character_set is {settings.character_set!r}, which is not read.",
            remedy=f"choose one of {', '.join(filter(None, CODECS))}",
        )
    return Habits(codec, tuple(use.upper() for use in settings.processing))


class Frames:
    """Messages of one stream of bytes, whatever pieces it comes in."""

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self._held = bytearray()
        self._searched = 0
        self._noise = 0

    @property
    def within(self) -> bool:
        """Whether a message has begun that has not ended."""
        return bool(self._held)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that end in `data`.

        A message that breaks off where another one begins is left out, as nobody can answer it.

        Raises:
            TooLong: for a message above the limit, or noise without end.
        """
        self._held += data
        while self._held:
            if not self._held.startswith(START):
                self._skip()
                continue
            end = self._held.find(END, self._searched)
            if end < 0:
                self._searched = len(self._held)
                if len(self._held) > self.longest:
                    raise TooLong(bytes(self._held[:_BLOCK]))
                return
            frame = bytes(self._held[:end])
            del self._held[: end + 1]
            self._searched = 0
            if len(frame) > self.longest:
                raise TooLong(frame[:_BLOCK])
            self._noise = 0
            yield _last(frame)

    def _skip(self) -> None:
        """Drop what stands before the next message: CR of the last one, line ends, noise."""
        begins = self._held.find(START)
        dropped = len(self._held) if begins < 0 else begins
        self._noise += dropped
        del self._held[:dropped]
        if self._noise > _MOST_NOISE:
            raise TooLong(b"")


def _last(frame: bytes) -> bytes:
    """What stands after the last start of a message; a VT within a text is no start."""
    begins = max(frame.rfind(header) for header in _HEADERS)
    return frame[max(begins, 0) + 1 :]


class TooLong(Exception):
    """More bytes than are taken; `head` is where the message begins, if there is one."""

    def __init__(self, head: bytes) -> None:
        super().__init__("more bytes than are taken")
        self.head = head


class Listener:
    """A listener at work; made by `start`, ended by `stop`.

    Attributes:
        port: where it listens.
    """

    def __init__(
        self,
        settings: Settings,
        keep: Keep,
        refused: Callable[[str], None],
        server: socket.socket,
    ) -> None:
        peers.check_bounds(settings, "hl7")
        self._settings = settings
        self._habits = habits(settings)
        self._longest = int(settings.largest_mb * _MB)
        self._keep = keep
        self._refused = refused
        self._server = server
        self.port: int = server.getsockname()[1]
        self._allowed = peers.networks(settings.senders, "hl7")
        self._tls = server_context(settings.tls, "hl7")
        self._slots = threading.BoundedSemaphore(settings.connections)
        self._lock = threading.Lock()
        self._tally: Counter[str] = Counter()
        self._open: dict[threading.Thread, socket.socket] = {}
        self._stopping = threading.Event()
        self._door = threading.Thread(target=self._accept, name="mllp")

    def open(self) -> None:
        """Begin to listen."""
        self._door.start()

    def tally(self) -> dict[str, int]:
        """How many messages got which answer, and how many connections were turned away."""
        with self._lock:
            return dict(self._tally)

    def stop(self, seconds: float = 10.0) -> None:
        """End: messages that are being kept are kept and answered, others are not begun."""
        self._stopping.set()
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._door.join()
        self._server.close()
        with self._lock:
            left = dict(self._open)
        for connection in left.values():
            with suppress(OSError):
                # Past TLS, which would have nothing to send the last answer with.
                socket.socket.shutdown(connection, socket.SHUT_RD)
        until = time.monotonic() + seconds
        for thread, connection in left.items():
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
                connection.close()

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, address = self._server.accept()
            except OSError:
                # Too many open files, or a client that left at once; the next may come.
                self._stopping.wait(0.05)
                continue
            peer = peers.address(address[0])
            if not any(peer in network for network in self._allowed):
                self._turn_away(connection, "address not allowed")
            elif not self._slots.acquire(blocking=False):
                self._turn_away(connection, "too many connections")
            else:
                self._begin(connection, str(peer))

    def _turn_away(self, connection: socket.socket, why: str) -> None:
        # Told before the sender can see it, so that whoever is turned away finds it counted.
        self._count(why)
        self._refused(f"HL7: a connection: {why}")
        connection.close()

    def _begin(self, connection: socket.socket, sender: str) -> None:
        connection.settimeout(self._settings.idle_seconds)
        if self._tls:
            try:
                connection = self._tls.wrap_socket(
                    connection, server_side=True, do_handshake_on_connect=False
                )
            except OSError:  # its client has left already
                self._slots.release()
                self._turn_away(connection, "broken off")
                return
        thread = threading.Thread(target=self._serve, args=(connection, sender), daemon=True)
        with self._lock:
            self._open[thread] = connection
        thread.start()

    def _serve(self, connection: socket.socket, sender: str) -> None:
        # Counted, and its place given to the next, before the sender can see that it has ended.
        with connection:
            try:
                if isinstance(connection, ssl.SSLSocket):
                    connection.do_handshake()
                self._converse(connection, sender)
            except (OSError, ValueError):  # ValueError: closed under it by stop
                self._count("broken off")
            finally:
                with self._lock:
                    self._open.pop(threading.current_thread(), None)
                self._slots.release()

    def _converse(self, connection: socket.socket, sender: str) -> None:
        settings, frames = self._settings, Frames(self._longest)
        began = 0.0
        while not self._stopping.is_set():
            wait = settings.idle_seconds
            if frames.within:
                wait = min(wait, began + settings.message_seconds - time.monotonic())
                if wait <= 0:
                    raise TimeoutError
            connection.settimeout(wait)
            data = connection.recv(_BLOCK)
            if not data:
                return
            within = frames.within
            try:
                for frame in frames.feed(data):
                    self._reply(connection, self._answer(frame, sender))
                    within = False
                    if self._stopping.is_set():
                        return
            except TooLong as error:
                self._reply(connection, rejected(error.head, _TOO_LONG))
                return
            if not within:
                began = time.monotonic()

    def _answer(self, frame: bytes, sender: str) -> Answer:
        try:
            return answered(frame, sender, self._keep, self._habits)
        except Exception as error:  # noqa: BLE001 - one message must not end the conversation
            # Without its words, which may hold some of the message.
            _log.error("a fault of the program at an HL7 message: %s", type(error).__name__)
            return failed(frame)

    def _reply(self, connection: socket.socket, answer: Answer) -> None:
        self._count(answer.code)
        what = "part of a message" if answer.code == "AA" else "a message"
        for refusal in answer.refused:
            # Without the numbers of segments, so that there are few different ones.
            place = re.sub(r"\[\d+\]", "", refusal.place)
            self._refused(f"HL7: {what}: {place}: {refusal.reason}")
        if answer.data:
            connection.settimeout(self._settings.idle_seconds)
            connection.sendall(START + answer.data + END + b"\r")

    def _count(self, what: str) -> None:
        with self._lock:
            self._tally[what] += 1


_TOO_LONG = Refusal("message", "the message is too long.", "send embedded documents apart")


def start(
    settings: Settings, keep: Keep, refused: Callable[[str], None] = peers.unheard
) -> Listener:
    """Listen until `stop`; each connection has a thread of its own.

    Args:
        settings: of the port.
        keep: given the bytes of a message and the address of its sender; returns when they are
            safe, and only then the sender is told so.
        refused: called with what was refused, in words that hold nothing of a patient or a sender.

    Raises:
        ConfigError: if the settings cannot be used, or the port is taken.
    """
    family = socket.AF_INET6 if ":" in settings.address else socket.AF_INET
    try:
        if not 0 <= settings.port < 1 << 16:
            raise OSError(errno.EINVAL, "no such port")
        server = socket.create_server((settings.address, settings.port), family=family)
    except OSError as error:
        raise ConfigError(
            f"hl7: nothing can listen at {settings.address}, port {settings.port}"
            f" ({error.strerror}).",
            remedy="choose another port, or end the program that has it",
        ) from None
    try:
        listener = Listener(settings, keep, refused, server)
    except ConfigError:
        server.close()
        raise
    listener.open()
    return listener
