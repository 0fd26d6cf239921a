"""A key by its digest, by its words and by its file, and what verification says of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from clinical.audit import key_words, keys, ledger
from clinical.errors import LedgerError
from clinical.workspace.database import folder_of, writing
from pipelines.cli import main

DIGEST = "8ee5b3ff8efc768eff36ed266e6f56350986590ed4d20bc47dbe46fced8596a9"
WORDS = (
    "moment collect zoo bulb shuffle electric wolf tank chapter inflict stereo head observe clutch"
    " deputy olympic armed catalog hurdle mistake solution security follow dawn"
)


def test_the_words_lead_back_to_the_digest() -> None:
    assert " ".join(key_words.words_of(DIGEST)) == WORDS
    assert key_words.digest_of(WORDS) == DIGEST
    assert key_words.digest_of(f"  {WORDS.upper().replace(' ', '  ')}\n") == DIGEST
    assert key_words.digest_of(DIGEST.upper()) == DIGEST


@pytest.mark.parametrize(
    "typed",
    [
        WORDS.replace("collect", "college"),  # misheard
        WORDS.replace("moment collect", "collect moment"),  # out of order
        WORDS.removesuffix(" dawn"),
        WORDS.replace("zoo", "zoological"),
        DIGEST[:-1],
        "",
    ],
)
def test_what_was_misheard_is_noticed(typed: str) -> None:
    with pytest.raises(LedgerError, match="not the digest of a key"):
        key_words.digest_of(typed)


@pytest.fixture
def place(workspace: Engine) -> list[str]:
    with writing(workspace) as connection:
        ledger.append(connection, "OPENED", actor="reader", payload={})
        return ["--workspace", str(folder_of(connection))]


def spoil(file: Path, how: str) -> None:
    if how == "missing":
        file.unlink()
    elif how == "unreadable":
        file.unlink()
        file.mkdir(mode=0o700)
    elif how == "group-readable":
        file.chmod(0o640)
    elif how == "foreign":
        file.unlink()
        keys.load(file.parent, None)
    else:
        file.write_text("no key", encoding="utf-8")


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("missing", "ledger.key is missing; restore it from a backup, or give the digest"),
        ("unreadable", "cannot be read: Is a directory; run Triptych as the owner"),
        ("group-readable", "can be read by users other than its owner; run `chmod 600"),
        ("foreign", "made with a different key from the one in the workspace"),
        ("spoiled", "is not an Ed25519 key; restore the key file"),
    ],
)
def test_a_key_that_is_not_as_it_should_be_fails_with_a_sentence(
    place: list[str], how: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "show-key", *place], {}) == 0
    digest = capsys.readouterr().out.split()[1]
    spoil(Path(place[1]) / keys.KEY_FILE, how)
    assert main(["audit", "verify", *place], {}) == 1
    assert says in " ".join(capsys.readouterr().out.split())
    assert main(["audit", "verify", *place, "--key", digest], {}) == 0
    assert main(["audit", "verify", *place, "--key", "none"], {}) == 0
    words = " ".join(key_words.words_of(digest))
    assert main(["audit", "verify", *place, "--key", words], {}) == 0
    assert main(["audit", "verify", *place, "--key", "ab" * 32], {}) == 1
    assert "not with the one given" in capsys.readouterr().out


def test_an_empty_workspace_has_no_key(
    workspace: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    with workspace.connect() as connection:
        place = ["--workspace", str(folder_of(connection))]
    assert main(["audit", "show-key", *place], {}) == 1
    assert "Nothing has been signed" in capsys.readouterr().err
    assert main(["audit", "verify", *place], {}) == 0
