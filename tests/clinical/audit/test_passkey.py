"""What a passkey said holds for one signature and no other, when it is made and whenever later."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from honest_record import Room
from software_passkey import SoftwarePasskey
from sqlalchemy import Engine

from clinical.access import accounts, passkeys
from clinical.audit import ledger, passkey, verifier
from clinical.audit.passkey import Confirmation
from clinical.audit.verify import NO_KEY, Verdict, verify
from clinical.errors import AccountError, ReviewError
from clinical.export.bundle import export
from clinical.export.selection import Selection
from clinical.review import protocol as protocols
from clinical.review import signature as signatures
from clinical.review.progress import progress
from clinical.review.protocol import Protocol
from clinical.review.signature import Amendment, Signature
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
    answer = held.answer(ASKED)
    assert passkey.objection(held.public_key, answer, ASKED) == ""
    assert verifier.objection(held.public_key, asdict(answer), ASKED) == "", "without a library"
    other = {**asdict(answer), "signature": asdict(held.answer(ASKED))["signature"]}
    assert "not that of the passkey" in verifier.objection(held.public_key, other, ASKED)


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
    why = passkey.objection(HELD.public_key, answer, ASKED)
    assert says in why
    assert verifier.objection(HELD.public_key, asdict(answer), ASKED) == why


def test_the_answer_of_another_passkey_or_one_that_was_changed_does_not() -> None:
    answer = HELD.answer(ASKED)
    other = SoftwarePasskey()
    assert "not that of the passkey" in passkey.objection(other.public_key, answer, ASKED)
    for name in ("authenticator", "client", "signature"):
        part = bytearray(passkey.decoded(getattr(answer, name)))
        part[-1] ^= 1
        spoiled = replace(answer, **{name: passkey.encoded(bytes(part))})
        for one in (spoiled, *(replace(answer, **{name: bad}) for bad in ("", "!", "AA==", "Zg"))):
            assert passkey.objection(HELD.public_key, one, ASKED)
            assert verifier.objection(HELD.public_key, asdict(one), ASKED)
    for no_key in ("", "Zg", HELD.public_key[:-8]):
        assert passkey.objection(no_key, answer, ASKED) == "it cannot be read"


def the_verifiers_own(public: bytes, signature: bytes, over: bytes) -> bool:
    try:
        return verifier.confirmed(public, signature, over)
    except ValueError:
        return False


def the_librarys(public: bytes, signature: bytes, over: bytes) -> bool:
    try:
        return passkey.confirms(public, signature, over)
    except ValueError:
        return False


def signatures_of(r: int, s: int) -> Iterator[bytes]:
    """A signature and what is nearly one: numbers out of range, and other ways to write it."""
    order = verifier.ORDER_256
    plain = encode_dss_signature(r, s)
    yield plain
    yield encode_dss_signature(r, order - s)  # holds, too: the curve is symmetric
    for first, second in ((0, s), (r, 0), (order, s), (r, order), (r + order, s), (s, r)):
        yield encode_dss_signature(first, second)
    yield plain + b"\0"
    yield b"\x30\x81" + plain[1:]
    yield b"\x30\x80" + plain[2:] + b"\0\0"
    yield plain[:-1]
    yield b"\x31" + plain[1:]


def test_without_a_library_the_same_signatures_of_the_same_keys_hold() -> None:
    key = ec.derive_private_key(20_301_106, ec.SECP256R1())
    public = passkey.decoded(SoftwarePasskey(key).public_key)
    r, s = decode_dss_signature(key.sign(b"asked", ec.ECDSA(SHA256())))
    held = [the_verifiers_own(public, one, b"asked") for one in signatures_of(r, s)]
    assert held == [the_librarys(public, one, b"asked") for one in signatures_of(r, s)]
    assert held.count(True) == 2
    assert held[:2] == [True, True]


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP256K1()),
        rsa.generate_private_key(65537, 1024),
    ],
    ids=["P-384", "secp256k1", "short RSA"],
)
def test_a_key_that_no_passkey_of_ours_has_is_refused_by_both(key: Any) -> None:
    public = passkey.decoded(SoftwarePasskey(key).public_key)
    for check in (verifier.confirmed, passkey.confirms):
        with pytest.raises(ValueError, match=r"kind|size|DER"):
            check(public, b"", b"")


def test_a_point_that_is_not_on_the_curve_is_no_key() -> None:
    public = bytearray(passkey.decoded(HELD.public_key))
    public[-1] ^= 1
    for check in (verifier.confirmed, passkey.confirms):
        with pytest.raises(ValueError, match="not a point of the curve"):
            check(bytes(public), b"", b"")


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

    def sign_again(self, confirmed: Confirmation) -> None:
        """Reopen what was signed, and sign it once more."""
        signatures.amend(self.engine, Amendment("case-1", "dr.ada", "mistake"))
        signatures.sign(
            self.engine, replace(self.wish, time=datetime.now(UTC)), confirmed=confirmed
        )

    def exported(self, out: Path, **wanted: Any) -> tuple[bool, str]:
        """Whether the program in an export calls it intact, and what it says."""
        export(self.engine, out, actor="auditor", **wanted)
        good, bad, manifest, key = verifier.examine(out, "")
        return not bad, verifier.verdict(good, bad, manifest, key)

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


def test_a_copy_of_a_passkey_whose_counter_lags_signs_nothing(ward: Ward) -> None:
    signatures.sign(ward.engine, ward.wish, confirmed=ward.confirmed())
    copy = replace(ward.held, counter=ward.held.counter - 1)
    with pytest.raises(ReviewError, match="there may be a copy of the passkey"):
        ward.sign_again(ward.confirmed(held=copy))
    assert ward.verdict().intact


def test_a_passkey_that_does_not_count_signs_again_and_again(ward: Ward) -> None:
    for number in range(2):
        ward.held.counter = -1  # the next answer says 0
        confirmed = ward.confirmed()
        if number:
            ward.sign_again(confirmed)
        else:
            signatures.sign(ward.engine, ward.wish, confirmed=confirmed)
    assert ward.verdict().intact


# What an export shows of it


def test_the_program_in_an_export_checks_what_the_passkeys_said(ward: Ward, tmp_path: Path) -> None:
    signatures.sign(ward.engine, ward.wish, confirmed=ward.confirmed())
    whole, says = ward.exported(tmp_path / "record.zip")
    assert whole, says
    assert "A passkey of the reader confirmed 1 of them." in says
    chosen = Selection(frozenset({"case-1"}))
    whole, says = ward.exported(tmp_path / "part.zip", wanted=chosen)
    assert whole, says
    assert "Whether a passkey confirmed 1 cannot be checked here" in says
    whole, says = ward.exported(tmp_path / "copy.zip", de_identified=True)
    assert whole, says


def moved(payload: dict[str, Any]) -> None:
    payload["passkey"]["nonce"] = "cd" * 16


def of_nobody(payload: dict[str, Any]) -> None:
    payload["passkey"]["credential"] = "cd" * 32


def without_it(payload: dict[str, Any]) -> None:
    del payload["passkey"]


def without_parts(payload: dict[str, Any]) -> None:
    payload["passkey"] = {"nonce": 7}


def with_another_meaning(payload: dict[str, Any]) -> None:
    payload["meaning"] = "seen"


def answered(ward: Ward, payload: dict[str, Any], form: int, **changes: Any) -> None:
    """Let the passkey itself answer what is asked in a form."""
    nonce = payload["passkey"]["nonce"]
    answer = ward.held.answer(passkey.challenge("case-1", payload, nonce, form), **changes)
    payload["passkey"] = passkey.as_json(Confirmation(nonce, answer))


def with_another_site(payload: dict[str, Any], ward: Ward) -> None:
    answered(ward, payload, 2, site="evil.example")


def from_another_page(payload: dict[str, Any], ward: Ward) -> None:
    answered(ward, payload, 2, origin="http://localhost.evil.example")


def with_nobody_there(payload: dict[str, Any], ward: Ward) -> None:
    answered(ward, payload, 2, flags=4)


def by_a_copy_that_lags(payload: dict[str, Any], ward: Ward) -> None:
    answered(ward, payload, 2, counter=0)


def in_the_older_form(payload: dict[str, Any], ward: Ward) -> None:
    answered(ward, payload, 1)


BY_HAND = [moved, of_nobody, without_it, without_parts, with_another_meaning]
WITH_IT = [
    with_another_site, from_another_page, with_nobody_there, by_a_copy_that_lags,
    in_the_older_form,
]  # fmt: skip


@pytest.mark.parametrize("change", [*BY_HAND, *WITH_IT])
def test_who_runs_the_machine_and_has_its_key_cannot_say_that_a_passkey_confirmed(
    ward: Ward, tmp_path: Path, change: Callable[..., None]
) -> None:
    signatures.sign(ward.engine, ward.wish, confirmed=ward.confirmed())
    with ward.engine.connect() as connection:
        (signed,) = ledger.events(connection, kind="SIGNED")
    payload = json.loads(json.dumps(dict(signed.payload)))
    change(payload, ward) if change in WITH_IT else change(payload)
    with writing(ward.engine) as connection:
        ledger.append(connection, "SIGNED", actor="dr.ada", case_id="case-1", payload=payload)
    found = ward.verdict()
    assert "the passkey did not confirm this signature" in found.reason
    walk = verifier.Walk()
    with ward.engine.connect() as connection, pytest.raises(verifier.Fault) as fault:
        walk.walk(map(ledger.as_json, ledger.events(connection)))
    assert (fault.value.number, fault.value.reason) == (found.first_broken, found.reason)


def test_what_was_confirmed_before_counters_were_looked_at_holds_as_it_did(ward: Ward) -> None:
    said = signatures.sign(ward.engine, ward.wish, confirmed=ward.confirmed())
    payload = json.loads(json.dumps(dict(said.payload)))
    with ward.engine.connect() as connection:
        before = [e for e in ledger.events(connection) if e.kind not in ("SIGNED", "TIMED")]
    walk = verifier.Walk()
    walk.walk(map(ledger.as_json, before))
    for counter in (7, 7, 3):
        answered(ward, payload, 1, counter=counter)
        event = {"sequence": walk.size + 1, "actor": "dr.ada", "case_id": "case-1"}
        assert walk.objection({**event, "payload": payload}) == ""


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
