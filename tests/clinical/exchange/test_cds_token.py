"""Tokens of record systems: signed by a key that is known, for here, for now, and once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cds_client import Ehr, base64url, packed
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from clinical.errors import ConfigError
from clinical.exchange.cds_token import Client, Tokens, keys_in

HERE = "https://triptych.example/cds-services"


@pytest.fixture(scope="module")
def ehr() -> Ehr:
    return Ehr("https://triptych.example")


@pytest.fixture
def client(ehr: Ehr, tmp_path: Path) -> Client:
    return Client("ehr", ehr.issuer, str(ehr.write_keys(tmp_path / "keys.json")))


@pytest.fixture
def tokens(client: Client) -> Tokens:
    return Tokens([client])


def asked(tokens: Tokens, token: str, *addresses: str) -> Client | str:
    return tokens.client_of(f"Bearer {token}", addresses or (HERE,))


def test_it_is_good_once(ehr: Ehr, client: Client, tokens: Tokens) -> None:
    token = ehr.token(HERE)
    assert asked(tokens, token) == client
    assert asked(tokens, token) == "the token was used before"
    assert asked(tokens, ehr.token(HERE)) == client


def test_rsa_is_as_good(tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    ehr = Ehr("https://triptych.example", algorithm="RS384", key=key)
    client = Client("ehr", ehr.issuer, str(ehr.write_keys(tmp_path / "keys.json")))
    assert asked(Tokens([client]), ehr.token(HERE)) == client


def test_it_may_be_for_several_addresses(ehr: Ehr, client: Client, tokens: Tokens) -> None:
    assert asked(tokens, ehr.token("", aud=["https://other.example", HERE])) == client


NOW = int(time.time())


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "https://evil.example/"}, "the issuer is not known"),
        ({"iss": None}, "the issuer is not known"),
        ({"aud": HERE + "/"}, "the token is for another address"),
        ({"aud": HERE[:-1]}, "the token is for another address"),
        ({"aud": None}, "the token is for another address"),
        ({"aud": {"a": HERE}}, "the token is for another address"),
        ({"exp": NOW - 3600, "iat": NOW - 3700}, "the token has expired"),
        ({"exp": -1e99, "iat": NOW}, "the token has expired"),
        ({"exp": None}, "the token does not say from when to when it holds"),
        ({"iat": "now"}, "the token does not say from when to when it holds"),
        ({"iat": NOW + 86_400, "exp": NOW + 86_500}, "the token is of later"),
        ({"exp": NOW + 86_400}, "the token holds for too long"),
        ({"exp": 1e300}, "the token holds for too long"),
        ({"iat": -1e300}, "the token is of before the start"),
        ({"jti": None}, "the token has no number"),
        ({"jti": ""}, "the token has no number"),
        ({"jti": 7}, "the token has no number"),
        ({"jti": 300 * "j"}, "the token has no number"),
    ],
)
def test_a_claim_that_does_not_hold_is_named(
    ehr: Ehr, tokens: Tokens, claims: dict[str, Any], why: str
) -> None:
    assert asked(tokens, ehr.token(HERE, **claims)) == why


@pytest.mark.parametrize(
    ("head", "why"),
    [
        ({"alg": "none"}, "the signature is not that of the key"),
        ({"alg": "HS384"}, "the signature is not that of the key"),
        ({"alg": "RS384"}, "the signature is not that of the key"),
        ({"kid": "another"}, "the key is not known"),
        ({"kid": None}, "the key is not known"),
        ({"typ": "at+jwt"}, "the token is none"),
        ({"crit": ["exp"]}, "the token is none"),
    ],
)
def test_a_header_that_does_not_hold_is_named(
    ehr: Ehr, tokens: Tokens, head: dict[str, Any], why: str
) -> None:
    assert asked(tokens, ehr.token(HERE, head)) == why


def test_an_address_that_a_token_names_is_not_asked(
    ehr: Ehr, client: Client, tokens: Tokens
) -> None:
    assert asked(tokens, ehr.token(HERE, {"jku": "http://127.0.0.1:1/keys"})) == client


def test_another_key_of_the_same_name_does_not_do(ehr: Ehr, tokens: Tokens) -> None:
    forger = Ehr(ehr.base, key=ec.generate_private_key(ec.SECP384R1()))
    assert asked(tokens, forger.token(HERE)) == "the signature is not that of the key"


def test_a_claim_that_was_changed_does_not_do(ehr: Ehr, tokens: Tokens) -> None:
    head, _, signature = ehr.token(HERE).split(".")
    claims = {"iss": ehr.issuer, "aud": HERE, "iat": NOW, "exp": NOW + 60, "jti": "x"}
    changed = f"{head}.{packed(claims)}.{signature}"
    assert asked(tokens, changed) == "the signature is not that of the key"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        "Bearer a.b",
        "Bearer a.b.c",
        "Bearer ..",
        "Bearer é.é.é",
        f"Bearer {base64url(b'{}')}.{base64url(b'[1]')}.{base64url(b'x')}",
        f"Bearer {base64url(b'[' * 3000)}.{base64url(b'{}')}.AA",
        f"Bearer {'A' * 9000}.e30.e30",
    ],
)
def test_what_is_no_token_is_none(tokens: Tokens, header: str) -> None:
    assert tokens.client_of(header, (HERE,)) in ("there is no token", "the token is none")


def test_a_signature_of_another_length_does_not_do(ehr: Ehr, tokens: Tokens) -> None:
    statement = ehr.token(HERE).rpartition(".")[0]
    for signature in ("AA", base64url(bytes(96)), base64url(bytes(97))):
        assert asked(tokens, f"{statement}.{signature}") == "the signature is not that of the key"


def test_what_was_issued_before_the_start_may_have_been_used(ehr: Ehr, client: Client) -> None:
    began = datetime.now(UTC) + timedelta(seconds=20)
    restarted = Tokens([client], lambda: began)
    assert asked(restarted, ehr.token(HERE)) == "the token is of before the start"


def test_a_key_that_was_added_to_the_file_is_known(
    ehr: Ehr, client: Client, tokens: Tokens
) -> None:
    newer = Ehr(ehr.base, kid="key-2")
    assert asked(tokens, newer.token(HERE)) == "the key is not known"
    ehr.write_keys(Path(client.keys), newer.jwk())
    assert asked(tokens, newer.token(HERE)) == client
    Path(client.keys).unlink()
    assert asked(tokens, newer.token(HERE)) == "the keys of the client cannot be read"


def weak() -> dict[str, str]:
    key = rsa.generate_private_key(65537, 1024)
    return Ehr("", algorithm="RS384", key=key).jwk()


CURVE = Ehr("").jwk()


@pytest.mark.parametrize(
    ("jwk", "says"),
    [
        (lambda: {**CURVE, "d": "AA"}, "is a private key"),
        (lambda: {**CURVE, "kid": ""}, "none that is taken"),
        (lambda: {**CURVE, "crv": "P-256"}, "none that is taken"),
        (lambda: {**CURVE, "x": CURVE["y"]}, "none that is taken"),
        (lambda: {**CURVE, "use": "enc"}, "none that is taken"),
        (lambda: {**CURVE, "alg": "RS384"}, "none that is taken"),
        (lambda: {"kty": "oct", "k": "AA", "kid": "k"}, "none that is taken"),
        (weak, "none that is taken"),
    ],
)
def test_a_key_that_protects_nothing_is_refused_at_the_start(
    tmp_path: Path, jwk: Callable[[], dict[str, str]], says: str
) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [jwk()]}), encoding="utf-8")
    with pytest.raises(ConfigError, match=says):
        keys_in(path)


@pytest.mark.parametrize("held", ["", "[]", "{}", '{"keys": []}', '{"keys": "x"}', "[" * 99_999])
def test_a_file_without_keys_is_refused(tmp_path: Path, held: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(held, encoding="utf-8")
    with pytest.raises(ConfigError, match="holds no JWK Set"):
        keys_in(path)
