"""Access control of the page: without a session only the sign-in page is answered.

`Gate` stands before every route, Streamlit's own too: its page, its stream of messages, its files.
The routes here sign in, and tell an open page how much of its idle time is left. Whose page asks
was seen to before (`ui.host.origin`), as far as a browser asks. A program that was sent the cookie
can say that it is any page; so the stream, on which everything of a case goes, also takes the key
that only the page has which the password was typed into (static/page_key.js).
"""

from __future__ import annotations

import http
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

from anyio import CapacityLimiter, to_thread
from sqlalchemy import Engine
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from clinical.access import accounts
from clinical.access.roles import Role, may
from clinical.errors import SignInRefused, StoreError
from clinical.exchange.request_body import body_of
from ui.access import login_throttle, oidc, session, sign_in
from ui.access.sign_in_queue import SignInQueue
from ui.host.asgi import Application, Message, Receive, Send
from ui.host.public_address import PublicAddress

_LOG = logging.getLogger(__name__)

STYLE = Path(__file__).parents[1] / "static" / "sign_in.css"
HEALTH = "/_stcore/health"
METRICS = "/_stcore/metrics"
SESSION = "/session"
PAGE = "#page="  # the key of the page, behind the address that it begins with
PROTOCOL = "triptych."  # the key, among the protocols that a websocket offers
LONGEST_FORM = 8192  # bytes
NOT_KEPT = {"cache-control": "no-store"}


@dataclass(frozen=True)
class Door:
    """What the door knows.

    Attributes:
        engine: the workspace, for accounts and events.
        cookie: name of the cookie; it holds the port, since cookies do not.
        idle: seconds without interaction after which a session ends.
        oidc: whether a provider is configured.
        secure: whether the cookie travels over TLS only, as behind a proxy.
        besides: paths of routes that see to who asks by themselves.
    """

    engine: Engine
    cookie: str
    idle: float
    oidc: bool = False
    secure: bool = False
    besides: frozenset[str] = frozenset()

    def token(self, request: HTTPConnection) -> str:
        """The token that a request carries, or ""."""
        return request.cookies.get(self.cookie, "")

    def role(self, request: HTTPConnection) -> Role | None:
        """The role of the account that a request is signed in to, or None."""
        account = session.holder(self.engine, self.token(request))
        return account.role if account else None

    def is_open(self, path: str) -> bool:
        """Whether a path is answered without a session."""
        # The state of a session is for its own route to tell, which also records that it is over.
        known = {HEALTH, SESSION, sign_in.ADDRESS, sign_in.STYLE_ADDRESS, *self.besides}
        return path in known or (self.oidc and path in {sign_in.ORGANISATION, *oidc.ROUTES})


def cookie_name(port: int, public: PublicAddress | None = None) -> str:
    """The name of the cookie of a session; behind a proxy one that no other host can set.

    A cookie whose name begins so is taken by a browser only over TLS and for this host alone
    (RFC 6265bis, section 4.1.3.2).
    """
    return "__Host-triptych_session" if public else f"triptych_session_{port}"


