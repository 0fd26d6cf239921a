"""Refusals of those without an account: one event a minute, and none is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from clinical.audit import ledger
from clinical.errors import StoreError
from clinical.workspace.database import open_workspace
from ui.access import refusals


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_workspace(tmp_path, create=True)
    yield made
    refusals.settle(made, all_of_them=True)
    made.dispose()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Hands of the monotonic clock; move them by assigning to the first item."""
    hands = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: hands[0])
    return hands


def recorded(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        return [event.payload.get("times", 1) for event in ledger.events(connection)]


def refuse(engine: Engine, times: int = 1) -> None:
    for _ in range(times):
        refusals.note(engine, "unknown name", "sign_in", "unknown")


def test_a_flood_is_one_event_a_minute(engine: Engine, clock: list[float]) -> None:
    refuse(engine)
    assert recorded(engine) == [1]
    refuse(engine, 300)
    clock[0] += 59
    refusals.settle(engine)
    assert recorded(engine) == [1]
    clock[0] += 1
    refusals.settle(engine)
    assert recorded(engine) == [1, 300]
    refuse(engine, 200)
    clock[0] += 60
    refuse(engine, 7)
    assert recorded(engine) == [1, 300, 200]
    refusals.settle(engine, all_of_them=True)
    assert recorded(engine) == [1, 300, 200, 7]


def test_one_after_a_quiet_minute_is_an_event_at_once(engine: Engine, clock: list[float]) -> None:
    refuse(engine)
    clock[0] += 61
    refuse(engine)
    assert recorded(engine) == [1, 1]


def test_what_differs_is_counted_apart(engine: Engine) -> None:
    refuse(engine, 3)
    refusals.note(engine, "dr.first", "request", "origin")
    assert recorded(engine) == [1, 1]
    refusals.settle(engine, all_of_them=True)
    assert recorded(engine) == [1, 1, 2]


def test_what_cannot_be_recorded_now_is_recorded_later(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreError("The disk is full.", remedy="make room.")

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "append", full)
        with pytest.raises(StoreError):
            refuse(engine)
        refuse(engine)
        with pytest.raises(StoreError):
            refusals.settle(engine, all_of_them=True)
    assert recorded(engine) == []
    refusals.settle(engine, all_of_them=True)
    assert recorded(engine) == [2]
