"""Objects as senders send them: kept and acknowledged, or refused with a status."""

from __future__ import annotations

import logging
import random
import shutil
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
import pydicom
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from dicom_sender import NATIVE, calling, close_sockets, encoded, explicit, film, request_of, sent
from pydicom import config as pydicom_config
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    SecondaryCaptureImageStorage,
)
from pynetdicom import _config, build_context
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.transport import AssociationSocket
from waiting import SECONDS, until

from clinical.dicom import association, codecs, receiver
from clinical.dicom.receiver import (
    BROKEN,
    KEPT,
    NOT_NOW,
    OTHER_CLASS,
    OUR_FAULT,
    Sender,
    Settings,
)
from clinical.dicom.tls import Tls
from clinical.errors import ConfigError, StoreError


@dataclass
class Port:
    """A receiver and what came of it."""

    port: int = 0
    kept: list[tuple[bytes, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    failure: Exception | None = None

    def keep(self, path: Path, sender: str) -> None:
        if self.failure:
            raise self.failure
        self.kept.append((path.read_bytes(), sender))


SETTINGS = Settings((Sender("PACS", "127.0.0.1"),), port=0, idle_seconds=SECONDS, largest_mb=1)


@pytest.fixture(autouse=True)
def _libraries_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    close_sockets(monkeypatch)
    level, mode = _config.LOG_HANDLER_LEVEL, pydicom_config.settings.reading_validation_mode
    loggers = [logging.getLogger(name) for name in ("pynetdicom", "pydicom")]
    levels = [logger.level for logger in loggers]
    yield
    _config.LOG_HANDLER_LEVEL = level
    pydicom_config.settings.reading_validation_mode = mode
    for logger, before in zip(loggers, levels, strict=True):
        logger.setLevel(before)


def listening(tmp_path: Path, settings: Settings = SETTINGS) -> Iterator[Port]:
    port = Port()
    running = receiver.start(
        settings,
        port.keep,
        lambda: NamedTemporaryFile(dir=tmp_path, delete=False),  # noqa: SIM115
        port.refused.append,
    )
    port.port = running.port
    yield port
    running.stop()
    until(lambda: not list(tmp_path.iterdir()), "the end of what was being written")


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Port]:
    yield from listening(tmp_path)


@pytest.fixture
def sender(port: Port) -> Iterator[Association]:
    sender = calling(port.port)
    assert sender.is_established
    yield sender
    sender.release()


def test_an_echo_is_answered(sender: Association) -> None:
    assert sender.send_c_echo().Status == KEPT


@pytest.mark.parametrize("syntax", NATIVE)
def test_a_film_is_kept_as_a_file_that_reads(port: Port, sender: Association, syntax: str) -> None:
    assert sender.send_c_store(film(syntax)).Status == KEPT
    ((data, name),) = port.kept
    assert name == "PACS@127.0.0.1"
    found = pydicom.dcmread(pydicom.filebase.DicomBytesIO(data))
    assert found.file_meta.TransferSyntaxUID == syntax
    assert found.PatientName == "Doe^Jane"
    assert found.PixelData == bytes(256)


def test_the_same_object_gives_the_same_bytes(port: Port, sender: Association) -> None:
    for _ in range(2):
        sender.send_c_store(film())
    assert port.kept[0] == port.kept[1]


def test_every_syntax_that_is_read_is_taken(port: Port) -> None:
    entity = ApplicationEntity("PACS")
    entity.acse_timeout = entity.network_timeout = SECONDS
    contexts = [
        build_context(ComputedRadiographyImageStorage, one)
        for one in (*codecs.NATIVE, *codecs.DECODERS)
    ]
    sender = entity.associate("127.0.0.1", port.port, contexts, ae_title="TRIPTYCH")
    accepted = {context.transfer_syntax[0] for context in sender.accepted_contexts}
    sender.release()
    assert accepted == {*codecs.NATIVE, *codecs.DECODERS}


def test_classes_that_are_not_read_are_not_taken(sender: Association) -> None:
    assert CTImageStorage in {context.abstract_syntax for context in sender.rejected_contexts}


whole = encoded(film())


@pytest.mark.parametrize(
    ("data", "sop_instance", "status"),
    [
        (whole[:-1], "1.2.3.4", BROKEN),
        (whole[:100], "1.2.3.4", BROKEN),
        (whole[: whole.index(b"\xe0\x7f\x10\0")], "1.2.3.4", BROKEN),
        (b"\x08\x00nonsense" * 9, "1.2.3.4", BROKEN),
        (whole, "1.2.3.5", BROKEN),
        (whole, "../../../../etc/passwd", BROKEN),
        (encoded(film(SOPClassUID=SecondaryCaptureImageStorage)), "1.2.3.4", OTHER_CLASS),
        (encoded(film(SOPClassUID=CTImageStorage)), "1.2.3.4", BROKEN),
        (encoded(film(SOPInstanceUID="")), "1.2.3.4", BROKEN),
        (encoded(film(PixelData=bytes(1 << 20))), "1.2.3.4", BROKEN),
        (encoded(film(PixelData=bytes(3 << 20))), "1.2.3.4", BROKEN),
    ],
    ids=[
        "cut by a byte",
        "cut in the header",
        "cut before the pixels",
        "nonsense",
        "another instance",
        "a path for a name",
        "another class",
        "a class that is not read",
        "no instance",
        "too large",
        "far too large",
    ],
)
def test_a_broken_object_fails_and_the_next_is_kept(
    port: Port, sender: Association, data: bytes, sop_instance: str, status: int
) -> None:
    assert sent(sender, data, sop_instance) == status
    assert not port.kept
    assert len(port.refused) == 1
    assert sent(sender, whole) == KEPT
    assert len(port.kept) == 1


@pytest.mark.parametrize(
    ("failure", "status"),
    [(StoreError("the disk is full"), NOT_NOW), (ZeroDivisionError("Doe^Jane"), OUR_FAULT)],
)
def test_what_cannot_be_kept_is_not_acknowledged(
    port: Port, sender: Association, failure: Exception, status: int
) -> None:
    port.failure = failure
    answer = sender.send_c_store(film())
    assert answer.Status == status
    assert "Doe" not in str(answer)
    port.failure = None
    assert sender.send_c_store(film()).Status == KEPT


def test_nothing_of_an_object_is_logged_or_printed(
    port: Port, sender: Association, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    port.failure = ZeroDivisionError("Doe^Jane")
    sender.send_c_store(film())
    sent(sender, whole[:60], "not a UID")
    told = caplog.text + "".join(capfd.readouterr()) + "".join(port.refused)
    assert "Doe" not in told
    assert "not a UID" not in told
    assert "1.2.3.4" not in told


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ({"title": "STRANGER"}, "not on the list"),
        ({"called": "OTHER"}, "another title"),
    ],
)
def test_strangers_are_rejected(port: Port, who: dict[str, str], said: str) -> None:
    assert calling(port.port, **who).is_rejected
    until(lambda: port.refused, "the refusal")
    assert said in port.refused[0]


