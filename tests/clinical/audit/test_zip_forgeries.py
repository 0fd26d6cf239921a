"""Exports changed on their way: none is called intact, and none speaks in the verifier's voice."""

from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path
from typing import Any

import packed_forgeries  # noqa: F401  (adds to BYTES and CONTENT)
import pytest
from honest_record import Kept, honest_record
from zip_forgeries import BYTES, CONTENT, mend, read, write

from clinical.audit import verifier
from clinical.export.bundle import export
from clinical.export.selection import Selection
from clinical.workspace.database import open_workspace
from pipelines.cli import main

INTACT = "THE RECORD IS INTACT."


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory, example: Any) -> Kept:
    return honest_record(tmp_path_factory.mktemp("honest"), example)


@pytest.fixture(scope="module")
def good(record: Kept, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("export") / "record.zip"
    engine = open_workspace(record.folder)
    export(engine, out, actor="auditor")
    engine.dispose()
    return out


def verdict(place: Path, key: str = "") -> tuple[bool, str]:
    good, bad, manifest, digest = verifier.examine(place, key)
    return not bad, verifier.verdict(good, bad, manifest, digest)


def is_refused(place: Path) -> None:
    whole, text = verdict(place)
    assert not whole, text
    assert INTACT not in text
    assert all(sign.isprintable() or sign == "\n" for sign in text)


def test_there_are_many() -> None:
    assert len(CONTENT) + len(BYTES) >= 60


def test_the_export_is_intact(good: Path, record: Kept) -> None:
    assert verdict(good, record.key)[0], verdict(good, record.key)[1]


@pytest.mark.parametrize("what", CONTENT)
def test_an_export_with_other_content_is_refused(good: Path, tmp_path: Path, what: str) -> None:
    content = read(good)
    CONTENT[what](content)
    is_refused(write(tmp_path / "forged.zip", content))


@pytest.mark.parametrize("what", BYTES)
def test_another_zip_is_refused(good: Path, tmp_path: Path, what: str) -> None:
    (tmp_path / "forged.zip").write_bytes(BYTES[what](read(good)))
    is_refused(tmp_path / "forged.zip")


def test_packed_again_as_it_was_it_is_still_intact(good: Path, tmp_path: Path) -> None:
    assert verdict(write(tmp_path / "again.zip", read(good)))[0]


def test_a_zip_of_large_files_is_read_as_python_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 500)
    monkeypatch.setattr(verifier, "LARGE", 500)
    content = {f"f{number}.txt": bytes(number * 200) for number in range(6)}
    with zipfile.ZipFile(tmp_path / "large.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            with archive.open(name, "w", force_zip64=True) as file:
                file.write(data)
    files = verifier.Files(tmp_path / "large.zip")
    assert {name: b"".join(files.chunks(name)) for name in files.names} == content


def test_an_unpacked_export_is_intact_and_holds_files_only(good: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(good) as archive:
        archive.extractall(tmp_path / "unpacked")
    assert verdict(tmp_path / "unpacked")[0]
    events = tmp_path / "unpacked" / "events.jsonl"
    events.rename(tmp_path / "elsewhere.jsonl")
    for put in (lambda: events.symlink_to(tmp_path / "elsewhere.jsonl"), lambda: os.mkfifo(events)):
        put()
        is_refused(tmp_path / "unpacked")
        events.unlink()


def test_the_record_of_another_key_is_refused_where_the_key_is_known(
    good: Path, record: Kept, example: Any, tmp_path: Path
) -> None:
    other = honest_record(tmp_path, example)
    engine = open_workspace(other.folder)
    export(engine, tmp_path / "other.zip", actor="auditor")
    engine.dispose()
    assert verdict(tmp_path / "other.zip")[0], "whole in itself"
    assert not verdict(tmp_path / "other.zip", record.key)[0]
    content = read(good)
    content["receipt.json"] = read(tmp_path / "other.zip")["receipt.json"]
    is_refused(write(tmp_path / "mixed.zip", content))


def test_a_part_of_the_record_hides_nothing_that_was_changed(record: Kept, tmp_path: Path) -> None:
    engine = open_workspace(record.folder)
    wanted = Selection(frozenset({"case-2"}))
    export(engine, tmp_path / "part.zip", actor="auditor", wanted=wanted)
    engine.dispose()
    assert verdict(tmp_path / "part.zip")[0]
    content = read(tmp_path / "part.zip")
    leaf = b'"leaf":"'
    place = content["events.jsonl"].index(leaf) + len(leaf)
    text = content["events.jsonl"]
    other = b"0" if text[place : place + 1] != b"0" else b"1"
    content["events.jsonl"] = text[:place] + other + text[place + 1 :]
    mend(content)
    is_refused(write(tmp_path / "forged.zip", content))


def test_a_file_of_one_long_line_takes_no_long_time(good: Path, tmp_path: Path) -> None:
    content = read(good)
    content["events.jsonl"] = b'{"actor":"' + b"x" * 60_000_000
    mend(content)
    started = time.process_time()
    is_refused(write(tmp_path / "long.zip", content, method=0))
    assert time.process_time() - started < 20


def test_the_installed_verifier_checks_a_received_file(
    good: Path, record: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "check", str(good), "--key", record.key], {}) == 0
    assert INTACT in capsys.readouterr().out
    assert main(["audit", "check", str(good), "--witness", str(record.witness)], {}) == 0
    later = tmp_path / "manifest.json"
    later.write_text('{"head": {"sequence": 9999, "hash": "x"}}', encoding="utf-8")
    assert main(["audit", "check", str(good), "--head", str(later)], {}) == 1
    assert "rolled back" in capsys.readouterr().out
    content = read(good)
    content["verify.py"] = b"print('THE RECORD IS INTACT.')\n"
    assert main(["audit", "check", str(write(tmp_path / "forged.zip", content))], {}) == 1
    assert INTACT not in capsys.readouterr().out
    assert main(["audit", "check", str(good), "--key", "0" * 64], {}) == 1
