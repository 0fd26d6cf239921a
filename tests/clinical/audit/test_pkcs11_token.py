"""The key in a token: it signs, it cannot be read, and without it nothing is recorded."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import soft_token
from recording import folder, record
from soft_token import PIN, SoftToken
from sqlalchemy import Engine

from clinical.audit import keys, pkcs11_token, rotation, token_pin
from clinical.audit.verify import Verdict, verify
from clinical.errors import LedgerError
from pipelines.cli import main


@pytest.fixture
def token(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> SoftToken:
    monkeypatch.setattr(token_pin, "_typed", {})
    monkeypatch.setattr(token_pin, "_refused", set())
    folder = tmp_path_factory.mktemp("token")
    return soft_token.make("ward", folder, monkeypatch)


def verdict(engine: Engine) -> Verdict:
    with engine.connect() as connection:
        return verify(connection)


def test_a_key_made_in_the_token_signs_from_the_first_event_to_another_key(
    workspace: Engine, token: SoftToken, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--workspace", str(folder(workspace))]
    assert main(["audit", "rotate-key", *place, *token.options], {}) == 0
    assert "first key " in capsys.readouterr().out
    record(workspace, "PROTOCOL")
    record(workspace, "PROTOCOL")
    (first,) = keys.present(folder(workspace))
    assert main(["audit", "rotate-key", *place], {}) == 0
    (second,) = keys.present(folder(workspace))
    assert second != first
    with pytest.raises(LedgerError, match="does not hold the key"):
        token.place.find(first)
    record(workspace, "PROTOCOL")
    found = verdict(workspace)
    assert (found.intact, found.signed, found.key) == (True, 4, second)
    capsys.readouterr()
    assert main(["audit", "show-key", *place], {}) == 0
    assert capsys.readouterr().out.endswith("kept in the token ward\n")
    assert main(["audit", "verify", *place], {}) == 0


def test_from_the_file_into_the_token_and_back(workspace: Engine, token: SoftToken) -> None:
    record(workspace, "PROTOCOL")
    file = folder(workspace) / keys.KEY_FILE
    assert file.read_bytes().startswith(b"-----BEGIN")
    into = rotation.rotate(workspace, place=token.place)
    assert json.loads(file.read_bytes())["key"] == into.payload["new"]
    assert b"PRIVATE" not in file.read_bytes()
    assert PIN.encode() not in file.read_bytes()
    record(workspace, "PROTOCOL")
    back = rotation.rotate(workspace, in_file=True)
    assert file.read_bytes().startswith(b"-----BEGIN")
    assert keys.present(folder(workspace)) == {back.payload["new"]}
    with pytest.raises(LedgerError, match="does not hold the key"):
        token.place.find(into.payload["new"])
    assert verdict(workspace).intact


def test_signatures_are_those_of_ed25519(token: SoftToken) -> None:
    made = token.place.make()
    assert keys.signed(made.public, made.sign(b"a statement"), b"a statement")
    assert not keys.signed(made.public, made.sign(b"a statement"), b"another")
    assert token.place.find(keys.key_digest(made.public)).public == made.public


def test_another_machine_takes_the_key_from_the_same_token(
    workspace: Engine, token: SoftToken, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--workspace", str(folder(workspace))]
    use = ["audit", "use-key", *place, *token.options]
    assert main(use, {}) == 1
    assert "Nothing has been signed" in capsys.readouterr().err
    record(workspace, "PROTOCOL")
    assert main(use, {}) == 1, "the token has no key of this ledger"
    assert main(["audit", "use-key", *place], {}) == 1
    assert main(["audit", "use-key", *place, "--token", "ward"], {}) == 1
    rotation.rotate(workspace, place=token.place)
    (folder(workspace) / keys.KEY_FILE).unlink()
    assert main(use, {}) == 0
    assert "taken from the token ward" in capsys.readouterr().out
    record(workspace, "PROTOCOL")
    assert verdict(workspace).intact
    (folder(workspace) / keys.KEY_FILE).unlink()
    keys.load(folder(workspace), None)
    assert main(use, {}) == 1
    assert "is another key" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("taken out", "The token ward did not do what was asked"),
        ("not put in", "The token ward is not there"),
        ("foreign", "The token ward does not hold the key that signs this ledger"),
        ("two of one name", "The token ward is there more than once"),
        ("another PIN", "The token ward refused the PIN"),
        ("PIN file of all", "can be read by users other than its owner"),
        ("no PIN file", "pin cannot be read: No such file"),
        ("empty PIN file", "does not hold one line"),
        ("no library", "cannot be loaded as the library of a PKCS#11 token"),
        ("no package", "the package that asks it is not installed"),
        ("spoiled setting", "does not say where the key is kept"),
    ],
)
def test_a_token_that_is_not_as_it_should_be_fails_with_a_sentence_and_nothing_is_recorded(
    workspace: Engine,
    token: SoftToken,
    how: str,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    record(workspace, "PROTOCOL")
    rotation.rotate(workspace, place=token.place)
    spoil(folder(workspace) / keys.KEY_FILE, token, how, monkeypatch)
    with pytest.raises(LedgerError, match=says) as caught:
        record(workspace, "PROTOCOL")
    assert PIN not in str(caught.value)
    assert sorted(path.name for path in folder(workspace).glob("ledger.*")) == [keys.KEY_FILE]
    place = ["--workspace", str(folder(workspace))]
    for command in (["verify"], ["sign"], ["rotate-key"], ["rotate-key", "--file"]):
        code = main(["audit", command[0], *place, *command[1:]], {})
        told = capsys.readouterr()
        if command == ["sign"]:  # there is nothing new to sign
            continue
        assert code == 1, command
        assert says in " ".join((told.out + told.err).split())
    assert main(["audit", "verify", *place, "--key", "none"], {}) == 0
    assert "intact: 2 events" in capsys.readouterr().out


def spoil(file: Path, token: SoftToken, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    setting = json.loads(file.read_bytes())
    if how in ("taken out", "not put in", "foreign", "two of one name"):
        if how != "two of one name":
            token.take_out()
        if how in ("foreign", "two of one name"):
            soft_token.initialise("ward")
        if how != "taken out":
            soft_token.start_again(token.module)
    elif how == "another PIN":
        token.pin_file.write_text("0000-heron", encoding="utf-8")
    elif how == "PIN file of all":
        token.pin_file.chmod(0o644)
    elif how == "no PIN file":
        token.pin_file.unlink()
    elif how == "empty PIN file":
        token.pin_file.write_text("\n", encoding="utf-8")
    elif how == "no package":
        monkeypatch.setitem(sys.modules, "pkcs11", None)
    elif how == "no library":
        file.write_text(json.dumps(setting | {"module": "/nowhere.so"}), encoding="utf-8")
    else:
        file.write_text(json.dumps({"kept": "token", "key": setting["key"]}), encoding="utf-8")


def test_a_key_file_that_names_another_key_of_the_token_is_not_taken(
    workspace: Engine, token: SoftToken
) -> None:
    record(workspace, "PROTOCOL")
    rotation.rotate(workspace, place=token.place)
    own = token.place.make()
    file = folder(workspace) / keys.KEY_FILE
    setting = json.loads(file.read_bytes()) | {"key": keys.key_digest(own.public)}
    file.write_text(json.dumps(setting), encoding="utf-8")
    with pytest.raises(LedgerError, match="is not the key that signs this ledger"):
        record(workspace, "PROTOCOL")
    assert "a different key from the one in the workspace" in verdict(workspace).reason


def test_a_pin_that_was_refused_is_not_tried_again(
    token: SoftToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = keys.key_digest(token.place.make().public)
    refusals: list[str] = []
    refused = token_pin.refused

    def counted(label: str, pin: str) -> LedgerError:
        refusals.append(pin)
        return refused(label, pin)

    monkeypatch.setattr(token_pin, "refused", counted)
    token.pin_file.write_text("0000-heron", encoding="utf-8")
    for _ in range(20):  # a real token would be locked by then
        with pytest.raises(LedgerError, match="refused the PIN"):
            token.place.find(digest)
    assert refusals == ["0000-heron"]
    token.pin_file.write_text(PIN, encoding="utf-8")
    assert keys.key_digest(token.place.find(digest).public) == digest


def test_the_pin_is_asked_for_once_where_somebody_can_be_asked(
    token: SoftToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = pkcs11_token.place(token.label, token.module)
    assert "pin_file" not in place.setting
    with pytest.raises(LedgerError, match="there is nobody to ask"):
        place.make()
    asked: list[str] = []

    def typed(prompt: str) -> str:
        asked.append(prompt)
        return PIN

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", typed)
    made = place.make()
    made.sign(b"a statement")
    assert asked == ["PIN of the token ward: "]


def test_a_signature_of_another_key_is_not_taken(token: SoftToken) -> None:
    made, _ = token.place.make(), token.place.make()
    exchange_private_halves(token)
    with pytest.raises(LedgerError, match="a signature that is not that of its key"):
        made.sign(b"a statement")


def exchange_private_halves(token: SoftToken) -> None:
    import pkcs11

    found = pkcs11.lib(str(token.module)).get_token(token_label=token.label)
    with found.open(rw=True, user_pin=PIN) as session:
        kind = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY}
        first, second = session.get_objects(kind)
        first[pkcs11.Attribute.ID], second[pkcs11.Attribute.ID] = (
            second[pkcs11.Attribute.ID],
            first[pkcs11.Attribute.ID],
        )
