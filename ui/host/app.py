"""The host: Streamlit as one ASGI application on loopback, closed to everything else.

Every option is passed from here, so that a `.streamlit` folder in the working directory cannot
open the page to a network, send usage statistics or show a traceback.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st
from anyio import to_thread
from sqlalchemy import Engine
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection

from clinical.access.roles import Role, may
from clinical.errors import StoreError, TriptychError
from clinical.exchange.cds_settings import Setup
from clinical.exchange.road import Refusals
from clinical.workspace.database import open_workspace
from clinical.workspace.place import Place, named
from ui.access import refusals, session
from ui.host import arrivals, door, hooks, monitoring, navigation, passkeys, shell, signs, uploads
from ui.host.asgi import Application, Message, Receive, Send
from ui.host.door import Door, Gate, Metrics
from ui.host.origin import OwnPagesOnly
from ui.host.public_address import PublicAddress
from ui.panels import frame
from ui.state import assessing

ADDRESS = "127.0.0.1"
SETTLE_SECONDS = 5.0
# In a folder of its own: Streamlit would serve each module of a pages/ folder beside it by itself.
SCRIPT = Path(__file__).parent / "script" / "main.py"


_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Demonstration:
    """A page without sign-in: everybody who opens it reads under one name.

    Attributes:
        name: the account name that events are recorded under.
        role: what it may do.
    """

    name: str
    role: Role = "reader"


# Components arrive as text and run as blob: modules. Streamlit sets style attributes, hence
# 'unsafe-inline' for styles; scripts have no such leave, so markup can never become code.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        " ".join(("script-src 'self' blob:", *shell.inline_scripts(shell.page(())))),
        "style-src 'self' 'unsafe-inline'",
        "font-src 'self' data:",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

# Half a year; the usual least that browsers and auditors ask for.
TLS_ONLY = {"strict-transport-security": "max-age=15768000"}

SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not "no-referrer": with that, a form of our own gives its Origin as "null".
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}

_DARK = {
    "primaryColor": "#6fb1e0",
    "backgroundColor": "#0f1318",
    "secondaryBackgroundColor": "#171c23",
    "textColor": "#d6dce4",
    "borderColor": "#2a323d",
}
_LIGHT = {
    "primaryColor": "#1b689f",
    "backgroundColor": "#ffffff",
    "secondaryBackgroundColor": "#f5f7fa",
    "textColor": "#1f2730",
    "borderColor": "#ccd4dd",
}
THEME = {
    **{f"theme.dark.{name}": value for name, value in _DARK.items()},
    **{f"theme.light.{name}": value for name, value in _LIGHT.items()},
    "theme.baseFontSize": 14,
    "theme.baseRadius": "3px",
    "theme.buttonRadius": "3px",
    "theme.showWidgetBorder": True,
}


class SecurityHeaders:
    """ASGI middleware that adds `SECURITY_HEADERS`, and more, to every HTTP response."""

    def __init__(self, app: Application, more: Mapping[str, str] | None = None) -> None:
        self._app = app
        self._headers = {**SECURITY_HEADERS, **(more or {})}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one connection; anything but HTTP passes through unchanged."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                ours = [(k.encode(), v.encode()) for k, v in self._headers.items()]
                theirs = [
                    (name, value)
                    for name, value in message.get("headers", [])
                    if name.lower().decode() not in self._headers
                ]
                message["headers"] = theirs + ours
            await send(message)

        await self._app(scope, receive, with_headers)


def hosts(public: PublicAddress | None) -> list[str]:
    """The names that the page answers to; a name of somebody else's that resolves here is none."""
    return [ADDRESS, "localhost", *([public.host] if public else [])]


def options(port: int, public: PublicAddress | None = None) -> dict[str, Any]:
    """Streamlit's configuration for one loopback server on `port`."""
    return {
        "server.address": ADDRESS,
        "server.port": port,
        "server.headless": True,
        "server.allowedHosts": hosts(public),
        "server.enableCORS": True,
        "server.enableXsrfProtection": True,
        "server.enableStaticServing": False,
        "server.enableAgentApi": False,
        "server.fileWatcherType": "none",
        "server.runOnSave": False,
        "server.allowRunOnSave": False,
        "server.maxUploadSize": uploads.ONE_MB,
        "browser.gatherUsageStats": False,
        "browser.serverAddress": public.host if public else ADDRESS,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "client.showSidebarNavigation": False,
        "client.allowedOrigins": [],
        "logger.hideWelcomeMessage": True,
        "logger.level": "warning",
        "runner.magicEnabled": False,
        # The browser keeps what it was sent and gets a reference where a run of the page sends it
        # again; by itself Streamlit does so from 10 kB on.
        "global.minCachedMessageSize": 1000.0,
        # What a .streamlit folder says is never read, secrets least of all.
        "secrets.files": [],
        **THEME,
    }


def application(
    workspace: Place,
    *,
    port: int,
    idle: float,
    demonstration: Demonstration | None = None,
    provider: dict[str, Any] | None = None,
    studies: Path | None = None,
    model: Path | None = None,
    public: PublicAddress | None = None,
    bearer: str | None = None,
    cards: Setup | None = None,
) -> st.App:
    """The page on one workspace.

    Args:
        workspace: an existing one.
        port: that it will be served on; the cookie's name holds it.
        idle: seconds without interaction after which a session ends.
        demonstration: who reads without signing in, or None where everybody signs in.
        provider: the [auth] section that `ui.access.oidc.provider` read, or None for passwords
        alone.
        studies: folder of finished studies, or None.
        model: folder of a checkpoint beside the one that ships, or None.
        public: the address of a proxy before the page, or None.
        bearer: what a scrape of the figures has to carry; without one there are none.
        cards: which record systems may ask for cards (CDS Hooks), or None for none.
    """
    engine = open_workspace(workspace)
    cookie = door.cookie_name(port, public)
    entrance = Door(
        engine,
        cookie,
        idle,
        oidc=provider is not None,
        secure=public is not None,
        besides=frozenset({monitoring.READY, monitoring.METRICS}),
    )
    secrets: dict[str, Any] = {**named(workspace)}
    own = public.origin if public else None
    refused = Refusals()
    middleware = [
        Middleware(SecurityHeaders, TLS_ONLY if public else None),
        Middleware(TrustedHostMiddleware, allowed_hosts=hosts(public)),
        *_beside(engine, workspace, cards, own or f"http://{ADDRESS}:{port}", refused),
        Middleware(OwnPagesOnly, lambda asked: _record_other_page(entrance, asked), own),
    ]
    role = demonstration.role if demonstration is not None else entrance.role
    middleware.append(Middleware(uploads.Gate, role=role))
    routes = shell.routes(navigation.ADDRESSES, watched=demonstration is None)
    routes += signs.routes(None if demonstration is not None else entrance)
    routes += monitoring.routes(engine, workspace, bearer, refused)
    everybody = demonstration.name if demonstration else ""
    routes += arrivals.routes(engine, None if demonstration else entrance, everybody)
    if demonstration is not None:
        secrets |= {"reader": demonstration.name, "role": demonstration.role}
        administered = may(demonstration.role, "accounts")
        middleware.append(Middleware(Metrics, lambda _: administered))
    else:
        secrets |= {"cookie": entrance.cookie}
        middleware.append(Middleware(Gate, entrance))
        middleware.append(Middleware(Metrics, partial(door.looks_after_accounts, entrance)))
        routes += [*door.routes(entrance), *passkeys.routes(entrance)]
    if provider is not None:
        secrets |= {"auth": provider}
    if studies is not None:
        secrets |= {"studies": str(studies.resolve())}
    if model is not None:
        secrets |= {"model": str(model.resolve())}

    return st.App(
        SCRIPT,
        secrets=secrets,
        routes=routes,
        middleware=middleware,
        lifespan=partial(_lifespan, engine),
        on_script_error=_explain,
    )


def _beside(
    engine: Engine, place: Place, cards: Setup | None, address: str, refused: Refusals
) -> list[Middleware]:
    if cards is None:
        return []
    return [Middleware(hooks.Beside, hooks.application(engine, place, cards, address, refused))]


@asynccontextmanager
async def _lifespan(engine: Engine, _: st.App) -> AsyncIterator[None]:
    counting = asyncio.create_task(_settle_refusals(engine))
    yield
    counting.cancel()
    with suppress(asyncio.CancelledError):
        await counting
    session.end_all(engine)
    assessing.stop()
    engine.dispose()


async def _settle_refusals(engine: Engine) -> None:
    while True:
        await asyncio.sleep(SETTLE_SECONDS)
        try:
            await to_thread.run_sync(refusals.settle, engine)
        except StoreError as error:
            _LOG.warning("Refusals are not recorded yet: %s", error)


def _record_other_page(entrance: Door, asked: HTTPConnection) -> None:
    session.record_other_page(entrance.engine, entrance.token(asked))


def _explain(error: Exception) -> bool:
    """Say what a callback was refused; anything else is a bug and stays one."""
    if not isinstance(error, TriptychError):
        return False
    frame.refusal(error)
    return True
