"""POST to a server of a hospital, whatever is sent: its address, a token, TLS, and its answer."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from clinical.case.delivery import NotNow
from clinical.dicom.tls import client_context, unreachable
from clinical.errors import ConfigError

SECONDS = 60.0
"""That a server may take for each step."""

_PASSING = (
    HTTPStatus.UNAUTHORIZED,  # a token ran out; a new one is put in its file
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
)


@dataclass(frozen=True)
class Server:
    """Where to send.

    Attributes:
        url: base of the server.
        token_file: file with a bearer token, read at each request, or "".
        ca: PEM file of who signs its certificate; "": whom this machine trusts.
        certificate, key: PEM files to show to it, where it asks.
    """

    url: str
    token_file: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""

    WHAT: ClassVar[str] = "server"
    """What it is, for errors."""


@dataclass(frozen=True)
class Answer:
    """What a server said: its status, and the beginning of what it wrote beside it."""

    status: int
    body: bytes


def check(server: Server) -> None:
    """Refuse an address that is none, or that would show a secret or a patient on its way.

    Raises:
        ConfigError: with what it may be.
    """
    parts = urlsplit(server.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            f"This is no base of a {server.WHAT}.", remedy="write http(s)://HOST/PATH."
        )
    if parts.username or parts.password or parts.query:
        raise ConfigError(
            f"The base of a {server.WHAT} holds a password or a query.",
            remedy="put a bearer token in a file and name it in token_file.",
        )


def post(
    server: Server,
    under: str,
    data: bytes,
    headers: Mapping[str, str],
    *,
    longest: int = 0,
    seconds: float = SECONDS,
) -> Answer | NotNow:
    """Send one body and wait for the answer.

    Args:
        server: where to.
        under: path below its base, such as "/studies", or "".
        data: the body.
        headers: what it is, and what is taken as an answer.
        longest: bytes of the answer's body that are read; it may quote the patient.
        seconds: that each step may take.

    Raises:
        ConfigError: as `check`, or if a file cannot be read.
    """
    check(server)
    told = dict(headers)
    if server.token_file:
        told["authorization"] = f"Bearer {_token(server)}"
    path = urlsplit(server.url).path.rstrip("/") + under
    connection = _connection(server, seconds)
    try:
        connection.request("POST", path or "/", data, told)
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(longest) if longest else b"")
    except OSError as error:
        return NotNow(unreachable("the server", error))
    except http.client.HTTPException as error:
        return NotNow(f"the server cannot be understood ({type(error).__name__})")
    finally:
        connection.close()


def may_pass(status: int) -> bool:
    """Whether what was answered with this status may be sent again."""
    return status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _connection(server: Server, seconds: float) -> http.client.HTTPConnection:
    parts = urlsplit(server.url)
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.netloc, timeout=seconds)
    context = client_context(
        server.ca, "the server", certificate=server.certificate, key=server.key
    )
    return http.client.HTTPSConnection(parts.netloc, timeout=seconds, context=context)


def _token(server: Server) -> str:
    try:
        return Path(server.token_file).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(
            f"The file with the token for the {server.WHAT} cannot be read.",
            remedy="check its path and rights.",
        ) from None
