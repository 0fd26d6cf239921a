"""Capnograms of a case from capnograms.csv: each row names a file with one number a line, mmHg."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from clinical.case.case import Problem
from clinical.case.shapes import Array, Arrays
from clinical.tables import clock, pixels
from clinical.tables.case_rows import CaseRows, CaseTable, timely
from clinical.tables.clock import Clock
from clinical.tables.table import Columns, Row

TABLE = CaseTable(
    "capnograms", Columns(("case_id", "path", "rate_hz"), ("time", "offset_days")), paths=True
)
CAPNOGRAM = "capnogram"
HIGHEST = 150.0
"""mmHg; more is no pressure of carbon dioxide in a person's breath."""


def rows(case: CaseRows, watch: Clock, problems: list[Problem]) -> Mapping[str, Arrays]:
    """Every trace that can be read, in file order."""
    items = []
    for file, row, _ in timely(case, TABLE.stem, watch, "time", problems):
        found = _trace(case, row, Problem(file, "", row.number, "path"))
        if isinstance(found, Problem):
            problems.append(found)
        else:
            items.append(found)
    return {CAPNOGRAM: Arrays(tuple(items))} if items else {}


def _trace(case: CaseRows, row: Row, place: Problem) -> Array | Problem:
    rate = clock.number(row["rate_hz"])
    if rate is None or rate <= 0:
        reason, remedy = "the rate is no number above 0.", "write samples a second"
        return replace(place, column="rate_hz", reason=reason, remedy=remedy)
    path = pixels.inside(case.root, row["path"])
    if path is None or not path.is_file():
        reason, remedy = "there is no such file.", "give a path below the cohort's folder"
        return replace(place, reason=reason, remedy=remedy)
    numbers = [clock.number(line) for line in path.read_text("utf-8", "replace").splitlines()]
    if not numbers or any(n is None or not 0 <= n <= HIGHEST for n in numbers):
        reason = f"a line of the file is no number from 0 to {HIGHEST:.0f}."
        return replace(place, reason=reason, remedy="write one pressure in mmHg a line")
    values = np.asarray(numbers, dtype=np.float32)
    return Array(values, axes=("time",), spacing=(1 / rate,), unit="mm[Hg]")
