"""Files with patient data: for their owner only, whole or as before; a full disk is named."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from full_disk import room

from clinical.errors import StoreError
from clinical.workspace import own_file, scratch


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_a_file_is_for_its_owner_only_also_where_another_one_was(tmp_path: Path) -> None:
    file = tmp_path / "assessments.jsonl"
    file.write_text("earlier", encoding="utf-8")
    left = tmp_path / "assessments.jsonl.part"  # of a run that was killed
    left.write_text("a longer text of earlier", encoding="utf-8")
    own_file.write(file, "Müller")
    assert file.read_bytes() == "Müller".encode()
    assert mode(file) == 0o600
    assert not left.exists()


def test_a_file_that_grows_keeps_what_was_flushed_and_is_made_once(tmp_path: Path) -> None:
    file = tmp_path / "shard.jsonl"
    with own_file.growing(file) as lines:
        lines.write(b"first\n")
        lines.flush()
        assert file.read_bytes() == b"first\n"
    assert mode(file) == 0o600
    with pytest.raises(FileExistsError), own_file.growing(file):
        pass


def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    own_file.write(file, "whole")
    with pytest.raises(ZeroDivisionError), own_file.writing(file) as stream:
        stream.write(b"half" * (1 // 0))
    assert file.read_text(encoding="utf-8") == "whole"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    "fill",
    [
        lambda place: own_file.write(place / "out", b"x" * 20_000),
        lambda place: _grow(place / "out"),
    ],
)
def test_the_full_place_is_named_and_nothing_is_lost(
    tmp_path: Path, fill: Callable[[Path], None]
) -> None:
    with room(10_000), pytest.raises(StoreError) as caught:
        fill(tmp_path)
    assert f"{tmp_path / 'out'} cannot be written: its disk is full" in caught.value.message
    assert "make room there" in caught.value.remedy


def _grow(file: Path) -> None:
    with own_file.growing(file) as stream:
        for _ in range(30):
            stream.write(b"x" * 999 + b"\n")
            stream.flush()


def test_a_full_temporary_folder_is_named(tmp_path: Path) -> None:
    with (
        room(10_000),
        pytest.raises(StoreError, match=r"triptych-.* its disk is full"),
        scratch.folder() as folder,
    ):
        (folder / "report.json").write_bytes(b"x" * 20_000)


def test_a_place_that_cannot_be_written_is_named_and_what_is_read_is_not(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere/out cannot be written: No such file"):
        own_file.write(tmp_path / "nowhere" / "out", "x")
    with pytest.raises(FileNotFoundError), own_file.writing(tmp_path / "out"):
        (tmp_path / "elsewhere" / "in").read_bytes()
