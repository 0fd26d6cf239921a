"""The key in the keyring of the system; here one in memory, and those of `keyring` that fail."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest
from recording import folder, record
from sqlalchemy import Engine

from clinical.audit import keys, ledger, rotation, system_keyring
from clinical.audit.verify import verify
from clinical.errors import LedgerError
from pipelines.cli import main

keyring = pytest.importorskip("keyring", reason="the package keyring is not installed")

from keyring.backend import KeyringBackend  # noqa: E402
from keyring.backends import fail, null  # noqa: E402
from keyring.errors import KeyringLocked  # noqa: E402


class InMemory(KeyringBackend):
    """As long as nobody locks it, what was set is there."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


@pytest.fixture
def unlocked() -> Iterator[InMemory]:
    before = keyring.get_keyring()
    made = InMemory()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


def test_the_key_is_in_the_keyring_and_the_file_only_says_so(
    workspace: Engine, unlocked: InMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    record(workspace, "PROTOCOL")
    place = folder(workspace)
    options = ["--workspace", str(place)]
    assert main(["audit", "rotate-key", *options, "--keyring"], {}) == 0
    ((service, digest),) = unlocked.entries
    assert service == "triptych"
    assert json.loads((place / keys.KEY_FILE).read_bytes()) == {"kept": "keyring", "key": digest}
    record(workspace, "PROTOCOL")
    assert main(["audit", "rotate-key", *options], {}) == 0
    assert len(unlocked.entries) == 1
    assert (service, digest) not in unlocked.entries, "the old key is not kept"
    record(workspace, "PROTOCOL")
    with workspace.connect() as connection:
        found = verify(connection)
    assert (found.intact, found.signed) == (True, 5)
    capsys.readouterr()
    assert main(["audit", "show-key", *options], {}) == 0
    assert "kept in the system keyring" in capsys.readouterr().out
    (place / keys.KEY_FILE).unlink()
    assert main(["audit", "use-key", *options, "--keyring"], {}) == 0
    assert main(["audit", "verify", *options], {}) == 0


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("locked", r"did not do what was asked \(KeyringLocked\)"),
        ("emptied", "does not hold the key that signs this ledger"),
        ("exchanged", "does not hold the key that signs this ledger"),
        ("spoiled", "does not hold the key that signs this ledger"),
        ("none", r"did not do what was asked \(NoKeyringError\)"),
        ("null", "does not hold the key that signs this ledger"),
        ("no package", "the package that asks it is not installed"),
    ],
)
def test_a_keyring_that_is_not_as_it_should_be_fails_with_a_sentence_and_nothing_is_recorded(
    workspace: Engine,
    unlocked: InMemory,
    how: str,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record(workspace, "PROTOCOL")
    place = folder(workspace)
    rotation.rotate(workspace, place=system_keyring.place())
    ((entry, seed),) = unlocked.entries.items()
    if how == "locked":
        unlocked.locked = True
    elif how == "emptied":
        unlocked.entries.clear()
    elif how in ("exchanged", "spoiled"):
        unlocked.entries[entry] = seed[::-1] if how == "exchanged" else "no key"
    elif how in ("none", "null"):
        keyring.set_keyring(fail.Keyring() if how == "none" else null.Keyring())
    else:
        monkeypatch.setitem(sys.modules, "keyring.errors", None)
    with pytest.raises(LedgerError, match=says) as caught:
        record(workspace, "PROTOCOL")
    assert seed not in str(caught.value)
    assert [path.name for path in place.glob("ledger.*")] == [keys.KEY_FILE], "and no new key"
    assert main(["audit", "verify", "--workspace", str(place)], {}) == 1
    with workspace.connect() as connection:
        assert ledger.head(connection).sequence == 2


def test_a_keyring_that_keeps_nothing_is_not_moved_to(workspace: Engine) -> None:
    record(workspace, "PROTOCOL")
    place = folder(workspace)
    before = keyring.get_keyring()
    keyring.set_keyring(null.Keyring())
    with pytest.raises(LedgerError, match="does not hold the key"):
        rotation.rotate(workspace, place=system_keyring.place())
    keyring.set_keyring(before)
    assert (place / keys.KEY_FILE).read_bytes().startswith(b"-----BEGIN")
    assert [path.name for path in place.glob("ledger.*")] == [keys.KEY_FILE]
    record(workspace, "PROTOCOL")
    with workspace.connect() as connection:
        assert verify(connection).intact
