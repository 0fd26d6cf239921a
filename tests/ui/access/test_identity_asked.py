"""The password that is asked for again: what a guess costs, and what it does not cost the owner."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import Engine

from clinical.access import accounts
from clinical.audit import ledger
from clinical.errors import AccountError
from clinical.workspace.database import open_workspace
from ui.access import identity, login_throttle

PASSWORD = "three quiet herons"
NAME = "dr.confirms"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_workspace(tmp_path, create=True)
    accounts.add(made, NAME, "reader", PASSWORD)
    yield made
    login_throttle.succeeded(NAME)
    made.dispose()


def test_a_right_password_that_comes_too_soon_is_no_refusal_and_says_when_to_send_it_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands = [1000.0]
    monkeypatch.setattr(login_throttle, "time", SimpleNamespace(monotonic=lambda: hands[0]))
    for _ in range(3):
        with pytest.raises(AccountError, match="Wrong password"):
            identity.confirm_of(engine, NAME, "reader", "another password")
    for _ in range(3):
        with pytest.raises(AccountError, match="not checked") as soon:
            identity.confirm_of(engine, NAME, "reader", PASSWORD)
        assert soon.value.remedy == "send it again in 2 s."
    hands[0] += 2

    assert identity.confirm_of(engine, NAME, "reader", PASSWORD)
    with engine.connect() as connection:
        assert len(list(ledger.events(connection, kind="REFUSED"))) == 3
    assert login_throttle.wait(NAME) == 0
