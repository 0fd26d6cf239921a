"""Comments and whatever else of free text the ledger names by digest, each kept with a salt.

Like the store of cases (`clinical.workspace.store`): inside the caller's transaction, and content
is never overwritten.
"""

from __future__ import annotations

import secrets

from sqlalchemy import Connection, insert, select

from clinical import canonical
from clinical.errors import StoreError
from clinical.workspace import store
from clinical.workspace.layout import COMMENTS

_REMEDY = "restore the workspace from a backup."


def put(connection: Connection, text: str) -> str:
    """Store a comment under a new digest.

    The digest covers a random salt too, because the digest of a short comment alone could be
    guessed by whoever holds only the ledger.

    Raises:
        StoreError: if the text is not valid Unicode.
    """
    salt = secrets.token_hex(16)
    digest = canonical.sha256(store.written({"salt": salt, "text": text}))
    connection.execute(insert(COMMENTS).values(digest=digest, salt=salt, text=text))
    return digest


def get(connection: Connection, digest: str) -> str:
    """The text of a comment.

    Raises:
        StoreError: if it is missing or was changed since it was stored.
    """
    return get_salted(connection, digest)[1]


def get_salted(connection: Connection, digest: str) -> tuple[str, str]:
    """Salt and text of a comment; with both, its digest can be computed again.

    Raises:
        StoreError: if it is missing or was changed since it was stored.
    """
    row = connection.execute(select(COMMENTS).where(COMMENTS.c.digest == digest)).one_or_none()
    if row is None:
        raise StoreError(f"The workspace holds no comment {digest}.", remedy=_REMEDY)
    if canonical.digest({"salt": row.salt, "text": row.text}) != digest:
        raise StoreError(f"Comment {digest} was changed.", remedy="run `triptych audit verify`.")
    return row.salt, row.text
