"""Appending to the ledger: order, refusals, several writers, and a killed writer."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from clinical import canonical
from clinical.audit import heads, ledger
from clinical.audit.verify import NO_KEY, verify
from clinical.errors import LedgerError
from clinical.workspace.database import open_workspace, writing
from clinical.workspace.layout import NO_HASH

NOON = datetime(2025, 3, 4, 12, 0, tzinfo=UTC)


def test_events_are_chained_from_sixty_four_zeros(workspace: Engine) -> None:
    with writing(workspace) as connection:
        first = ledger.append(connection, "OPENED", actor="a", case_id="c", payload={"n": 1})
        second = ledger.append(connection, "EXPORTED", actor="b", payload={"n": [1.5, None]})
    assert (first.sequence, first.previous) == (1, NO_HASH)
    assert (second.sequence, second.previous) == (2, first.hash)
    with workspace.connect() as connection:
        assert list(ledger.events(connection)) == [first, second]
        assert list(ledger.events(connection, case_id="c")) == [first]
        assert list(ledger.events(connection, kind="EXPORTED")) == [second]
        assert ledger.head(connection) == (2, second.hash)


def test_anyone_can_recompute_a_hash_from_the_exported_fields(workspace: Engine) -> None:
    with writing(workspace) as connection:
        event = ledger.append(
            connection, "OPENED", actor="å", payload={"b": 1, "a": "✓"}, time=NOON
        )
    fields = ledger.as_json(event)
    claimed = fields.pop("hash")
    assert canonical.digest(fields) == claimed
    # Fixed bytes: a ledger written today must verify with any later version.
    assert claimed == "2002a2369c7c7262b93aa60a80cad34714c63a3e73bed60179020daaab7401d7"


def test_times_are_kept_in_utc(workspace: Engine) -> None:
    there = datetime(2025, 3, 4, 12, 0, tzinfo=timezone(timedelta(hours=2)))
    with writing(workspace) as connection:
        event = ledger.append(connection, "OPENED", actor="a", payload={}, time=there)
    assert event.time == "2025-03-04T10:00:00.000000+00:00"


def test_a_block_is_the_same_ledger_as_one_event_after_another(
    workspace: Engine, tmp_path: Path
) -> None:
    entries = [
        ledger.Entry("OPENED", f'"ä{n}\\\n', {"n": n, "ü": [1.5, None]}, f"c\u2028{n}", NOON)
        for n in range(200)
    ]
    entries[70] = entries[70]._replace(kind="EXPORTED")
    entries[71] = entries[71]._replace(time=NOON - timedelta(hours=1))
    later = datetime.now(UTC) + timedelta(minutes=2)
    entries[150] = entries[150]._replace(time=later)
    with writing(workspace) as connection:
        for kind, actor, payload, case_id, time in entries:
            ledger.append(
                connection, kind, actor=actor, payload=payload, case_id=case_id, time=time
            )
    other = open_workspace(tmp_path / "other", create=True)
    with writing(other) as connection:
        assert ledger.append_all(connection, entries[:3]) == 3
        assert ledger.append_all(connection, iter(entries[3:])) == 197
        assert ledger.append_all(connection, []) == 0
    with workspace.connect() as one, other.connect() as all_at_once:
        assert list(ledger.events(one)) == list(ledger.events(all_at_once))
        roots = [
            {h.size: h.root for h, _ in heads.with_edges(c).values()} for c in (one, all_at_once)
        ]
        assert roots[0] == roots[1]
        assert list(roots[0]) == [1, 65, 71, 135, 151]
        for connection in (one, all_at_once):
            verdict = verify(connection, key=NO_KEY)
            assert verdict.intact, verdict.reason
        for event in ledger.events(one):
            assert ledger.event_hash(ledger.as_json(event)) == event.hash
    other.dispose()


def test_an_entry_that_is_refused_takes_its_whole_block_with_it(workspace: Engine) -> None:
    entries = [ledger.Entry("OPENED", "a", {"n": n}) for n in range(100)]
    entries[80] = entries[80]._replace(actor=" ")
    with pytest.raises(LedgerError, match="needs an actor"), writing(workspace) as connection:
        ledger.append_all(connection, entries)
    with workspace.connect() as connection:
        assert ledger.head(connection) == ledger.EMPTY
        assert verify(connection).events == 0


def append_badly(connection: Connection, fault: str) -> None:
    payload: dict[str, object] = {"not a number": float("nan")} if fault == "NaN" else {}
    if fault == "object":
        payload = {"when": NOON}
    ledger.append(
        connection,
        "LOOKED" if fault == "kind" else "OPENED",  # type: ignore[arg-type]
        actor={"actor": " ", "half a character": "\ud83d"}.get(fault, "a"),
        payload=payload,
        time=datetime(2025, 3, 4) if fault == "time" else NOON,
    )


@pytest.mark.parametrize("fault", ["NaN", "object", "kind", "actor", "half a character", "time"])
def test_an_event_that_is_not_well_formed_is_refused(workspace: Engine, fault: str) -> None:
    with writing(workspace) as connection, pytest.raises(LedgerError) as caught:
        append_badly(connection, fault)
    assert caught.value.remedy


def test_appending_needs_a_write_transaction(workspace: Engine) -> None:
    with workspace.connect() as connection, pytest.raises(LedgerError, match="write transaction"):
        ledger.append(connection, "OPENED", actor="a", payload={})


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET actor = 'mallory' WHERE sequence = 1",
        "DELETE FROM events WHERE sequence = 2",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events SELECT 1, time, 'm', kind, case_id, payload, previous, hash"
        " FROM events WHERE sequence = 1",
        "REPLACE INTO events SELECT 3, time, 'm', kind, case_id, payload, hash, previous"
        " FROM events WHERE sequence = 2",
        "INSERT INTO events SELECT 7, time, 'm', kind, case_id, payload, 'x', 'y'"
        " FROM events WHERE sequence = 1",
    ],
)
def test_the_database_itself_refuses_changes(workspace: Engine, statement: str) -> None:
    with writing(workspace) as connection:
        for number in range(2):
            ledger.append(connection, "OPENED", actor="a", payload={"n": number})
    with writing(workspace) as connection, pytest.raises(IntegrityError, match="append-only"):
        connection.execute(text(statement))
    with workspace.connect() as connection:
        assert verify(connection).events == 2


def test_a_cut_tail_is_not_papered_over_by_the_next_event(workspace: Engine) -> None:
    with writing(workspace) as connection:
        for number in range(3):
            ledger.append(connection, "OPENED", actor="a", payload={"n": number})
        connection.execute(text("DROP TRIGGER events_no_delete"))
        connection.execute(text("DELETE FROM events WHERE sequence = 3"))
    with writing(workspace) as connection, pytest.raises(LedgerError, match="ends at event 2"):
        ledger.append(connection, "OPENED", actor="a", payload={})


def test_four_writers_leave_no_gap_and_no_fork(workspace: Engine) -> None:
    faults: list[BaseException] = []

    def write(name: str) -> None:
        try:
            for number in range(50):
                with writing(workspace) as connection:
                    ledger.append(connection, "OPENED", actor=name, payload={"n": number})
        except Exception as fault:  # noqa: BLE001  (shown by the assertion below)
            faults.append(fault)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    with workspace.connect() as connection:
        verdict = verify(connection)
        written = [(e.actor, e.payload["n"]) for e in ledger.events(connection)]
    assert (verdict.intact, verdict.events) == (True, 200)
    assert sorted(written) == [(name, number) for name in "abcd" for number in range(50)]


KILLED = """
import os, signal, sys
from pathlib import Path
from clinical.audit import ledger
from clinical.workspace.database import open_workspace, writing

engine = open_workspace(Path(sys.argv[1]))
with writing(engine) as connection:
    ledger.append(connection, "OPENED", actor="kept", payload={})
with writing(engine) as connection:
    for number in range(500):
        ledger.append(connection, "OPENED", actor="lost", payload={"pad": "x" * 5000})
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_writer_killed_in_the_middle_leaves_whole_transactions_only(tmp_path: Path) -> None:
    open_workspace(tmp_path, create=True).dispose()
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr.decode()
    engine = open_workspace(tmp_path)
    with writing(engine) as connection:
        ledger.append(connection, "OPENED", actor="after", payload={})
    with engine.connect() as connection:
        assert verify(connection).intact
        assert [event.actor for event in ledger.events(connection)] == ["kept", "after"]
    engine.dispose()
