"""ratings.csv: one row for each reading of a reader study, ours or one that was run elsewhere."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clinical.errors import ConfigError
from clinical.tables import spreadsheet
from clinical.workspace import own_file
from pipelines.reader_study.allocation import CONDITIONS

NAME = "ratings.csv"
NEEDED = ("reader", "condition", "case_id", "truth", "rating")
COLUMNS = (*NEEDED, "call", "seconds", "mistake", "session", "signed")


@dataclass(frozen=True)
class Rated:
    """One reading.

    Attributes:
        reader, condition, case_id: whose, how, of what.
        truth: whether the case has the diagnosis.
        rating: how sure the reader is that it has; any scale, higher is surer.
        call: whether the reader holds that it has; None where only the rating is known.
        seconds: active time, None where nobody measured.
        mistake: the machine was made to err in this case.
        session: from 1, 0 where not known.
        signed: when, ISO 8601, or "".
    """

    reader: str
    condition: str
    case_id: str
    truth: bool
    rating: float
    call: bool | None = None
    seconds: float | None = None
    mistake: bool = False
    session: int = 0
    signed: str = ""


@dataclass(frozen=True)
class Crossed:
    """Readings of every reader, of every case, under every condition.

    Attributes:
        readers, conditions, cases: names along the axes.
        truth, mistake: [cases].
        ratings: [conditions, readers, cases].
        calls, seconds: the same, or None where one is not known of all.
        left_out: cases that lack a reading, which count nowhere.
    """

    readers: tuple[str, ...]
    conditions: tuple[str, ...]
    cases: tuple[str, ...]
    truth: NDArray[np.bool_]
    mistake: NDArray[np.bool_]
    ratings: NDArray[np.float64]
    calls: NDArray[np.float64] | None
    seconds: NDArray[np.float64] | None
    left_out: int


def write(out: Path, rated: Iterable[Rated]) -> Path:
    """Write ratings.csv into a folder.

    Raises:
        StoreError: if it cannot be written.
    """
    file = out / NAME
    own_file.write(file, b"".join(spreadsheet.written(COLUMNS, map(_cells, rated))))
    return file


def _cells(one: Rated) -> tuple[str | int | float | None, ...]:
    return (
        one.reader,
        one.condition,
        one.case_id,
        int(one.truth),
        one.rating,
        None if one.call is None else int(one.call),
        one.seconds,
        int(one.mistake),
        one.session,
        one.signed,
    )


def read(file: Path) -> list[Rated]:
    """Read a table of readings; only the first five columns are needed.

    Raises:
        ConfigError: naming row and column of what cannot be used.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise ConfigError(
            f"{file} cannot be read as a table of ratings.",
            remedy="name a CSV file in UTF-8, such as `triptych reading study collect` writes",
        ) from None
    rows = csv.DictReader(io.StringIO(text))
    if missing := [name for name in NEEDED if name not in (rows.fieldnames or ())]:
        raise ConfigError(
            f"{file} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}.",
            remedy=f"bring {', '.join(NEEDED)}; {', '.join(COLUMNS[5:])} may be left out",
        )
    return [_row(file, number, row) for number, row in enumerate(rows, start=2)]


def shortest_gap(rated: Iterable[Rated]) -> timedelta | None:
    """Shortest time between two readings of a case by the same reader, where times are known.

    Raises:
        ConfigError: at a time that is none.
    """
    last: dict[tuple[str, str], datetime] = {}
    gaps: list[timedelta] = []
    for signed, key in sorted(
        (_moment(one), (one.reader, one.case_id)) for one in rated if one.signed
    ):
        if key in last:
            gaps.append(signed - last[key])
        last[key] = signed
    return min(gaps, default=None)


