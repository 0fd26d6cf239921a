"""A signature where the protocol asks for passkeys: what is asked, and what is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from form_fields import in_form
from software_passkey import SoftwarePasskey
from sqlalchemy import Engine
from streamlit.testing.v1 import AppTest

from clinical.access import passkeys
from clinical.access.roles import Role
from clinical.audit import ledger, passkey, verify
from clinical.review import protocol
from clinical.review.protocol import Protocol
from clinical.workspace.database import opened
from ui.access import presence
from ui.state import confirming

PASSWORD = "three quiet herons"
SignedIn = Callable[[str, Role], AppTest]


@pytest.fixture
def engine(workspace: Path) -> Iterator[Engine]:
    """The workspace asks for passkeys."""
    with opened(workspace) as made:
        protocol.set_protocol(made, Protocol(passkey=True), "boss")
        yield made


def shown(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def about_to_sign(page: AppTest) -> AppTest:
    page.button(key="next-unread").click().run()
    page.button(key="accept").click().run()
    return page.button(key="sign").click().run()


def sign(page: AppTest) -> AppTest:
    in_form(page.text_input, "sign-password").input(PASSWORD)
    return page.button(key="confirm-sign").click().run()


def asked() -> str:
    """What the page asks, which the browser would answer."""
    return next(one.challenge for one in confirming._asked.values() if one.answer is None)


def test_who_has_no_passkey_is_led_to_where_one_is_added(
    signed_in: SignedIn, engine: Engine
) -> None:
    page = about_to_sign(signed_in("dr.first", "reader"))
    assert 'href="/passkey"' in shown(page)
    assert "needs your passkey" in sign(page).error[0].value


def test_what_was_confirmed_is_signed_and_a_wrong_password_takes_nothing(
    signed_in: SignedIn, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirming, "_asked", type(confirming._asked)())
    held, page = SoftwarePasskey(), signed_in("dr.first", "reader")
    passkeys.register(engine, "dr.first", held.public_key, held.answer("AQ"), "AQ")
    about_to_sign(page)
    assert "needs your passkey" in sign(page).error[0].value
    challenge = asked()
    assert confirming.answer(presence._token(), challenge, held.answer(challenge))
    in_form(page.text_input, "sign-password").input("another password")
    page.button(key="confirm-sign").click().run()
    assert page.error[0].value == "Not recorded. Wrong password."
    assert "by dr.first (reader) at " in shown(sign(page))
    with engine.connect() as connection:
        (signed,) = ledger.events(connection, kind="SIGNED")
        assert verify.verify(connection).intact
    assert signed.payload["passkey"]["credential"] == passkey.credential_digest(held.credential)
    assert not confirming._asked, "an answer is taken once"


def test_in_a_demonstration_nobody_has_one(
    open_page: Callable[..., AppTest], engine: Engine
) -> None:
    page = open_page(case_id="CASE-000")
    page.button(key="accept").click().run()
    page.button(key="sign").click().run()
    assert "Nobody has a passkey in a demonstration." in shown(page)
    page.button(key="confirm-sign").click().run()
    assert "needs your passkey" in page.error[0].value
