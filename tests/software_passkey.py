"""A passkey in software: answers what it is asked as a browser and a security key do together."""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from clinical.audit import passkey
from clinical.audit.passkey import Assertion

Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
ORIGIN = "http://localhost:8501"


@dataclass
class SoftwarePasskey:
    """One credential, which counts how often it was used."""

    key: Private = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential: str = field(default_factory=lambda: passkey.encoded(secrets.token_bytes(16)))

    counter: int = 0

    @property
    def public_key(self) -> str:
        form = PublicFormat.SubjectPublicKeyInfo
        return passkey.encoded(self.key.public_key().public_bytes(Encoding.DER, form))

    def answer(
        self,
        challenge: str,
        *,
        origin: str = ORIGIN,
        kind: str = "webauthn.get",
        site: str = passkey.SITE,
        flags: int = 5,
        counter: int | None = None,
        **more: object,
    ) -> Assertion:
        said = {"type": kind, "challenge": challenge, "origin": origin, **more}
        client = json.dumps(said).encode()
        self.counter = self.counter + 1 if counter is None else counter
        count = struct.pack(">L", self.counter)
        authenticator = hashlib.sha256(site.encode()).digest() + bytes([flags]) + count
        over = authenticator + hashlib.sha256(client).digest()
        parts = (authenticator, client, self._signed(over))
        return Assertion(self.credential, *(passkey.encoded(part) for part in parts))

    def _signed(self, over: bytes) -> bytes:
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(over, ec.ECDSA(SHA256()))
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(over, padding.PKCS1v15(), SHA256())
        return self.key.sign(over)
