"""A CDS Hooks client, written from the specification (https://cds-hooks.hl7.org/2.0/)."""

from __future__ import annotations

import base64
import json
import time
import urllib.request
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384
from waiting import SECONDS

ISSUER = "https://ehr.example.org/"
PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [{"system": "HOSP", "value": "1001"}],
}


class Answer(Protocol):
    """What an HTTP library gives back."""

    status_code: int

    def json(self) -> Any: ...


class Http(Protocol):
    """An HTTP library, such as that of Starlette's tests."""

    def get(self, url: str, *, headers: dict[str, str]) -> Answer: ...
    def post(self, url: str, *, content: bytes, headers: dict[str, str]) -> Answer: ...


@dataclass(frozen=True)
class _Answered:
    status_code: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Line:
    """HTTP by the standard library, to a page that runs at an address."""

    address: str

    def get(self, url: str, *, headers: dict[str, str]) -> Answer:
        return self._asked(urllib.request.Request(self.address + url, headers=headers))

    def post(self, url: str, *, content: bytes, headers: dict[str, str]) -> Answer:
        return self._asked(urllib.request.Request(self.address + url, content, headers))

    def _asked(self, request: urllib.request.Request) -> Answer:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return _Answered(answer.status, answer.read())


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int, size: int) -> str:
    return base64url(value.to_bytes(size, "big"))


def packed(value: Any) -> str:
    return base64url(json.dumps(value).encode())


@dataclass
class Ehr:
    """A record system with a key, which calls a service at `base`."""

    base: str
    issuer: str = ISSUER
    kid: str = "key-1"
    algorithm: str = "ES384"
    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP384R1()))

    def jwk(self) -> dict[str, str]:
        """The public key (RFC 7517)."""
        numbers = self.key.public_key().public_numbers()
        if isinstance(self.key, rsa.RSAPrivateKey):
            size = (numbers.n.bit_length() + 7) // 8
            parts = {"kty": "RSA", "n": number(numbers.n, size), "e": number(numbers.e, 3)}
        else:
            x, y = number(numbers.x, 48), number(numbers.y, 48)
            parts = {"kty": "EC", "crv": "P-384", "x": x, "y": y}
        return {**parts, "use": "sig", "kid": self.kid, "alg": self.algorithm}

    def write_keys(self, path: Path, *more: dict[str, str]) -> Path:
        """The JWK Set as it is handed over out of band."""
        path.write_text(json.dumps({"keys": [self.jwk(), *more]}), encoding="utf-8")
        return path

    def token(self, address: str, head: dict[str, Any] | None = None, **changes: Any) -> str:
        """A JSON Web Token for one address; `changes` replace its claims, None leaves one out."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": address,
            "exp": now + 120,
            "iat": now,
            "jti": str(uuid.uuid4()),
            **changes,
        }
        told = {key: value for key, value in claims.items() if value is not None}
        header = {"alg": self.algorithm, "typ": "JWT", "kid": self.kid, **(head or {})}
        statement = f"{packed(header)}.{packed(told)}"
        return f"{statement}.{base64url(self.signature(statement.encode()))}"

    def signature(self, statement: bytes) -> bytes:
        """RFC 7518, sections 3.3 and 3.4."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(statement, padding.PKCS1v15(), SHA384())
        r, s = decode_dss_signature(self.key.sign(statement, ec.ECDSA(SHA384())))
        return r.to_bytes(48, "big") + s.to_bytes(48, "big")

    def headers(self, path: str, token: str | None = None) -> dict[str, str]:
        bearer = token if token is not None else self.token(f"{self.base}{path}")
        return {"authorization": f"Bearer {bearer}", "content-type": "application/json"}

    def services(self, http: Http) -> dict[str, Any]:
        """Hook to service, as discovery tells them."""
        path = "/cds-services"
        answer = http.get(path, headers=self.headers(path))
        assert answer.status_code == 200, answer.json()
        return {service["hook"]: service for service in answer.json()["services"]}

    def request(self, service: Any, patient: Any = PATIENT, **context: Any) -> dict[str, Any]:
        """A call of a service for a patient, with what it asked to be prefetched."""
        known = {"userId": "Practitioner/7", "patientId": "p1", **context}
        asked = {
            key: patient
            for key, template in service["prefetch"].items()
            if template == "Patient/{{context.patientId}}"
        }
        return {
            "hook": service["hook"],
            "hookInstance": str(uuid.uuid4()),
            "fhirServer": "https://ehr.example.org/fhir",
            "context": known,
            "prefetch": asked,
        }

    def post(self, http: Http, path: str, body: Any, token: str | None = None) -> Answer:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return http.post(path, content=content, headers=self.headers(path, token))

    def cards(self, http: Http, hook: str, patient: Any = PATIENT, **context: Any) -> list[Any]:
        """The cards at a hook, each as the standard has it."""
        service = self.services(http)[hook]
        body = self.request(service, patient, **context)
        answer = self.post(http, f"/cds-services/{service['id']}", body)
        assert answer.status_code == 200, answer.json()
        cards: list[Any] = answer.json()["cards"]
        for card in cards:
            check_card(card)
        return cards

    def feedback(self, http: Http, hook: str, *entries: dict[str, Any]) -> Answer:
        """Tell what was done with cards."""
        service = self.services(http)[hook]
        told = [{"outcomeTimestamp": "2026-11-30T12:00:00Z", **entry} for entry in entries]
        return self.post(http, f"/cds-services/{service['id']}/feedback", {"feedback": told})


def check_card(card: dict[str, Any]) -> None:
    """What the standard demands of a card."""
    assert 0 < len(card["summary"]) < 140
    assert card["indicator"] in ("info", "warning", "critical")
    assert card["source"]["label"]
    assert str(uuid.UUID(card["uuid"])) == card["uuid"]
    if "suggestions" in card:
        assert card["selectionBehavior"] in ("at-most-one", "any")
        assert all(one["label"] and uuid.UUID(one["uuid"]) for one in card["suggestions"])
    for reason in card.get("overrideReasons", []):
        assert reason["code"]
        assert reason["display"]
    for link in card["links"]:
        assert link["type"] == "absolute"
        assert link["url"].startswith("http")
        assert link["label"]
    assert None not in card.values()
    assert all(value not in ("", [], {}) for value in card.values())
