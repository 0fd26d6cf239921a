"""The letters and numbers of a column of sexes, understood by the whole column or not at all."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from clinical.tables import sexes

SPEC = Path(__file__).parents[2] / "spec" / "sexes.csv"
ROWS = list(csv.DictReader(SPEC.read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["column"])
def test_what_a_column_means(row: dict[str, str]) -> None:
    """- is unknown, ? is refused with a sentence that says why."""
    cells = row["column"].split()
    found = sexes.meaning(cells)
    said = [found[sexes.cell(cell)] for cell in cells]
    words = ["-" if one is None else one if one in ("female", "male") else "?" for one in said]
    assert words == row["meanings"].split()


def test_what_the_cohort_tells_counts() -> None:
    found = sexes.meaning(["0", "1", "M", "H"], {"0": "female", "1": "male", "M": "male"})
    assert {cell: found[cell] for cell in "01mh"} == {
        "0": "female",
        "1": "male",
        "m": "male",
        "h": "male",
    }
