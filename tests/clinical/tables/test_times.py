"""Dates and times as hospitals write them: read in the one way there is, or refused by name."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.case.case import Problem
from clinical.tables import clock, times
from clinical.tables.clock import Clock
from clinical.tables.table import Row

SPEC = Path(__file__).parents[2] / "spec" / "times.csv"
ROWS = list(csv.DictReader(SPEC.read_text(encoding="utf-8").splitlines()))
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['cell']} in {row['column']}")
def test_a_cell_is_read_in_its_column(row: dict[str, str]) -> None:
    others = row["column"].split(" | ") if row["column"] else []
    found = times.read(row["cell"], times.decide(times.signs([row["cell"], *others])))
    if isinstance(found, datetime):
        assert found.isoformat() == row["reads"]
    else:
        assert row["reads"] in found


NO_HOUR = {
    *("20210312", "2021", "2021-03", "2021-W10-5", "2021-071", "12. März 2021", "31/05/2021"),
    *("03/03/2021", "12/03/2021", "31/12/2021", "12.03.2021", "03.31.2021"),
}


@pytest.mark.parametrize("row", [row for row in ROWS if row["reads"][:1].isdigit()], ids=str)
def test_a_time_names_an_hour_or_a_day(row: dict[str, str]) -> None:
    assert times.names_hour(row["cell"]) == (row["cell"] not in NO_HOUR)


DAYS = st.dates(date(1900, 1, 1), date(2100, 1, 1))


@given(st.lists(DAYS, min_size=1, max_size=8), st.sampled_from(["%d/%m/%Y", "%m/%d/%Y"]))
def test_a_column_of_dates_reads_back_or_is_refused(days: list[date], form: str) -> None:
    cells = [day.strftime(form) for day in days]
    orders = times.decide(times.signs(cells))
    for cell, day in zip(cells, days, strict=True):
        found = times.read(cell, orders)
        assert found == times.DAY_OR_MONTH or found == datetime(day.year, day.month, day.day)
    if any(day.day > 12 for day in days):
        assert times.DAY_OR_MONTH not in [times.read(cell, orders) for cell in cells]


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2037, 1, 1)), st.timedeltas(max_value=timedelta(0))
)
def test_times_are_compared_as_instants(decided: datetime, before: timedelta) -> None:
    """Whatever the clock on the wall shows: a value after the decision is never used."""
    decision = clock.decision(decided.isoformat(), BERLIN)
    assert isinstance(decision, datetime)
    watch = Clock(BERLIN, decision)
    after = (decision + timedelta(minutes=1)).astimezone(BERLIN)
    found = watch.moment("notes.csv", row(after.replace(tzinfo=None).isoformat()), "time")
    assert isinstance(found, Problem)
    earlier = (decision - timedelta(hours=2) + max(before, timedelta(days=-9999))).astimezone(UTC)
    assert watch.moment("notes.csv", row(earlier.isoformat()), "time") == earlier


def row(time: str) -> Row:
    return Row(2, (time,), {"time": 0})


@pytest.mark.parametrize(
    ("text", "as_decision", "as_value"),
    [
        ("2024-03-31T02:30", "2024-03-31T02:30:00+01:00", "2024-03-31T02:30:00+01:00"),
        ("2024-10-27T02:30", "2024-10-27T02:30:00+02:00", "2024-10-27T02:30:00+01:00"),
        ("2024-07-01T02:30", "2024-07-01T02:30:00+02:00", "2024-07-01T02:30:00+02:00"),
    ],
)
def test_the_nights_when_the_clock_is_turned(text: str, as_decision: str, as_value: str) -> None:
    """02:30 of a clock that nobody put forward; of two hours the one that lets no value through."""
    decision = clock.decision(text, BERLIN)
    value = Clock(BERLIN, datetime(2030, 1, 1, tzinfo=UTC)).moment("notes.csv", row(text), "time")
    assert isinstance(decision, datetime)
    assert isinstance(value, datetime)
    assert (decision.isoformat(), value.isoformat()) == (as_decision, as_value)


def test_an_hour_that_is_there_twice_is_after_the_decision_of_its_first_time() -> None:
    decision = clock.decision("2024-10-27T02:45", BERLIN)
    assert isinstance(decision, datetime)
    found = Clock(BERLIN, decision).moment("notes.csv", row("2024-10-27T02:30"), "time")
    assert isinstance(found, Problem)


def test_a_day_that_begins_at_one_is_read() -> None:
    found = clock.decision("2018-11-04", ZoneInfo("America/Sao_Paulo"))
    assert found == datetime(2018, 11, 4, 0, tzinfo=timezone(timedelta(hours=-3)))


@pytest.mark.parametrize(
    ("decided", "time", "reason"),
    [
        ("2021-03-12T08:00-05:00", "2021-03-12T07:30", clock.NO_ZONE),
        ("2021-03-12T05:00-05:00", "2021-03-12", clock.NO_ZONE),
        ("2021-03-12T08:00-05:00", "2019", ""),
        ("2021-03-12T08:00-05:00", "2021-03-12T07:30-05:00", ""),
        ("2021-03-12T08:00", "2021-03-12T07:30", ""),
        ("2021-03-12T12:00", "2021-03-12T12:30+01:00", clock.ONLY_ZONE),
    ],
)
def test_times_of_which_some_name_a_zone_cannot_be_compared(
    decided: str, time: str, reason: str
) -> None:
    decision = clock.decision(decided, UTC)
    assert isinstance(decision, datetime)
    found = Clock(UTC, decision, times.names_zone(decided)).moment("notes.csv", row(time), "time")
    assert (found.reason if isinstance(found, Problem) else "") == reason
