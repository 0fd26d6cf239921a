"""`triptych account ...`: who may sign in to the page of a workspace."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.table import Table

from pipelines.commands.options import Keys, Workspace, open_place, screen

account_app = typer.Typer(
    help="Manage the accounts of a workspace: who may sign in, and with which role.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Account name, in lower case.")]
FromInput = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]


@account_app.command()
def add(
    name: Name,
    workspace: Workspace,
    role: Annotated[
        str, typer.Option("--role", help="Role: reader, adjudicator, auditor or administrator.")
    ],
    password_stdin: FromInput = False,
    oidc: Annotated[
        bool, typer.Option("--oidc", help="No password: sign in by OpenID Connect only.")
    ] = False,
    keys: Keys = None,
) -> None:
    """Add an account; asks for its password twice."""
    from clinical.access import accounts
    from clinical.access.roles import role_of

    plain = accounts.plain_name(name)
    accounts.check_name(plain)
    known = role_of(role)
    with open_place(workspace, keys) as engine:
        accounts.add(engine, plain, known, None if oidc else _password(password_stdin))
    screen.print(f"added {plain} ({role})")


@account_app.command("list")
def show(workspace: Workspace, keys: Keys = None) -> None:
    """List all accounts with role and status."""
    from clinical.access import accounts

    with open_place(workspace, keys) as engine, engine.connect() as connection:
        found = accounts.everyone(connection)
    table = Table("name", "role", "created", "signs in by", "disabled since")
    for account in found:
        table.add_row(
            account.name,
            account.role,
            f"{account.created:%Y-%m-%d}",
            "password" if account.has_password else "OIDC",
            f"{account.disabled:%Y-%m-%d}" if account.disabled else "",
        )
    screen.print(table)


@account_app.command()
def disable(name: Name, workspace: Workspace, keys: Keys = None) -> None:
    """Stop an account from signing in; its name stays in the record."""
    from clinical.access import accounts

    with open_place(workspace, keys) as engine:
        accounts.disable(engine, accounts.plain_name(name))
    screen.print(f"disabled {accounts.plain_name(name)}")


@account_app.command()
def enable(name: Name, workspace: Workspace, keys: Keys = None) -> None:
    """Let a disabled account sign in again."""
    from clinical.access import accounts

    with open_place(workspace, keys) as engine:
        accounts.enable(engine, accounts.plain_name(name))
    screen.print(f"enabled {accounts.plain_name(name)}")


@account_app.command("set-password")
def set_password(
    name: Name, workspace: Workspace, password_stdin: FromInput = False, keys: Keys = None
) -> None:
    """Set a new password for an account."""
    from clinical.access import accounts

    with open_place(workspace, keys) as engine:
        with engine.connect() as connection:
            accounts.require(connection, accounts.plain_name(name))
        accounts.set_password(engine, accounts.plain_name(name), _password(password_stdin))
    screen.print(f"new password for {accounts.plain_name(name)}")


@account_app.command("disable-passkeys")
def disable_passkeys(name: Name, workspace: Workspace, keys: Keys = None) -> None:
    """Stop taking the passkeys of an account, one of which was lost."""
    from clinical.access import accounts, passkeys

    with open_place(workspace, keys) as engine:
        passkeys.disable(engine, accounts.plain_name(name))
    screen.print(f"disabled the passkeys of {accounts.plain_name(name)}; it may register others")


def _password(from_input: bool) -> str:
    if from_input:
        return sys.stdin.readline().rstrip("\r\n")
    typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt="Repeat it")
    return typed
