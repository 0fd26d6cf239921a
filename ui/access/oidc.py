"""Sign in with an organisation's account (OpenID Connect), on the machinery behind `st.login`.

Streamlit's own routes speak with the provider and leave a signed cookie that would be good for 30
days. Here it is good once: the sign-in page turns it into a session with an idle time and deletes
it. Which account it opens is decided by the workspace alone.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import Response
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.user_info import generate_login_redirect_url
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import (
    TOKENS_COOKIE_NAME,
    USER_COOKIE_NAME,
)

from clinical.access.accounts import plain_name
from clinical.errors import ConfigError

ROUTES = frozenset({"/auth/login", "/oauth2callback"})
NEEDED = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
SHORTEST_SECRET = 32  # characters
CHUNKS = 8  # pieces that Streamlit may split a large cookie into, each deleted with it


def provider(file: Path) -> dict[str, Any]:
    """The [auth] section of a TOML file in the form that Streamlit documents for `st.login`.

    Raises:
        ConfigError: if the file cannot be read, a key is missing or too weak, or Authlib is not
            installed. The message never holds a value.
    """
    if find_spec("authlib") is None:
        raise ConfigError("OIDC needs Authlib.", remedy='pip install "triptych[auth]"')
    try:
        section = tomllib.loads(file.read_text(encoding="utf-8")).get("auth", {})
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise ConfigError(f"{file} is not TOML.", remedy="see docs/reading-room.md") from None
    missing = [key for key in NEEDED if not isinstance(section.get(key), str) or not section[key]]
    if missing:
        raise ConfigError(
            f"{file} lacks {', '.join(missing)} in [auth].", remedy="see docs/reading-room.md"
        )
    if len(section["cookie_secret"]) < SHORTEST_SECRET:
        raise ConfigError(
            f"cookie_secret in {file} has fewer than {SHORTEST_SECRET} characters.",
            remedy='use the output of `python -c "import secrets; print(secrets.token_hex())"`',
        )
    if urlsplit(section["redirect_uri"]).path != "/oauth2callback":
        raise ConfigError(
            f"redirect_uri in {file} does not end in /oauth2callback.",
            remedy="use the address of the page, for example http://127.0.0.1:8501/oauth2callback",
        )
    return {key: section[key] for key in (*NEEDED, "client_kwargs") if key in section}


def login_address() -> str:
    """Where Streamlit begins the conversation with the provider; good for a short time."""
    return generate_login_redirect_url("default")


def vouched(cookies: Mapping[str, str]) -> str | None:
    """The name that the provider vouches for: the e-mail address, in lower case.

    Returns:
        None without a valid cookie of Streamlit's; "" where the provider says that the address is
        not verified, or gives none.
    """
    secret = get_cookie_secret()

    def signed(name: str) -> bytes | None:
        value = cookies.get(name)
        return decode_signed_value(secret, name, value.encode("latin-1")) if value else None

    content = get_cookie_with_chunks(signed, USER_COOKIE_NAME)
    if content is None:
        return None
    claims = json.loads(content)
    if claims.get("email_verified") is False:
        return ""
    return plain_name(str(claims.get("email") or ""))


def forget(response: Response) -> Response:
    """Delete Streamlit's cookies: the session takes their place."""
    for name in (USER_COOKIE_NAME, TOKENS_COOKIE_NAME):
        for piece in (name, *(f"{name}_{number}" for number in range(1, CHUNKS))):
            response.delete_cookie(piece, path="/")
    return response
