"""Streamlit's HTML shell with one script before its own: the theme has to be chosen before it runs.

Streamlit reads the theme from the browser's storage when it starts and would follow the operating
system where nothing is stored there; this page is dark unless its reader chose the light one.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

CHOICE = Path(__file__).parent / "static" / "theme_choice.js"
CHOICE_ADDRESS = "/theme-choice.js"
NOT_KEPT = {"cache-control": "no-cache"}

_STREAMLIT = Path(st.__file__).parent / "static" / "index.html"


def page() -> str:
    """The shell that each address of the page is answered with."""
    text = _STREAMLIT.read_text("utf-8").replace("<title>Streamlit<", "<title>Triptych<")
    return text.replace("</title>", f'</title><script src="{CHOICE_ADDRESS}"></script>', 1)


def inline_scripts(page: str) -> list[str]:
    """CSP source expressions for the scripts written into `page` itself."""
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]


def routes(addresses: Iterable[str]) -> list[Route]:
    """The shell at "/" and at each address, and the script that chooses the theme."""
    shell = page()

    async def show(_: Request) -> Response:
        return HTMLResponse(shell, headers=NOT_KEPT)

    async def choice(_: Request) -> Response:
        return Response(CHOICE.read_bytes(), media_type="text/javascript", headers=NOT_KEPT)

    places = ["/", *(f"/{address}" for address in addresses)]
    return [*(Route(place, show) for place in places), Route(CHOICE_ADDRESS, choice)]
