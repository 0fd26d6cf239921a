"""The host: Streamlit as one ASGI application on loopback, closed to everything else.

Every option is passed from here, so that a `.streamlit` folder in the working directory cannot
open the page to a network, send usage statistics or show a traceback.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

ADDRESS = "127.0.0.1"
# In a folder of its own: Streamlit would serve each module of a pages/ folder beside it by itself.
SCRIPT = Path(__file__).parent / "script" / "main.py"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


def inline_scripts(page: str) -> list[str]:
    """CSP source expressions for the scripts written into `page` itself."""
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]


_SHELL = Path(st.__file__).parent / "static" / "index.html"

# Components arrive as text and run as blob: modules. Streamlit sets style attributes, hence
# 'unsafe-inline' for styles; scripts have no such leave, so markup can never become code.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        " ".join(("script-src 'self' blob:", *inline_scripts(_SHELL.read_text("utf-8")))),
        "style-src 'self' 'unsafe-inline'",
        "font-src 'self' data:",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'self'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}

THEME = {
    "theme.base": "dark",
    "theme.primaryColor": "#6fb1e0",
    "theme.backgroundColor": "#0f1318",
    "theme.secondaryBackgroundColor": "#171c23",
    "theme.textColor": "#d6dce4",
    "theme.borderColor": "#2a323d",
    "theme.baseFontSize": 14,
    "theme.baseRadius": "3px",
    "theme.buttonRadius": "3px",
    "theme.showWidgetBorder": True,
}


class SecurityHeaders:
    """ASGI middleware that adds `SECURITY_HEADERS` to every HTTP response."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one connection; anything but HTTP passes through unchanged."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                ours = [(k.encode(), v.encode()) for k, v in SECURITY_HEADERS.items()]
                theirs = [
                    (name, value)
                    for name, value in message.get("headers", [])
                    if name.lower().decode() not in SECURITY_HEADERS
                ]
                message["headers"] = theirs + ours
            await send(message)

        await self._app(scope, receive, with_headers)


def options(port: int) -> dict[str, Any]:
    """Streamlit's configuration for one loopback server on `port`."""
    return {
        "server.address": ADDRESS,
        "server.port": port,
        "server.headless": True,
        "server.allowedHosts": [ADDRESS, "localhost"],
        "server.enableCORS": True,
        "server.enableXsrfProtection": True,
        "server.enableStaticServing": False,
        "server.enableAgentApi": False,
        "server.fileWatcherType": "none",
        "server.runOnSave": False,
        "server.allowRunOnSave": False,
        "server.maxUploadSize": 1,
        "browser.gatherUsageStats": False,
        "browser.serverAddress": ADDRESS,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "client.showSidebarNavigation": False,
        "client.allowedOrigins": [],
        "logger.hideWelcomeMessage": True,
        "logger.level": "warning",
        "runner.magicEnabled": False,
        **THEME,
    }


def application(workspace: Path, reader: str) -> st.App:
    """The page on one workspace, for one reader.

    Args:
        workspace: folder of an existing workspace.
        reader: account name that decisions are recorded under.
    """
    return st.App(
        SCRIPT,
        secrets={"workspace": str(workspace.resolve()), "reader": reader, "role": "reader"},
        middleware=[Middleware(SecurityHeaders)],
    )
