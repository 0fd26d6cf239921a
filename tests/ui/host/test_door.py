"""The door: what is answered without a session, what the cookie is like, what a form may do."""

from __future__ import annotations

import asyncio
from functools import partial
from threading import Event

import httpx2 as httpx
import pytest
from front_door import COOKIE, HERE, PASSWORD, STREAM, enter, offered, secret, sent, stream
from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from waiting import SECONDS

from clinical.access import accounts
from clinical.audit import ledger
from clinical.errors import StoreError
from ui.access import session, sign_in
from ui.host import door
from ui.host.door import Door, Gate, Metrics


@pytest.fixture
def client(entrance: Door) -> TestClient:
    """A browser that has not signed in, before a gate with secrets behind it."""
    behind = [
        Route("/", secret),
        Route("/media/{name}", secret),
        Route("/_stcore/health", secret),
        WebSocketRoute(STREAM, stream),
    ]
    app = Starlette(
        routes=[*door.routes(entrance), *behind], middleware=[Middleware(Gate, entrance)]
    )
    return TestClient(app, HERE, follow_redirects=False)


@pytest.mark.parametrize("path", ["/", "/media/abc.zip", "/case", "/auth/login"])
def test_nothing_is_answered_without_a_session(client: TestClient, path: str) -> None:
    assert client.get(path, headers={"accept": "*/*"}).status_code == 401
    page = client.get(path, headers={"accept": "text/html,*/*"})
    assert page.status_code == 303
    assert page.headers["location"] == "/sign-in"
    assert "radiograph" not in page.text


def test_the_stream_of_messages_is_closed_without_a_session(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(STREAM):
        pass
    enter(client)
    with client.websocket_connect(STREAM, headers=sent(client) | offered(client)) as socket:
        assert socket.accepted_subprotocol == "streamlit"
        assert socket.receive_text() == "a radiograph for streamlit, a, b", "and nothing of ours"


@pytest.mark.parametrize("key", [None, "", "none", "0" * 64, "of another session"])
def test_who_has_the_cookie_but_not_the_key_of_the_page_sees_nothing_and_is_recorded(
    client: TestClient, entrance: Door, key: str | None
) -> None:
    """A cookie goes to every port: a program that was sent it may claim to be any page."""
    enter(client)
    stolen = sent(client)
    if key == "of another session":
        key = session.page_key(session.sign_in(entrance.engine, "dr.first", PASSWORD, 900))
    if key is not None:
        stolen["sec-websocket-protocol"] = f"streamlit, a, triptych.{key}"
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(STREAM, headers=stolen | {"origin": HERE}),
    ):
        pass
    session.end_all(entrance.engine)
    with entrance.engine.connect() as connection:
        refused = [(e.actor, e.payload) for e in ledger.events(connection) if e.kind == "REFUSED"]
    assert refused == [("dr.first", {"what": "request", "why": "origin"})]


def test_the_key_is_told_once_behind_the_address_after_the_password(client: TestClient) -> None:
    answer = client.post("/sign-in", data={"name": "dr.first", "password": PASSWORD})
    key = session.page_key(client.cookies[COOKIE])
    assert answer.headers["location"] == f"/#page={key}"
    assert key not in answer.headers["set-cookie"]
    for address in ("/", "/sign-in", "/session"):
        told = client.get(address)
        assert key not in told.text + str(told.headers)
    again = client.get("/sign-in?again")  # where the browser has lost it
    assert again.status_code == 200
    assert "Password" in again.text


def test_the_health_of_the_server_is_no_secret(client: TestClient) -> None:
    assert client.get("/_stcore/health").status_code == 200


def test_the_right_password_sets_a_cookie_that_no_script_and_no_other_site_can_use(
    client: TestClient,
) -> None:
    answer = client.post("/sign-in", data={"name": " DR.first ", "password": PASSWORD})

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/#page=")
    cookie = answer.headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=strict", "Path=/", COOKIE):
        assert part in cookie
    assert "max-age" not in cookie.lower()
    assert client.get("/").text == "a radiograph"
    assert client.get("/sign-in").headers["location"] == "/"


def test_a_wrong_password_says_so_keeps_the_name_and_sets_no_cookie(client: TestClient) -> None:
    answer = client.post("/sign-in", data={"name": "dr.first", "password": "wrong"})

    assert answer.status_code == 401
    assert "Wrong name or password" in answer.text
    assert 'value="dr.first"' in answer.text
    assert "wrong" not in answer.text
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


def test_what_is_typed_comes_back_as_text(client: TestClient) -> None:
    hostile = '"><script>alert(1)</script>'
    answer = client.post("/sign-in", data={"name": hostile, "password": "x"})

    assert "<script>" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_after_three_failures_even_the_right_password_has_to_wait(client: TestClient) -> None:
    for _ in range(3):
        assert enter(client, "x") == 401
    answer = client.post("/sign-in", data={"name": "dr.first", "password": PASSWORD})

    assert answer.status_code == 429
    assert "Try again in 2 seconds." in answer.text


async def answered(tasks: list[asyncio.Task[httpx.Response]], least: int) -> None:
    """Wait until so many have their answer."""
    told: set[asyncio.Task[httpx.Response]] = set()
    while len(told) < least:
        done, _ = await asyncio.wait(set(tasks) - told, return_when=asyncio.FIRST_COMPLETED)
        told |= done


