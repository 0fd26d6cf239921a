"""The rows of accounts: each ACCOUNT event binds the row that it left, so that nobody is somebody
else, has another role or another password than the ledger says.
"""

from __future__ import annotations

from sqlalchemy import Connection, RowMapping, select

from clinical import canonical
from clinical.audit.verifier import Fault, Walk
from clinical.workspace.layout import ACCOUNTS


def digest(row: RowMapping) -> str:
    """SHA-256 of the canonical JSON of a row.

    It says nothing of the password: the hash in the row is over 16 random bytes, too, which are
    kept nowhere else.
    """
    return canonical.digest({column.name: row[column.name] for column in ACCOUNTS.columns})


def check(connection: Connection, walk: Walk) -> None:
    """Compare all accounts with the last event about each.

    Raises:
        Fault: at an account that is missing, that no event made, or that was changed without one.
    """
    rows = {row.name: row._mapping for row in connection.execute(select(ACCOUNTS))}
    for name in sorted(rows.keys() - walk.accounts.keys()):
        raise Fault(f"there is an account, {name}, that no event made")
    for name, said in sorted(walk.accounts.items(), key=lambda item: int(item[1]["number"])):
        number = said["number"]
        if name not in rows:
            raise Fault("the account that it is about is missing", number)
        row = rows[name]
        if row["role"] != said["role"]:
            raise Fault("the account that it is about was given another role", number)
        if bool(row["disabled"]) != said["disabled"]:
            raise Fault("the account that it is about was switched on or off", number)
        if "row" in said and digest(row) != said["row"]:
            raise Fault("the account that it is about was changed (password or times)", number)
