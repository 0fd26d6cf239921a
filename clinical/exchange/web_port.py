"""A port for HTTP, as senders of a hospital use it: a token for each, known addresses, bounds."""

from __future__ import annotations

import errno
import hashlib
import hmac
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request

from clinical.dicom.tls import Tls, server_context
from clinical.errors import ConfigError
from clinical.exchange import peers
from clinical.exchange.peers import Network

LEAST_TOKEN = 32
"""Characters of a token; 32 drawn from hexadecimal digits are 128 bits."""

_WRITE = f"write a line NAME TOKEN for each sender, the token of at least {LEAST_TOKEN} letters"


_MB = 1 << 20


@dataclass(frozen=True)
class Settings:
    """A port, whatever is sent to it.

    Attributes:
        senders: addresses and networks, such as 192.0.2.0/24, that may send.
        tokens: file with a line `NAME TOKEN` for each sender; # begins a remark.
        address, port: to listen on; port 0: any that is free.
        largest_mb: megabytes of the largest thing that is taken.
        at_once: bodies that are taken at a time; more are told to come again.
        body_seconds: in which a body has to be there, or the next piece of a long one.
        tls: encryption; without it, a proxy in front of this has to do it.
    """

    senders: tuple[str, ...]
    tokens: str
    address: str = "127.0.0.1"
    port: int = 0
    largest_mb: float = 32.0
    at_once: int = 4
    body_seconds: float = 60.0
    tls: Tls = field(default_factory=Tls)

    @property
    def largest(self) -> int:
        """Bytes of the largest thing that is taken."""
        return int(self.largest_mb * _MB)


@dataclass(frozen=True)
class Listener:
    """A port that listens; made by `listen`."""

    port: int
    stop: Callable[[], None]


@dataclass(frozen=True)
class Senders:
    """Who may send to a port; made by `senders_of`.

    Attributes:
        allowed: networks.
        tokens: SHA-256 of each token to the name of its sender.
    """

    allowed: tuple[Network, ...]
    tokens: Mapping[bytes, str]

    def named(self, request: Request) -> str | int:
        """The name of who sends, or 403 for an address that may not, 401 without a known token.

        Args:
            request: with `Authorization: Bearer TOKEN`.
        """
        host = request.client.host if request.client else ""
        if not host or not any(peers.address(host) in one for one in self.allowed):
            return 403
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        digest = hashlib.sha256(token.strip().encode("utf-8", "replace")).digest()
        for known, name in self.tokens.items():
            if kind.lower() == "bearer" and hmac.compare_digest(known, digest):
                return name
        return 401


def senders_of(settings: Settings, where: str) -> Senders:
    """Who may send, by settings whose numbers can be.

    Args:
        settings: of a port.
        where: their table, for the error.

    Raises:
        ConfigError: for a number, an address or a file that cannot be used.
    """
    peers.check_bounds(settings, where)
    allowed = peers.networks(settings.senders, where)
    return Senders(allowed, _tokens(Path(settings.tokens), where))


def _tokens(path: Path, where: str) -> dict[bytes, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise ConfigError(f"{where}: {path} cannot be read: {why}.", remedy=_WRITE) from None
    found: dict[bytes, str] = {}
    for number, line in enumerate(lines, start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 2 or len(words[1]) < LEAST_TOKEN:
            raise ConfigError(
                f"{where}: {path}, line {number} is no name and token.", remedy=_WRITE
            )
        found[hashlib.sha256(words[1].encode()).digest()] = words[0]
    if not found:
        raise ConfigError(f"{where}: {path} holds no token.", remedy=_WRITE)
    return found


def listen(app: Starlette, settings: Settings, where: str) -> Listener:
    """Serve routes until `stop` is called, which waits for requests that have begun.

    Args:
        app: the routes.
        settings: where to listen, and its encryption.
        where: their table, for the error.

    Raises:
        ConfigError: if the settings cannot be used, or the port is taken.
    """
    address, port, tls = settings.address, settings.port, settings.tls
    server_context(tls, where)  # an error is said here and not in the thread
    try:
        if not 0 <= port < 1 << 16:
            raise OSError(errno.EINVAL, "no such port")
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        door = socket.create_server((address, port), family=family)
    except OSError as error:
        raise ConfigError(
            f"{where}: nothing can listen at {address}, port {port} ({error.strerror}).",
            remedy="choose another port, or end the program that has it",
        ) from None
    server = uvicorn.Server(_config(app, tls))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, name=where)
    thread.start()

    def stop() -> None:
        server.should_exit = True
        thread.join()
        door.close()

    return Listener(door.getsockname()[1], stop)


def _config(app: Starlette, tls: Tls) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=64,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=10,
        ssl_certfile=tls.certificate or None,
        ssl_keyfile=tls.key or None,
        ssl_ca_certs=tls.client_ca or None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if tls.client_ca else ssl.CERT_NONE,
    )
