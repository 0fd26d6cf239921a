"""Readers at other machines: TLS by a proxy before the page, and nothing past the proxy."""

from __future__ import annotations

import datetime
import http.client
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.sync_api import Browser, expect
from test_signing_in import PASSWORD, Ward, make_workspace, sign_in

from clinical.errors import ConfigError
from ui.host import launch

pytestmark = pytest.mark.browser

FORM = "application/x-www-form-urlencoded"
NAME = "triptych.localhost"  # browsers take every name below localhost for this machine


def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed one for `NAME`, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName(NAME), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    held, secret = folder / "page.crt", folder / "page.key"
    held.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return held, secret


def forward(listener: socket.socket, context: ssl.SSLContext, port: int) -> None:
    """Take TLS off every connection and pass it on, as a proxy does that keeps the name."""
    while True:
        try:
            taken, _ = listener.accept()
        except OSError:
            return
        Thread(target=_both_ways, args=(taken, context, port), daemon=True).start()


def _both_ways(taken: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with (
        suppress(OSError),
        taken,
        context.wrap_socket(taken, server_side=True) as outside,
        socket.create_connection(("127.0.0.1", port)) as inside,
    ):
        Thread(target=_pass, args=(inside, outside), daemon=True).start()
        _pass(outside, inside)


def _pass(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


class ProxiedWard(Ward):
    """A ward whose address is that of the proxy.

    Attributes:
        inside: port of the page itself.
    """

    inside: int = 0


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxiedWard]:
    workspace = make_workspace(tmp_path_factory.mktemp("ward"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(tmp_path_factory.mktemp("tls")))
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        address = f"https://{NAME}:{listener.getsockname()[1]}"
        port = launch.free_port()
        page = launch.start(launch.Choices(workspace, port=port, public_address=address))
        Thread(target=forward, args=(listener, context, port), daemon=True).start()
        made = ProxiedWard(address, workspace)
        made.inside = port
        yield made
        page.stop()


def test_a_reader_signs_in_and_opens_a_case(browser: Browser, ward: Ward) -> None:
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    sign_in(page, ward, "dr.first")
    page.locator('tr[data-pick="CASE-001"]').click()
    expect(page.get_by_role("heading", name="CASE-001")).to_be_visible()
    (cookie,) = [c for c in context.cookies() if "triptych" in c.get("name", "")]
    assert cookie["name"] == "__Host-triptych_session"
    assert cookie["secure"]
    assert cookie["httpOnly"]
    assert cookie["domain"] == NAME
    context.close()
    assert ward.kinds("dr.first")[:2] == ["SIGNED_IN", "OPENED"]


def test_browsers_are_told_to_come_over_tls(browser: Browser, ward: Ward) -> None:
    context = browser.new_context(ignore_https_errors=True)
    answer = context.new_page().goto(ward.address)
    assert answer is not None
    assert answer.headers["strict-transport-security"] == "max-age=15768000"
    context.close()


@pytest.mark.parametrize("host", [NAME, "127.0.0.1", "localhost"])
def test_nobody_signs_in_past_the_proxy(ward: ProxiedWard, host: str) -> None:
    form = urlencode({"name": "dr.first", "password": PASSWORD})
    for origin in (f"http://{host}:{ward.inside}", f"https://{host}:{ward.inside}", ""):
        with closing(http.client.HTTPConnection("127.0.0.1", ward.inside)) as connection:
            told = {"host": f"{host}:{ward.inside}", "content-type": FORM}
            told |= {"origin": origin} if origin else {}
            connection.request("POST", "/sign-in", form, told)
            assert connection.getresponse().status == 403
    assert "SIGNED_IN" not in ward.kinds("dr.first")[2:]


def test_a_name_of_somebody_else_is_not_answered(ward: ProxiedWard) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", ward.inside)) as connection:
        connection.request("GET", "/sign-in", headers={"host": "evil.example"})
        assert connection.getresponse().status == 400


def test_a_demonstration_is_not_opened_to_a_network(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    chosen = launch.Choices(workspace, reader="dr.demo", public_address="https://triptych.example")
    with pytest.raises(ConfigError, match="not opened to a network"):
        launch.start(chosen)
