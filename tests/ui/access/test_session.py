"""Sessions: how they begin, how they end, and that guessing is slow."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from clinical.access import accounts
from clinical.audit import ledger
from clinical.errors import SignInRefused
from clinical.workspace.database import open_workspace
from ui.access import login_throttle, session

PASSWORD = "three quiet herons"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_workspace(tmp_path, create=True)
    accounts.add(made, "dr.first", "reader", PASSWORD)
    yield made
    session.end_all(made)
    made.dispose()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Hands of the monotonic clock; move them by assigning to the first item."""
    hands = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: hands[0])
    return hands


def recorded(engine: Engine) -> list[tuple[str, str, dict[str, object]]]:
    """Every event after the one that made the account."""
    with engine.connect() as connection:
        return [(e.kind, e.actor, dict(e.payload)) for e in ledger.events(connection)][1:]


def test_a_session_from_sign_in_to_sign_out(engine: Engine) -> None:
    token = session.sign_in(engine, "dr.first", PASSWORD, idle=900)
    holder = session.holder(engine, token)
    assert holder is not None
    assert holder.name == "dr.first"
    session.end(engine, token, "asked")
    session.end(engine, token, "asked")

    assert session.holder(engine, token) is None
    assert recorded(engine) == [
        ("SIGNED_IN", "dr.first", {"by": "password", "role": "reader"}),
        ("SIGNED_OUT", "dr.first", {"why": "asked"}),
    ]


@pytest.mark.parametrize("token", ["", "guess", "dr.first"])
def test_a_made_up_token_opens_nothing(engine: Engine, token: str) -> None:
    session.sign_in(engine, "dr.first", PASSWORD, idle=900)
    assert session.find(token) is None
    assert session.holder(engine, token) is None


def test_the_server_keeps_no_token(engine: Engine) -> None:
    token = session.sign_in(engine, "dr.first", PASSWORD, idle=900)
    assert len(token) >= 43  # 32 random bytes
    assert token not in repr(session._live)


def test_nobody_at_work_ends_a_session_and_work_prolongs_it(
    engine: Engine, clock: list[float]
) -> None:
    token = session.sign_in(engine, "dr.first", PASSWORD, idle=900)
    clock[0] += 899
    session.touch(token)
    clock[0] += 899
    assert session.holder(engine, token) is not None
    clock[0] += 1
    session.touch(token)  # too late: an interaction does not raise the dead
    assert session.find(token) is None
    assert session.holder(engine, token) is None

    assert recorded(engine)[-1] == ("SIGNED_OUT", "dr.first", {"why": "idle"})


def test_a_session_that_nobody_asks_for_is_ended_too(engine: Engine, clock: list[float]) -> None:
    session.sign_in(engine, "dr.first", PASSWORD, idle=900)
    clock[0] += 901
    session.end_idle(engine)
    session.end_idle(engine)

    assert [kind for kind, _, _ in recorded(engine)] == ["SIGNED_IN", "SIGNED_OUT"]


def test_a_disabled_account_is_out_at_its_next_step(engine: Engine) -> None:
    token = session.sign_in(engine, "dr.first", PASSWORD, idle=900)
    accounts.disable(engine, "dr.first", actor="boss")

    assert session.holder(engine, token) is None
    assert recorded(engine)[-1] == ("SIGNED_OUT", "dr.first", {"why": "disabled"})


def test_a_password_that_somebody_else_sets_ends_a_session_its_own_change_does_not(
    engine: Engine,
) -> None:
    """Also where it was set by another process: nothing but the ledger tells of it."""
    token = session.sign_in(engine, "dr.first", PASSWORD, idle=900)
    accounts.add(engine, "dr.first_", "reader", None)
    accounts.set_password(engine, "dr.first_", "four loud herons", actor="boss")
    accounts.set_password(engine, "dr.first", "four loud herons", actor="dr.first")
    assert session.holder(engine, token) is not None
    accounts.set_password(engine, "dr.first", "five lost herons", actor="boss")
    assert session.holder(engine, token) is None
    assert recorded(engine)[-1] == ("SIGNED_OUT", "dr.first", {"why": "password"})


def test_the_end_of_the_server_ends_every_session(engine: Engine) -> None:
    for _ in range(2):
        session.sign_in(engine, "dr.first", PASSWORD, idle=900)
    session.end_all(engine)

    assert [payload for kind, _, payload in recorded(engine) if kind == "SIGNED_OUT"] == [
        {"why": "stopped"},
        {"why": "stopped"},
    ]


def test_refusals_are_recorded_without_what_was_typed(engine: Engine) -> None:
    accounts.add(engine, "dr.gone", "reader", PASSWORD)
    accounts.disable(engine, "dr.gone", actor="boss")
    for name, typed in (
        ("dr.first", "hunter2 hunter2"),
        ("my secret pass phrase", "dr.first"),
        ("dr.gone", PASSWORD),
    ):
        with pytest.raises(SignInRefused):
            session.sign_in(engine, name, typed, idle=900)

    refused = [event for event in recorded(engine) if event[0] == "REFUSED"]
    assert refused == [
        ("REFUSED", "dr.first", {"what": "sign_in", "why": "password"}),
        ("REFUSED", "unknown name", {"what": "sign_in", "why": "unknown"}),
        ("REFUSED", "dr.gone", {"what": "sign_in", "why": "disabled"}),
    ]
    assert "hunter2" not in str(recorded(engine))
    assert "secret" not in str(recorded(engine))


def test_a_provider_vouches_for_a_name_and_the_workspace_decides(engine: Engine) -> None:
    accounts.add(engine, "dr.far@clinic.example", "auditor", None)
    token = session.sign_in_vouched(engine, "dr.far@clinic.example", idle=900)
    holder = session.holder(engine, token)
    assert holder is not None
    assert holder.role == "auditor"
    for stranger in ("someone@else.example", ""):
        with pytest.raises(SignInRefused, match="no account in this workspace"):
            session.sign_in_vouched(engine, stranger, idle=900)

    assert recorded(engine)[1] == (
        "SIGNED_IN",
        "dr.far@clinic.example",
        {"by": "oidc", "role": "auditor"},
    )
    assert [payload["why"] for _, _, payload in recorded(engine)[2:]] == ["unknown", "unverified"]


def test_each_failure_makes_the_next_attempt_wait_longer_up_to_a_minute(
    clock: list[float],
) -> None:
    waits = []
    for _ in range(12):
        login_throttle.failed("guessed")
        waits.append(login_throttle.wait("guessed"))
        clock[0] += 100
    login_throttle.succeeded("guessed")

    assert waits == [0, 0, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]
    assert login_throttle.wait("guessed") == 0
    assert login_throttle.wait("another name") == 0


def test_only_so_many_names_are_remembered(clock: list[float]) -> None:
    for number in range(login_throttle.REMEMBERED + 50):
        for _ in range(3):
            login_throttle.failed(f"name {number}")

    assert len(login_throttle._failed) == login_throttle.REMEMBERED
    assert login_throttle.wait("name 0") == 0
    assert login_throttle.wait(f"name {login_throttle.REMEMBERED + 49}") > 0
    assert "name" not in repr(login_throttle._failed)
