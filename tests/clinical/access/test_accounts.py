"""Accounts: who may be made, who may sign in, and what the ledger says of it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from clinical.access import accounts
from clinical.audit import ledger, verify
from clinical.audit.keys import KEY_FILE
from clinical.errors import AccountError, ConfigError, SignInRefused
from clinical.workspace.database import DATABASE_NAME, open_workspace, writing
from clinical.workspace.layout import ACCOUNTS, LAYOUT
from pipelines.cli import main

PASSWORD = "three quiet herons"


@pytest.fixture
def engine(workspace: Engine) -> Engine:
    return workspace


def recorded(engine: Engine) -> list[tuple[str, str, dict[str, object]]]:
    with engine.connect() as connection:
        return [(e.kind, e.actor, dict(e.payload)) for e in ledger.events(connection)]


@pytest.mark.both_databases
def test_an_account_opens_with_its_password_and_with_no_other(engine: Engine) -> None:
    made = accounts.add(engine, "dr.first", "reader", PASSWORD, actor="boss")

    assert accounts.authenticate(engine, "dr.first", PASSWORD) == made
    for name, typed in (("dr.first", PASSWORD + "s"), ("dr.first", ""), ("nobody", PASSWORD)):
        with pytest.raises(SignInRefused, match="Wrong name or password"):
            accounts.authenticate(engine, name, typed)


def test_the_hash_is_argon2id_and_nowhere_in_the_ledger(engine: Engine) -> None:
    accounts.add(engine, "dr.first", "reader", PASSWORD, actor="boss")
    with engine.connect() as connection:
        kept = connection.execute(select(ACCOUNTS.c.hash)).scalar_one()

    assert kept.startswith("$argon2id$")
    ((kind, actor, payload),) = recorded(engine)
    bound = payload.pop("row")  # a digest that also covers the salt of the hash
    assert (kind, actor, len(bound)) == ("ACCOUNT", "boss", 64)
    assert payload == {"account": "dr.first", "change": "added", "role": "reader"}
    file = Path(engine.url.database or "").read_bytes()
    assert PASSWORD.encode() not in file


@pytest.mark.parametrize(
    ("name", "role", "password", "says"),
    [
        ("Dr First", "reader", PASSWORD, "not a valid account name"),
        ("system", "reader", PASSWORD, "not a valid account name"),
        ("", "reader", PASSWORD, "not a valid account name"),
        ("<script>", "reader", PASSWORD, "not a valid account name"),
        ("dr.first", "reader", "eleven char", "at least 12"),
        ("dr.first", "reader", "x" * 1001, "at most 1000"),
        ("dr.first.of.all", "reader", "DR.FIRST.OF.ALL ", "same as the name"),
    ],
)
def test_what_no_account_can_be(
    engine: Engine, name: str, role: accounts.Role, password: str, says: str
) -> None:
    with pytest.raises(AccountError, match=says) as caught:
        accounts.add(engine, name, role, password)
    assert caught.value.remedy
    assert recorded(engine) == []


def test_a_role_is_one_of_four(engine: Engine) -> None:
    with pytest.raises(ConfigError, match="no such role") as caught:
        accounts.add(engine, "dr.first", "king", PASSWORD)
    assert "adjudicator" in caught.value.remedy


@pytest.mark.both_databases
def test_a_name_is_given_once(engine: Engine) -> None:
    accounts.add(engine, "dr.first", "reader", None)
    with pytest.raises(AccountError, match="already"):
        accounts.add(engine, "dr.first", "auditor", None)
    accounts.disable(engine, "dr.first", actor="boss")
    with pytest.raises(AccountError, match="already"):  # never again, whoever had it
        accounts.add(engine, "dr.first", "reader", PASSWORD)


def test_an_account_for_oidc_has_no_password_to_guess(engine: Engine) -> None:
    accounts.add(engine, "dr.first@hospital.example", "reader", None)
    for typed in ("", "a password that nobody has"):
        with pytest.raises(SignInRefused):
            accounts.authenticate(engine, "dr.first@hospital.example", typed)


@pytest.mark.both_databases
def test_disabled_then_enabled(engine: Engine) -> None:
    accounts.add(engine, "dr.first", "reader", PASSWORD)
    accounts.disable(engine, "dr.first", actor="boss")
    with pytest.raises(SignInRefused):
        accounts.authenticate(engine, "dr.first", PASSWORD)
    with pytest.raises(AccountError, match="already"):
        accounts.disable(engine, "dr.first", actor="boss")
    accounts.enable(engine, "dr.first", actor="boss")

    assert accounts.authenticate(engine, "dr.first", PASSWORD).disabled is None
    assert [e[2]["change"] for e in recorded(engine)] == ["added", "disabled", "enabled"]


def test_nobody_locks_themselves_out(engine: Engine) -> None:
    accounts.add(engine, "boss", "administrator", PASSWORD)
    with pytest.raises(AccountError, match="their own"):
        accounts.disable(engine, "boss", actor="boss")


def test_a_new_password_replaces_the_old_one(engine: Engine) -> None:
    accounts.add(engine, "dr.first", "reader", PASSWORD)
    accounts.set_password(engine, "dr.first", "four loud herons")

    assert accounts.authenticate(engine, "dr.first", "four loud herons").name == "dr.first"
    with pytest.raises(SignInRefused):
        accounts.authenticate(engine, "dr.first", PASSWORD)
    with pytest.raises(AccountError, match="no account"):
        accounts.set_password(engine, "nobody", "four loud herons")


def test_a_workspace_of_layout_1_gets_accounts_and_keeps_its_record(tmp_path: Path) -> None:
    engine = open_workspace(tmp_path, create=True)
    with writing(engine) as connection:
        kept = ledger.append(connection, "EXPORTED", actor="auditor", payload={"cases": 0})
    engine.dispose()
    with sqlite3.connect(tmp_path / DATABASE_NAME) as old:  # as the first layout was
        old.execute("DROP TABLE accounts")
        old.execute("DROP TABLE tree_heads")
        old.execute("PRAGMA user_version = 1")
    old.close()
    (tmp_path / KEY_FILE).unlink()

    for _ in range(2):  # the second time there is nothing to do
        engine = open_workspace(tmp_path)
        with engine.connect() as connection:
            assert next(ledger.events(connection)) == kept
            assert "nothing in this ledger is signed" in verify.verify(connection).reason
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            assert version == LAYOUT
        engine.dispose()
    accounts.add(engine, "dr.first", "reader", None)
    with engine.connect() as connection:
        assert [account.name for account in accounts.everyone(connection)] == ["dr.first"]
        assert verify.verify(connection).intact, "signed with the first event that came after"
    engine.dispose()


def test_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import io

    open_workspace(tmp_path, create=True).dispose()
    to = ["--workspace", str(tmp_path)]

    def run(*words: str, typed: str = "") -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        return main(["account", *words, *to], {})

    stdin = "--password-stdin"
    assert run("add", "Boss", "--role", "administrator", stdin, typed=f"{PASSWORD}\n") == 0
    assert run("add", "dr.far@clinic.example", "--role", "reader", "--oidc") == 0
    assert run("add", "dr.odd", "--role", "king", "--oidc") == 1
    assert run("add", "dr.short", "--role", "reader", stdin, typed="short\n") == 1
    assert run("set-password", "boss", stdin, typed="four loud herons\n") == 0
    assert run("disable", "dr.far@clinic.example") == 0
    assert run("disable", "nobody") == 1
    assert run("list") == 0

    out, err = capsys.readouterr()
    assert "administrator" in out
    assert "OIDC" in out
    assert "at least 12" in err
    assert PASSWORD not in out + err
    engine = open_workspace(tmp_path)
    assert accounts.authenticate(engine, "boss", "four loud herons").role == "administrator"
    changes = [json.dumps(payload) for _, _, payload in recorded(engine)]
    engine.dispose()
    assert len(changes) == 4
    assert "herons" not in "".join(changes)


def test_who_can_be_given_cases_has_an_account_that_is_on_and_may_decide(engine: Engine) -> None:
    accounts.add(engine, "boss", "administrator", PASSWORD)
    accounts.add(engine, "dr.second", "adjudicator", PASSWORD)
    accounts.add(engine, "dr.first", "reader", PASSWORD)
    accounts.add(engine, "dr.gone", "reader", PASSWORD)
    accounts.add(engine, "eve", "auditor", PASSWORD)
    accounts.disable(engine, "dr.gone")
    with engine.connect() as connection:
        assert set(accounts.readers(connection)) == {"dr.first", "dr.second"}
