"""Uploads: only from who may add cases, and never more at once than the server can hold.

Streamlit keeps what is uploaded in memory until the page takes it (`ui.state.uploads`).
"""

from __future__ import annotations

import http
from collections.abc import Callable

from anyio import to_thread
from starlette.requests import HTTPConnection
from starlette.responses import Response

from clinical.access.roles import Role, may
from clinical.cohorts import received
from ui.host.asgi import Application, Message, Receive, Send
from ui.host.door import NOT_KEPT
from ui.state.uploads import held

ADDRESS = "/_stcore/upload_file/"
ONE_MB = 256
"""Megabytes of one file that is uploaded, which may be a ZIP."""
HELD = 2 * received.LIMITS.whole
"""Bytes that all uploads together may have in memory."""


class Gate:
    """ASGI middleware that lets an upload in, or says why not before a byte of it is read."""

    def __init__(
        self, app: Application, role: Role | Callable[[HTTPConnection], Role | None]
    ) -> None:
        self._app = app
        self._role = role
        self._coming = 0  # bytes of uploads under way

    def _of(self, request: HTTPConnection) -> Role | None:
        return self._role(request) if callable(self._role) else self._role

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http" or ADDRESS not in scope["path"] or scope["method"] != "PUT":
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        length = request.headers.get("content-length", "")
        role = await to_thread.run_sync(self._of, request)
        refused = None
        if role is None:
            refused = http.HTTPStatus.UNAUTHORIZED
        elif not may(role, "add_cases"):
            refused = http.HTTPStatus.FORBIDDEN
        elif not length.isdecimal():
            refused = http.HTTPStatus.LENGTH_REQUIRED
        elif self._coming + held() + int(length) > HELD:
            refused = http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        if refused is not None:
            await Response(status_code=refused, headers=NOT_KEPT)(scope, receive, send)
            return
        self._coming += int(length)
        try:
            await self._app(scope, receive, send)
        finally:
            self._coming -= int(length)
