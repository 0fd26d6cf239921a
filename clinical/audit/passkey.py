"""What a passkey said to a signature, and whether it holds: now, and whenever it is verified later.

A passkey signs 37 bytes of the authenticator and the SHA-256 of what the browser says that it was
asked (Web Authentication, level 2, section 7.2). What it is asked here is the SHA-256 of a
statement that names the signature, so that an assertion belongs to that one and no other. All three
parts are kept in the SIGNED event, the public key in an ACCOUNT event; nothing else is needed. The
rules are those of `clinical.audit.verifier`; here a library checks the signatures, which is
quicker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from clinical import canonical
from clinical.audit import verifier

SITE = verifier.SITE
"""What a passkey is bound to, without the port. An address of numbers cannot have any."""

encoded = verifier.to_base64url
decoded = verifier.from_base64url
challenge = verifier.challenge


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
        nonce: of the statement, random, hexadecimal, so that no answer can be had before or used
            twice.
        assertion: the answer to it.
    """

    nonce: str
    assertion: Assertion


def objection(public_key: str, assertion: Assertion, asked: str, last: int = 0) -> str:
    """Why an assertion does not hold, or "" if it does.

    Args:
        public_key: SubjectPublicKeyInfo (DER) in base64url: P-256, RSA or Ed25519.
        assertion: what was answered.
        asked: the challenge.
        last: the counter of the passkey when it was used before; 0 if it was not, or has none.
    """
    answer = asdict(assertion)
    why = verifier.objection(public_key, answer, asked, confirms)
    return why or verifier.counter_objection(verifier.counter_of(answer), last)


def as_json(confirmation: Confirmation) -> dict[str, str]:
    """As it stands in the payload of SIGNED, with the digest in place of the identifier."""
    parts = asdict(confirmation.assertion)
    del parts["credential"]
    return {
        "credential": credential_digest(confirmation.assertion.credential),
        "nonce": confirmation.nonce,
        **parts,
    }


def counter_in(payload: Mapping[str, Any]) -> int:
    """The counter of the passkey that confirmed a signature, by the payload of SIGNED."""
    return verifier.counter_of(payload["passkey"])


def credential_digest(credential: str) -> str:
    """SHA-256 of the identifier of a passkey."""
    return canonical.sha256(decoded(credential))


def confirms(public_key: bytes, signature: bytes, over: bytes) -> bool:
    """As `verifier.confirmed`, by a library.

    Raises:
        ValueError: if the key is none of those that a passkey may have.
    """
    verifier.check_public(public_key)
    try:
        key: Any = load_der_public_key(public_key)
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, over, ec.ECDSA(SHA256()))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, over, padding.PKCS1v15(), SHA256())
        else:
            key.verify(signature, over)
    except UnsupportedAlgorithm:
        raise ValueError("a key of another kind") from None
    except InvalidSignature:
        return False
    return True
