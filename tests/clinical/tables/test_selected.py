"""Rows of large tables: those that are wanted, with their place, whatever is wrong elsewhere."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clinical.tables import selected
from clinical.tables.selected import find, select


def rows(root: Path, file: str, wanted: set[str]) -> dict[str, list[tuple[int, str]]]:
    found = select(root, file, "stay", wanted, ("value",))
    return {key: [(row.number, row["value"]) for row in found.of(key)] for key in sorted(wanted)}


def test_rows_of_a_key_come_in_file_order_with_their_numbers(tmp_path: Path) -> None:
    text = 'Stay,other,VALUE\n2,x,a\n1,x,"b\nb"\n\n2,x,c\n3,x,d\n'
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    assert rows(tmp_path, "t.csv", {"1", "2", "9"}) == {
        "1": [(3, "b\nb")],
        "2": [(2, "a"), (5, "c")],
        "9": [],
    }


def test_blocks_do_not_change_what_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"{n % 7},{n}" for n in range(500)]
    (tmp_path / "t.csv").write_text("\n".join(["stay,value", *lines, ""]), encoding="utf-8")
    whole = rows(tmp_path, "t.csv", {"3", "5"})
    monkeypatch.setattr(selected, "BLOCK", 64)
    assert rows(tmp_path, "t.csv", {"3", "5"}) == whole
    assert whole["3"][:2] == [(5, "3"), (12, "10")]


def test_a_row_with_a_comma_too_many_is_said_and_the_numbers_after_it_hold(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("stay,value\n1,a\n1,b,c\n1,d\n", encoding="utf-8")
    found = select(tmp_path, "t.csv", "stay", {"1"}, ("value",))
    assert [(row.number, row["value"]) for row in found.of("1")] == [(2, "a"), (4, "d")]
    assert [(p.row, p.reason) for p in found.problems] == [
        (3, "the row has 3 cells, the header has 2.")
    ]


def test_a_cell_that_is_not_utf8_costs_its_row(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"stay,value\n1,a\n1,\xff\n2,\xfe\n")
    first, second = select(tmp_path, "t.csv", "stay", {"1"}, ("value",)).of("1")
    assert first.fault is None
    assert second.fault is not None
    assert second.fault.row == 3


def test_a_file_that_is_cut_short_or_lacks_a_column_is_one_problem(tmp_path: Path) -> None:
    packed = gzip.compress(b"stay,value\n" + b"".join(b"1,%d\n" % n for n in range(5000)))
    (tmp_path / "t.csv.gz").write_bytes(packed[: len(packed) // 2])
    (tmp_path / "u.csv").write_text("stay,other\n1,a\n", encoding="utf-8")
    (cut,) = select(tmp_path, "t.csv.gz", "stay", {"1"}, ("value",)).problems
    (lacking,) = select(tmp_path, "u.csv", "stay", {"1"}, ("value",)).problems
    assert "cannot be read" in cut.reason
    assert (lacking.row, lacking.column) == (1, "value")


def test_tabs_separate_where_the_header_has_them_and_nothing_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('stay\tvalue\n1\ta "b, c\n1\td\n', encoding="utf-8")
    assert rows(tmp_path, "t.csv", {"1"}) == {"1": [(2, 'a "b, c'), (3, "d")]}


def test_parquet_is_read_alike_and_single_precision_as_it_was_written(tmp_path: Path) -> None:
    table = pa.table({"stay": [2, 1, 2], "value": pa.array([5.1, 7.0, None], pa.float32())})
    pq.write_table(table, tmp_path / "t.parquet")
    assert rows(tmp_path, "t.parquet", {"1", "2"}) == {"1": [(3, "7")], "2": [(2, "5.1"), (4, "")]}


def test_a_table_is_found_in_whatever_case_and_form_it_is_published(tmp_path: Path) -> None:
    (tmp_path / "hosp").mkdir()
    for name in ("vitalAperiodic.csv.gz", "LAB.CSV", "lab.csv.gz", "hosp/patients.parquet"):
        (tmp_path / name).touch()
    assert find(tmp_path, "vitalaperiodic") == "vitalAperiodic.csv.gz"
    assert find(tmp_path, "lab") == "LAB.CSV"
    assert find(tmp_path, "hosp/patients") == "hosp/patients.parquet"
    assert find(tmp_path, "icu/icustays") is None
