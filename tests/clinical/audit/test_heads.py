"""Signed heads: when they are signed, what they show, and how keys change hands."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from recording import folder
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from clinical.audit import heads, keys, ledger, proofs, rotation
from clinical.audit.heads import TreeHead
from clinical.audit.verifier import AT_ONCE, EVERY, EVERY_EVENTS
from clinical.audit.verify import Verdict, verify
from clinical.errors import LedgerError
from clinical.workspace.database import writing
from pipelines.cli import main


def record(engine: Engine, count: int, kind: str = "OPENED") -> None:
    with writing(engine) as connection:
        for number in range(count):
            ledger.append(connection, kind, actor="reader", payload={"n": number})  # type: ignore[arg-type]


def sizes(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        return sorted(heads.with_edges(connection))


def sign(engine: Engine) -> TreeHead:
    with writing(engine) as connection:
        return heads.sign_now(connection)


def verdict(engine: Engine, known: TreeHead | None = None) -> Verdict:
    with engine.connect() as connection:
        return verify(connection, known=known)


def test_the_first_event_every_64th_and_every_export_is_signed(workspace: Engine) -> None:
    record(workspace, 10)
    record(workspace, 1, "EXPORTED")
    record(workspace, EVERY_EVENTS + 3)
    assert sizes(workspace) == [1, 11, 11 + EVERY_EVENTS]
    found = verdict(workspace)
    assert (found.intact, found.signed, found.events) == (
        True,
        11 + EVERY_EVENTS,
        14 + EVERY_EVENTS,
    )
    assert {found.key} == keys.present(folder(workspace))


@pytest.mark.parametrize("kind", sorted(AT_ONCE - {"KEY_ROTATED"}))
def test_what_a_person_answers_for_is_signed_at_once(workspace: Engine, kind: str) -> None:
    record(workspace, 3)
    with writing(workspace) as connection:
        ledger.append(connection, kind, actor="reader", payload={})  # type: ignore[arg-type]
    assert sizes(workspace) == [1, 4]


def test_a_minute_without_a_head_is_signed_with_the_next_event(workspace: Engine) -> None:
    begin = datetime.now(UTC) - 3 * EVERY
    for moment in (begin, begin + EVERY / 2, begin + EVERY):
        with writing(workspace) as connection:
            ledger.append(connection, "OPENED", actor="reader", payload={}, time=moment)
    assert sizes(workspace) == [1], "the first head says when it was signed: after all of these"
    later = datetime.now(UTC) + 2 * EVERY
    with writing(workspace) as connection:
        ledger.append(connection, "OPENED", actor="reader", payload={}, time=later)
    assert sizes(workspace) == [1, 4]
    assert verdict(workspace).intact


def test_a_head_is_signed_on_request_once(workspace: Engine) -> None:
    with pytest.raises(LedgerError, match="empty"):
        sign(workspace)
    record(workspace, 5)
    first = sign(workspace)
    assert first.size == 5
    assert sign(workspace) == first
    assert sizes(workspace) == [1, 5]


def interrupted_export(engine: Engine) -> None:
    with writing(engine) as connection:
        ledger.append(connection, "EXPORTED", actor="a", payload={})
        raise InterruptedError


def test_a_head_that_rolls_back_with_its_event_leaves_nothing(workspace: Engine) -> None:
    with pytest.raises(InterruptedError):
        interrupted_export(workspace)
    assert sizes(workspace) == []
    record(workspace, 2)
    assert verdict(workspace).intact


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tree_heads SET root = 'x'",
        "DELETE FROM tree_heads",
        "INSERT OR REPLACE INTO tree_heads SELECT * FROM tree_heads WHERE size = 3",
        "INSERT INTO tree_heads SELECT 2, root, time, origin, previous, public_key, signature, edge"
        " FROM tree_heads WHERE size = 3",
    ],
)
def test_the_database_itself_refuses_to_change_a_head(workspace: Engine, statement: str) -> None:
    record(workspace, 3)
    sign(workspace)
    with writing(workspace) as connection, pytest.raises(IntegrityError, match="append-only"):
        connection.execute(text(statement))
    assert sizes(workspace) == [1, 3]


def test_a_kept_head_survives_its_way_through_a_file(workspace: Engine) -> None:
    record(workspace, 3)
    head = sign(workspace)
    kept = json.loads(json.dumps(heads.as_json(head)))
    assert heads.from_json(kept) == head
    record(workspace, 4)
    assert verdict(workspace, head).intact
    for name, value in (("size", 4), ("root", "ab" * 32), ("time", ""), ("signature", "00" * 64)):
        with pytest.raises(LedgerError, match="does not match"):
            heads.from_json({**kept, name: value})
    with pytest.raises(LedgerError, match="not a signed head"):
        heads.from_json({**kept, "size": "3"})
    with pytest.raises(LedgerError, match="not a signed head"):
        heads.from_json({**kept, "size": 0})


def test_neither_key_nor_password_is_in_the_database(workspace: Engine) -> None:
    record(workspace, 1)
    rotation.rotate(workspace)
    file = (folder(workspace) / keys.KEY_FILE).read_bytes()
    private = file.splitlines()[1]
    with writing(workspace) as connection:
        connection.exec_driver_sql("SELECT 1")
    assert workspace.url.database
    stored = sqlite3.connect(workspace.url.database)
    whole = "\n".join(stored.iterdump())
    stored.close()
    assert private.decode() not in whole
    key = load_pem_private_key(file, password=None)
    assert isinstance(key, Ed25519PrivateKey)
    assert key.private_bytes_raw().hex() not in whole


# Another key


def test_a_new_key_is_vouched_for_by_the_old_one(workspace: Engine) -> None:
    record(workspace, 3)
    (old,) = keys.present(folder(workspace))
    event = rotation.rotate(workspace, actor="admin")
    (new,) = keys.present(folder(workspace))
    assert (event.actor, event.payload["old"], event.payload["new"]) == ("admin", old, new)
    record(workspace, 2)
    last = sign(workspace)
    assert keys.key_digest(last.public_key) == new
    with workspace.connect() as connection:
        before = heads.with_edges(connection)[event.sequence][0]
    assert keys.key_digest(before.public_key) == old
    rotation.rotate(workspace)
    found = verdict(workspace, last)
    assert (found.intact, found.signed) == (True, 7)
    assert sizes(workspace) == [1, 4, 6, 7]


def test_there_is_nothing_to_change_before_the_first_head(workspace: Engine) -> None:
    with pytest.raises(LedgerError, match="Nothing has been signed"):
        rotation.rotate(workspace)
    assert not (folder(workspace) / keys.KEY_FILE).exists()


def test_a_crash_between_the_event_and_the_files_is_mended(
    workspace: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(workspace, 2)
    with monkeypatch.context() as broken:
        settled = heads.signing_key
        calls: list[int] = []

        def dies_the_second_time(connection: Any) -> Any:
            calls.append(1)
            if len(calls) > 2:  # once for rotate, once for the head over its event, then for files
                raise KeyboardInterrupt
            return settled(connection)

        broken.setattr(heads, "signing_key", dies_the_second_time)
        with pytest.raises(KeyboardInterrupt):
            rotation.rotate(workspace)
    assert len(keys.present(folder(workspace))) == 2
    assert verdict(workspace).intact
    record(workspace, 1)
    assert sign(workspace).size == 4
    assert len(keys.present(folder(workspace))) == 1
    assert verdict(workspace).intact


def test_a_lost_key_stops_what_would_go_unsigned(workspace: Engine) -> None:
    record(workspace, 2)
    (folder(workspace) / keys.KEY_FILE).unlink()
    record(workspace, 1)
    with pytest.raises(LedgerError, match="not the key that signs"):
        record(workspace, 1, "EXPORTED")
    with workspace.connect() as connection:
        assert ledger.head(connection).sequence == 3
    assert "ledger.key is missing" in verdict(workspace).reason


def test_a_broken_ledger_is_appended_to_but_not_signed(workspace: Engine) -> None:
    record(workspace, 4)
    with writing(workspace) as connection:
        connection.execute(text("DROP TRIGGER events_no_update"))
        connection.execute(text("UPDATE events SET actor = 'm' WHERE sequence = 3"))
    with pytest.raises(LedgerError, match="is broken"):
        sign(workspace)
    with pytest.raises(LedgerError, match="is broken"):
        rotation.rotate(workspace)
    assert len(keys.present(folder(workspace))) == 1
    record(workspace, 1, "EXPORTED")
    assert sizes(workspace) == [1]
    assert verdict(workspace).first_broken == 3


# Proofs


def test_an_event_can_be_proved_without_the_others(workspace: Engine) -> None:
    record(workspace, 9)
    with workspace.connect() as connection, pytest.raises(LedgerError, match="No signed head"):
        proofs.inclusion(connection, 9)
    sign(workspace)
    record(workspace, 2)
    for number in range(1, 10):
        with workspace.connect() as connection:
            proof = json.loads(json.dumps(proofs.inclusion(connection, number)))
        assert proofs.shows_inclusion(proof)
        proof["event"]["actor"] = "mallory"
        assert not proofs.shows_inclusion(proof)
    with workspace.connect() as connection, pytest.raises(LedgerError, match="no event 12"):
        proofs.inclusion(connection, 12)


def test_an_older_head_is_proved_to_be_of_the_same_ledger(workspace: Engine) -> None:
    record(workspace, 5)
    kept = sign(workspace)
    record(workspace, 8)
    sign(workspace)
    with workspace.connect() as connection:
        proof = json.loads(json.dumps(proofs.consistency(connection, kept)))
        assert proofs.shows_consistency(proof)
        with pytest.raises(LedgerError, match="no longer those of the workspace"):
            proofs.consistency(connection, replace(kept, root="ab" * 32))
        with pytest.raises(LedgerError, match="fewer than 99"):
            proofs.consistency(connection, replace(kept, size=99))


# The command line


def test_head_verify_prove_and_rotate(
    workspace: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(workspace, 6)
    place = ["--workspace", str(folder(workspace))]
    kept, proof = tmp_path / "head.json", tmp_path / "proof.json"
    assert main(["audit", "sign", *place, "--out", str(kept)], {}) == 0
    assert "signed head over 6 events" in capsys.readouterr().out
    assert main(["audit", "rotate-key", *place], {}) == 0
    assert "event 7: key " in capsys.readouterr().out
    assert main(["audit", "prove", *place, "--event", "2", "--out", str(proof)], {}) == 0
    assert proofs.shows_inclusion(json.loads(proof.read_text(encoding="utf-8")))
    assert main(["audit", "prove", *place, "--head", str(kept), "--out", str(proof)], {}) == 0
    assert "the head over 7 events extends that over 6" in capsys.readouterr().out
    assert proofs.shows_consistency(json.loads(proof.read_text(encoding="utf-8")))
    assert main(["audit", "prove", *place], {}) == 1
    capsys.readouterr()
    assert main(["audit", "verify", *place, "--head", str(kept)], {}) == 0
    shown = capsys.readouterr().out
    assert "intact: 7 events" in shown
    assert "signed: the first 7, key " in shown
    assert "is a head of this ledger" in shown
    assert main(["audit", "sign", *place], {}) == 0
    assert heads.from_json(json.loads(capsys.readouterr().out)).size == 7

    kept.write_text(kept.read_text(encoding="utf-8").replace('"size": 6', '"size": 5'))
    assert main(["audit", "verify", *place, "--head", str(kept)], {}) == 1
    assert "was changed after it was signed" in " ".join(capsys.readouterr().err.split())
    for content in ("no head", "[]"):
        kept.write_text(content, encoding="utf-8")
        assert main(["audit", "verify", *place, "--head", str(kept)], {}) == 1
        assert "is not a head" in capsys.readouterr().err
    assert main(["audit", "verify", *place, "--head", str(tmp_path / "none")], {}) == 1


def test_the_manifest_of_an_export_is_a_kept_head_too(
    workspace: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(workspace, 3)
    place = ["--workspace", str(folder(workspace))]
    assert main(["audit", "export", *place, "--out", str(tmp_path / "out.zip")], {}) == 0
    assert sizes(workspace) == [1, 3, 4], "signed before it, and with its event"
    manifest = tmp_path / "manifest.json"
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        manifest.write_bytes(archive.read("manifest.json"))
    assert main(["audit", "verify", *place, "--head", str(manifest)], {}) == 0
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace('"sequence": 3', '"sequence": 2'), encoding="utf-8")
    capsys.readouterr()
    assert main(["audit", "verify", *place, "--head", str(manifest)], {}) == 1
    assert "BROKEN at event 2: the ledger was rewritten" in capsys.readouterr().out
