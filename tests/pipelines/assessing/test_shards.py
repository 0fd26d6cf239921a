"""Lines of many workers, found again by their keys; what was torn is passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.assessing import shards


def write(shard: Path, *keys: str) -> None:
    with shards.writing(shard) as keep:
        for key in keys:
            keep({"key": key, "from": shard.stem})


def test_rows_come_in_the_order_that_is_asked_for(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", "k1", "k4", "k2")
    write(tmp_path / "b.jsonl", "k3", "k5")
    places = shards.index(tmp_path)
    wanted = ["k5", "k1", "k2", "k3", "not done", "k4"]
    found = list(shards.in_order(places, wanted))
    assert [row["key"] for row in found] == ["k5", "k1", "k2", "k3", "k4"]
    assert [row["from"] for row in found] == ["b", "a", "a", "b", "a"]


def test_a_row_is_there_as_soon_as_it_is_kept(tmp_path: Path) -> None:
    with shards.writing(tmp_path / "a.jsonl") as keep:
        keep({"key": "k1"})
        assert [row["key"] for row in shards.rows(tmp_path / "a.jsonl")] == ["k1"]


def test_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", "k1", "k2")
    with (tmp_path / "a.jsonl").open("a") as lines:
        lines.write('{"key": "k3", "sco')
    assert set(shards.index(tmp_path)) == {"k1", "k2"}
    assert [row["key"] for row in shards.rows(tmp_path / "a.jsonl")] == ["k1", "k2"]


def test_a_shard_is_never_written_over(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", "k1")
    with pytest.raises(FileExistsError):
        write(tmp_path / "a.jsonl", "k2")


def test_there_is_nothing_where_nothing_was_begun(tmp_path: Path) -> None:
    assert shards.index(tmp_path / "none") == {}
    assert list(shards.rows(tmp_path / "none.jsonl")) == []


def test_a_key_changes_with_what_a_case_is_read_from_and_with_the_model() -> None:
    (one,) = shards.case_keys(["c1"], ["digest"], "model")
    assert shards.case_keys(["c1"], ["digest"], "model") == [one]
    others = [["c2"], ["digest"], "model"], [["c1"], ["other"], "model"], [["c1"], ["digest"], "x"]
    assert one not in [shards.case_keys(*other)[0] for other in others]  # type: ignore[arg-type]
