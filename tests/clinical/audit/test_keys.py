"""The signing key: one file that its owner alone can read, and nowhere else."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from clinical.audit import keys
from clinical.errors import LedgerError


def test_a_key_is_made_on_first_need_and_is_the_same_afterwards(tmp_path: Path) -> None:
    key = keys.load(tmp_path, None)
    digest = keys.key_digest(key.public)
    assert stat.S_IMODE((tmp_path / keys.KEY_FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [keys.KEY_FILE]
    again = keys.load(tmp_path, digest)
    signature = again.sign(b"a statement")
    assert keys.signed(key.public, signature, b"a statement")
    assert keys.present(tmp_path) == {digest}


def test_signatures_are_those_of_rfc_8032(tmp_path: Path) -> None:
    # RFC 8032, section 7.1, test 2: one byte, 0x72.
    public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    signature = (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert keys.signed(public, signature, b"\x72")
    assert not keys.signed(public, signature, b"\x73")
    assert not keys.signed(public, signature.upper(), b"\x72"), "one signature has one spelling"
    for nonsense in ("", "xyz", public[:-2]):
        assert not keys.signed(nonsense, signature, b"\x72")
        assert not keys.signed(public, nonsense, b"\x72")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    keys.load(tmp_path, None)
    (tmp_path / keys.KEY_FILE).chmod(mode)
    with pytest.raises(LedgerError, match="others") as caught:
        keys.load(tmp_path, None)
    assert "chmod 600" in caught.value.remedy


def test_what_is_no_key_is_said(tmp_path: Path) -> None:
    file = tmp_path / keys.KEY_FILE
    file.write_text("secret words", encoding="utf-8")
    file.chmod(0o600)
    with pytest.raises(LedgerError, match="not an Ed25519 key") as caught:
        keys.load(tmp_path, None)
    assert "secret words" not in str(caught.value)
    with pytest.raises(LedgerError, match="not an Ed25519 key"):
        keys.present(tmp_path)


def test_another_key_than_the_ledger_names_is_refused_and_never_replaced(tmp_path: Path) -> None:
    keys.load(tmp_path, None)
    before = (tmp_path / keys.KEY_FILE).read_bytes()
    with pytest.raises(LedgerError, match="not the key that signs this ledger"):
        keys.load(tmp_path, "ab" * 32)
    assert (tmp_path / keys.KEY_FILE).read_bytes() == before
    (tmp_path / keys.KEY_FILE).unlink()
    with pytest.raises(LedgerError, match="not the key that signs this ledger"):
        keys.load(tmp_path, "ab" * 32)
    assert not list(tmp_path.iterdir()), "a lost key is not papered over by a new one"


def test_a_new_key_gets_its_place_when_the_ledger_names_it(tmp_path: Path) -> None:
    old = keys.key_digest(keys.load(tmp_path, None).public)
    new = keys.key_digest(keys.make_next(tmp_path).public)
    assert keys.present(tmp_path) == {old, new}
    keys.load(tmp_path, old)
    assert keys.present(tmp_path) == {old, new}, "not before"
    keys.load(tmp_path, new)
    assert keys.present(tmp_path) == {new}
