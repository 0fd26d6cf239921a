"""The listener, heard by a client that was written from the specification of MLLP."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st
from ports import reserved_port
from waiting import SECONDS

from clinical.dicom.tls import Tls
from clinical.errors import ConfigError, StoreError
from clinical.exchange import mllp
from clinical.exchange.hl7_answer import Keep
from clinical.exchange.hl7_told import Habits
from clinical.exchange.mllp import Frames, Listener, Settings, TooLong

SETTINGS = Settings(("127.0.0.1",), port=0, idle_seconds=SECONDS)


def message(number: int, value: str = "5.4") -> bytes:
    lines = (
        rf"MSH|^~\&|LAB|H|T|H|20240531143000+0200||ORU^R01|M{number}|P|2.5.1",
        "PID|1||4711^^^H^MR",
        f"OBR|1|P1|F{number}|24323-8^Panel^LN|||20240531120000",
        f"OBX|1|NM|2823-3^Potassium^LN||{value}|mmol/L|||||F",
    )
    return "\r".join(lines).encode() + b"\r"


class Client:
    """Sends <VT> message <FS><CR> and reads an answer of the same form."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.held = b""

    def send(self, data: bytes) -> None:
        self.connection.sendall(b"\x0b" + data + b"\x1c\r")

    def answer(self) -> bytes:
        while b"\x1c\r" not in self.held:
            more = self.connection.recv(4096)
            if not more:
                raise EOFError
            self.held += more
        frame, _, self.held = self.held.partition(b"\x1c\r")
        assert frame.startswith(b"\x0b")
        return frame[1:]

    def ask(self, data: bytes) -> str:
        """The acknowledgement code and the number that it answers."""
        self.send(data)
        msa = self.answer().split(b"\r")[1].decode().split("|")
        return f"{msa[1]} {msa[2]}"

    def closed(self) -> bool:
        """Whether the other side closes; waits until it does."""
        try:
            return self.connection.recv(1) == b""
        except ConnectionError:
            return True


@contextmanager
def client(listener: Listener, context: ssl.SSLContext | None = None) -> Iterator[Client]:
    with socket.create_connection(("127.0.0.1", listener.port), timeout=SECONDS) as plain:
        if context is None:
            yield Client(plain)
        else:
            with context.wrap_socket(plain, server_hostname="localhost") as secret:
                yield Client(secret)


