"""Counts of what came since the worklist was drawn, for a page that asks now and then.

A page asks by a request of its own (static/arrivals.js), so that nothing runs again while somebody
works, and names the last event that it knows: a number that says nothing of any case. The answer
holds two numbers. Asking is no interaction: a page that is left open signs its reader out all the
same.
"""

from __future__ import annotations

import http

from anyio import to_thread
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from clinical.review import arrivals
from ui.access import session
from ui.host.door import NOT_KEPT, Door

ADDRESS = "/arrivals"
LONGEST = 12  # digits of the number of an event


def routes(engine: Engine, door: Door | None, everybody: str = "") -> list[Route]:
    """The route.

    Args:
        engine: the workspace.
        door: of a page where people sign in; None in a demonstration.
        everybody: the name that everybody reads under in a demonstration.
    """

    async def tell(request: Request) -> Response:
        name = _reader(door, request) if door else everybody
        since = _number(request.query_params.get("since", ""))
        if not name or since is None:
            return Response(status_code=http.HTTPStatus.FORBIDDEN, headers=NOT_KEPT)
        found = await to_thread.run_sync(_count, engine, since, name)
        return JSONResponse(found._asdict(), headers=NOT_KEPT)

    return [Route(ADDRESS, tell, methods=["POST"])]


def _count(engine: Engine, since: int, name: str) -> arrivals.Arrivals:
    with engine.connect() as connection:
        return arrivals.since(connection, since, name)


def _reader(door: Door, request: Request) -> str:
    found = session.find(door.token(request))
    return found.account if found else ""


def _number(told: str) -> int | None:
    known = told.isascii() and told.isdecimal() and len(told) <= LONGEST
    return int(told) if known else None