def test_a_title_is_bound_to_its_address(tmp_path: Path) -> None:
    senders = (Sender("PACS", "192.0.2.7"), Sender("CT1", "127.0.0.0/8"))
    for port in listening(tmp_path, replace(SETTINGS, senders=senders)):
        assert calling(port.port).is_rejected
        other = calling(port.port, title="CT1")
        assert other.is_established
        other.release()


def test_other_addresses_are_not_answered(tmp_path: Path) -> None:
    for port in listening(tmp_path, replace(SETTINGS, senders=(Sender("PACS", "192.0.2.7"),))):
        with socket.create_connection(("127.0.0.1", port.port), timeout=SECONDS) as peer:
            assert peer.recv(1) == b""
        until(lambda port=port: port.refused, "the refusal")
        assert "address" in port.refused[0]


def test_one_association_too_many_is_rejected(tmp_path: Path) -> None:
    for port in listening(tmp_path, replace(SETTINGS, associations=1)):
        first = calling(port.port)
        assert calling(port.port).is_rejected
        assert first.send_c_store(film()).Status == KEPT
        first.release()


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack(">BBL", 1, 0, 0xFFFFFFFF) + bytes(1000),
        struct.pack(">BBL", 4, 0, association.LARGEST_PDU + 1),
        bytes(600),
    ],
    ids=["HTTP", "a PDU of 4 GB", "a PDU above the limit", "zeros"],
)
def test_what_is_no_dicom_is_hung_up_on(tmp_path: Path, bytes_sent: bytes) -> None:
    for port in listening(tmp_path, replace(SETTINGS, idle_seconds=2 * SECONDS)):
        with socket.create_connection(("127.0.0.1", port.port), timeout=SECONDS) as peer:
            peer.sendall(bytes_sent)
            with suppress(ConnectionError):
                while peer.recv(1000):
                    pass
        sender = calling(port.port)
        assert sender.send_c_echo().Status == KEPT
        sender.release()


