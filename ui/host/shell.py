"""Streamlit's HTML shell with our scripts before its own.

`theme_choice.js` has to run first: Streamlit reads the theme from the browser's storage when it
starts and would follow the operating system where nothing is stored there; this page is dark unless
its reader chose the light one. `runs.js` has to, too: it listens to the connection that Streamlit
opens, and knows whether a run is under way. `type_ahead.js` hears keys and clicks from the first
moment on, and keeps those that the page cannot take yet; `form_focus.js` leads what is typed into
the form that one of them opens, `form_kept.js` what is typed into a field that is drawn anew
meanwhile back into it, and `open_list.js` keeps the choices of what is typed there in sight.
`presence.js` and `drafts.js` tell the server what asks for no run
of the page, `arrivals.js` says what came to the worklist, `added.js` how far cases are that were
added, `address.js` sees to Back and Forward, `announce.js` to screen readers, `film_height.js` to
the place that the film has, `evidence.js` to where on the page the evidence of a sentence is.
`watch.js` works whether Streamlit does or not: it leaves for the sign-in page when the session is
over. `page_key.js` shows that it is this page that connects.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

THEME = "theme_choice.js"
PAGE_KEY = "page_key.js"  # before the next, which listens to what this one opens
RUNS = "runs.js"  # before all that ask it
FORM_FOCUS = "form_focus.js"  # before the next, which asks it
DRAFTS = "drafts.js"  # before the next, which begins the moves that lead away from a form
TYPE_AHEAD = "type_ahead.js"
FORM_KEPT = "form_kept.js"  # after the last, which holds clicks back
OPEN_LIST = "open_list.js"
PRESENCE = "presence.js"
ADDRESS = "address.js"
ANNOUNCE = "announce.js"
ARRIVALS = "arrivals.js"
FILM_HEIGHT = "film_height.js"
EVIDENCE = "evidence.js"
ADDED = "added.js"
WATCH = "watch.js"
STATIC = Path(__file__).parents[1] / "static"
# Kept nowhere, so that Back after signing out asks the server, which shows the sign-in page.
NOT_KEPT = {"cache-control": "no-store"}

_STREAMLIT = Path(st.__file__).parent / "static" / "index.html"


def page(scripts: Iterable[str]) -> str:
    """The shell that each address of the page is answered with, with these scripts of ours."""
    text = _STREAMLIT.read_text("utf-8").replace("<title>Streamlit<", "<title>Triptych<")
    ours = "".join(f'<script src="/{name}"></script>' for name in scripts)
    return text.replace("</title>", f"</title>{ours}", 1)


def inline_scripts(page: str) -> list[str]:
    """CSP source expressions for the scripts written into `page` itself."""
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]


def routes(addresses: Sequence[str], *, watched: bool) -> list[Route]:
    """The shell at "/" and at each address, and its scripts.

    Streamlit knows the first page as "/" only, so its own address leads there.

    Args:
        addresses: last part of the address of each page, the first page first.
        watched: whether sessions end, so that the page has to notice.
    """
    ours = [RUNS, FORM_FOCUS, DRAFTS, TYPE_AHEAD, FORM_KEPT, OPEN_LIST, PRESENCE, ADDRESS]
    ours += [ANNOUNCE, ARRIVALS, FILM_HEIGHT, EVIDENCE, ADDED]
    scripts = [THEME, PAGE_KEY, *ours, WATCH] if watched else [THEME, *ours]
    shell = page(scripts)

    async def show(_: Request) -> Response:
        return HTMLResponse(shell, headers=NOT_KEPT)

    async def script(request: Request) -> Response:
        code = (STATIC / request.url.path.lstrip("/")).read_text("utf-8")
        # Each has its own names: those of two scripts of one page would be the same things.
        alone = f"(() => {{{code}}})();"
        return Response(alone, media_type="text/javascript", headers=NOT_KEPT)

    async def begin(_: Request) -> Response:
        return RedirectResponse("/")

    return [
        Route("/", show),
        Route(f"/{addresses[0]}", begin),
        *(Route(f"/{address}", show) for address in addresses[1:]),
        *(Route(f"/{name}", script) for name in scripts),
    ]
