"""Passkeys: the page on which an account gets one, and the answers of those that it has.

Plain HTML with one script, like the sign-in page, and in front of it the same door: what is here
is for who is signed in.
"""

from __future__ import annotations

import hashlib
import http
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from clinical.access import passkeys
from clinical.audit import passkey
from clinical.audit.passkey import Assertion
from clinical.errors import AccountError, TriptychError
from clinical.exchange.request_body import object_of
from ui.access import identity, session, sign_in
from ui.host.door import NOT_KEPT, Door
from ui.state import confirming
from ui.words.markup import Markup, tag

ADDRESS = "/passkey"
SCRIPT = "/passkey_page.js"
BEGIN = "/passkey/begin"
REGISTER = "/passkey/register"
CONFIRM = "/passkey/confirm"
LONGEST = 16384  # bytes
STATIC = Path(__file__).parents[1] / "static"

_PARTS = ("credential", "authenticator", "client", "signature")
_begun: dict[str, str] = {}  # token of a session to what its new passkey is asked


def routes(door: Door) -> list[Route]:
    """The routes, for where people sign in."""

    async def show(_: Request) -> Response:
        return HTMLResponse(_page(), headers=NOT_KEPT)

    async def script(_: Request) -> Response:
        code = (STATIC / SCRIPT.lstrip("/")).read_text("utf-8")
        return Response(f"(() => {{{code}}})();", media_type="text/javascript", headers=NOT_KEPT)

    def heard(act: Callable[[Door, str, Mapping[str, Any]], Response]) -> Any:
        async def hear(request: Request) -> Response:
            told = await object_of(request, LONGEST)
            if told is None:
                return Response(status_code=http.HTTPStatus.BAD_REQUEST, headers=NOT_KEPT)
            return await to_thread.run_sync(_answered, act, door, door.token(request), told)

        return hear

    return [
        Route(ADDRESS, show, methods=["GET"]),
        Route(SCRIPT, script, methods=["GET"]),
        Route(BEGIN, heard(_begin), methods=["POST"]),
        Route(REGISTER, heard(_register), methods=["POST"]),
        Route(CONFIRM, heard(_confirm), methods=["POST"]),
    ]


def _answered(
    act: Callable[[Door, str, Mapping[str, Any]], Response],
    door: Door,
    token: str,
    told: Mapping[str, Any],
) -> Response:
    try:
        return act(door, token, told)
    except TriptychError as error:
        words = {"message": error.message, "remedy": error.remedy}
        return JSONResponse(words, http.HTTPStatus.FORBIDDEN, NOT_KEPT)


def _begin(door: Door, token: str, told: Mapping[str, Any]) -> Response:
    account = session.holder(door.engine, token)
    if account is None:
        return Response(status_code=http.HTTPStatus.UNAUTHORIZED, headers=NOT_KEPT)
    if account.has_password:
        password = str(told.get("password", ""))
        identity.confirm_of(door.engine, account.name, account.role, password)
    with door.engine.connect() as connection:
        held = passkeys.of(connection, account.name)
    _begun[token] = passkey.encoded(secrets.token_bytes(32))
    found = {
        "challenge": _begun[token],
        "site": passkey.SITE,
        "account": account.name,
        "id": passkey.encoded(hashlib.sha256(account.name.encode()).digest()),
        "known": [one.credential for one in held],
    }
    return JSONResponse(found, headers=NOT_KEPT)


def _register(door: Door, token: str, told: Mapping[str, Any]) -> Response:
    account = session.holder(door.engine, token)
    asked = _begun.pop(token, "")
    if account is None:
        return Response(status_code=http.HTTPStatus.UNAUTHORIZED, headers=NOT_KEPT)
    if not asked:
        raise AccountError("Nothing was begun.", remedy="type your password again.")
    public_key = str(told.get("public_key", ""))
    passkeys.register(door.engine, account.name, public_key, _assertion(told), asked)
    return Response(status_code=http.HTTPStatus.NO_CONTENT, headers=NOT_KEPT)


def _confirm(door: Door, token: str, told: Mapping[str, Any]) -> Response:
    known = session.holder(door.engine, token) is not None
    known = known and confirming.answer(token, str(told.get("challenge", "")), _assertion(told))
    status = http.HTTPStatus.NO_CONTENT if known else http.HTTPStatus.GONE
    return Response(status_code=status, headers=NOT_KEPT)


def _assertion(told: Mapping[str, Any]) -> Assertion:
    return Assertion(*(str(told.get(name, "")) for name in _PARTS))


def _page() -> str:
    field = Markup(
        '<input id="password" name="password" type="password" autocomplete="current-password"'
        ' maxlength="1000" autofocus>'
    )
    form = tag(
        "form",
        tag("label", "Password", for_="password"),
        field,
        tag("button", "Add a passkey", type="submit"),
        id="passkey",
    )
    told = tag("p", role="status", id="told")
    words = tag(
        "p",
        "A passkey confirms your signatures beside your password: a security key, or this device"
        " itself. The browser asks for it twice, to add it and to try it.",
    )
    back = tag("a", "Back to the cases", href="/")
    return sign_in.document(
        "Passkey · Triptych",
        tag("main", tag("p", "Triptych", class_="product"), tag("h1", "Add a passkey"), words,
            form, told, back),
        Markup('<script src="{0}" defer></script>').format(SCRIPT),
    )  # fmt: skip
