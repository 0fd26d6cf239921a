"""Electrocardiograms of a case from ecgs.csv: that of this visit, and those of an earlier one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from clinical.case.case import Problem
from clinical.case.shapes import Array, Arrays
from clinical.errors import WaveformError
from clinical.modalities.ecg import reading, wfdb
from clinical.modalities.ecg.tracing import array_of
from clinical.tables import clock, pixels
from clinical.tables.case_rows import CaseRows, CaseTable, TimedRow, timely
from clinical.tables.clock import Clock
from clinical.tables.table import Columns, Row

TABLE = CaseTable(
    "ecgs",
    Columns(
        ("case_id", "path"), ("time", "offset_days", "rate", "unit", "role", "dicom_patient_id")
    ),
    paths=True,
    companions=wfdb.signal_files,
)

WHAT = "electrocardiogram"
ECG, PRIOR = "ecg", "prior_ecg"
ROLES = {"": ECG, "prior": PRIOR}
"""Value of `role` to input."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def rows(case: CaseRows, watch: Clock, problems: list[Problem]) -> Mapping[str, Arrays]:
    """The electrocardiograms that can be read, the latest in front."""
    timed: dict[str, list[TimedRow]] = {}
    for file, row, time in timely(case, TABLE.stem, watch, "time", problems):
        name = ROLES.get(row["role"].lower())
        if name is None:
            reason = "the cell is neither empty nor prior."
            remedy = "write prior for an electrocardiogram of an earlier visit, else nothing"
            problems.append(Problem(file, reason, row.number, "role", remedy))
        else:
            timed.setdefault(name, []).append((file, row, time))
    found = {name: _tracings(case, these, watch, problems) for name, these in timed.items()}
    return {name: Arrays(tracings) for name, tracings in found.items() if tracings}


def _tracings(
    case: CaseRows, timed: list[TimedRow], watch: Clock, problems: list[Problem]
) -> tuple[Array, ...]:
    read: list[tuple[Array, datetime]] = []
    # Reversed first, so that of two equals the one further down the file is the later one.
    for file, row, time in reversed(timed):
        tracing = _one(case, row, Problem(file, "", row.number, "path"), watch, time)
        if isinstance(tracing, Problem):
            problems.append(tracing)
        elif any(tracing.digest == known.digest for known, _ in read):
            reason = "the electrocardiogram is the same as another one of the case; used once."
            remedy = "remove the row, or correct its path"
            problems.append(Problem(file, reason, row.number, "path", remedy))
        else:
            read.append((tracing, time or watch.made(tracing.source) or _LONG_AGO))
            reason = "" if time else watch.doubt(tracing.source, WHAT)
            if reason:
                remedy = "fill in the column time"
                problems.append(Problem(file, reason, row.number, "time", remedy))
    read.sort(key=lambda pair: pair[1], reverse=True)
    return tuple(tracing for tracing, _ in read)


def _one(
    case: CaseRows, row: Row, place: Problem, watch: Clock, time: datetime | None
) -> Array | Problem:
    path = pixels.inside(case.root, row["path"]) if row["path"] else None
    if path is None or not path.is_file():
        reason = "there is no such file below the cohort's folder."
        return replace(place, reason=reason, remedy="add the file, or correct the path")
    whose = row["dicom_patient_id"] or case.row["patient_id"]
    return tracing_of(path, row, place, watch, time=time, patient_id=whose)


def tracing_of(
    path: Path,
    row: Row,
    place: Problem,
    watch: Clock,
    *,
    time: datetime | None,
    patient_id: str | None,
) -> Array | Problem:
    """One tracing, or what keeps it from being used; never the path, which may hold names.

    Args:
        path: of the file.
        row: of ecgs.csv, with rate and unit.
        place: of the row.
        watch: of the case.
        time: that the row gives.
        patient_id: of the case; None where that is not known.
    """
    rate = _rate(row, place)
    if isinstance(rate, Problem):
        return rate
    try:
        found = reading.read(
            path, rate=rate, unit=row["unit"] or None, expected_patient_id=patient_id
        )
    except WaveformError as error:
        return replace(place, reason=_where(error), remedy=error.remedy or "export it again")
    why = watch.unplaced(found.source)
    if why:
        return replace(place, reason=why, remedy=clock.ZONE_REMEDY)
    made = watch.made(found.source)
    if made and watch.decision and made > watch.decision:
        reason = "the electrocardiogram says itself that it was recorded after the decision."
        remedy = "correct decision_time, or leave it out"
        return replace(place, reason=reason, remedy=remedy)
    if time is not None:
        found = replace(found, source={**found.source, "acquired": time.isoformat()})
    return array_of(found)


def _rate(row: Row, place: Problem) -> float | Problem | None:
    """The stated rate; None where the row says nothing, which a table of samples needs."""
    if not row["rate"]:
        return None
    try:
        return float(row["rate"])
    except ValueError:
        return replace(
            place,
            column="rate",
            reason="the cell is not a number.",
            remedy="write samples per second, such as 500",
        )


def _where(error: WaveformError) -> str:
    """What is wrong, and in which cell of the file of samples."""
    place = ", ".join(
        part
        for part in (
            f"row {error.row}" if error.row is not None else "",
            f"column {error.column}" if error.column else "",
        )
        if part
    )
    return f"in the file, {place}: {error.message}" if place else error.message
