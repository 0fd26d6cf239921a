"""What a passkey said holds for one signature and no other, when it is made and whenever later."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from honest_record import Room
from software_passkey import SoftwarePasskey
from sqlalchemy import Engine

from clinical.access import accounts, passkeys
from clinical.audit import ledger, passkey
from clinical.audit.passkey import Confirmation
from clinical.audit.verify import NO_KEY, Verdict, verify
from clinical.errors import AccountError, ReviewError
from clinical.review import protocol as protocols
from clinical.review import signature as signatures
from clinical.review.progress import progress
from clinical.review.protocol import Protocol
from clinical.review.signature import Signature
from clinical.workspace.database import writing
from pipelines.cli import main

ASKED = passkey.encoded(b"a challenge of thirty-two bytes.")
HELD = SoftwarePasskey()


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        rsa.generate_private_key(65537, 2048),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["P-256", "RSA", "Ed25519"],
)
def test_an_answer_to_what_was_asked_holds(key: Any) -> None:
    held = SoftwarePasskey(key)
    assert passkey.objection(held.public_key, held.answer(ASKED), ASKED) == ""


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"challenge": passkey.encoded(b"another")}, "something else than was asked"),
        ({"kind": "webauthn.create"}, "something else than was asked"),
        ({"origin": "http://localhost.evil.example"}, "by another page"),
        ({"origin": "https://localhost"}, "by another page"),
        ({"crossOrigin": True}, "by another page"),
        ({"site": "evil.example"}, "another site"),
        ({"flags": 4}, "nobody was there"),
        ({"origin": 7}, "cannot be read"),
    ],
)
def test_an_answer_to_anything_else_does_not(changes: dict[str, Any], says: str) -> None:
    answer = HELD.answer(**{"challenge": ASKED, **changes})
    assert says in passkey.objection(HELD.public_key, answer, ASKED)


def test_the_answer_of_another_passkey_or_one_that_was_changed_does_not() -> None:
    answer = HELD.answer(ASKED)
    other = SoftwarePasskey()
    assert "not that of the passkey" in passkey.objection(other.public_key, answer, ASKED)
    for name in ("authenticator", "client", "signature"):
        part = bytearray(passkey.decoded(getattr(answer, name)))
        part[-1] ^= 1
        spoiled = replace(answer, **{name: passkey.encoded(bytes(part))})
        assert passkey.objection(HELD.public_key, spoiled, ASKED)
        for nonsense in ("", "!", "AA==", "Zg"):
            assert passkey.objection(HELD.public_key, replace(answer, **{name: nonsense}), ASKED)
    for no_key in ("", "Zg", HELD.public_key[:-8]):
        assert passkey.objection(no_key, answer, ASKED) == "it cannot be read"


# A signature


class Ward:
    """A workspace that asks for passkeys; dr.ada has one and a case that she has decided on."""

    def __init__(self, engine: Engine, example: Any) -> None:
        self.engine, self.held = engine, SoftwarePasskey()
        room = Room(engine, example)
        for name in ("dr.ada", "dr.bob"):
            accounts.add(engine, name, "reader", None)
        passkeys.register(engine, "dr.ada", self.held.public_key, self.held.answer(ASKED), ASKED)
        protocols.set_protocol(engine, Protocol(passkey=True), "boss")
        digest = room.case("case-1")
        room.decide("case-1", digest, "dr.ada", accepts=True)
        mine = progress(room.past("case-1")).of("dr.ada")
        decisions = signatures.decisions_digest(mine)
        self.wish = Signature("case-1", digest, "dr.ada", "reader", decisions, datetime.now(UTC))

    def confirmed(self, held: SoftwarePasskey | None = None, **changes: Any) -> Confirmation:
        wish = replace(self.wish, **changes)
        asked = signatures.passkey_challenge(wish, "ab" * 16)
        return Confirmation("ab" * 16, (held or self.held).answer(asked))

    def verdict(self) -> Verdict:
        with self.engine.connect() as connection:
            return verify(connection, key=NO_KEY)


@pytest.fixture
def ward(workspace: Engine, example: Any) -> Ward:
    return Ward(workspace, example)


def test_a_signature_holds_what_its_passkey_said(ward: Ward) -> None:
    event = signatures.sign(ward.engine, ward.wish, confirmed=ward.confirmed())
    said = event.payload["passkey"]
    assert said["credential"] == passkey.credential_digest(ward.held.credential)
    assert ward.held.credential not in json.dumps(dict(event.payload))
    assert ward.verdict().intact


def test_without_a_passkey_or_with_that_of_something_else_nothing_is_signed(ward: Ward) -> None:
    stranger = SoftwarePasskey()
    passkeys.register(ward.engine, "dr.bob", stranger.public_key, stranger.answer(ASKED), ASKED)
    for confirmed, says in (
        (None, "needs your passkey"),
        (ward.confirmed(held=SoftwarePasskey()), "none of yours"),
        (ward.confirmed(held=stranger), "none of yours"),
        (ward.confirmed(case_id="case-2"), "something else than was asked"),
        (ward.confirmed(decisions="ab" * 32), "something else than was asked"),
    ):
        with pytest.raises(ReviewError, match=says):
            signatures.sign(ward.engine, ward.wish, confirmed=confirmed)
    with ward.engine.connect() as connection:
        assert not list(ledger.events(connection, kind="SIGNED"))


def test_a_passkey_that_was_lost_signs_nothing_more_and_what_it_signed_holds(ward: Ward) -> None:
    signatures.sign(ward.engine, ward.wish, confirmed=ward.confirmed())
    passkeys.disable(ward.engine, "dr.ada")
    with ward.engine.connect() as connection:
        assert passkeys.of(connection, "dr.ada") == []
    assert ward.verdict().intact
    with pytest.raises(AccountError, match="has no passkeys"):
        passkeys.disable(ward.engine, "dr.ada")


def test_a_passkey_is_added_once_and_only_with_a_proof(ward: Ward) -> None:
    again = ward.held.answer(ASKED)
    with pytest.raises(AccountError, match="known already"):
        passkeys.register(ward.engine, "dr.ada", ward.held.public_key, again, ASKED)
    other = SoftwarePasskey()
    with pytest.raises(AccountError, match="was not added"):
        passkeys.register(ward.engine, "dr.ada", other.public_key, again, ASKED)


def moved(payload: dict[str, Any]) -> None:
    payload["passkey"]["nonce"] = "cd" * 16


def of_nobody(payload: dict[str, Any]) -> None:
    payload["passkey"]["credential"] = "cd" * 32


def without_it(payload: dict[str, Any]) -> None:
    del payload["passkey"]


def without_parts(payload: dict[str, Any]) -> None:
    payload["passkey"] = {"nonce": 7}


@pytest.mark.parametrize("change", [moved, of_nobody, without_it, without_parts])
def test_who_runs_the_machine_and_has_its_key_cannot_say_that_a_passkey_confirmed(
    ward: Ward, change: Callable[[dict[str, Any]], None]
) -> None:
    signatures.sign(ward.engine, ward.wish, confirmed=ward.confirmed())
    with ward.engine.connect() as connection:
        (signed,) = ledger.events(connection, kind="SIGNED")
    payload = json.loads(json.dumps(dict(signed.payload)))
    change(payload)
    with writing(ward.engine) as connection:
        ledger.append(connection, "SIGNED", actor="dr.ada", case_id="case-1", payload=payload)
    found = ward.verdict()
    assert "the passkey did not confirm this signature" in found.reason


def test_the_commands(workspace: Engine, example: Any, capsys: pytest.CaptureFixture[str]) -> None:
    ward = Ward(workspace, example)
    place = ["--workspace", str(workspace.url.database).removesuffix("/triptych.sqlite")]
    assert main(["reading", "set-protocol", *place, "--first-read"], {}) == 0
    assert "a signature needs a passkey" in capsys.readouterr().out
    assert main(["account", "disable-passkeys", "dr.ada", *place], {}) == 0
    assert main(["reading", "set-protocol", *place, "--no-passkeys"], {}) == 0
    assert "passkey" not in capsys.readouterr().out.splitlines()[-1]
    with workspace.connect() as connection:
        assert protocols.in_force(connection) == Protocol(first_read=True)
    assert ward.verdict().intact