def test_a_flood_of_made_up_names_leaves_the_lawful_one_and_the_ledger_alone(
    entrance: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 28 attempts three are hashed; the lawful one waits for none of them."""
    hashed: list[str] = []
    lawful_is_in = Event()
    sign_in_of = session.sign_in

    def slow(engine: Engine, name: str, password: str, idle: float) -> str:
        hashed.append(name)
        if name != "dr.first":
            assert lawful_is_in.wait(SECONDS)
        return sign_in_of(engine, name, password, idle)

    monkeypatch.setattr(session, "sign_in", slow)

    async def crowd() -> list[int]:
        transport = httpx.ASGITransport(Starlette(routes=door.routes(entrance)))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as browser:
            forms = [{"name": f"nobody {n}", "password": "x"} for n in range(28)]
            flood = [asyncio.create_task(browser.post("/sign-in", data=form)) for form in forms]
            await answered(flood, 1)
            form = {"name": "dr.first", "password": PASSWORD}
            lawful = await browser.post("/sign-in", data=form)
            await answered(flood, 25)  # all who have come by then find the places taken
            lawful_is_in.set()
            return [lawful.status_code, *(answer.status_code for answer in await gather(flood))]

    async def gather(tasks: list[asyncio.Task[httpx.Response]]) -> list[httpx.Response]:
        return list(await asyncio.gather(*tasks))

    assert asyncio.run(crowd()) == [303, *[401] * 28]
    assert len(hashed) == 1 + 3
    session.end_all(entrance.engine)
    with entrance.engine.connect() as connection:
        refused = [dict(e.payload) for e in ledger.events(connection) if e.kind == "REFUSED"]
    unknown = {"what": "sign_in", "why": "unknown"}
    assert refused == [unknown, unknown | {"times": 27}]


def test_more_than_two_attempts_for_a_name_at_once_are_not_hashed(
    entrance: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    others_are_told = Event()

    def slow(engine: Engine, name: str, password: str, idle: float) -> str:
        hashed.append(name)
        assert others_are_told.wait(SECONDS)
        return "a token"

    monkeypatch.setattr(session, "sign_in", slow)

    async def crowd() -> list[int]:
        transport = httpx.ASGITransport(Starlette(routes=door.routes(entrance)))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as browser:
            form = {"name": "dr.first", "password": PASSWORD}
            tasks = [asyncio.create_task(browser.post("/sign-in", data=form)) for _ in range(6)]
            await answered(tasks, 4)
            others_are_told.set()
            return sorted(answer.status_code for answer in await asyncio.gather(*tasks))

    assert asyncio.run(crowd()) == [303, 303, 429, 429, 429, 429]
    assert hashed == ["dr.first"] * 2


@pytest.mark.parametrize(("name", "status"), [("", 403), ("dr.first", 403), ("boss", 200)])
def test_only_an_administrator_sees_what_streamlit_measures(
    entrance: Door, name: str, status: int
) -> None:
    async def measured(_: Request) -> Response:
        return PlainTextResponse("cache_memory_bytes 17")

    accounts.add(entrance.engine, "boss", "administrator", PASSWORD)
    app = Starlette(
        routes=[*door.routes(entrance), Route("/_stcore/metrics", measured)],
        middleware=[Middleware(Metrics, partial(door.looks_after_accounts, entrance))],
    )
    client = TestClient(app, "http://127.0.0.1", follow_redirects=False)
    if name:
        client.post("/sign-in", data={"name": name, "password": PASSWORD})
    assert client.get("/_stcore/metrics").status_code == status


@pytest.mark.parametrize("body", [b"x" * 100_000, b"\xff\xfe", b"name=a" * 50, b"", b"&=&=&"])
def test_a_form_that_is_none_opens_nothing(client: TestClient, body: bytes) -> None:
    assert client.post("/sign-in", content=body).status_code in (401, 429)


def test_the_page_asks_how_much_time_is_left(
    client: TestClient, entrance: Door, hands: list[float]
) -> None:
    enter(client)
    hands[0] += 10
    assert client.get("/session").json()["left"] == 890
    assert client.post("/session").json()["left"] == 900
    session.end_all(entrance.engine)
    assert client.get("/session").status_code == 401


def test_the_sign_in_page_works_without_a_script_and_says_it_is_research(
    client: TestClient,
) -> None:
    page = client.get("/sign-in").text

    assert "<script" not in page
    assert "Research use only. Not a medical device." in page
    assert '<label for="password">' in page
    assert "organisation" not in page
    assert client.get("/sign-in.css").headers["content-type"].startswith("text/css")


def test_a_workspace_that_does_not_answer_is_said_on_the_sign_in_page(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> str:
        raise StoreError("The server does not answer.", remedy="check that it runs.")

    monkeypatch.setattr(session, "sign_in", away)
    answer = client.post(sign_in.ADDRESS, data={"name": "dr.first", "password": PASSWORD})
    assert answer.status_code == 503
    assert "The server does not answer." in answer.text
    assert "Research use only" in answer.text
    assert PASSWORD not in answer.text
