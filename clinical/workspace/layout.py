"""The tables of a workspace, and the number of their layout.

Those of the store and of the ledger are declared side by side, because a state change and its
audit event share one transaction (`clinical.workspace.database.writing`).
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

LAYOUT = 2  # SQLite's user_version; rises when a table is added or changes.
NO_HASH = "0" * 64  # what the first event names as the event before it

TABLES = MetaData()

CASES = Table(
    "cases",
    TABLES,
    Column("record_digest", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("input_digest", Text, nullable=False),
    Column("position", Integer, nullable=False),  # the highest of a case_id is its current record
    Column("decision_time", Text),
    Column("record", Text, nullable=False),  # canonical JSON of `case.as_json`
    Index("cases_by_id", "case_id", "position", unique=True),
    Index("cases_by_input", "case_id", "input_digest"),
    sqlite_strict=True,
)

PIXELS = Table(
    "pixels",
    TABLES,
    Column("digest", Text, primary_key=True),
    Column("encoding", Text, nullable=False),
    Column("size", Text, nullable=False),  # "rows,columns"
    Column("data", LargeBinary, nullable=False),
    sqlite_strict=True,
)

ASSESSMENTS = Table(
    "assessments",
    TABLES,
    Column("digest", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("record", Text, nullable=False),  # canonical JSON of `assessment.as_json`
    Index("assessments_by_case", "case_id"),
    sqlite_strict=True,
)

# One narrow row per case, so that a list of 10,000 cases opens without reading whole assessments.
WORKLIST = Table(
    "worklist",
    TABLES,
    Column("case_id", Text, primary_key=True),
    Column("assessment_digest", Text, ForeignKey("assessments.digest"), nullable=False),
    Column("decision_time", Text),
    Column("used", Text, nullable=False),  # JSON list
    Column("missing", Text, nullable=False),  # JSON list
    Column("probabilities", Text, nullable=False),  # JSON list of pairs, none of them withheld
    Column("flagged", Boolean, nullable=False),
    Column("conflicts", Integer, nullable=False),
)

COMMENTS = Table(
    "comments",
    TABLES,
    Column("digest", Text, primary_key=True),
    Column("salt", Text, nullable=False),
    Column("text", Text, nullable=False),
    sqlite_strict=True,
)

EVENTS = Table(
    "events",
    TABLES,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("time", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("payload", Text, nullable=False),  # canonical JSON
    Column("previous", Text, nullable=False, unique=True),  # unique: the chain cannot fork
    Column("hash", Text, nullable=False, unique=True),
    Index("events_by_case", "case_id", "sequence"),
    sqlite_strict=True,
)

HEAD = Table(
    "ledger_head",
    TABLES,
    Column("only", Integer, CheckConstraint('"only" = 1'), primary_key=True, autoincrement=False),
    Column("sequence", Integer, nullable=False),
    Column("hash", Text, nullable=False),
    sqlite_strict=True,
)

ACCOUNTS = Table(
    "accounts",
    TABLES,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("hash", Text, nullable=False),  # argon2id with its salt; "" where OIDC vouches
    Column("created", Text, nullable=False),  # ISO 8601, UTC
    Column("disabled", Text, nullable=False),  # when, or ""
    sqlite_strict=True,
)

TREE_HEADS = Table(
    "tree_heads",
    TABLES,
    Column("size", Integer, primary_key=True, autoincrement=False),  # number of events under it
    Column("root", Text, nullable=False),
    Column("time", Text, nullable=False),  # ISO 8601, UTC
    Column("origin", Text, nullable=False),  # random, one for each ledger
    Column("previous", Text, nullable=False),  # digest of the head before
    Column("public_key", Text, nullable=False),
    Column("signature", Text, nullable=False),
    Column("edge", Text, nullable=False),  # JSON list of `merkle.Edge.peaks`, to go on from
    sqlite_strict=True,
)

# Layout to the tables that the next one adds. A workspace of an older layout is brought up to date
# when it is opened; nothing that is in it changes.
ADDED: dict[int, tuple[Table, ...]] = {1: (ACCOUNTS, TREE_HEADS)}
