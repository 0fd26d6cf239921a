"""Tables of readings: what is read, what is refused and where it stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from clinical.errors import ConfigError
from pipelines.reader_study.ratings import Rated, crossed, read, shortest_gap, write

CONDITIONS = ("none", "suggestions")


def readings() -> list[Rated]:
    return [
        Rated(reader, condition, f"c{n}", n < 3, float(n % 4), n < 3, 20.0 + n, n == 0)
        for reader in ("anna", "ben")
        for condition in CONDITIONS
        for n in range(6)
    ]


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    rated = [replace(one, session=1, signed="2031-05-04T09:30:00+00:00") for one in readings()]
    assert read(write(tmp_path, rated)) == rated


def test_five_columns_are_enough(tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    table.write_text("case_id,rating,truth,reader,condition\nc1,0.5,1,anna,film\n")
    assert read(table) == [Rated("anna", "film", "c1", True, 0.5)]


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("anna,film,c1,yes,2", "truth"),
        ("anna,film,c1,1,high", "rating"),
        ("anna,film,c1,1,nan", "rating"),
        (",film,c1,1,2", "reader"),
        ("anna,film,,1,2", "case_id"),
    ],
)
def test_a_cell_that_cannot_be_used_is_named(tmp_path: Path, row: str, column: str) -> None:
    table = tmp_path / "own.csv"
    table.write_text(f"reader,condition,case_id,truth,rating\nben,film,c1,1,2\n{row}\n")
    with pytest.raises(ConfigError, match=f"row 3, column {column}"):
        read(table)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    table.write_text("reader,condition,case_id,rating\n")
    with pytest.raises(ConfigError, match="lacks the column truth"):
        read(table)


def test_readings_are_laid_out_by_condition_reader_and_case() -> None:
    found = crossed(readings())
    assert (found.conditions, found.readers) == (CONDITIONS, ("anna", "ben"))
    assert found.ratings.shape == (2, 2, 6)
    assert found.ratings[1, 0].tolist() == [0, 1, 2, 3, 0, 1]
    assert found.mistake.tolist() == [True] + [False] * 5
    assert found.left_out == 0


def test_the_order_of_conditions_can_be_chosen() -> None:
    assert crossed(readings(), CONDITIONS[::-1]).conditions == CONDITIONS[::-1]


def test_a_case_that_lacks_one_reading_counts_nowhere() -> None:
    found = crossed(readings()[:-1])
    assert found.left_out == 1
    assert "c5" not in found.cases
    assert found.ratings.shape == (2, 2, 5)


def test_times_that_are_not_known_of_all_are_not_compared() -> None:
    rated = readings()
    assert crossed(rated).seconds is not None
    assert crossed([replace(rated[0], seconds=None), *rated[1:]]).seconds is None


def test_two_readings_of_a_case_are_refused() -> None:
    with pytest.raises(ConfigError, match="two ratings of case c0"):
        crossed([*readings(), readings()[0]])


def test_two_truths_of_a_case_are_refused() -> None:
    rated = readings()
    with pytest.raises(ConfigError, match="different truths"):
        crossed([replace(rated[0], truth=False), *rated[1:]])


def test_one_reader_is_too_few() -> None:
    with pytest.raises(ConfigError, match="too few"):
        crossed([one for one in readings() if one.reader == "anna"])


def test_the_shortest_time_between_two_readings_of_a_case() -> None:
    def at(day: int) -> str:
        return f"2031-05-{day:02d}T09:00:00Z"

    one = readings()[0]
    rated = [replace(one, signed=at(2)), replace(one, condition="suggestions", signed=at(30))]
    assert shortest_gap(rated) == timedelta(days=28)
    assert shortest_gap(readings()) is None
    with pytest.raises(ConfigError, match="is not a time"):
        shortest_gap([replace(one, signed="yesterday")])
