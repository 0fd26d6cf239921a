"""Small requests of an open page, which ask for no run of it.

They tell that somebody is at work on a case, and what is half written and not sent yet, and
ask how far the assessment of a case is that was added.

A request names a visit (`ui.state.visits`) by a name that only the page knows, comes from a page of
this server (`ui.host.origin`), and carries the cookie of the session where people sign in:
`door.Gate` stands before it, as before every route.
"""

from __future__ import annotations

import http

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from clinical.exchange.request_body import object_of
from ui.access import session
from ui.host.door import NOT_KEPT, Door
from ui.state import adding, assessing, drafts, visits
from ui.state.assessing import Job

ALIVE = "/alive"
DRAFT = "/draft"
ADDED = "/added"
LONGEST = 200_000  # bytes: a note of many pages that is still being written


def routes(door: Door | None) -> list[Route]:
    """The routes; `door` is None in a demonstration, where nobody signs in."""

    async def hear(request: Request) -> Response:
        told = await object_of(request, LONGEST)
        if told is None:
            return _answer(http.HTTPStatus.FORBIDDEN)
        name, reader = str(told.get("visit", "")), _reader(door, request)
        if request.url.path == ADDED:
            return _progress(assessing.find(str(told.get("job", "")), reader))
        if request.url.path == ALIVE:
            known = visits.alive(name, reader)
        elif "entry" in told:
            known = adding.told(str(told["entry"]), reader, _fields(told.get("fields")))
        else:
            fields, beside = (_fields(told.get(part)) for part in ("fields", "beside"))
            known = drafts.told(name, reader, fields, beside, told.get("marks"))
        return _answer(http.HTTPStatus.NO_CONTENT if known else http.HTTPStatus.GONE)

    return [Route(address, hear, methods=["POST"]) for address in (ALIVE, DRAFT, ADDED)]


def _reader(door: Door | None, request: Request) -> str | None:
    if door is None:
        return None
    found = session.find(door.token(request))
    return found.account if found else ""


def _fields(told: object) -> dict[str, str]:
    pairs = told.items() if isinstance(told, dict) else ()
    return {str(key): str(value) for key, value in pairs}


def _progress(job: Job | None) -> Response:
    if job is None:
        return _answer(http.HTTPStatus.GONE)
    return JSONResponse({"state": job.state, "words": job.words}, headers=NOT_KEPT)


def _answer(status: int) -> Response:
    return Response(status_code=status, headers=NOT_KEPT)
