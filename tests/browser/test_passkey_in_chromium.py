"""A passkey in Chromium, by an authenticator in software: added, asked at a signature, verified."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from ports import reserved_port
from test_signing_in import PASSWORD, Ward, make_workspace, sign_in

from clinical.audit import ledger, verify
from clinical.review import protocol
from clinical.review.protocol import Protocol
from clinical.workspace.database import opened
from ui.host import launch

pytestmark = pytest.mark.browser


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    """Asks for passkeys; opened by name, because a passkey is bound to one."""
    workspace = make_workspace(tmp_path)
    with opened(workspace) as engine:
        protocol.set_protocol(engine, Protocol(passkey=True), "boss")
    served = launch.start(launch.Choices(workspace, port=reserved_port()))
    yield Ward(served.address.replace(launch.ADDRESS, "localhost"), workspace)
    served.stop()


@pytest.fixture
def reader(browser: Browser) -> Iterator[Page]:
    """A page of a browser that has an authenticator, which says yes to everything."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    device = context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield page
    context.close()
    assert trouble == []


def test_a_passkey_is_added_and_confirms_a_signature(reader: Page, ward: Ward) -> None:
    sign_in(reader, ward, "dr.first")
    reader.goto(f"{ward.address}/passkey")
    reader.get_by_label("Password").fill(PASSWORD)
    reader.get_by_role("button", name="Add a passkey").click()
    expect(reader.get_by_text("The passkey was added to your account.")).to_be_visible()

    reader.get_by_role("link", name="Back to the cases").click()
    reader.locator('tr[data-pick="CASE-001"]').click()
    expect(reader.get_by_role("heading", name="CASE-001")).to_be_visible()
    reader.get_by_role("button", name="Accept").click()
    expect(reader.get_by_text("accepted by you")).to_be_visible()
    reader.get_by_role("button", name="Sign", exact=False).get_by_text("Sign", exact=True).click()
    expect(reader.get_by_text("What you are about to sign")).to_be_visible()
    reader.get_by_label("Your password").fill(PASSWORD)
    reader.get_by_role("button", name="Sign as dr.first").click()
    expect(reader.get_by_text("A signature in this workspace needs your passkey")).to_be_visible()

    reader.get_by_role("button", name="Confirm with passkey").click()
    expect(reader.get_by_text("Confirmed.", exact=True)).to_be_visible()
    reader.get_by_label("Your password").fill(PASSWORD)
    reader.get_by_role("button", name="Sign as dr.first").click()
    expect(reader.get_by_text("by dr.first (reader) at")).to_be_visible()

    with opened(ward.workspace) as engine, engine.connect() as connection:
        (signed,) = ledger.events(connection, kind="SIGNED")
        assert verify.verify(connection).intact
    assert signed.payload["identity"] == "password"
    assert set(signed.payload["passkey"]) >= {"credential", "nonce", "signature"}
