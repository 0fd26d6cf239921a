"""What a passkey said to a signature, and whether it holds: now, and whenever it is verified later.

A passkey signs 37 bytes of the authenticator and the SHA-256 of what the browser says that it was
asked (Web Authentication, level 2, section 7.2). What it is asked here is the SHA-256 of a
statement that names the signature, so that an assertion belongs to that one and no other. All three
parts are kept in the SIGNED event, the public key in an ACCOUNT event; nothing else is needed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from clinical import canonical
from clinical.audit.verifier import Fault

SITE = "localhost"
"""What a passkey is bound to, without the port. An address of numbers cannot have any."""

_OURS = re.compile(rf"http://{SITE}(:\d{{1,5}})?")
_SITE_DIGEST = hashlib.sha256(SITE.encode()).digest()
_PRESENT = 1  # the bit of the flags that says that somebody touched it


@dataclass(frozen=True)
class Assertion:
    """What a passkey answered, each part in base64url.

    Attributes:
        credential: identifier of the passkey.
        authenticator: digest of the site, flags and counter.
        client: JSON by the browser: what was asked, by which page.
        signature: over both.
    """

    credential: str
    authenticator: str
    client: str
    signature: str


@dataclass(frozen=True)
class Confirmation:
    """An assertion to one signature.

    Attributes:
        nonce: of the statement, random, hexadecimal.
        assertion: the answer to it.
    """

    nonce: str
    assertion: Assertion


def challenge(case_id: str, signature: Mapping[str, Any], nonce: str) -> str:
    """What a passkey is asked for a signature, in base64url.

    Args:
        case_id: the case.
        signature: with at least `assessment`, `name`, `role`, `meaning` and `digest`, as in the
            payload of SIGNED.
        nonce: random, so that no answer can be had before or used twice.
    """
    named = {name: signature[name] for name in ("assessment", "name", "role", "meaning", "digest")}
    statement = {"statement": "triptych passkey 1", "case": case_id, "nonce": nonce, **named}
    return encoded(hashlib.sha256(canonical.dumps(statement)).digest())


def objection(public_key: str, assertion: Assertion, asked: str) -> str:
    """Why an assertion does not hold, or "" if it does.

    Args:
        public_key: SubjectPublicKeyInfo (DER) in base64url: P-256, RSA or Ed25519.
        assertion: what was answered.
        asked: the challenge.
    """
    try:
        client, authenticator = decoded(assertion.client), decoded(assertion.authenticator)
        said = json.loads(client)
        if said["type"] != "webauthn.get" or said["challenge"] != asked:
            return "it answers something else than was asked"
        if not _OURS.fullmatch(said["origin"]) or said.get("crossOrigin"):
            return "it was asked by another page"
        if authenticator[:32] != _SITE_DIGEST or not authenticator[32] & _PRESENT:
            return "it is of another site, or nobody was there"
        over = authenticator + hashlib.sha256(client).digest()
        _check(decoded(public_key), decoded(assertion.signature), over)
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        RecursionError,
        UnsupportedAlgorithm,
    ):
        return "it cannot be read"
    except InvalidSignature:
        return "its signature is not that of the passkey"
    return ""


def as_json(confirmation: Confirmation) -> dict[str, str]:
    """As it stands in the payload of SIGNED, with the digest in place of the identifier."""
    parts = asdict(confirmation.assertion)
    del parts["credential"]
    return {
        "credential": credential_digest(confirmation.assertion.credential),
        "nonce": confirmation.nonce,
        **parts,
    }


def checked(events: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The events of a ledger as they are, each assertion checked on the way.

    Raises:
        Fault: at a signature whose passkey was not one of its account then or did not confirm it,
            or that has none where the protocol asks for one.
    """
    needed = False
    known: dict[tuple[str, str], str] = {}  # account and digest of the credential to public key
    for event in events:
        yield event  # first whether it is the event that was recorded
        if event["kind"] == "ACCOUNT":
            _follow(known, event)
        elif event["kind"] == "PROTOCOL":
            needed = event["payload"].get("passkey") is True
        elif event["kind"] == "SIGNED" and (why := _objection(known, event, needed=needed)):
            raise Fault(f"the passkey did not confirm this signature: {why}", event["sequence"])


def credential_digest(credential: str) -> str:
    """SHA-256 of the identifier of a passkey."""
    return canonical.sha256(decoded(credential))


def encoded(data: bytes) -> str:
    """Base64url without padding, as browsers write it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """The bytes of base64url.

    Raises:
        ValueError: if it is none.
    """
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise ValueError("not base64url") from None
    if encoded(data) != text:
        raise ValueError("not base64url as browsers write it")
    return data


def _follow(known: dict[tuple[str, str], str], event: Mapping[str, Any]) -> None:
    payload = event["payload"]
    account = payload.get("account", "")
    if payload.get("change") == "no_passkeys":
        for one in [key for key in known if key[0] == account]:
            del known[one]
    if payload.get("change") != "passkey":
        return
    try:
        known[account, credential_digest(payload["credential"])] = payload["public_key"]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Fault("it names a passkey that is none", event["sequence"]) from None


def _objection(
    known: Mapping[tuple[str, str], str], event: Mapping[str, Any], *, needed: bool
) -> str:
    said = event["payload"].get("passkey")
    if said is None:
        return "there is none, and the protocol asks for one" if needed else ""
    try:
        public_key = known.get((event["actor"], said["credential"]))
        parts = {name: said[name] for name in ("authenticator", "client", "signature")}
        asked = challenge(event["case_id"], event["payload"], said["nonce"])
    except (KeyError, TypeError):
        return "it cannot be read"
    if public_key is None:
        return "it is none of the account's"
    return objection(public_key, Assertion("", **parts), asked)


def _check(public_key: bytes, signature: bytes, over: bytes) -> None:
    key = load_der_public_key(public_key)
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, over, ec.ECDSA(SHA256()))
    elif isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, over, padding.PKCS1v15(), SHA256())
    elif isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, over)
    else:
        raise ValueError("a key of another kind")
