"""Deliveries over TLS: only to whom the right authority vouches for; all else waits."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from ssl import SSLContext
from typing import Any

import pytest
from authority import Authority, Certificate
from hospital import write_film
from pydicom import dcmread
from pydicom.uid import DigitalXRayImageStorageForPresentation
from receivers import archive, fhir_server, listener, web_server
from sqlalchemy import Engine

from clinical.audit import ledger
from clinical.dicom.sender import Archive
from clinical.errors import ConfigError
from clinical.exchange import sending
from clinical.exchange.fhir_sender import Server
from clinical.exchange.mllp_sender import Listener
from clinical.exchange.outbox import Outbox, open_outbox
from clinical.exchange.sending import Destination, Done
from clinical.exchange.stow_sender import Studies

MESSAGE = b"MSH|^~\\&|T|||||||C1|P|2.5.1\rPID|1\r"


@dataclass(frozen=True)
class Trust:
    """The hospital's authority, and one that nobody here knows."""

    hospital: Authority
    stranger: Authority


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    place = tmp_path_factory.mktemp("certificates")
    return Trust(Authority(place, "hospital"), Authority(place, "stranger"))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    found = dcmread(io.BytesIO(write_film(tmp_path_factory.mktemp("film") / "film")))
    assert found.SOPClassUID == DigitalXRayImageStorageForPresentation
    written = io.BytesIO()
    found.save_as(written)
    return written.getvalue()


@contextmanager
def pacs(tls: SSLContext) -> Iterator[tuple[Archive, list[Any]]]:
    classes = (DigitalXRayImageStorageForPresentation,)
    with archive(classes=classes, tls=tls) as (port, taken):
        yield Archive("localhost", port, "PACS"), taken


@contextmanager
def record(tls: SSLContext) -> Iterator[tuple[Server, list[Any]]]:
    with fhir_server(tls=tls) as (base, taken):
        yield Server(base), taken


@contextmanager
def web(tls: SSLContext) -> Iterator[tuple[Studies, list[Any]]]:
    with web_server(lambda _: (200, b""), tls) as (base, taken):
        yield Studies(f"{base}/dicom-web"), taken


@contextmanager
def ris(tls: SSLContext) -> Iterator[tuple[Listener, list[Any]]]:
    with listener(lambda control: b"MSH|^~\\&|RIS\rMSA|AA|" + control, tls) as (port, taken):
        yield Listener("localhost", port), taken


ROADS: dict[str, Callable[[SSLContext], Any]] = {
    "dicom": pacs,
    "stow": web,
    "fhir": record,
    "hl7": ris,
}


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with open_outbox(tmp_path / "outbox") as found:
        yield found


def put(outbox: Outbox, kind: str, film: bytes) -> None:
    data = {"fhir": b'{"resourceType": "Bundle"}', "hl7": MESSAGE}.get(kind, film)
    outbox.put("there", "case-1", "r1", {"thing": data})


def trusting(place: Any, ca: Path, **more: str) -> Any:
    return replace(place, ca=str(ca), **more)


# What the handshake ended leaves its socket to the garbage collector, which says so.
UNRAISABLE = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.parametrize("kind", ROADS)
def test_whom_the_authority_vouches_for_gets_it(
    workspace: Engine, outbox: Outbox, trust: Trust, film: bytes, kind: str
) -> None:
    right = trust.hospital.sign("localhost")
    with ROADS[kind](right.serving()) as (place, taken):
        put(outbox, kind, film)
        there = Destination("there", kind, trusting(place, trust.hospital.file))  # type: ignore[arg-type]
        assert sending.deliver(workspace, outbox, [there]) == Done(0, 1, 0, 0)
    assert len(taken) == 1


@UNRAISABLE
@pytest.mark.parametrize("kind", ROADS)
@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("stranger", "its certificate is not signed by whom we trust"),
        ("expired", "its certificate has expired"),
        ("other host", "its certificate is of another name"),
    ],
)
def test_anybody_else_gets_nothing_and_it_waits(
    workspace: Engine,
    outbox: Outbox,
    trust: Trust,
    film: bytes,
    kind: str,
    wrong: str,
    why: str,
) -> None:
    with ROADS[kind](shown(trust, wrong).serving()) as (place, taken):
        put(outbox, kind, film)
        there = Destination("there", kind, trusting(place, trust.hospital.file))  # type: ignore[arg-type]
        assert sending.deliver(workspace, outbox, [there]) == Done(0, 0, 0, 1)
    assert taken == []
    (parcel,) = outbox.listed("waiting")
    assert parcel.reason.endswith(f" is not trusted: {why}")
    assert outbox.data(parcel)
    with workspace.connect() as connection:
        assert list(ledger.events(connection, kind="SENT")) == []


def shown(trust: Trust, wrong: str) -> Certificate:
    match wrong:
        case "stranger":
            return trust.stranger.sign("localhost")
        case "expired":
            return trust.hospital.sign("localhost", days=-1)
        case _:
            return trust.hospital.sign("elsewhere.example")


def test_a_receiver_without_tls_is_not_sent_to_in_the_clear(
    workspace: Engine, outbox: Outbox, trust: Trust, film: bytes
) -> None:
    with fhir_server() as (base, taken):
        put(outbox, "fhir", film)
        secure = base.replace("http://127.0.0.1", "https://localhost")
        there = Destination("there", "fhir", Server(secure, ca=str(trust.hospital.file)))
        assert sending.deliver(workspace, outbox, [there]).waiting == 1
    assert taken == []
    assert "do not agree on encryption" in outbox.listed("waiting")[0].reason


@UNRAISABLE
@pytest.mark.parametrize("kind", ["dicom", "stow", "fhir"])
@pytest.mark.parametrize(("ours", "delivered"), [("hospital", 1), ("stranger", 0), ("none", 0)])
def test_a_receiver_that_asks_for_our_certificate(
    workspace: Engine,
    outbox: Outbox,
    trust: Trust,
    film: bytes,
    kind: str,
    ours: str,
    delivered: int,
) -> None:
    right = trust.hospital.sign("localhost").serving(trust.hospital.file)
    more = {}
    if ours != "none":
        own = getattr(trust, ours).sign("triptych.example")
        more = {"certificate": str(own.file), "key": str(own.key)}
    with ROADS[kind](right) as (place, taken):
        put(outbox, kind, film)
        there = Destination("there", kind, trusting(place, trust.hospital.file, **more))  # type: ignore[arg-type]
        assert sending.deliver(workspace, outbox, [there]).delivered == delivered
    assert len(taken) == delivered
    assert len(outbox.listed("waiting")) == 1 - delivered


def test_files_that_are_no_certificates_are_said(
    workspace: Engine, outbox: Outbox, film: bytes, tmp_path: Path
) -> None:
    (tmp_path / "no.pem").write_text("no")
    put(outbox, "hl7", film)
    there = Destination("there", "hl7", Listener("localhost", 1, str(tmp_path / "no.pem")))
    with pytest.raises(ConfigError, match="certificates for the receiver cannot be used"):
        sending.deliver(workspace, outbox, [there])
    assert len(outbox.listed("waiting")) == 1
