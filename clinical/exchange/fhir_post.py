"""FHIR R4 by POST: a body is answered 202 when it is safe on disk, and not before.

    POST /            a Bundle, NDJSON or one resource (application/fhir+json, application/json,
                      application/fhir+ndjson), with `Authorization: Bearer TOKEN`
    202               kept; warnings name the parts that cannot be used
    400, 413, 415     it is no FHIR in JSON, too long, or of another content type
    401, 403, 408     no token that is known, an address that may not send, or a body that stops
    422               nothing of it can be used; nothing was kept
    500, 503          a fault of this program; it could not be kept, or too many send at once

Every answer is an OperationOutcome and holds nothing of what was sent. A transaction is taken in as
news; it is not carried out on resources. https://hl7.org/fhir/R4/operationoutcome.html
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from clinical.errors import TriptychError
from clinical.exchange import peers, web_port
from clinical.exchange.facts import Refusal, Told
from clinical.exchange.fhir_told import told
from clinical.exchange.request_body import body_of
from clinical.exchange.web_port import Listener

Keep = Callable[[bytes, str], object]

TYPES = ("application/fhir+json", "application/json", "application/fhir+ndjson")
MOST_ISSUES = 50

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings(web_port.Settings):
    """A port for FHIR: `largest_mb` and `body_seconds` are of a body."""

    port: int = 8104


def application(
    settings: Settings, keep: Keep, refused: Callable[[str], None] = peers.unheard
) -> Starlette:
    """The routes alone, for whoever serves them.

    Args:
        settings: of the port.
        keep: given a body and the name of its sender; returns when it is safe.
        refused: called with what was refused, in words that hold nothing of a patient or a sender.

    Raises:
        ConfigError: if the settings cannot be used.
    """
    desk = _Desk(settings, keep, refused)
    return Starlette(routes=[Route("/", desk.post, methods=["POST"])])


class _Desk:
    """Where bodies are taken in, a few at a time."""

    def __init__(self, settings: Settings, keep: Keep, refused: Callable[[str], None]) -> None:
        self._settings = settings
        self._keep = keep
        self._refused = refused
        self._senders = web_port.senders_of(settings, "fhir")
        self._busy = 0

    async def post(self, request: Request) -> Response:
        """Take in one body."""
        sender = self._sender(request)
        if isinstance(sender, Response):
            return sender
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in TYPES:
            return self._no(415, "not-supported", "the content type is not one of FHIR in JSON.")
        if self._busy >= self._settings.at_once:
            return self._no(503, "throttled", "too many send at once; send it again.")
        self._busy += 1
        try:
            body = await asyncio.wait_for(
                body_of(request, self._settings.largest), self._settings.body_seconds
            )
            if body is None:
                return self._no(413, "too-long", "the body is too long; send it in parts.")
            return await run_in_threadpool(self._take_in, body, sender)
        except TimeoutError:
            return self._no(408, "timeout", "the body did not come in time.")
        except ClientDisconnect:
            return self._no(400, "incomplete", "the body broke off.")
        except Exception as error:  # noqa: BLE001 - it would be logged with its words
            _log.error("a fault of the program at a FHIR body: %s", type(error).__name__)
            return self._no(500, "exception", "the program has a fault; report it to who runs it.")
        finally:
            self._busy -= 1

    def _sender(self, request: Request) -> str | Response:
        sender = self._senders.named(request)
        if isinstance(sender, str):
            return sender
        if sender == 403:
            return self._no(403, "forbidden", "the address may not send.")
        answer = self._no(401, "login", "no token that is known came with it.")
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer

    def _take_in(self, body: bytes, sender: str) -> Response:
        found = told(body, UTC)  # no zone makes a resource more or less usable
        faults = [one for part in found for one in part.refused]
        if not any(map(_usable, found)):
            no_fhir = any(one.place.startswith("Bundle") for one in faults)
            return self._answer(400 if no_fhir else 422, "error", faults)
        try:
            self._keep(body, sender)
        except (TriptychError, OSError):
            answer = self._no(503, "no-store", "it could not be kept; send it again later.")
            answer.headers["Retry-After"] = "60"
            return answer
        return self._answer(202, "warning", faults)

    def _answer(self, status: int, severity: str, faults: Sequence[Refusal]) -> Response:
        what = "part of a body" if status == 202 else "a body"
        for one in faults:
            self._refused(f"FHIR: {what}: {_plain(one.place)}: {one.reason}")
        issues = [
            _issue(severity, "processing", f"{one.place}: {one.reason} {one.remedy}".strip())
            for one in faults[:MOST_ISSUES]
        ]
        if status == 202:
            issues.insert(0, _issue("information", "informational", "kept"))
        elif not issues:
            issues = [_issue("error", "required", "nothing was sent.")]
        return _outcome(status, issues)

    def _no(self, status: int, code: str, reason: str) -> Response:
        self._refused(f"FHIR: a body: {reason}")
        return _outcome(status, [_issue("error", code, reason)])


def _usable(one: Told) -> bool:
    """Whether anything is said of a person, or understood."""
    said = bool(one.facts or one.merges or one.unused)
    return said or (one.person is not None and not one.refused)


def _plain(place: str) -> str:
    """A place without its numbers, so that there are few different ones."""
    return re.sub(r"(?:(?:entry|line)\[\d+\] )?([^\[]*)(?:\[\d+\])?", r"\1", place)


def _issue(severity: str, code: str, words: str) -> Mapping[str, str]:
    return {"severity": severity, "code": code, "diagnostics": words}


def _outcome(status: int, issues: Sequence[Mapping[str, str]]) -> Response:
    body = json.dumps({"resourceType": "OperationOutcome", "issue": list(issues)})
    return Response(body, status, media_type="application/fhir+json")


def start(
    settings: Settings, keep: Keep, refused: Callable[[str], None] = peers.unheard
) -> Listener:
    """Listen until `stop` is called, which waits for bodies that are being kept.

    Args:
        settings, keep, refused: as in `application`.

    Raises:
        ConfigError: if the settings cannot be used, or the port is taken.
    """
    app = application(settings, keep, refused)
    return web_port.listen(app, settings, "fhir")