class Folder:
    """Keeps each message in a file of its own, flushed before it returns."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.count = 0
        self.lock = threading.Lock()

    def keep(self, data: bytes, sender: str) -> None:
        with self.lock:
            self.count += 1
            path = self.root / f"{self.count:04d}-{sender}"
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def contents(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted(self.root.iterdir())]


def test_a_real_client_is_answered_when_its_message_is_on_the_disk(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with mllp.start(SETTINGS, folder.keep) as listener, client(listener) as sender:
        for number in range(1, 6):
            assert sender.ask(message(number)) == f"AA M{number}"
            assert folder.contents()[-1] == message(number)

        assert listener.tally() == {"AA": 5}
        assert (tmp_path / "0001-127.0.0.1").exists()


def test_nobody_is_told_before_it_is_kept(tmp_path: Path) -> None:
    kept, may_end = threading.Event(), threading.Event()

    def keep(data: bytes, sender: str) -> None:
        kept.set()
        assert may_end.wait(SECONDS)

    with mllp.start(SETTINGS, keep) as listener, client(listener) as sender:
        sender.send(message(1))
        assert kept.wait(SECONDS)
        sender.connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            sender.connection.recv(1)
        may_end.set()
        sender.connection.settimeout(SECONDS)
        assert b"MSA|AA|M1" in sender.answer()


def test_a_message_may_come_in_pieces_and_several_at_once(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with mllp.start(SETTINGS, folder.keep) as listener, client(listener) as sender:
        stream = b"".join(b"\x0b" + message(n) + b"\x1c\r" for n in range(1, 4))
        for at in range(0, len(stream), 7):
            sender.connection.sendall(stream[at : at + 7])

        answers = [sender.answer() for _ in range(3)]

    assert [b"AA|M%d" % n in answer for n, answer in enumerate(answers, start=1)] == [True] * 3
    assert folder.contents() == [message(1), message(2), message(3)]


def test_noise_around_messages_is_left_out(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with mllp.start(SETTINGS, folder.keep) as listener, client(listener) as sender:
        sender.connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert sender.ask(message(1)) == "AA M1"
        # One that breaks off, and another one begins.
        sender.connection.sendall(b"\n\n\x0b" + message(2)[:60])
        assert sender.ask(message(3)) == "AA M3"

    assert folder.contents() == [message(1), message(3)]


def test_a_failing_disk_and_a_bad_message_do_not_end_the_conversation(tmp_path: Path) -> None:
    folder = Folder(tmp_path)

    def keep(data: bytes, sender: str) -> None:
        if b"M2" in data:
            raise StoreError("The disk is full.")
        folder.keep(data, sender)

    with mllp.start(SETTINGS, keep) as listener, client(listener) as sender:
        heard = [sender.ask(message(1)), sender.ask(message(2)), sender.ask(b"no message")]
        heard += [sender.ask(message(4).replace(b"4711^^^H^MR", b"")), sender.ask(message(5))]

        assert heard == ["AA M1", "AR M2", "AR ", "AE M4", "AA M5"]
        assert listener.tally() == {"AA": 2, "AR": 2, "AE": 1}
    assert folder.contents() == [message(1), message(5)]


def test_a_fault_of_the_program_is_told_without_its_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def keep(data: bytes, sender: str) -> None:
        raise KeyError(data)

    with mllp.start(SETTINGS, keep) as listener, client(listener) as sender:
        sender.send(message(1))
        answer = sender.answer()
        assert b"MSA|AR|M1" in answer
        assert b"|207^" in answer
        assert sender.ask(b"no message") == "AR "  # the conversation goes on
    assert caplog.messages == ["a fault of the program at an HL7 message: KeyError"]


def test_a_message_that_is_too_long_is_rejected_and_the_line_is_closed(tmp_path: Path) -> None:
    settings = replace(SETTINGS, largest_mb=100_000 / 2**20)
    with mllp.start(settings, Folder(tmp_path).keep) as listener, client(listener) as sender:
        sender.connection.sendall(b"\x0b" + message(1) + b"x" * 99_990)

        answer = sender.answer()
        assert b"MSA|AR|M1" in answer
        assert b"too long" in answer
        assert sender.closed()
    assert list(tmp_path.iterdir()) == []


def test_endless_noise_is_cut_off(tmp_path: Path) -> None:
    with (
        mllp.start(SETTINGS, Folder(tmp_path).keep) as listener,
        client(listener) as sender,
    ):
        sender.connection.sendall(b"x" * 70_000)

        assert b"MSA|AR|" in sender.answer()
        assert sender.closed()


@pytest.mark.parametrize("limit", ["idle_seconds", "message_seconds"])
def test_a_client_that_falls_silent_is_let_go_and_its_place_is_free(
    tmp_path: Path, limit: str
) -> None:
    settings = replace(SETTINGS, connections=1, **{limit: 0.05})
    with mllp.start(settings, Folder(tmp_path).keep) as listener:
        for times in (1, 2):
            with client(listener) as sender:
                sender.connection.sendall(b"\x0bMSH|")

                assert sender.closed()
                assert listener.tally() == {"broken off": times}


def test_strangers_are_not_heard(tmp_path: Path) -> None:
    settings = replace(SETTINGS, senders=("192.0.2.0/24", "2001:db8::1"))
    with mllp.start(settings, Folder(tmp_path).keep) as listener, client(listener) as sender:
        assert sender.closed()
        assert listener.tally() == {"address not allowed": 1}


def test_only_so_many_are_heard_at_once(tmp_path: Path) -> None:
    settings = replace(SETTINGS, connections=1)
    with mllp.start(settings, Folder(tmp_path).keep) as listener:
        with client(listener) as first:
            assert first.ask(message(1)) == "AA M1"
            with client(listener) as second:
                assert second.closed()
            assert first.ask(message(2)) == "AA M2"
        assert listener.tally()["too many connections"] == 1


def test_many_clients_at_once_lose_nothing(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    heard: list[str] = []

    def talk(listener: Listener, first: int) -> None:
        with client(listener) as sender:
            heard.extend(sender.ask(message(first + n)) for n in range(10))

    with mllp.start(SETTINGS, folder.keep) as listener:
        threads = [threading.Thread(target=talk, args=(listener, 100 * n)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(heard) == sorted(f"AA M{100 * n + m}" for n in range(8) for m in range(10))
    assert len(set(folder.contents())) == 80


def test_a_message_that_is_being_kept_is_answered_before_the_end(tmp_path: Path) -> None:
    began, may_end = threading.Event(), threading.Event()

    def keep(data: bytes, sender: str) -> None:
        began.set()
        assert may_end.wait(SECONDS)

    listener = mllp.start(replace(SETTINGS, port=reserved_port()), keep)
    with client(listener) as sender:
        sender.send(message(1))
        assert began.wait(SECONDS)
        stopper = threading.Thread(target=listener.stop)
        stopper.start()
        may_end.set()

        assert b"MSA|AA|M1" in sender.answer()
        assert sender.closed()
        stopper.join()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", listener.port), timeout=SECONDS)


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    keep: Keep = Folder(tmp_path).keep
    with mllp.start(SETTINGS, keep) as listener:
        taken = replace(SETTINGS, port=listener.port)
        with pytest.raises(ConfigError, match=f"port {listener.port}"):
            mllp.start(taken, keep)


def test_settings_that_cannot_be_used_are_said(tmp_path: Path) -> None:
    keep: Keep = Folder(tmp_path).keep
    with pytest.raises(ConfigError, match="no address"):
        mllp.start(replace(SETTINGS, senders=("localhost",)), keep)
    with pytest.raises(ConfigError, match="certificate"):
        mllp.start(replace(SETTINGS, tls=Tls(str(tmp_path / "none.pem"))), keep)
    with pytest.raises(ConfigError, match="character_set"):
        mllp.start(replace(SETTINGS, character_set="EBCDIC"), keep)
    with pytest.raises(ConfigError, match="connections is 0"):
        mllp.start(replace(SETTINGS, connections=0), keep)
    with pytest.raises(ConfigError, match="no such port"):
        mllp.start(replace(SETTINGS, port=99_999), keep)


def test_senders_write_in_their_own_character_set_and_may_be_training(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    settings = replace(SETTINGS, character_set="8859/1", processing=("P", "t"))
    with mllp.start(settings, folder.keep) as listener, client(listener) as sender:
        latin = message(1).replace(b"mmol/L", "µmol/L".encode("latin-1"))

        assert sender.ask(latin) == "AA M1"
        assert sender.ask(message(2).replace(b"|P|2.5.1", b"|T|2.5.1")) == "AA M2"
    assert mllp.habits(settings) == Habits("iso8859-1", ("P", "T"))


def test_what_is_refused_is_counted_in_few_words(tmp_path: Path) -> None:
    refused: list[str] = []
    with (
        mllp.start(SETTINGS, Folder(tmp_path).keep, refused.append) as listener,
        client(listener) as sender,
    ):
        sender.ask(message(1).replace(b"4711^^^H^MR", b""))
        sender.ask(message(2) + b"OBX|2|ED|PDF^Report||x||||||F\r")

    assert refused == [
        "HL7: a message: PID-3: no identifier of the patient is given.",
        "HL7: part of a message: OBX-2: documents that are embedded or pointed to are not read.",
    ]


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of localhost that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def test_tls_with_certificates_on_both_sides(tmp_path: Path) -> None:
    certificate, key = _certificate(tmp_path)
    place = tmp_path / "kept"
    place.mkdir()
    settings = replace(SETTINGS, tls=Tls(str(certificate), str(key), str(certificate)))
    known = ssl.create_default_context(cafile=str(certificate))
    known.load_cert_chain(certificate, key)
    with mllp.start(settings, Folder(place).keep) as listener:
        with client(listener, known) as sender:
            assert sender.ask(message(1)) == "AA M1"
        with client(listener) as plain:
            plain.connection.sendall(b"\x0b" + message(2) + b"\x1c\r")
            with pytest.raises((EOFError, ConnectionError, AssertionError)):
                plain.answer()
        stranger = ssl.create_default_context(cafile=str(certificate))
        with (
            pytest.raises((ssl.SSLError, EOFError, ConnectionError)),
            client(listener, stranger) as sender,
        ):
            sender.ask(message(3))

    assert Folder(place).contents() == [message(1)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=12), st.integers(1, 9))
def test_frames_are_the_same_in_any_pieces(parts: list[bytes], size: int) -> None:
    stream = b"".join(parts) + b"\x0bMSH|1\x1c\r"
    whole = list(Frames(10_000).feed(stream))
    pieces = Frames(10_000)

    found = [
        frame for at in range(0, len(stream), size) for frame in pieces.feed(stream[at : at + size])
    ]

    assert found == whole
    assert whole[-1] == b"MSH|1"


def test_a_frame_above_the_limit_is_cut_whatever_pieces_it_comes_in() -> None:
    for before in (1, 50, 99):
        frames = Frames(100)
        assert list(frames.feed(b"\x0b" + b"x" * before)) == []
        with pytest.raises(TooLong):
            list(frames.feed(b"x" * (100 - before)))