class Gate:
    """ASGI middleware that lets only sessions in; all others get the sign-in page, or nothing."""

    def __init__(self, app: Application, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "websocket":
            await self._connect(scope, receive, send)
        elif scope["type"] != "http" or self._lets_in(HTTPConnection(scope)):
            await self._app(scope, receive, send)
        else:
            await _turned_away(Request(scope))(scope, receive, send)

    async def _connect(self, scope: Message, receive: Receive, send: Send) -> None:
        token = self._door.token(HTTPConnection(scope))
        within = session.find(token) is not None
        key, plain = _without_key(scope)
        if within and session.is_page_key(token, key):
            await self._app(plain, receive, send)
            return
        if within:
            await to_thread.run_sync(_record_thief, self._door.engine, token)
        await receive()
        await send({"type": "websocket.close", "code": 1008})

    def _lets_in(self, connection: HTTPConnection) -> bool:
        if self._door.is_open(connection.url.path):
            return True
        return session.find(self._door.token(connection)) is not None


def _without_key(scope: Message) -> tuple[str, Message]:
    """The key among the protocols that a websocket offers, or ""; and the scope without it."""
    headers, key = [], ""
    for name, value in scope["headers"]:
        offered = [part.strip() for part in value.decode("latin-1").split(",")]
        if name == b"sec-websocket-protocol" and offered[-1].startswith(PROTOCOL):
            key = offered.pop().removeprefix(PROTOCOL)
            value = ", ".join(offered).encode("latin-1")
        headers.append((name, value))
    others = [part for part in scope.get("subprotocols", []) if not part.startswith(PROTOCOL)]
    return key, {**scope, "headers": headers, "subprotocols": others}


def _record_thief(engine: Engine, token: str) -> None:
    try:
        session.record_other_page(engine, token)
    except StoreError as error:
        _LOG.warning("A connection without its page was refused and not recorded: %s", error)


class Metrics:
    """ASGI middleware before what Streamlit tells of memory and load: not for everybody.

    Args:
        app: what it stands before.
        allowed: whether it may be shown; called in a thread of its own.
    """

    def __init__(self, app: Application, allowed: Callable[[HTTPConnection], bool]) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if (
            scope["type"] == "http"
            and HTTPConnection(scope).url.path.rstrip("/") == METRICS
            and not await to_thread.run_sync(self._allowed, HTTPConnection(scope))
        ):
            await Response(status_code=http.HTTPStatus.FORBIDDEN)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def looks_after_accounts(door: Door, connection: HTTPConnection) -> bool:
    """Whether an administrator asks."""
    account = session.holder(door.engine, door.token(connection))
    return account is not None and may(account.role, "accounts")


def routes(door: Door) -> list[Route]:
    """The routes of the door."""
    queue = SignInQueue()

    async def show(request: Request) -> Response:
        if session.find(door.token(request)) and "again" not in request.query_params:
            return RedirectResponse("/", http.HTTPStatus.SEE_OTHER, NOT_KEPT)
        vouched = oidc.vouched(request.cookies) if door.oidc else None
        if vouched is None:
            return _page(oidc=door.oidc)
        return await to_thread.run_sync(_enter_vouched, door, vouched)

    async def enter(request: Request) -> Response:
        fields = await _fields(request)
        name = accounts.plain_name(fields.get("name", ""))
        return await _queued(door, queue, name, fields.get("password", ""))

    async def state(request: Request) -> Response:
        return await to_thread.run_sync(_state, door, request)

    async def leave_for_provider(_: Request) -> Response:
        return RedirectResponse(oidc.login_address(), http.HTTPStatus.SEE_OTHER, NOT_KEPT)

    async def style(_: Request) -> Response:
        return Response(STYLE.read_bytes(), media_type="text/css")

    made = [
        Route(sign_in.ADDRESS, show, methods=["GET"]),
        Route(sign_in.ADDRESS, enter, methods=["POST"]),
        Route(sign_in.STYLE_ADDRESS, style, methods=["GET"]),
        Route(SESSION, state, methods=["GET", "POST"]),
    ]
    if door.oidc:
        made.append(Route(sign_in.ORGANISATION, leave_for_provider, methods=["GET"]))
    return made


def _turned_away(request: Request) -> Response:
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(sign_in.ADDRESS, http.HTTPStatus.SEE_OTHER, NOT_KEPT)
    return Response(status_code=http.HTTPStatus.UNAUTHORIZED, headers=NOT_KEPT)


async def _queued(door: Door, queue: SignInQueue, name: str, password: str) -> Response:
    """Sign in when it is this name's turn."""

    async def hashed(limiter: CapacityLimiter) -> Response:
        return await to_thread.run_sync(_enter, door, name, password, known, limiter=limiter)

    try:
        known = await to_thread.run_sync(accounts.exists, door.engine, name)
        if known:
            answer = await queue.known(name, hashed)
            return _too_many(door, name, 1) if answer is None else answer
        answer = await queue.unknown(hashed)
        if answer is None:
            return await to_thread.run_sync(_not_hashed, door, name)
    except StoreError as error:
        return _unavailable(door, error, name)
    return answer


def _enter(door: Door, name: str, password: str, known: bool) -> Response:
    seconds = login_throttle.wait(name)
    if seconds > 0:
        return _too_many(door, name, seconds)
    try:
        token = session.sign_in(door.engine, name, password, door.idle)
    except SignInRefused as error:
        login_throttle.failed(name, known=known)
        return _wrong(door, name, error)
    login_throttle.succeeded(name)
    onward = RedirectResponse(_begin(token), http.HTTPStatus.SEE_OTHER, NOT_KEPT)
    return _let_in(door, token, onward)


def _not_hashed(door: Door, name: str) -> Response:
    """What a name that no account has is told where too many of them wait for a hash."""
    session.record_unknown(door.engine)
    return _wrong(door, name, accounts.wrong())


def _wrong(door: Door, name: str, error: SignInRefused) -> Response:
    return _page(
        error.message,
        error.remedy,
        name=name,
        oidc=door.oidc,
        status=http.HTTPStatus.UNAUTHORIZED,
    )


def _too_many(door: Door, name: str, seconds: float) -> Response:
    return _page(
        f"Too many attempts. Try again in {math.ceil(seconds)} seconds.",
        name=name,
        oidc=door.oidc,
        status=http.HTTPStatus.TOO_MANY_REQUESTS,
    )


def _enter_vouched(door: Door, name: str) -> Response:
    try:
        token = session.sign_in_vouched(door.engine, name, door.idle)
    except SignInRefused as error:
        refused = _page(error.message, error.remedy, oidc=True, status=http.HTTPStatus.UNAUTHORIZED)
        return oidc.forget(refused)
    except StoreError as error:
        return _unavailable(door, error)
    onward = HTMLResponse(sign_in.passing(_begin(token)), headers=NOT_KEPT)
    return oidc.forget(_let_in(door, token, onward))


def _unavailable(door: Door, error: StoreError, name: str = "") -> Response:
    return _page(
        error.message,
        error.remedy,
        name=name,
        oidc=door.oidc,
        status=http.HTTPStatus.SERVICE_UNAVAILABLE,
    )


def _begin(token: str) -> str:
    """The address that a session begins with; what is behind the # stays in the browser."""
    return f"/{PAGE}{session.page_key(token)}"


def _let_in(door: Door, token: str, response: Response) -> Response:
    response.set_cookie(
        door.cookie, token, path="/", httponly=True, samesite="strict", secure=door.secure
    )
    return response


def _state(door: Door, request: Request) -> Response:
    """Seconds left of how many of the idle time; POST says that somebody is at work."""
    token = door.token(request)
    if session.holder(door.engine, token) is None:
        return Response(status_code=http.HTTPStatus.UNAUTHORIZED, headers=NOT_KEPT)
    if request.method == "POST":
        session.touch(token)
    found = session.find(token)
    left = found.left if found else 0.0
    return JSONResponse({"left": left, "idle": door.idle}, headers=NOT_KEPT)


def _page(
    message: str = "",
    remedy: str = "",
    *,
    name: str = "",
    oidc: bool = False,
    status: int = http.HTTPStatus.OK,
) -> Response:
    document = sign_in.page(message=message, remedy=remedy, name=name, oidc=oidc)
    return HTMLResponse(document, status, NOT_KEPT)


async def _fields(request: Request) -> dict[str, str]:
    """The fields of a small form; nothing of a large one."""
    body = await body_of(request, LONGEST_FORM)
    if body is None:
        return {}
    try:
        found = parse_qs(body.decode("ascii"), max_num_fields=8, encoding="utf-8")
    except ValueError:
        return {}
    return {field: values[0] for field, values in found.items()}
