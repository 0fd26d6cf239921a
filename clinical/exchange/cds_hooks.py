"""CDS Hooks 2.0: a record system asks at `patient-view` and `order-sign`, and is given cards.

    GET  /cds-services                  the services, with what they need of a patient
    POST /cds-services/{id}             cards, none where there is nothing to say
    POST /cds-services/{id}/feedback    what somebody did with them
    200                                 answered; of feedback: recorded
    400, 413, 415                       it is no such request, too long, or of another content type
    401, 403, 408, 429                  nobody who is known, an origin that may not ask, a body that
                                        does not come, too many requests
    404, 412                            no such service; the Patient was not prefetched
    422                                 feedback of which something is not recorded; it says what
    503                                 it could not be read or recorded, or too many ask at once

Every request carries a signed token (`clinical.exchange.cds_token`). Answers, reasons and logs hold
nothing of what was sent, and nothing is fetched: `fhirServer` and `fhirAuthorization` are not used
to ask for more. https://cds-hooks.hl7.org/2.0/
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from clinical.errors import TriptychError
from clinical.exchange import cds_card, cds_orders, cds_patient, cds_record, peers
from clinical.exchange.cds_patient import Listed
from clinical.exchange.cds_record import Asked
from clinical.exchange.cds_settings import Setup
from clinical.exchange.cds_token import Client, Tokens
from clinical.exchange.facts import Refusal
from clinical.exchange.fhir_bundle import parsed
from clinical.exchange.fhir_elements import Element, child, word
from clinical.exchange.request_body import body_of
from clinical.workspace.database import writing

if TYPE_CHECKING:
    from clinical.exchange.chart import Chart

PATH = "/cds-services"
MOST_FEEDBACK = 100  # entries of one request
MINUTE = 60.0
NOT_KEPT = {"cache-control": "no-store"}

_PREFETCH = {"patient": "Patient/{{context.patientId}}"}
_log = logging.getLogger(__name__)

Hook = Literal["patient-view", "order-sign"]


@dataclass(frozen=True)
class Service:
    """One service: its id, the hook that it answers, and what it says of itself."""

    id: str
    hook: Hook
    title: str
    description: str


SERVICES: Final[Mapping[str, Service]] = {
    service.id: service
    for service in (
        Service(
            "triptych-patient-view",
            "patient-view",
            "Triptych: newest chest case",
            "Research use only. What a model suggested of the newest chest case of the patient, on"
            " what it rests, and where to read it.",
        ),
        Service(
            "triptych-order-sign",
            "order-sign",
            "Triptych: chest film that is there already",
            "Research use only. Where chest imaging is about to be ordered: which chest films of"
            " the patient are there already, and what a model suggested of them.",
        ),
    )
}


@dataclass(frozen=True)
class _No:
    """Why a request is not answered: HTTP status, and a reason that holds nothing of it."""

    status: int
    reason: str


class _Desk:
    """Where requests are answered, a few at a time."""

    def __init__(
        self,
        engine: Engine,
        setup: Setup,
        address: str,
        cases: Callable[[], Iterable[Listed]],
        refused: Callable[[str], None],
    ) -> None:
        self._engine = engine
        self._setup = setup
        self._address = address
        self._cases = cases
        self._refused = refused
        self._tokens = Tokens(setup.settings.clients)
        self._longest = int(setup.settings.largest_kb * 1024)
        self._asked: dict[str, deque[float]] = {one.name: deque() for one in setup.settings.clients}
        self._chart: Chart | None = None
        self._opening = threading.Lock()
        self._busy = 0

    async def discover(self, request: Request) -> Response:
        """The services."""
        client = self._client(request, PATH)
        if isinstance(client, _No):
            return self._no(client)
        listed = [
            {**{key: getattr(one, key) for key in ("id", "hook", "title", "description")}}
            | {"prefetch": _PREFETCH}
            for one in SERVICES.values()
        ]
        return JSONResponse({"services": listed}, headers=NOT_KEPT)

    async def call(self, request: Request) -> Response:
        """The cards of one service."""
        return await self._answer(request, "", self._cards)

    async def feedback(self, request: Request) -> Response:
        """Record what was done with cards."""
        return await self._answer(request, "/feedback", self._record)

    async def _answer(
        self,
        request: Request,
        below: str,
        answer: Callable[[Element, Service, Client], Response | _No],
    ) -> Response:
        service = SERVICES.get(request.path_params["id"])
        own = f"{PATH}/{service.id}" if service else ""
        # Whether feedback is for its own address or that of the service, the standard leaves open.
        client = self._client(request, own + below, own) if own else _No(404, "no such service")
        if isinstance(client, _No) or service is None:
            return self._no(client if isinstance(client, _No) else _No(404, "no such service"))
        if self._busy >= self._setup.settings.at_once:
            return self._no(_No(503, "too many ask at once"))
        self._busy += 1
        try:
            body = await self._body(request)
            if isinstance(body, _No):
                return self._no(body)
            found = await run_in_threadpool(answer, body, service, client)
            return self._no(found) if isinstance(found, _No) else found
        except ClientDisconnect:
            return self._no(_No(400, "a body that broke off"))
        except TriptychError as error:
            _log.warning("a request of CDS Hooks could not be answered: %s", type(error).__name__)
            return self._no(_No(503, "the workspace cannot be read, or takes nothing"))
        except Exception as error:  # noqa: BLE001 - it would be logged with its words
            _log.error("a fault of the program at a CDS Hook: %s", type(error).__name__)
            return self._no(_No(500, "a fault of the program"))
        finally:
            self._busy -= 1

    def _client(self, request: Request, *paths: str) -> Client | _No:
        origin = request.headers.get("origin")
        if origin is not None and origin not in self._setup.settings.origins:
            return _No(403, "an origin that may not ask")
        addresses = [f"{self._address}{path}" for path in paths]
        client = self._tokens.client_of(request.headers.get("authorization", ""), addresses)
        if isinstance(client, str):
            return _No(401, client)
        asked, now = self._asked[client.name], time.monotonic()
        while asked and asked[0] <= now - MINUTE:
            asked.popleft()
        if len(asked) >= self._setup.settings.per_minute:
            return _No(429, "too many requests within a minute")
        asked.append(now)
        return client

    async def _body(self, request: Request) -> Element | _No:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            return _No(415, "a content type that is not application/json")
        try:
            body = await asyncio.wait_for(
                body_of(request, self._longest), self._setup.settings.body_seconds
            )
        except TimeoutError:
            return _No(408, "a body that did not come in time")
        if body is None:
            return _No(413, "a body that is too long")
        try:
            held = parsed(body.decode("utf-8"))
        except UnicodeDecodeError:
            held = None
        return held if isinstance(held, dict) else _No(400, "a body that is no JSON object")

    def _cards(self, body: Element, service: Service, client: Client) -> Response | _No:
        context = child(body, "context")
        patient_id = word(context, "patientId")
        if word(body, "hook") != service.hook or not word(body, "hookInstance") or not patient_id:
            return _No(400, "a request of another hook, or without its instance or its patient")
        patient = child(body, "prefetch").get("patient")
        if not isinstance(patient, dict):
            return _No(412, "a request without the Patient that was to be prefetched")
        ordered = service.hook == "order-sign"
        case_id = None
        if not ordered or self._asks_for_chest(context, patient_id):
            case_id = self._case(patient, patient_id, word(body, "fhirServer"), client, ordered)
        if case_id is None:
            return JSONResponse({"cards": []}, headers=NOT_KEPT)
        asked = Asked(
            client.name,
            service.id,
            service.hook,
            word(body, "hookInstance"),
            word(context, "userId"),
        )
        with writing(self._engine) as connection:
            card = cds_card.card(connection, case_id, self._address, ordered=ordered)
            if card is not None:
                cds_record.sent(connection, card, asked)
        return JSONResponse({"cards": [card.content] if card else []}, headers=NOT_KEPT)

    def _asks_for_chest(self, context: Element, patient_id: str) -> bool:
        codes = self._setup.settings.order_codes
        orders = child(context, "draftOrders")
        return cds_orders.asks_for_chest(orders, patient_id, self._setup.rules, codes)

    def _case(
        self, patient: Element, patient_id: str, server: str, client: Client, ordered: bool
    ) -> str | None:
        person = cds_patient.person_in(patient, patient_id, server)
        if person is None:
            return None
        settings, rules = self._setup.settings, self._setup.rules
        names = cds_patient.patients(person, client.name, rules, self._opened_chart())
        age = timedelta(hours=settings.order_hours) if ordered else timedelta(days=settings.days)
        return cds_patient.newest(self._cases(), names, datetime.now(UTC), age or None)

    def _opened_chart(self) -> Chart | None:
        with self._opening:
            self._chart = self._chart or cds_patient.chart_in(self._setup.inbox)
            return self._chart

    def _record(self, body: Element, service: Service, client: Client) -> Response | _No:
        entries = body.get("feedback")
        if not isinstance(entries, list) or not 0 < len(entries) <= MOST_FEEDBACK:
            return _No(400, "feedback that is no list, or too long a one")
        asked = Asked(client.name, service.id, service.hook)
        faults: list[Refusal] = []
        with writing(self._engine) as connection:
            for number, entry in enumerate(entries):
                place = f"feedback[{number}]"
                told = cds_record.feedback_of(entry if isinstance(entry, dict) else {}, place)
                fault = (
                    told
                    if isinstance(told, Refusal)
                    else cds_record.answered(connection, told, asked, place)
                )
                faults += [fault] if fault else []
        if not faults:
            return JSONResponse({}, headers=NOT_KEPT)
        for fault in faults:
            self._refused(f"feedback: {fault.reason}")
        said = [f"{fault.place}: {fault.reason}" for fault in faults]
        return JSONResponse({"not_recorded": said}, 422, NOT_KEPT)

    def _no(self, why: _No) -> Response:
        self._refused(why.reason)
        more = {401: {"WWW-Authenticate": "Bearer"}}.get(why.status, {})
        if why.status in (429, 503):
            more = {"Retry-After": "60"}
        return JSONResponse({"message": why.reason}, why.status, {**NOT_KEPT, **more})


def application(
    engine: Engine,
    setup: Setup,
    address: str,
    cases: Callable[[], Iterable[Listed]],
    refused: Callable[[str], None] = peers.unheard,
) -> Starlette:
    """The routes, for whoever serves them.

    Args:
        engine: the workspace.
        setup: who may ask, and how patients are matched.
        address: origin under which clients know the page, such as "https://triptych.example".
        cases: lists all cases, as of now.
        refused: called with what was refused, in words that hold nothing of a patient or a client.
    """
    desk = _Desk(engine, setup, address, cases, refused)
    routes = [
        Route(PATH, desk.discover, methods=["GET"]),
        Route(f"{PATH}/{{id}}", desk.call, methods=["POST"]),
        Route(f"{PATH}/{{id}}/feedback", desk.feedback, methods=["POST"]),
    ]
    across = Middleware(
        CORSMiddleware,
        allow_origins=list(setup.settings.origins),
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type"],
    )
    return Starlette(routes=routes, middleware=[across] if setup.settings.origins else [])
