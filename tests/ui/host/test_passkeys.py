"""An account gets a passkey by password and proof; an answer waits for the signature it is of."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from front_door import COOKIE, HERE, PASSWORD, enter
from software_passkey import SoftwarePasskey
from starlette.applications import Starlette
from starlette.testclient import TestClient

from clinical.access import passkeys as known
from clinical.audit import ledger
from clinical.review.signature import Signature
from ui.access import login_throttle
from ui.host import door, passkeys
from ui.host.door import Door
from ui.state import confirming


@pytest.fixture
def client(entrance: Door) -> TestClient:
    """A browser in which dr.first is signed in."""
    app = Starlette(routes=[*door.routes(entrance), *passkeys.routes(entrance)])
    made = TestClient(app, HERE, follow_redirects=False)
    enter(made)
    return made


def body(held: SoftwarePasskey, challenge: str) -> dict[str, str]:
    return {"challenge": challenge, "public_key": held.public_key} | vars(held.answer(challenge))


def begun(client: TestClient) -> str:
    answer = client.post("/passkey/begin", json={"password": PASSWORD}).json()
    assert answer["account"] == "dr.first"
    return str(answer["challenge"])


def test_an_account_gets_a_passkey_that_has_shown_that_it_works(
    client: TestClient, entrance: Door
) -> None:
    held = SoftwarePasskey()
    assert client.post("/passkey/register", json=body(held, begun(client))).status_code == 204
    with entrance.engine.connect() as connection:
        (found,) = known.of(connection, "dr.first")
    assert (found.credential, found.public_key) == (held.credential, held.public_key)
    answer = client.post("/passkey/begin", json={"password": PASSWORD}).json()
    assert answer["known"] == [held.credential]


def test_a_challenge_is_for_one_answer(client: TestClient) -> None:
    held, asked = SoftwarePasskey(), begun(client)
    assert client.post("/passkey/register", json=body(held, "another")).status_code == 403
    late = client.post("/passkey/register", json=body(held, asked))
    assert (late.status_code, late.json()["message"]) == (403, "Nothing was begun.")


def test_a_wrong_password_begins_nothing_and_is_recorded(
    client: TestClient, entrance: Door
) -> None:
    refused = client.post("/passkey/begin", json={"password": "wrong"})
    login_throttle.succeeded("dr.first")
    assert (refused.status_code, refused.json()["message"]) == (403, "Wrong password.")
    with entrance.engine.connect() as connection:
        (event,) = ledger.events(connection, kind="REFUSED")
    assert event.payload["what"] == "confirm"


@pytest.mark.parametrize("path", ["begin", "register", "confirm"])
def test_nothing_without_a_session_or_with_what_is_no_object(client: TestClient, path: str) -> None:
    assert client.post(f"/passkey/{path}", content=b"[]").status_code == 400
    assert client.post(f"/passkey/{path}", content=b'"' + b"x" * 20_000).status_code == 400
    client.cookies.clear()
    assert client.post(f"/passkey/{path}", json={}).status_code in (401, 410)


def test_the_page_is_plain_and_its_script_is_served(client: TestClient) -> None:
    page = client.get("/passkey")
    assert "Add a passkey" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert '<script src="/passkey_page.js" defer>' in page.text
    assert client.get("/passkey_page.js").text.startswith("(() => {")


def test_an_answer_waits_for_what_it_confirms_and_for_nothing_else(client: TestClient) -> None:
    holder, held = client.cookies[COOKIE], SoftwarePasskey()
    wish = Signature("case-1", "", "dr.first", "reader", "ab" * 32, datetime.now(UTC))
    other = Signature("case-1", "", "dr.first", "reader", "cd" * 32, datetime.now(UTC))
    asked = confirming.challenge(holder, wish)
    assert confirming.challenge(holder, wish) == asked, "the same at each run of the page"
    assert confirming.challenge(holder, other) != asked
    assert confirming.challenge("another session", wish) != asked
    assert confirming.answered(holder, wish) is None
    assert client.post("/passkey/confirm", json=body(held, "another")).status_code == 410
    assert client.post("/passkey/confirm", json=body(held, asked)).status_code == 204
    found = confirming.answered(holder, wish)
    assert found is not None
    assert found.assertion.credential == held.credential
    assert confirming.answered(holder, other) is None
    assert confirming.answered("another session", wish) is None
    confirming.forget(holder, wish)
    assert confirming.answered(holder, wish) is None
    assert confirming.challenge(holder, wish) != asked
