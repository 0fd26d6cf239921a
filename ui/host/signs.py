"""Small requests of an open page, which ask for no run of it: that somebody is at work.

A request names a visit (`ui.state.visits`) by a name that only the page knows, comes from a page of
this server, and carries the cookie of the session where people sign in: `door.Gate` stands before
it, as before every route.
"""

from __future__ import annotations

import http
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ui.access import session
from ui.host.door import NOT_KEPT, Door
from ui.state import visits

ALIVE = "/alive"
LONGEST = 16384  # bytes


def routes(door: Door | None) -> list[Route]:
    """The routes; `door` is None in a demonstration, where nobody signs in."""

    async def alive(request: Request) -> Response:
        told = await _told(request)
        if told is None or not same_origin(request):
            return _answer(http.HTTPStatus.FORBIDDEN)
        known = visits.alive(str(told.get("visit", "")), _reader(door, request))
        return _answer(http.HTTPStatus.NO_CONTENT if known else http.HTTPStatus.GONE)

    return [Route(ALIVE, alive, methods=["POST"])]


def same_origin(request: Request) -> bool:
    """Whether a page of this server asks; browsers say so with every POST."""
    here = f"{request.url.scheme}://{request.headers.get('host', '')}"
    return request.headers.get("origin") == here


def _reader(door: Door | None, request: Request) -> str | None:
    if door is None:
        return None
    found = session.find(door.token(request))
    return found.account if found else ""


async def _told(request: Request) -> dict[str, Any] | None:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST:
            return None
    try:
        told = json.loads(body)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def _answer(status: int) -> Response:
    return Response(status_code=status, headers=NOT_KEPT)
