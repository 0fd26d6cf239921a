"""A port for HTTP, as senders of a hospital use it: a token for each, known addresses, bounds."""

from __future__ import annotations

import errno
import hashlib
import hmac
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Listener:
    """A port that listens; made by `listen`."""

    port: int
    stop: Callable[[], None]


def sender_of(
    request: Request, allowed: Iterable[Network], tokens: Mapping[bytes, str]
) -> str | int:
    """The name of who sends, or 403 for an address that may not, 401 without a token that is known.

    Args:
        request: with `Authorization: Bearer TOKEN`.
        allowed: networks that may send.
        tokens: as `tokens_of` gives them.
    """
    host = request.client.host if request.client else ""
    if not host or not any(peers.address(host) in one for one in allowed):
        return 403
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    digest = hashlib.sha256(token.strip().encode("utf-8", "replace")).digest()
    for known, name in tokens.items():
        if kind.lower() == "bearer" and hmac.compare_digest(known, digest):
            return name
    return 401


def tokens_of(path: Path, where: str) -> dict[bytes, str]:
    """SHA-256 of each token in a file to the name of its sender.

    Args:
        path: file with a line `NAME TOKEN` for each sender; # begins a remark.
        where: the settings, for the error.

    Raises:
        ConfigError: if it cannot be read, or a line is none.
    """
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


def listen(app: Starlette, address: str, port: int, tls: Tls, where: str) -> Listener:
    """Serve routes until `stop` is called, which waits for requests that have begun.

    Args:
        app: the routes.
        address, port: to listen on; port 0: any that is free.
        tls: encryption.
        where: the settings, for the error.

    Raises:
        ConfigError: if the settings cannot be used, or the port is taken.
    """
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
