"""What several tests of the door know: one account, its cookie, and what a browser sends."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from ui.access import session

PASSWORD = "three quiet herons"
COOKIE = "triptych_session_8501"
HERE = "http://127.0.0.1:8501"
STREAM = "/_stcore/stream"


async def secret(_: Request) -> Response:
    return PlainTextResponse("a radiograph")


async def stream(socket: WebSocket) -> None:
    """Says what it was offered, which is no business of anybody without a session."""
    await socket.accept(subprotocol="streamlit" if socket.scope["subprotocols"] else None)
    await socket.send_text(f"a radiograph for {socket.headers.get('sec-websocket-protocol')}")
    await socket.close()


def enter(client: TestClient, password: str = PASSWORD) -> int:
    """Sign in; returns the status of the answer."""
    return client.post("/sign-in", data={"name": "dr.first", "password": password}).status_code


def sent(client: TestClient) -> dict[str, str]:
    """What a browser sends with every websocket to this server, whichever page opens it."""
    return {"host": "127.0.0.1:8501", "cookie": f"{COOKIE}={client.cookies[COOKIE]}"}


def offered(client: TestClient) -> dict[str, str]:
    """What the page itself adds to that (page_key.js)."""
    key = session.page_key(client.cookies[COOKIE])
    return {"sec-websocket-protocol": f"streamlit, a, b, triptych.{key}"}
