"""Read an electrocardiogram from a CSV file, as people write it.

Two forms are known by their header. One column per lead, a row per sample (columns that are no
lead, such as a running number, are left out; one called time or seconds is checked against the
rate); or one row per value with the columns lead, sample and value. Rate and unit cannot be seen
from numbers, so whoever brings the file states them.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clinical.errors import WaveformError
from clinical.modalities.ecg.leads import lead_named
from clinical.modalities.ecg.waveform import Samples, Waveform, per_unit, stated_rate

LARGEST_FILE = 64 * 1024**2
"""Bytes: five minutes of twelve leads at 1000 Hz are below it."""

_TIMES = ("time", "time_s", "seconds", "t")
_MISSING = ("", "nan", "na")
_JITTER = 0.01
_UNIT = re.compile(r"\(\s*([munµμ]?V)\s*\)")


def read(path: Path, *, rate: float | None, unit: str | None) -> Waveform:
    """Read one electrocardiogram.

    Args:
        path: of a CSV file, UTF-8; separated by commas, semicolons or tabs.
        rate: samples per second.
        unit: of the values: mV, uV or V.

    Returns:
        The leads of the file, in its order, at its rate; empty cells are gaps (NaN).

    Raises:
        WaveformError: names row and column where a cell is to blame; never holds a value.
    """
    scale, rate = per_unit(unit), stated_rate(rate)
    data = _content(path)
    rows = _rows(data)
    header = [name.strip() for name in rows[0]]
    lower = [name.lower() for name in header]
    if "lead" in lower and "value" in lower and "sample" in lower:
        leads, samples = _long(rows[1:], lower)
    else:
        leads, samples = _wide(rows[1:], header, rate)
    digest = hashlib.sha256(data).hexdigest()
    return Waveform(
        leads, samples * np.float32(scale), rate, {"format": "CSV", "dataset_digest": digest}
    )


@dataclass(frozen=True)
class Stated:
    """What a table of samples says of itself.

    Attributes:
        rate: samples per second, by its column of seconds; None where it has none.
        unit: that stands with the name of each lead, as in "V1 (mV)", or "".
    """

    rate: float | None = None
    unit: str = ""


def stated(data: bytes) -> Stated | None:
    """What `data` says of rate and unit; None where it is no table of an electrocardiogram."""
    try:
        rows = _rows(data)
    except WaveformError:
        return None
    header = [name.strip() for name in rows[0]]
    lower = [name.lower() for name in header]
    if {"lead", "sample", "value"} <= set(lower):
        return Stated()
    leads = [name for name in header if lead_named(name)]
    times = [at for at, name in enumerate(lower) if name in _TIMES]
    if len(leads) < (1 if times else 2):
        return None
    units = {found[1] if (found := _UNIT.search(name)) else "" for name in leads}
    rates = [rate for at in times if (rate := _rate(rows[1:], at)) is not None]
    return Stated(rates[0] if rates else None, units.pop() if len(units) == 1 else "")


def _rate(rows: Sequence[Sequence[str]], place: int) -> float | None:
    """By first and last time, whole where it nearly is."""
    try:
        first, last = float(rows[0][place]), float(rows[-1][place])
        found = (len(rows) - 1) / (last - first)
    except (ValueError, IndexError, ZeroDivisionError):
        return None
    if not np.isfinite(found) or found <= 0:
        return None
    return float(round(found)) if abs(found - round(found)) < _JITTER * found else found


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise WaveformError(
            f"The file cannot be opened ({error.strerror}).",
            remedy="Check that it exists and may be read.",
        ) from None
    if len(data) > LARGEST_FILE:
        raise WaveformError(
            f"The file has more than {LARGEST_FILE:,} bytes.",
            remedy="Give one resting electrocardiogram.",
        )
    return data


def _rows(data: bytes) -> list[list[str]]:
    try:
        text = data.decode("utf-8-sig")
        first = text.split("\n", 1)[0]
        delimiter = max(",;\t", key=first.count)
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise WaveformError(
            "The file is not a CSV table in UTF-8.", remedy="Export the table again as CSV."
        ) from None
    if len(rows) < 2:
        raise WaveformError(
            "The table has no rows.", remedy="Give a header and one row for each sample."
        )
    return rows


@dataclass(frozen=True)
class _Column:
    """A lead and where it stands."""

    lead: str
    place: int
    name: str


def _wide(
    rows: Sequence[Sequence[str]], header: Sequence[str], rate: float
) -> tuple[tuple[str, ...], Samples]:
    """Leads and samples [leads, rows] of a table with a column per lead."""
    columns: dict[str, _Column] = {}
    for place, name in enumerate(header):
        lead = lead_named(name)
        if lead is None:
            continue
        if lead in columns:
            raise WaveformError(
                f"Two columns are lead {lead}.", remedy="Keep one of them.", row=1, column=name
            )
        columns[lead] = _Column(lead, place, name)
    if not columns:
        raise WaveformError(
            "No column of the header is a lead.",
            remedy="Name the columns I, II, III, aVR, aVL, aVF, V1 to V6.",
            row=1,
        )
    _check_times(rows, header, rate)
    while rows and not any(cell.strip() for cell in rows[-1]):
        rows = rows[:-1]
    values = [
        [_number(row, column, number) for number, row in enumerate(rows, start=2)]
        for column in columns.values()
    ]
    return tuple(columns), np.array(values, np.float32)


def _number(row: Sequence[str], column: _Column, number: int) -> float:
    cell = row[column.place].strip() if column.place < len(row) else ""
    return _value(cell, number, column.name)


def _value(cell: str, row: int, column: str) -> float:
    if cell.lower() in _MISSING:
        return float("nan")
    try:
        value = float(cell)
    except ValueError:
        value = np.inf
    if not np.isfinite(value):
        raise WaveformError(
            "The cell does not hold a number.",
            remedy="Write numbers with a point, and leave cells without a value empty.",
            row=row,
            column=column,
        )
    return value


def _check_times(rows: Sequence[Sequence[str]], header: Sequence[str], rate: float) -> None:
    """Compare a column of seconds, if there is one, with the rate that was stated."""
    for place, name in enumerate(header):
        if name.lower() not in _TIMES or len(rows) < 2:
            continue
        column = _Column("", place, name)
        first, last = _number(rows[0], column, 2), _number(rows[-1], column, len(rows) + 1)
        if not np.isfinite([first, last]).all():
            continue
        expected = (len(rows) - 1) / rate
        if abs((last - first) - expected) > _JITTER * expected + 1 / rate:
            raise WaveformError(
                "The times of the table contradict the sampling rate that is stated.",
                remedy="State the rate of this file, in samples per second; times are in seconds.",
                column=name,
            )


def _long(rows: Sequence[Sequence[str]], header: Sequence[str]) -> tuple[tuple[str, ...], Samples]:
    """Leads and samples of a table with a row per value."""
    places = {name: header.index(name) for name in ("lead", "sample", "value")}
    values: dict[str, dict[int, float]] = {}
    for number, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            continue
        cells = {name: row[at].strip() if at < len(row) else "" for name, at in places.items()}
        lead = lead_named(cells["lead"])
        if lead is None:
            raise WaveformError(
                "The cell does not name a lead.",
                remedy="Name the leads I, II, III, aVR, aVL, aVF, V1 to V6.",
                row=number,
                column="lead",
            )
        sample = _value(cells["sample"], number, "sample")
        if sample != int(sample if np.isfinite(sample) else -1) or not 0 <= sample < 10_000_000:
            raise WaveformError(
                "The cell does not number a sample.",
                remedy="Number the samples of each lead 0, 1, 2, ...",
                row=number,
                column="sample",
            )
        known = values.setdefault(lead, {})
        if int(sample) in known:
            raise WaveformError(
                "This sample of the lead is given twice.",
                remedy="Keep one of the two rows.",
                row=number,
                column="sample",
            )
        known[int(sample)] = _value(cells["value"], number, "value")
    last = max((max(known) for known in values.values()), default=-1)
    samples = np.full((len(values), last + 1), np.nan, np.float32)
    for place, known in enumerate(values.values()):
        samples[place, list(known)] = list(known.values())
    return tuple(values), samples
