"""POST a FHIR transaction to the base of a server (HL7 FHIR R4, RESTful API 3.1.0.11).

Answers are not read beyond their status: they may quote the patient.
"""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from clinical.case.delivery import Delivered, NotNow, Outcome, Refused
from clinical.dicom.tls import client_context, unreachable
from clinical.errors import ConfigError

SECONDS = 60.0

_PASSING = (
    HTTPStatus.UNAUTHORIZED,  # a token ran out; a new one is put in its file
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
)


@dataclass(frozen=True)
class Server:
    """Where transactions go.

    Attributes:
        url: base of the server.
        token_file: file with a bearer token, read at each request, or "".
        ca: PEM file of who signs its certificate; "": whom this machine trusts.
    """

    url: str
    token_file: str = ""
    ca: str = ""


def check(server: Server) -> None:
    """Refuse an address that is none, or that would show a secret or a patient on its way.

    Raises:
        ConfigError: with what it may be.
    """
    parts = urlsplit(server.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("This is no base of a FHIR server.", remedy="write http(s)://HOST/PATH.")
    if parts.username or parts.password or parts.query:
        raise ConfigError(
            "The base of a FHIR server holds a password or a query.",
            remedy="put a bearer token in a file and name it in token_file.",
        )


def post(server: Server, data: bytes, *, seconds: float = SECONDS) -> Outcome:
    """Send one transaction and wait for the answer.

    Raises:
        ConfigError: as `check`, or if a file cannot be read.
    """
    check(server)
    headers = {"content-type": "application/fhir+json; charset=utf-8"}
    headers |= {"accept": "application/fhir+json", "prefer": "return=minimal"}
    if server.token_file:
        headers["authorization"] = f"Bearer {_token(server.token_file)}"
    parts = urlsplit(server.url)
    connection = _connection(server, seconds)
    try:
        connection.request("POST", parts.path.rstrip("/") or "/", data, headers)
        status = connection.getresponse().status
    except OSError as error:
        return NotNow(unreachable("the server", error))
    except http.client.HTTPException as error:
        return NotNow(f"the server cannot be understood ({type(error).__name__})")
    finally:
        connection.close()
    return _outcome(status)


def _outcome(status: int) -> Outcome:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Delivered()
    words = f"the server answered with status {status}"
    passing = status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return NotNow(words) if passing else Refused(words)


def _connection(server: Server, seconds: float) -> http.client.HTTPConnection:
    parts = urlsplit(server.url)
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.netloc, timeout=seconds)
    context = client_context(server.ca, "the server")
    return http.client.HTTPSConnection(parts.netloc, timeout=seconds, context=context)


def _token(file: str) -> str:
    try:
        return Path(file).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(
            "The file with the token for the FHIR server cannot be read.",
            remedy="check its path and rights.",
        ) from None
