"""Signing in with an organisation's account, against a provider that this file plays itself."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import reading_fixture
import uvicorn
from playwright.sync_api import Browser, Page, expect
from ports import reserved_port
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from clinical.access import accounts
from clinical.audit import ledger
from clinical.errors import ConfigError
from clinical.workspace.database import open_workspace
from ui.access import oidc
from ui.host import launch

joserfc = pytest.importorskip("joserfc", reason="OIDC needs the extra auth")
pytest.importorskip("authlib", reason="OIDC needs the extra auth")

pytestmark = pytest.mark.browser

CLIENT = "triptych"


@dataclass
class Provider:
    """A provider that asks nothing: whoever comes is the person that the test named."""

    address: str
    claims: dict[str, Any] = field(default_factory=dict)
    nonces: dict[str, str] = field(default_factory=dict)


def make_provider(port: int) -> tuple[Provider, Starlette]:
    from joserfc import jwt
    from joserfc.jwk import RSAKey

    key = RSAKey.generate_key(2048, {"kid": "one"})
    provider = Provider(f"http://127.0.0.1:{port}")

    async def metadata(_: Request) -> Response:
        at = provider.address
        return JSONResponse(
            {
                "issuer": at,
                "authorization_endpoint": f"{at}/authorize",
                "token_endpoint": f"{at}/token",
                "jwks_uri": f"{at}/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def authorize(request: Request) -> Response:
        asked = request.query_params
        assert asked["code_challenge_method"] == "S256"
        provider.nonces["code"] = asked["nonce"]
        back = urlencode({"code": "code", "state": asked["state"]})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}")

    async def token(_: Request) -> Response:
        now = int(time.time())
        claims = {"iss": provider.address, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 60}
        claims |= {"nonce": provider.nonces["code"], **provider.claims}
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, key)
        return JSONResponse({"access_token": "a", "token_type": "Bearer", "id_token": signed})

    async def keys(_: Request) -> Response:
        return JSONResponse({"keys": [key.as_dict(private=False)]})

    return provider, Starlette(
        routes=[
            Route("/.well-known/openid-configuration", metadata),
            Route("/authorize", authorize),
            Route("/token", token, methods=["POST"]),
            Route("/keys", keys),
        ]
    )


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made, app = make_provider(listener.getsockname()[1])
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield made
        server.should_exit = True
        thread.join()


def settings_file(folder: Path, **changed: str) -> Path:
    values = {
        "redirect_uri": "http://127.0.0.1:8501/oauth2callback",
        "cookie_secret": "0123456789abcdef" * 4,
        "client_id": CLIENT,
        "client_secret": "not a secret",
        "server_metadata_url": "http://127.0.0.1:1/.well-known/openid-configuration",
        **changed,
    }
    lines = [f'{key} = "{value}"' for key, value in values.items() if value]
    file = folder / "oidc.toml"
    file.write_text("\n".join(["[auth]", *lines]), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def ward(
    provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("oidc")
    workspace = reading_fixture.make_workspace(folder / "workspace", cases=2)
    engine = open_workspace(workspace)
    accounts.add(engine, "dr.far@clinic.example", "reader", None)
    engine.dispose()
    port = reserved_port()
    file = settings_file(
        folder,
        redirect_uri=f"http://127.0.0.1:{port}/oauth2callback",
        server_metadata_url=f"{provider.address}/.well-known/openid-configuration",
    )
    page = launch.start(launch.Choices(workspace, port=port, oidc=file))
    yield page.address, workspace
    page.stop()


def events(workspace: Path) -> list[tuple[str, str]]:
    engine = open_workspace(workspace)
    with engine.connect() as connection:
        found = [(event.kind, event.actor) for event in ledger.events(connection)]
    engine.dispose()
    return [event for event in found if event[0] in ("SIGNED_IN", "REFUSED")]


def come(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("link", name="Sign in with your organisation").click()


def test_the_account_of_the_address_is_opened_and_no_other_cookie_is_left(
    browser: Browser, provider: Provider, ward: tuple[str, Path]
) -> None:
    address, workspace = ward
    provider.claims = {"email": "Dr.Far@Clinic.example", "email_verified": True}
    context = browser.new_context()
    page = context.new_page()
    come(page, address)

    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    expect(page.get_by_text("dr.far@clinic.example")).to_be_visible()
    assert not [c for c in context.cookies() if c["name"].startswith("_streamlit_user")]
    assert events(workspace)[-1] == ("SIGNED_IN", "dr.far@clinic.example")
    context.close()


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "stranger@elsewhere.example", "email_verified": True},
        {"email": "dr.far@clinic.example", "email_verified": False},
        {"name": "dr.far@clinic.example"},
    ],
)
def test_anybody_else_is_refused(
    browser: Browser, provider: Provider, ward: tuple[str, Path], claims: dict[str, Any]
) -> None:
    address, workspace = ward
    provider.claims = claims
    context = browser.new_context()
    page = context.new_page()
    come(page, address)

    expect(page.get_by_role("alert")).to_contain_text("no account in this workspace")
    assert events(workspace)[-1] == ("REFUSED", "unknown name")
    page.goto(address)
    assert page.get_by_role("alert").count() == 0  # the cookie of the provider is gone
    assert page.url.endswith("/sign-in")
    context.close()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"client_secret": ""}, "lacks client_secret"),
        ({"cookie_secret": "short"}, "fewer than 32"),
        ({"redirect_uri": "http://127.0.0.1:8501/"}, "oauth2callback"),
    ],
)
def test_settings_that_cannot_work_are_named_and_never_printed(
    tmp_path: Path, changed: dict[str, str], says: str
) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        oidc.provider(settings_file(tmp_path, **changed))
    assert "not a secret" not in str(caught.value)
    with pytest.raises(ConfigError, match="cannot be read"):
        oidc.provider(tmp_path / "missing.toml")
    (tmp_path / "broken.toml").write_text("[auth", encoding="utf-8")
    with pytest.raises(ConfigError, match="not TOML"):
        oidc.provider(tmp_path / "broken.toml")
