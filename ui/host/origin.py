"""Whose pages may ask: this server's own, by the address that the browser gives for them.

A cookie knows no port, so the browser sends that of the session with what a page on any other port
of this machine asks for. What tells them apart are headers that no page can set: `Origin` for a
websocket and for everything that changes something, `Sec-Fetch-Site` for the rest. That `Host`
itself is this machine's own name and not one that somebody rebound is seen to before.
"""

from __future__ import annotations

import http
import logging
from collections.abc import Callable

from anyio import to_thread
from starlette.requests import HTTPConnection
from starlette.responses import Response

from clinical.errors import StoreError
from ui.host.asgi import Application, Message, Receive, Send

_LOG = logging.getLogger(__name__)
_LOOKING = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS = frozenset({"", "same-origin", "none"})


class OwnPagesOnly:
    """ASGI middleware that refuses what another page asks for, whoever is signed in.

    Args:
        app: what it stands before.
        record: called in a thread of its own with what was refused.
        public: origin of the page where a proxy stands before it; None takes it from the request.
    """

    def __init__(
        self,
        app: Application,
        record: Callable[[HTTPConnection], None],
        public: str | None = None,
    ) -> None:
        self._app = app
        self._record = record
        self._public = public

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] not in ("http", "websocket") or is_own(
            HTTPConnection(scope), self._public
        ):
            await self._app(scope, receive, send)
            return
        try:
            await to_thread.run_sync(self._record, HTTPConnection(scope))
        except StoreError as error:
            _LOG.warning("A request of another page was refused and not recorded: %s", error)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await Response(status_code=http.HTTPStatus.FORBIDDEN)(scope, receive, send)


def is_own(connection: HTTPConnection, public: str | None = None) -> bool:
    """Whether a page of this server asks, or a person who goes to one of its addresses.

    A websocket, and a request that may change something, has to say so by `Origin`, which every
    browser sends with it. A browser also says where a request that only looks comes from; a program
    that is no browser need not. Whoever follows a link, or comes back from a provider of accounts,
    opens a whole page that no other page can look into.

    Args:
        connection: what asks.
        public: origin of the page where a proxy stands before it. Then no other will do, not even
            loopback: whoever reaches the machine past the proxy did not come over TLS.
    """
    headers = connection.headers
    if connection.scope["type"] == "websocket" or connection.scope["method"] not in _LOOKING:
        secure = connection.url.scheme in ("https", "wss")
        here = public or f"{'https' if secure else 'http'}://{headers.get('host', '')}"
        return headers.getlist("origin") == [here]
    if headers.get("sec-fetch-site", "") in _OURS:
        return True
    return (
        connection.scope["method"] == "GET"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )
