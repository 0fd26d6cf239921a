"""Who asks for a card: the signed token that a record system sends with each request.

CDS Hooks 2.0, "Trusting CDS Clients": a JSON Web Token (RFC 7519) in `Authorization: Bearer`,
signed with ES384 or RS384 (RFC 7518), for one address, for a few minutes, and once. Public keys
come from a file with a JWK Set (RFC 7517); nothing is fetched, whatever address a token names.
"""

from __future__ import annotations

import base64
import hashlib
import re
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384

from clinical.errors import ConfigError
from clinical.exchange.fhir_bundle import parsed
from clinical.exchange.fhir_elements import Element, children, word

Algorithm = Literal["ES384", "RS384"]

LONGEST = 8192
"""Characters of a token."""
LIFE_SECONDS = 300
"""Longest time from the issue of a token to its end."""
SKEW_SECONDS = 30
"""By how much the clock of a client may differ."""
LEAST_RSA_BITS = 2048

_POINT = 48  # bytes of a coordinate, or of half a signature, on P-384
_LONGEST_WORD = 256
_WORDS = re.compile(r"[\x21-\x7e]+")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Client:
    """A record system that may ask.

    Attributes:
        name: in the ledger, and what `senders` of the rules may name it by.
        issuer: `iss` of its tokens.
        keys: file with its public keys, a JWK Set; it is read again when it changes.
    """

    name: str
    issuer: str
    keys: str


@dataclass(frozen=True)
class Key:
    """A public key, which verifies signatures of one algorithm."""

    algorithm: Algorithm
    public: ec.EllipticCurvePublicKey | rsa.RSAPublicKey

    def verifies(self, signature: bytes, statement: bytes) -> bool:
        """Whether the private key of this one made the signature (RFC 7518, 3.3 and 3.4)."""
        try:
            if isinstance(self.public, rsa.RSAPublicKey):
                self.public.verify(signature, statement, padding.PKCS1v15(), SHA384())
            else:
                if len(signature) != 2 * _POINT:
                    return False
                halves = (signature[:_POINT], signature[_POINT:])
                numbers = (int.from_bytes(half, "big") for half in halves)
                self.public.verify(encode_dss_signature(*numbers), statement, ec.ECDSA(SHA384()))
        except InvalidSignature:
            return False
        return True


class Tokens:
    """Takes tokens of the clients that are known, each once.

    Args:
        clients: who may ask.
        now: the clock. What was issued before the first look at it is refused: nobody remembers
            which of those were used.
    """

    def __init__(
        self,
        clients: Iterable[Client],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._clients = {client.issuer: client for client in clients}
        self._now = now
        self._since = now().timestamp()
        self._used: dict[bytes, float] = {}
        self._lock = threading.Lock()

    def client_of(self, header: str, addresses: Collection[str]) -> Client | str:
        """Who asks, or why it is not known who does.

        Args:
            header: Authorization, as sent.
            addresses: that the token may be for.

        Returns:
            The client, or a reason in words that hold nothing of the token.
        """
        kind, _, token = header.partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            return "there is no token"
        parts = token.strip().split(".")
        if len(token) > LONGEST or len(parts) != 3:
            return "the token is none"
        head, claims = (_object(part) for part in parts[:2])
        signature = _bytes(parts[2])
        if head is None or claims is None or signature is None:
            return "the token is none"
        client = self._clients.get(word(claims, "iss"))
        if client is None:
            return "the issuer is not known"
        if why := _unsigned(client, head, signature, f"{parts[0]}.{parts[1]}".encode()):
            return why
        return self._out_of_time(claims, addresses) or self._replayed(client, claims) or client

    def _out_of_time(self, claims: Element, addresses: Collection[str]) -> str:
        audience = claims.get("aud")
        listed = audience if isinstance(audience, list) else [audience]
        if not any(isinstance(one, str) and one in addresses for one in listed):
            return "the token is for another address"
        issued, ends = claims.get("iat"), claims.get("exp")
        if not isinstance(issued, Decimal) or not isinstance(ends, Decimal):
            return "the token does not say from when to when it holds"
        now = self._now().timestamp()
        if ends <= now - SKEW_SECONDS:
            return "the token has expired"
        if issued > now + SKEW_SECONDS:
            return "the token is of later"
        if issued < int(self._since):
            return "the token is of before the start"
        # Only what was seen to be near now is added to: a number may have a million digits.
        return "" if issued < ends <= issued + LIFE_SECONDS else "the token holds for too long"

    def _replayed(self, client: Client, claims: Element) -> str:
        number = word(claims, "jti")
        if not _WORDS.fullmatch(number) or len(number) > _LONGEST_WORD:
            return "the token has no number"
        used = hashlib.sha256(f"{client.name} {number}".encode()).digest()
        now = self._now().timestamp()
        with self._lock:
            # Few: a client is held to a number a minute, and a token to some minutes.
            self._used = {one: end for one, end in self._used.items() if end > now}
            if used in self._used:
                return "the token was used before"
            self._used[used] = now + LIFE_SECONDS + 2 * SKEW_SECONDS
        return ""


def _unsigned(client: Client, head: Element, signature: bytes, statement: bytes) -> str:
    """Why the client has not signed it, or ""."""
    if word(head, "typ") != "JWT" or "crit" in head:
        return "the token is none"
    path = Path(client.keys)
    try:
        key = keys_in(path).get(word(head, "kid"))
    except ConfigError:
        return "the keys of the client cannot be read"
    if key is None:
        return "the key is not known"
    if word(head, "alg") != key.algorithm or not key.verifies(signature, statement):
        return "the signature is not that of the key"
    return ""


def keys_in(path: Path) -> Mapping[str, Key]:
    """The public keys of a JWK Set by their `kid`.

    Raises:
        ConfigError: if the file cannot be read, or one of them is none that is taken.
    """
    try:
        state = path.stat()
        return _keys_in(path, state.st_mtime_ns, state.st_size)
    except OSError as error:
        raise ConfigError(
            f"The keys in {path} cannot be read: {error.strerror}.",
            remedy="name the JWK Set of the client",
        ) from None


@lru_cache(maxsize=64)
def _keys_in(path: Path, changed: int, size: int) -> Mapping[str, Key]:  # noqa: ARG001
    held = parsed(path.read_bytes().decode("utf-8", "replace"))
    found: dict[str, Key] = {}
    for number, one in enumerate(children(held, "keys") if isinstance(held, dict) else ()):
        where = f"{path}: key {number + 1}"
        if "d" in one:
            raise ConfigError(
                f"{where} is a private key.", remedy="ask the client for the public one alone"
            )
        key, name = _key(one), word(one, "kid")
        if key is None or not name or name in found:
            raise ConfigError(
                f"{where} is none that is taken, or has no kid of its own.",
                remedy=f"give P-384 for ES384, or RSA of {LEAST_RSA_BITS} bits for RS384",
            )
        found[name] = key
    if not found:
        raise ConfigError(f"{path} holds no JWK Set.", remedy='write {"keys": [...]}')
    return found


def _key(jwk: Element) -> Key | None:
    if word(jwk, "use") not in ("", "sig"):
        return None
    kind, algorithm = word(jwk, "kty"), word(jwk, "alg")
    try:
        if kind == "EC" and word(jwk, "crv") == "P-384" and algorithm in ("", "ES384"):
            x, y = (int.from_bytes(_bytes(word(jwk, name)) or b"", "big") for name in "xy")
            return Key("ES384", ec.EllipticCurvePublicNumbers(x, y, ec.SECP384R1()).public_key())
        if kind == "RSA" and algorithm in ("", "RS384"):
            n, e = (int.from_bytes(_bytes(word(jwk, name)) or b"", "big") for name in "ne")
            if n.bit_length() >= LEAST_RSA_BITS:
                return Key("RS384", rsa.RSAPublicNumbers(e, n).public_key())
    except ValueError:  # a point that is not on the curve, an exponent that is none
        return None
    return None


def _bytes(part: str) -> bytes | None:
    """Base64url without padding (RFC 7515, section 2), or None."""
    if not _BASE64URL.fullmatch(part) or len(part) % 4 == 1:
        return None
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _object(part: str) -> Element | None:
    data = _bytes(part)
    held = parsed(data.decode("utf-8", "replace")) if data else None
    return held if isinstance(held, dict) else None
