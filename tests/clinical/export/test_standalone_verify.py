"""`verify.py` alone, in a Python that has nothing else: good exports, and spoiled ones."""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from clinical import canonical
from clinical.audit import heads, ledger, rotation, verifier
from clinical.audit.heads import TreeHead
from clinical.audit.signer import in_memory
from clinical.export.bundle import export
from clinical.export.selection import Selection
from clinical.review import decisions as decisions_rules
from clinical.review import progress
from clinical.review import signature as signature_rules
from clinical.workspace.database import writing

Content = dict[str, bytes]


def run(place: Path, *more: str) -> tuple[int, str]:
    """Exit code and words of the verify.py that is in the repository, isolated."""
    command = [sys.executable, "-I", "-S", verifier.__file__, str(place), *more]
    done = subprocess.run(command, capture_output=True, env={}, check=False)
    assert not done.stderr
    return done.returncode, done.stdout.decode()


@pytest.fixture
def signed(workspace: Engine, example: Any) -> Engine:
    """Two cases, one of them signed, and a change of key in between."""
    digest, _ = example.recorded(workspace)
    example.recorded(workspace, example.case("case-2"))
    with writing(workspace) as connection:
        heads.sign_now(connection)
    rotation.rotate(workspace)
    decisions_rules.decide(workspace, example.decision(digest, comment="肺炎。Пневмония."))
    with workspace.connect() as connection:
        mine = progress.progress(ledger.events(connection, case_id="case-1")).of(example.reader)
    at = example.noon + timedelta(minutes=9)
    decisions = signature_rules.decisions_digest(mine)
    signature = signature_rules.Signature("case-1", digest, example.reader, "reader", decisions, at)
    signature_rules.sign(workspace, signature)
    return workspace


@pytest.fixture
def good(signed: Engine, tmp_path: Path) -> Path:
    export(signed, tmp_path / "record.zip", actor="auditor")
    return tmp_path / "record.zip"


def spoiled(good: Path, spoil: Callable[[Content], None]) -> Path:
    with zipfile.ZipFile(good) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    spoil(content)
    out = good.with_name("spoiled.zip")
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return out


def test_a_good_export_is_whole_as_zip_and_as_folder(good: Path, tmp_path: Path) -> None:
    code, words = run(good)
    assert code == 0, words
    assert "THE RECORD IS INTACT." in words
    assert "1 signatures of readers match" in words
    assert "Research use only" in words
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(good) as archive:
        archive.extractall(folder)
    command = [sys.executable, "-I", "-S", str(folder / "verify.py")]
    assert subprocess.run(command, capture_output=True, env={}, check=False).returncode == 0


def test_a_part_of_the_record_is_whole_too(signed: Engine, tmp_path: Path) -> None:
    wanted = Selection(frozenset({"case-2"}))
    export(signed, tmp_path / "part.zip", actor="auditor", wanted=wanted)
    code, words = run(tmp_path / "part.zip")
    assert code == 0, words
    assert "3 are shown here" in words  # two of the case, and the change of key


def test_the_key_that_somebody_else_named_is_compared(good: Path) -> None:
    with zipfile.ZipFile(good) as archive:
        last = json.loads(archive.read("heads.json"))[-1]
    assert run(good, "--key", last["key"])[0] == 0
    code, words = run(good, "--key", "0" * 64)
    assert code == 1
    assert "The key is not the one you gave." in words


def test_a_ledger_that_was_broken_before_is_said_so(signed: Engine, tmp_path: Path) -> None:
    with signed.connect() as connection:
        connection.exec_driver_sql("DROP TRIGGER events_no_update")
        connection.exec_driver_sql("UPDATE events SET actor = 'm' WHERE sequence = 2")
        connection.commit()
    export(signed, tmp_path / "record.zip", actor="auditor")
    code, words = run(tmp_path / "record.zip")
    assert code == 1
    assert "was broken when exported, at 2" in words


# --- Twelve ways to spoil it; those that mend the digests too are what a forger would do. ---------


def _events(content: Content) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content["events.jsonl"].splitlines()]


def _mended(content: Content) -> None:
    """Give the manifest the digests of the files as they are now, and the receipt its digest."""
    manifest = json.loads(content["manifest.json"])
    manifest["files"] = {name: canonical.sha256(content[name]) for name in manifest["files"]}
    events = _events(content)
    manifest["head"] = {"sequence": len(events), "hash": events[-1]["hash"]}
    content["manifest.json"] = json.dumps(manifest).encode()


def _put_events(content: Content, events: list[dict[str, Any]]) -> None:
    """Write other events, with hashes that follow one another, and mend what names them."""
    previous = "0" * 64
    for number, event in enumerate(events, 1):
        event.update(sequence=number, previous=previous)
        event["hash"] = ledger.event_hash(event)
        previous = event["hash"]
    content["events.jsonl"] = b"".join(canonical.dumps(event) + b"\n" for event in events)
    _mended(content)


def a_byte_of_the_report(content: Content) -> None:
    content["report.pdf"] += b" "


def a_file_taken_away(content: Content) -> None:
    del content["comments.jsonl"]


def a_file_put_in(content: Content) -> None:
    content["more.csv"] = b"x"


def an_event_changed(content: Content) -> None:
    content["events.jsonl"] = content["events.jsonl"].replace(b'"accept"', b'"reject"')
    _mended(content)


