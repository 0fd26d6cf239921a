"""Whose pages may ask: those of this very address and port; all others are refused and recorded."""

from __future__ import annotations

import pytest
from front_door import COOKIE, HERE, PASSWORD, STREAM, offered, secret, sent, stream
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from clinical.audit import ledger
from ui.access import session
from ui.host.door import Door, Gate
from ui.host.origin import OwnPagesOnly

OTHERS = [
    "http://127.0.0.1:8502",
    "http://localhost:8501",
    "https://127.0.0.1:8501",
    "http://127.0.0.1:8501.evil.example",
    "http://127.0.0.1",
    "http://evil.example",
    "null",
    "",
]


@pytest.fixture
def client(entrance: Door) -> TestClient:
    """A browser in which dr.first is signed in, whatever page it shows."""

    def record(asked: object) -> None:
        session.record_other_page(entrance.engine, entrance.token(asked))  # type: ignore[arg-type]

    app = Starlette(
        routes=[
            Route("/media/film", secret, methods=["GET", "POST", "PUT", "DELETE"]),
            WebSocketRoute(STREAM, stream),
        ],
        middleware=[Middleware(OwnPagesOnly, record), Middleware(Gate, entrance)],
    )
    token = session.sign_in(entrance.engine, "dr.first", PASSWORD, 900)
    return TestClient(app, HERE, cookies={COOKIE: token}, follow_redirects=False)


def test_its_own_page_reads_writes_and_listens(client: TestClient) -> None:
    ours = {"origin": HERE, "sec-fetch-site": "same-origin"}
    for method in ("GET", "POST", "PUT", "DELETE"):
        assert client.request(method, "/media/film", headers=ours).text == "a radiograph"
    headers = ours | sent(client) | offered(client)
    with client.websocket_connect(STREAM, headers=headers) as socket:
        assert socket.receive_text().startswith("a radiograph")


@pytest.mark.parametrize("origin", OTHERS)
def test_what_changes_something_is_refused_to_every_other_origin(
    client: TestClient, origin: str
) -> None:
    for method in ("POST", "PUT", "DELETE"):
        refused = client.request(method, "/media/film", headers={"origin": origin})
        assert (refused.status_code, refused.text) == (403, "")


def test_who_gives_no_origin_or_two_changes_nothing(client: TestClient) -> None:
    assert client.post("/media/film").status_code == 403
    two = [("origin", HERE), ("origin", "http://evil.example")]
    assert client.post("/media/film", headers=two).status_code == 403


@pytest.mark.parametrize("origin", [*OTHERS, None])
def test_the_stream_is_closed_to_every_other_origin_with_the_cookie_of_a_session(
    client: TestClient, origin: str | None
) -> None:
    headers = sent(client) | offered(client)
    if origin is not None:
        headers["origin"] = origin
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(STREAM, headers=headers),
    ):
        pass


@pytest.mark.parametrize("site", ["same-site", "cross-site"])
def test_another_page_reads_nothing_but_a_link_on_it_leads_here(
    client: TestClient, site: str
) -> None:
    for mode, destination in (("no-cors", "image"), ("cors", "empty"), ("navigate", "iframe")):
        asked = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": destination}
        assert client.get("/media/film", headers=asked).status_code == 403
    link = {"sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert client.get("/media/film", headers=link).status_code == 200


def test_what_another_page_tried_is_recorded_under_whose_session_it_used(
    client: TestClient, entrance: Door
) -> None:
    for _ in range(20):
        client.post("/media/film", headers={"origin": OTHERS[0]})
    client.cookies.clear()
    client.post("/media/film", headers={"origin": OTHERS[0]})
    session.end_all(entrance.engine)

    with entrance.engine.connect() as connection:
        refused = [
            (e.actor, dict(e.payload)) for e in ledger.events(connection) if e.kind == "REFUSED"
        ]
    other_page = {"what": "request", "why": "origin"}
    assert refused == [
        ("dr.first", other_page),
        ("unknown name", other_page),
        ("dr.first", other_page | {"times": 19}),
    ]
