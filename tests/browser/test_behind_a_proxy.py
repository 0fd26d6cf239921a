"""Readers at other machines: TLS by a proxy before the page, and nothing past the proxy."""

from __future__ import annotations

import asyncio
import datetime
import http.client
import ipaddress
import socket
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.sync_api import Browser, expect
from ports import reserved_port
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


@contextmanager
def forwarding(listener: socket.socket, context: ssl.SSLContext, port: int) -> Iterator[None]:
    """Take TLS off every connection and pass it on, as a proxy does that keeps the name."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    begin = asyncio.start_server(partial(_both_ways, port), sock=listener, ssl=context)
    server = asyncio.run_coroutine_threadsafe(begin, loop).result()
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _both_ways(port: int, asked: StreamReader, answer: StreamWriter) -> None:
    to_page = None
    try:
        with suppress(OSError):
            from_page, to_page = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(_pass(asked, to_page), _pass(from_page, answer))
    finally:
        for writer in (answer, to_page):
            if writer is not None:
                writer.transport.abort()


async def _pass(source: StreamReader, target: StreamWriter) -> None:
    with suppress(OSError):
        while piece := await source.read(65536):
            target.write(piece)
            await target.drain()
    target.close()  # once all is sent; the other way ends with it


async def _end(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


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
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"https://{NAME}:{listener.getsockname()[1]}"
        port = reserved_port()
        page = launch.start(launch.Choices(workspace, port=port, public_address=address))
        made = ProxiedWard(address, workspace)
        made.inside = port
        with forwarding(listener, context, port):
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