@pytest.fixture
def conversation(port: Port, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The PDUs of a sender: association, C-STORE, C-ECHO, release."""
    said: list[bytes] = []
    before = AssociationSocket.send

    def send(self: AssociationSocket, data: bytes) -> None:
        if self.assoc.is_requestor:
            said.append(bytes(data))
        before(self, data)

    monkeypatch.setattr(AssociationSocket, "send", send)
    sender = calling(port.port)
    assert sent(sender, whole) == KEPT
    sender.send_c_echo()
    sender.release()
    assert len(said) == 5
    return said


def garbled(conversation: list[bytes], chance: random.Random) -> list[bytes]:
    """A conversation with bytes exchanged, put in or left out, in another order, or broken off."""
    said = [bytearray(pdu) for pdu in conversation]
    for _ in range(chance.randrange(1, 6)):
        pdu = chance.choice(said)
        pdu[chance.randrange(len(pdu))] = chance.randrange(256)
    at = chance.randrange(len(said))
    match chance.randrange(4):
        case 0:
            chance.shuffle(said)
        case 1:
            said = [said[0], *chance.choices(said, k=8)]
        case 2:
            said = [*said[:at], said[at][: chance.randrange(len(said[at]))]]
        case _:
            start = chance.randrange(len(said[at]))
            said[at][start : start + chance.randrange(9)] = chance.randbytes(chance.randrange(9))
    return [bytes(pdu) for pdu in said]


def test_whatever_is_said_the_next_sender_is_heard(
    port: Port, conversation: list[bytes], tmp_path: Path
) -> None:
    for seed in range(30):
        chance = random.Random(seed)
        with (
            socket.create_connection(("127.0.0.1", port.port), timeout=SECONDS) as peer,
            suppress(OSError),
        ):
            for pdu in garbled(conversation, chance):
                peer.sendall(pdu)
    until(lambda: not associations(), "the end of all associations")
    until(lambda: not list(tmp_path.iterdir()), "the end of what was being written")
    sender = calling(port.port)
    assert sent(sender, whole) == KEPT
    sender.release()


def associations() -> list[str]:
    return [one.name for one in threading.enumerate() if "AcceptorThread" in one.name]


def test_whoever_falls_silent_is_let_go(tmp_path: Path) -> None:
    for port in listening(tmp_path, replace(SETTINGS, idle_seconds=0.2)):
        with socket.create_connection(("127.0.0.1", port.port), timeout=SECONDS) as peer:
            peer.sendall(struct.pack(">BBL", 1, 0, 200) + b"half")
            while peer.recv(1000):
                pass


def test_a_sender_that_breaks_off_leaves_nothing(port: Port, tmp_path: Path) -> None:
    sender = calling(port.port)
    assert sender.send_c_store(film()).Status == KEPT
    message = C_STORE_RQ()
    message.primitive_to_message(request_of(whole))
    command, *_ = message.encode_msg(explicit(sender), 16382)
    sender.dul.send_pdu(command)
    until(lambda: list(tmp_path.iterdir()), "the beginning of an object")
    sender.abort()
    until(lambda: not list(tmp_path.iterdir()), "the end of what was being written")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"senders": ()}, "No DICOM sender"),
        ({"senders": (Sender("PACS", "pacs.local"),)}, "not an address"),
        ({"senders": (Sender("P" * 17, "127.0.0.1"),)}, "not an AE title"),
        ({"title": "A\\B"}, "not an AE title"),
        ({"address": "192.0.2.1"}, "cannot listen"),
        ({"port": 70_000}, "port is out of bounds"),
        ({"largest_mb": 0}, "largest_mb is out of bounds"),
    ],
)
def test_settings_that_cannot_be_used(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        receiver.start(replace(SETTINGS, **change), print, NamedTemporaryFile, print)


needs_dcmtk = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("storescu", "echoscu")),
    reason="DCMTK is not on this machine",
)


@needs_dcmtk
def test_dcmtk_sends_films(port: Port, tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("films")
    for number in range(3):
        made = film(
            SOPInstanceUID=f"1.2.3.{number}", PixelData=np.arange(256, dtype="u1").tobytes()
        )
        made.save_as(place / f"{number}.dcm", enforce_file_format=True)
    to = ["-aet", "PACS", "-aec", "TRIPTYCH", "127.0.0.1", str(port.port)]
    subprocess.run(["echoscu", *to], check=True)
    subprocess.run(["storescu", *to, *sorted(map(str, place.iterdir()))], check=True)
    assert len(port.kept) == 3


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of this machine that signs itself, and one that a stranger made."""
    place = tmp_path_factory.mktemp("certificates")
    for name in ("ours", "strange"):
        self_signed(place / f"{name}.pem", place / f"{name}.key")
    return place


def self_signed(certificate: Path, key: Path) -> None:
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(secret, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        secret.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def encrypted(place: Path, own: str) -> tuple[ssl.SSLContext, str]:
    context = ssl.create_default_context(cafile=str(place / "ours.pem"))
    if own:
        context.load_cert_chain(place / f"{own}.pem", place / f"{own}.key")
    return context, "localhost"


def test_tls_asks_for_a_certificate_that_is_known(tmp_path: Path, certificates: Path) -> None:
    ours = str(certificates / "ours.pem")
    tls = Tls(ours, str(certificates / "ours.key"), client_ca=ours)
    for port in listening(tmp_path, replace(SETTINGS, tls=tls)):
        sender = calling(port.port, tls_args=encrypted(certificates, "ours"))
        assert sender.send_c_store(film()).Status == KEPT
        sender.release()
        for own in ("", "strange"):
            context, name = encrypted(certificates, own)
            with (
                socket.create_connection(("127.0.0.1", port.port), timeout=SECONDS) as bare,
                pytest.raises(ssl.SSLError),
                context.wrap_socket(bare, server_hostname=name) as peer,
            ):
                peer.recv(1)  # in TLS 1.3 the other side judges after our handshake
        until(lambda port=port: len(port.refused) == 2, "both refusals")
        assert set(port.refused) == {"a connection without the TLS that is asked for"}


def test_a_handshake_that_never_comes_stops_nobody(tmp_path: Path, certificates: Path) -> None:
    tls = Tls(str(certificates / "ours.pem"), str(certificates / "ours.key"))
    for port in listening(tmp_path, replace(SETTINGS, tls=tls)):
        with socket.create_connection(("127.0.0.1", port.port)):
            sender = calling(port.port, tls_args=encrypted(certificates, ""))
            assert sender.send_c_echo().Status == KEPT
            sender.release()


def test_handshakes_that_never_come_have_an_end(
    tmp_path: Path, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(association, "SPARE_CONNECTIONS", 1)
    tls = Tls(str(certificates / "ours.pem"), str(certificates / "ours.key"))
    for port in listening(tmp_path, replace(SETTINGS, tls=tls, associations=1)):
        with ExitStack() as stack:
            for _ in range(3):
                peer = socket.create_connection(("127.0.0.1", port.port), timeout=SECONDS)
                stack.enter_context(peer)
            assert peer.recv(1) == b""
        until(lambda port=port: len(port.refused) == 3, "the end of the other two")
        sender = calling(port.port, tls_args=encrypted(certificates, ""))
        assert sender.send_c_echo().Status == KEPT
        sender.release()


def test_tls_without_its_files_is_said(tmp_path: Path) -> None:
    tls = Tls(str(tmp_path / "missing.pem"))
    with pytest.raises(ConfigError, match=r"dicom\.tls cannot be used"):
        receiver.start(replace(SETTINGS, tls=tls), print, NamedTemporaryFile, print)