def _moment(one: Rated) -> datetime:
    try:
        moment = datetime.fromisoformat(one.signed)
    except ValueError:
        raise ConfigError(
            f"Reader {one.reader}, case {one.case_id}: {one.signed!r} is not a time.",
            remedy="write ISO 8601, such as 2031-05-04T09:30:00Z, or leave the cell empty",
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def crossed(rated: Sequence[Rated], conditions: Sequence[str] = ()) -> Crossed:
    """Lay readings out; a case that any reader lacks under any condition is left out.

    Args:
        rated: readings.
        conditions: in this order; if left out, ours from none to explanations, others as they come.

    Raises:
        ConfigError: if a reading comes twice, a case has two truths, or too little is left.
    """
    table: dict[tuple[str, str, str], Rated] = {}
    about: dict[str, tuple[bool, bool]] = {}
    for one in rated:
        key = one.condition, one.reader, one.case_id
        if key in table:
            raise ConfigError(
                f"Reader {one.reader} has two ratings of case {one.case_id} under"
                f" {one.condition!r}.",
                remedy="keep one of them",
            )
        table[key] = one
        if about.setdefault(one.case_id, (one.truth, one.mistake)) != (one.truth, one.mistake):
            raise ConfigError(
                f"Case {one.case_id} has different truths, or mistakes, in different rows.",
                remedy="give each case one truth",
            )
    readers = tuple(dict.fromkeys(one.reader for one in rated))
    names = tuple(conditions) or _ordered(one.condition for one in rated)
    wanted = {(c, r) for c in names for r in readers}
    whole = [case for case in about if all((c, r, case) in table for c, r in wanted)]
    _check(readers, names, whole, about)
    shape = len(names), len(readers), len(whole)
    found = [table[c, r, case] for c in names for r in readers for case in whole]
    return Crossed(
        readers,
        names,
        tuple(whole),
        np.array([about[case][0] for case in whole]),
        np.array([about[case][1] for case in whole]),
        np.array([one.rating for one in found], dtype=np.float64).reshape(shape),
        _all([None if one.call is None else float(one.call) for one in found], shape),
        _all([one.seconds or None for one in found], shape),
        len(about) - len(whole),
    )


def _ordered(conditions: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(conditions))
    return (
        *(one for one in CONDITIONS if one in found),
        *(o for o in found if o not in CONDITIONS),
    )


def _all(values: Sequence[float | None], shape: tuple[int, int, int]) -> NDArray[np.float64] | None:
    known = [value for value in values if value is not None]
    return np.array(known).reshape(shape) if len(known) == len(values) else None


def _check(
    readers: Sequence[str],
    conditions: Sequence[str],
    whole: Sequence[str],
    about: Mapping[str, tuple[bool, bool]],
) -> None:
    with_it = sum(about[case][0] for case in whole)
    few = len(readers) < 2 or len(conditions) < 2 or min(with_it, len(whole) - with_it) < 2
    if few:
        raise ConfigError(
            f"{len(readers)} readers, {len(conditions)} conditions and {len(whole)} cases that all"
            f" of them cover, {with_it} with the diagnosis: too few to compare.",
            remedy="two readers, two conditions and two cases with and without are the least",
        )


def _row(file: Path, number: int, row: Mapping[str, str | None]) -> Rated:
    def text(name: str) -> str:
        return (row.get(name) or "").strip()

    def fault(name: str, wants: str) -> ConfigError:
        return ConfigError(
            f"{file}, row {number}, column {name}: {text(name)!r} is not {wants}.",
            remedy="mend the cell",
        )

    def number_of(name: str) -> float:
        try:
            value = float(text(name))
        except ValueError:
            raise fault(name, "a number") from None
        if not np.isfinite(value):
            raise fault(name, "a finite number")
        return value

    def flag(name: str) -> bool:
        if text(name) not in ("0", "1"):
            raise fault(name, "1 or 0")
        return text(name) == "1"

    for name in ("reader", "condition", "case_id"):
        if not text(name):
            raise fault(name, "a name")
    return Rated(
        reader=text("reader"),
        condition=text("condition"),
        case_id=text("case_id"),
        truth=flag("truth"),
        rating=number_of("rating"),
        call=flag("call") if text("call") else None,
        seconds=number_of("seconds") if text("seconds") else None,
        mistake=flag("mistake") if text("mistake") else False,
        session=int(number_of("session")) if text("session") else 0,
        signed=text("signed"),
    )