def an_event_changed_and_hashed_again(content: Content) -> None:
    events = _events(content)
    events[0]["actor"] = "somebody"
    _put_events(content, events)


def an_event_deleted(content: Content) -> None:
    events = _events(content)
    del events[2]
    _put_events(content, events)


def two_events_swapped(content: Content) -> None:
    found = content["events.jsonl"].splitlines(keepends=True)
    found[1], found[2] = found[2], found[1]
    content["events.jsonl"] = b"".join(found)
    _mended(content)


def the_tail_cut(content: Content) -> None:
    _put_events(content, _events(content)[:-2])


def a_signature_forged(content: Content) -> None:
    listed = json.loads(content["heads.json"])
    sign = listed[-1]["signature"]
    listed[-1]["signature"] = ("1" if sign[0] == "0" else "0") + sign[1:]
    content["heads.json"] = json.dumps(listed).encode()
    _mended(content)


def signed_again_with_another_key(content: Content) -> None:
    key = in_memory(Ed25519PrivateKey.generate())
    names = TreeHead.__dataclass_fields__
    listed = [TreeHead(**{n: h[n] for n in names}) for h in json.loads(content["heads.json"])]
    last = replace(listed[-1], public_key=key.public)
    listed[-1] = replace(last, signature=key.sign(heads.statement(last)))
    content["heads.json"] = json.dumps([heads.as_json(head) for head in listed]).encode()
    _mended(content)


def a_comment_reworded(content: Content) -> None:
    content["comments.jsonl"] = content["comments.jsonl"].replace("肺炎".encode(), b"??")
    _mended(content)


def the_manifest_reworded(content: Content) -> None:
    content["manifest.json"] = content["manifest.json"].replace(b"auditor", b"nobody")


def a_proof_replaced(content: Content) -> None:
    proofs = json.loads(content["proofs.json"])
    proofs["events"][0]["path"][0] = hashlib.sha256(b"x").hexdigest()
    content["proofs.json"] = json.dumps(proofs).encode()
    _mended(content)


def the_receipt_taken_away(content: Content) -> None:
    del content["receipt.json"]


def nonsense_for_a_file(content: Content) -> None:
    content["heads.json"] = b"\xff[["
    _mended(content)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (a_byte_of_the_report, "report.pdf was changed after the export"),
        (a_file_taken_away, "comments.jsonl is missing"),
        (a_file_put_in, "more.csv does not belong"),
        (an_event_changed, "Event 6: wrong hash: a field was changed"),
        (an_event_changed_and_hashed_again, "Event 1: rewritten: one of the events 1 to 1 is not"),
        (an_event_deleted, "one of the events 2 to 4 is not what was signed"),
        (two_events_swapped, "Event 2: event 2 is missing, event 3 comes next"),
        (the_tail_cut, "truncated: the ledger ends at event 6"),
        (a_signature_forged, "the signature of the signed head over 8 events does not match"),
        (signed_again_with_another_key, "a key that was not in force"),
        (a_comment_reworded, "is not the one that the ledger recorded"),
        (the_manifest_reworded, "is not the one that the ledger recorded"),
        (a_proof_replaced, "is not the one that the ledger recorded"),
        (the_receipt_taken_away, "receipt.json is missing"),
        (nonsense_for_a_file, "not in the format of an export"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_spoiled_export_is_not_whole(
    good: Path, spoil: Callable[[Content], None], words: str
) -> None:
    code, said = run(spoiled(good, spoil))
    assert code == 1
    assert "THE RECORD IS NOT INTACT." in said
    assert words in said


def test_a_name_given_twice_is_not_taken(good: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(good, "a") as archive:
        archive.writestr("events.jsonl", b"")
    assert "two files of the same name" in run(good)[1]


def test_it_is_written_for_python_3_8() -> None:
    assert verifier.__file__
    ast.parse(Path(verifier.__file__).read_text(encoding="utf-8"), feature_version=(3, 8))


def test_its_digest_is_in_the_documents() -> None:
    page = Path(__file__).parents[3] / "docs" / "export.md"
    digest = canonical.sha256(Path(verifier.__file__).read_bytes())
    assert f"`{digest}`" in page.read_text(encoding="utf-8")


def test_what_is_no_export_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"no zip")
    assert run(tmp_path / "x.zip")[0] == 1
    assert run(tmp_path / "missing.zip")[0] == 1


@pytest.mark.parametrize(
    ("public", "message", "signature"),
    [  # RFC 8032, section 7.1: TEST 1, 2 and 3
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
            "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e"
            "458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290"
            "ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ],
)
def test_ed25519_of_the_standard(public: str, message: str, signature: str) -> None:
    data = bytes.fromhex(message)
    assert verifier.signed(public, signature, data)
    assert not verifier.signed(public, signature, data + b"x")
    # The same signature with the order of the group added to s has to be refused.
    s = int.from_bytes(bytes.fromhex(signature[64:]), "little") + verifier.ORDER
    assert not verifier.signed(public, signature[:64] + s.to_bytes(32, "little").hex(), data)


def test_ed25519_agrees_with_the_library() -> None:
    for number in range(8):
        key = in_memory(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))
        made = key.sign(b"statement %d" % number)
        assert verifier.signed(key.public, made, b"statement %d" % number)
        assert not verifier.signed(key.public, made, b"statement")
