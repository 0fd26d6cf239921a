"""Verification finds every single change of a ledger and names the first broken event."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from clinical.audit import ledger
from clinical.audit.ledger import Head
from clinical.audit.verify import Verdict, verify
from clinical.review.decisions import decide
from clinical.workspace.database import DATABASE_NAME, open_workspace, writing
from clinical.workspace.layout import NO_HASH

NOON = datetime(2025, 3, 4, 12, 0, tzinfo=UTC)
TRIGGERS = ("events_no_update", "events_no_delete", "events_only_next")
COLUMNS = ("sequence", "time", "actor", "kind", "case_id", "payload", "previous", "hash")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)  # fmt: skip
# An event that says "intact" names the end of the ledger too, and that cannot be made up.
names = st.text(max_size=6).filter(lambda name: name != "intact")
events = st.tuples(
    st.sampled_from(["OPENED", "EXPORTED"]),
    st.text(min_size=1, max_size=8).filter(str.strip),
    st.text(max_size=8),
    st.dictionaries(names, json_values, max_size=3),
)
histories = st.lists(events, min_size=1, max_size=8)


class Bench:
    """A workspace in a temporary folder, with the triggers out of the way for tampering."""

    def __init__(self, folder: str) -> None:
        self.engine = open_workspace(Path(folder), create=True)
        self.path = Path(folder) / DATABASE_NAME

    def fill(self, history: list[Any]) -> None:
        with writing(self.engine) as connection:
            for number, (kind, actor, case_id, payload) in enumerate(history):
                moment = NOON + timedelta(seconds=number)
                ledger.append(
                    connection, kind, actor=actor, case_id=case_id, payload=payload, time=moment
                )

    def tamper(self, statement: str, *values: Any) -> None:
        raw = sqlite3.connect(self.path)
        for trigger in TRIGGERS:
            raw.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        raw.execute(statement, values)
        raw.commit()
        raw.close()

    def verify(self, known: Head | None = None) -> Verdict:
        with self.engine.connect() as connection:
            return verify(connection, known=known)

    def end(self) -> Head:
        with self.engine.connect() as connection:
            return ledger.head(connection)


def on_a_bench(check: Callable[[Bench], None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder)
        try:
            check(bench)
        finally:
            bench.engine.dispose()


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    made = Bench(str(tmp_path))
    yield made
    made.engine.dispose()


def plain(count: int) -> list[Any]:
    return [("OPENED", "reader", f"case-{n}", {"n": n}) for n in range(1, count + 1)]


@settings(max_examples=30, deadline=None)
@given(histories)
def test_what_was_only_appended_verifies(history: list[Any]) -> None:
    def check(bench: Bench) -> None:
        bench.fill(history)
        verdict = bench.verify()
        assert verdict.intact, verdict.reason
        assert (verdict.events, verdict.first_broken) == (len(history), None)
        assert (verdict.events, verdict.head) == bench.end()

    on_a_bench(check)


@settings(max_examples=80, deadline=None)
@given(histories, st.data())
def test_any_change_of_any_field_names_that_event(history: list[Any], data: st.DataObject) -> None:
    row = data.draw(st.integers(1, len(history)), label="row")
    column = data.draw(st.sampled_from(COLUMNS), label="column")
    shape = st.integers(-3, 40) if column == "sequence" else st.text(max_size=70)
    value = data.draw(shape, label="value")

    def check(bench: Bench) -> None:
        bench.fill(history)
        if column == "sequence" and 1 <= value <= len(history):
            return  # another event has that number; swapping two is a test of its own
        with bench.engine.connect() as connection:
            before = [ledger.as_json(event) for event in ledger.events(connection)]
        if before[row - 1][column] == value:
            return
        bench.tamper(f"UPDATE events SET {column} = ? WHERE sequence = ?", value, row)
        verdict = bench.verify()
        assert not verdict.intact
        early = column == "sequence" and value < 1
        assert verdict.first_broken == (1 if early else row)
        assert verdict.events == (0 if early else row - 1)

    on_a_bench(check)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 9), st.data())
def test_a_missing_event_is_named(length: int, data: st.DataObject) -> None:
    gone = data.draw(st.integers(1, length), label="gone")

    def check(bench: Bench) -> None:
        bench.fill(plain(length))
        bench.tamper("DELETE FROM events WHERE sequence = ?", gone)
        verdict = bench.verify()
        assert (verdict.intact, verdict.first_broken) == (False, gone)
        assert ("truncated" if gone == length else "is missing") in verdict.reason

    on_a_bench(check)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 9), st.data())
def test_two_events_that_changed_places_are_named(length: int, data: st.DataObject) -> None:
    places = st.lists(st.integers(1, length), min_size=2, max_size=2, unique=True)
    low, high = sorted(data.draw(places, label="places"))

    def check(bench: Bench) -> None:
        bench.fill(plain(length))
        for old, new in ((low, -1), (high, low), (-1, high)):
            bench.tamper("UPDATE events SET sequence = ? WHERE sequence = ?", new, old)
        verdict = bench.verify()
        assert (verdict.intact, verdict.first_broken) == (False, low)

    on_a_bench(check)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 8), st.data())
def test_an_event_put_in_between_is_named(length: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(1, length), label="place")

    def check(bench: Bench) -> None:
        bench.fill(plain(length))
        for number in range(length, place - 1, -1):
            bench.tamper("UPDATE events SET sequence = ? WHERE sequence = ?", number + 1, number)
        fields = {
            "sequence": place, "time": NOON.isoformat(), "actor": "m", "kind": "OPENED",
            "case_id": "", "payload": {}, "previous": "f" * 64,
        }  # fmt: skip
        values = [*fields.values(), ledger.event_hash(fields)]
        values[5] = "{}"
        bench.tamper("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *values)
        verdict = bench.verify()
        assert (verdict.intact, verdict.first_broken) == (False, place)

    on_a_bench(check)


# What the reason says


def rehash(bench: Bench, number: int, **changes: Any) -> None:
    """Change an event and give it the hash that fits, as somebody who knows the format would."""
    with bench.engine.connect() as connection:
        fields = ledger.as_json(list(ledger.events(connection))[number - 1])
    fields |= changes
    bench.tamper(
        "UPDATE events SET actor = ?, hash = ? WHERE sequence = ?",
        fields["actor"],
        ledger.event_hash(fields),
        number,
    )


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE events SET actor = 'm' WHERE sequence = 2", "a field was changed"),
        ("UPDATE events SET hash = 'x' WHERE sequence = 2", "the field hash was changed"),
        ("UPDATE events SET previous = 'x' WHERE sequence = 2", "the field previous was changed"),
        ("UPDATE events SET payload = ' {}' WHERE sequence = 2", "not canonical JSON"),
        ("UPDATE events SET payload = '[' WHERE sequence = 2", "not canonical JSON"),
        ("UPDATE events SET actor = CAST(x'ff' AS TEXT) WHERE sequence = 2", "cannot be read"),
    ],
)
def test_the_reason_names_the_field(bench: Bench, statement: str, reason: str) -> None:
    bench.fill(plain(3))
    bench.tamper(statement)
    verdict = bench.verify()
    assert (verdict.first_broken, verdict.events) == (2, 1)
    assert reason in verdict.reason


def test_a_rehashed_event_breaks_its_successor_or_a_head(bench: Bench) -> None:
    bench.fill(plain(4))
    rehash(bench, 4, actor="mallory")
    assert "not the one named by the head" in bench.verify().reason
    rehash(bench, 2, actor="mallory")
    verdict = bench.verify()
    assert verdict.first_broken == 3
    assert "one of the two was replaced" in verdict.reason
    rehash(bench, 1, actor="mallory")  # the first event is signed at once
    verdict = bench.verify()
    assert verdict.first_broken == 1
    assert "not what was signed" in verdict.reason


def test_an_emptied_ledger_is_not_an_empty_one(bench: Bench) -> None:
    assert bench.verify() == Verdict(True, 0, NO_HASH, None, bench.verify().reason)
    bench.fill(plain(2))
    bench.tamper("DELETE FROM events")
    assert bench.verify().first_broken == 1


def test_a_head_noted_earlier_finds_a_ledger_rewritten_as_a_whole(tmp_path: Path) -> None:
    benches = {}
    for name, actor in (("true", "reader"), ("forged", "mallory")):
        (tmp_path / name).mkdir()
        benches[name] = Bench(str(tmp_path / name))
        benches[name].fill([("OPENED", actor, "c", {"n": n}) for n in range(4)])
    noted = benches["true"].end()
    forged = benches["forged"]
    assert forged.verify().intact, "a forged chain is whole in itself; that is why heads are noted"
    assert "rewritten" in forged.verify(noted).reason
    assert benches["true"].verify(noted).intact
    later = Head(9, "a" * 64)
    assert "rolled back" in benches["true"].verify(later).reason
    for bench in benches.values():
        bench.engine.dispose()


# The store behind the ledger


@pytest.mark.parametrize(
    ("statement", "sequence", "reason"),
    [
        ("UPDATE assessments SET record = replace(record, '0.83', '0.13')", 1, "assessment"),
        ("UPDATE cases SET record = replace(record, '184.0', '4.0')", 1, "case"),
        ("UPDATE cases SET record = replace(record, 'patient of', 'patient')", 1, "case"),
        ("DELETE FROM cases", 1, "case that it names is missing"),
        ("UPDATE comments SET text = 'I agree.'", 3, "comment"),
        ("DELETE FROM comments", 3, "comment that it names is missing"),
    ],
)
def test_a_record_changed_in_the_store_is_found_through_its_event(
    workspace: Engine, example: Any, statement: str, sequence: int, reason: str
) -> None:
    digest, _ = example.recorded(workspace)
    decide(workspace, replace(example.decision(digest), comment="Not convinced."))
    with workspace.connect() as connection:
        assert verify(connection).intact
    assert workspace.url.database
    raw = sqlite3.connect(workspace.url.database)
    raw.execute(statement)
    raw.commit()
    raw.close()
    with workspace.connect() as connection:
        verdict = verify(connection)
    assert (verdict.intact, verdict.first_broken) == (False, sequence)
    assert reason in verdict.reason
