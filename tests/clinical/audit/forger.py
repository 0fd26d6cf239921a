"""Somebody who can write the files of a workspace: edits of a ledger, from clumsy to skilled.

Each edit is a function of a `Forger` that says where verification may place the fault. Their
names end up in the table that `make trials` prints.
"""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clinical import canonical
from clinical.audit import heads, keys, leaves, merkle, rotation, verifier
from clinical.audit import ledger as ledgers
from clinical.audit.heads import TreeHead
from clinical.audit.merkle import Edge
from clinical.audit.signer import Signer, in_memory
from clinical.audit.verify import Verdict, verify
from clinical.workspace import triggers
from clinical.workspace.database import DATABASE_NAME, open_workspace, writing
from clinical.workspace.layout import NO_HASH

KINDS = ("OPENED", "DECIDED", "ASSESSED", "EXPORTED", "SIGNED_IN", "KEY_ROTATED", "")
FIELDS = ("time", "actor", "kind", "case_id", "payload", "previous", "hash")
HEAD_FIELDS = ("root", "time", "origin", "previous", "public_key", "signature", "edge", "size")

Row = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where the fault may be said to be, and whether it takes a head kept elsewhere to see it."""

    first: int
    last: int
    needs_head: bool = False


@dataclass(frozen=True)
class Ledger:
    """An honest ledger: where it lies, an older copy of its file, and the head that was kept."""

    folder: Path
    older: Path
    older_size: int
    size: int
    kept: TreeHead


def honest(folder: Path, rng: random.Random, largest: int) -> Ledger:
    """Make a ledger of random size with exports and changes of key in it, signed at its end."""
    workspace, older = folder / "workspace", folder / "older.sqlite"
    engine = open_workspace(workspace, create=True)
    parts = [rng.randint(1, largest) for _ in range(rng.randint(2, 3))]
    older_size = 0
    for number, count in enumerate(parts):
        if number:
            if rng.random() < 0.5:
                rotation.rotate(engine)
            with engine.connect() as connection:
                older_size = ledgers.head(connection).sequence
            engine.dispose()  # the last connection leaves one whole file
            shutil.copy(workspace / DATABASE_NAME, older)
        with writing(engine) as connection:
            for _ in range(count):
                kind = "EXPORTED" if rng.random() < 0.1 else "OPENED"
                payload = {"n": rng.randrange(1000), "text": "é" * rng.randrange(9)}
                case_id = f"case-{rng.randrange(9)}"
                ledgers.append(connection, kind, actor="reader", case_id=case_id, payload=payload)  # type: ignore[arg-type]
    with writing(engine) as connection:
        kept = heads.sign_now(connection)
    engine.dispose()
    return Ledger(workspace, older, older_size, kept.size, kept)


def verdict_on(folder: Path, kept: TreeHead | None) -> Verdict:
    engine = open_workspace(folder)
    with engine.connect() as connection:
        verdict = verify(connection, known=kept)
    engine.dispose()
    return verdict


class Forger:
    """A copy of a ledger in the hands of somebody who wants to change it."""

    def __init__(self, ledger: Ledger, copy: Path, rng: random.Random) -> None:
        shutil.copytree(ledger.folder, copy)
        self.ledger, self.folder, self.rng = ledger, copy, rng
        self.database = copy / DATABASE_NAME
        with self.opened() as raw:
            for statement in chain.from_iterable(triggers.SQLITE.values()):
                raw.execute(f"DROP TRIGGER {statement.split()[2]}")
        self.sizes = [row["size"] for row in self.rows("tree_heads ORDER BY size")]

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.database)) as raw, raw:
            raw.execute("PRAGMA synchronous = OFF")
            raw.row_factory = sqlite3.Row
            yield raw

    def run(self, statement: str, *values: Any) -> None:
        with self.opened() as raw:
            raw.execute(statement, values)

    def rows(self, table: str) -> list[Row]:
        with self.opened() as raw:
            return [dict(row) for row in raw.execute(f"SELECT * FROM {table}")]

    def put(self, table: str, rows: list[Row]) -> None:
        names = ", ".join(rows[0])
        marks = ", ".join("?" * len(rows[0]))
        with self.opened() as raw:
            raw.execute(f"DELETE FROM {table}")
            values = [tuple(row.values()) for row in rows]
            raw.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)

    def events(self) -> list[Row]:
        return self.rows("events ORDER BY sequence")

    def any_event(self) -> int:
        return self.rng.randint(1, self.ledger.size)

    def signed_before(self, number: int) -> int:
        """Size of the last head that does not cover event `number`."""
        return max((size for size in self.sizes if size < number), default=0)

    def chain(self, events: list[Row]) -> None:
        """Number and hash the events anew and write them with the head row that fits."""
        last = NO_HASH
        for number, event in enumerate(events, start=1):
            event.update(sequence=number, previous=last)
            event["hash"] = hash_of(event)
            last = event["hash"]
        self.put("events", events)
        self.run("UPDATE ledger_head SET sequence = ?, hash = ?", len(events), last)

    def sign_again(self, key: Signer, origin: str | None = None) -> None:
        """Replace all heads by heads over the events as they are, signed with `key`."""
        old = {row["size"]: row for row in self.rows("tree_heads")}
        edge, previous, time, made = Edge(), NO_HASH, "", []
        for event in self.events():
            edge = merkle.grown(edge, merkle.leaf_hash(content_of(event)))
            if edge.size not in old:
                continue
            row = old[edge.size]
            time = max(time, row["time"], event["time"])
            head = TreeHead(
                edge.size, merkle.root(edge).hex(), time, origin or row["origin"], previous,
                key.public, "",
            )  # fmt: skip
            head = replace(head, signature=key.sign(heads.statement(head)))
            previous = canonical.sha256(heads.statement(head))
            peaks = json.dumps([peak.hex() for peak in edge.peaks])
            made.append({**vars(head), "edge": peaks})
        self.put("tree_heads", made)

    def forged_event(self, number: int) -> Row:
        """An event to stand at that place, or after the last one."""
        events = self.events()
        return {
            "sequence": 0, "time": events[min(number, len(events)) - 1]["time"], "actor": "mallory",
            "kind": "OPENED", "case_id": "case-1", "payload": '{"n":-1}', "previous": NO_HASH,
            "hash": "",
        }  # fmt: skip


def content_of(event: Row) -> bytes:
    return leaves.content({**event, "payload": json.loads(event["payload"])})


def hash_of(event: Row) -> str:
    return canonical.sha256(content_of(event))


# The edits


def change_a_field(forger: Forger) -> Place:
    number = forger.any_event()
    field = forger.rng.choice(FIELDS)
    old = forger.events()[number - 1][field]
    new = next(v for v in iter(lambda: other(forger.rng, field, old), None) if v != old)
    forger.run(f"UPDATE events SET {field} = ? WHERE sequence = ?", new, number)
    return Place(number, number)


def other(rng: random.Random, field: str, old: str) -> str:
    if field == "kind":
        return rng.choice(KINDS)
    if field == "payload":
        return rng.choice(["{}", '{"n":7}', "[", "null", old + " "])
    place = rng.randrange(len(old) + 1)
    return rng.choice([old[:place] + "0" + old[place + 1 :], old[:place], old + "x", ""])


def change_and_rehash(forger: Forger) -> Place:
    number = forger.any_event()
    event = {**forger.events()[number - 1], "actor": "mallory"}
    forger.run(
        "UPDATE events SET actor = ?, hash = ? WHERE sequence = ?",
        "mallory", hash_of(event), number,
    )  # fmt: skip
    return Place(forger.signed_before(number) + 1, number + 1)


def rewrite_to_the_end(forger: Forger) -> Place:
    number = forger.any_event()
    events = forger.events()
    events[number - 1]["actor"] = "mallory"
    forger.chain(events)
    return Place(forger.signed_before(number) + 1, number)


def delete_one(forger: Forger) -> Place:
    number = forger.any_event()
    forger.run("DELETE FROM events WHERE sequence = ?", number)
    return Place(number, number)


def delete_and_rewrite(forger: Forger) -> Place:
    number = forger.any_event()
    events = forger.events()
    del events[number - 1]
    if not events:
        return delete_one(forger)
    forger.chain(events)
    return Place(forger.signed_before(number) + 1, forger.ledger.size)


def insert_one(forger: Forger) -> Place:
    number = forger.any_event()
    events = forger.events()
    # Not the hash of the event before: no two events may name the same one.
    forged = {**forger.forged_event(number), "sequence": number, "previous": "f" * 64}
    forged["hash"] = hash_of(forged)
    for event in events[number - 1 :]:
        event["sequence"] += 1
    forger.put("events", [*events[: number - 1], forged, *events[number - 1 :]])
    return Place(number, number)


def insert_and_rewrite(forger: Forger) -> Place:
    number = forger.any_event()
    events = forger.events()
    forger.chain([*events[: number - 1], forger.forged_event(number), *events[number - 1 :]])
    return Place(forger.signed_before(number) + 1, forger.ledger.size)


def swap_two(forger: Forger) -> Place:
    low, high = sorted(forger.rng.sample(range(1, forger.ledger.size + 1), 2))
    events = forger.events()
    events[low - 1], events[high - 1] = (
        {**events[high - 1], "sequence": low},
        {**events[low - 1], "sequence": high},
    )
    forger.put("events", events)
    return Place(low, low)


def cut_the_tail(forger: Forger) -> Place:
    number = forger.any_event()
    forger.run("DELETE FROM events WHERE sequence >= ?", number)
    return Place(number, number)


def cut_the_tail_and_move_the_end(forger: Forger) -> Place:
    number = forger.rng.randint(2, forger.ledger.size)
    events = forger.events()[: number - 1]
    forger.put("events", events)
    forger.run("UPDATE ledger_head SET sequence = ?, hash = ?", number - 1, events[-1]["hash"])
    return Place(number, number)


def cut_the_tail_with_its_heads(forger: Forger) -> Place:
    cut_at = cut_the_tail_and_move_the_end(forger).first
    forger.run("DELETE FROM tree_heads WHERE size >= ?", cut_at)
    missing = forger.signed_before(cut_at) + 1  # an export or a change of key may miss its head
    return Place(missing, cut_at, needs_head=True)


def roll_back(forger: Forger) -> Place:
    shutil.copy(forger.ledger.older, forger.database)
    # Where the key was changed in between, the older copy and the key file do not fit either.
    return Place(1, forger.ledger.older_size + 1, needs_head=True)


def sign_again_with_another_key(forger: Forger) -> Place:
    forger.sign_again(in_memory(Ed25519PrivateKey.generate()))
    return Place(1, forger.ledger.size)


def rewrite_and_sign_again(forger: Forger) -> Place:
    rewrite_to_the_end(forger)
    forger.sign_again(in_memory(Ed25519PrivateKey.generate()))
    return Place(1, forger.ledger.size)


def rewrite_and_replace_the_key(forger: Forger) -> Place:
    events = [event for event in forger.events() if event["kind"] != "KEY_ROTATED"]
    events[forger.rng.randrange(len(events))]["actor"] = "mallory"
    filler = [
        forger.forged_event(forger.ledger.size) for _ in range(forger.ledger.size - len(events))
    ]
    forger.chain([*events, *filler])
    due = [e["sequence"] for e in forger.events() if e["kind"] in verifier.AT_ONCE]
    for size in due:
        forger.run(
            "INSERT OR IGNORE INTO tree_heads SELECT ?, root, time, origin, previous, public_key,"
            " signature, edge FROM tree_heads LIMIT 1",
            size,
        )
    (forger.folder / keys.KEY_FILE).unlink()
    forger.sign_again(keys.load(forger.folder, None), origin="00" * 16)
    return Place(forger.ledger.size, forger.ledger.size, needs_head=True)


def spoil_a_head(forger: Forger) -> Place:
    size = forger.rng.choice(forger.sizes)
    field = forger.rng.choice(HEAD_FIELDS)
    if field == "size":
        forger.run("UPDATE tree_heads SET size = ? WHERE size = ?", forger.ledger.size + 5, size)
        return Place(forger.signed_before(size) + 1, forger.ledger.size + 1)
    old = next(r for r in forger.rows("tree_heads") if r["size"] == size)[field]
    place = forger.rng.randrange(len(old))
    new = old[:place] + ("1" if old[place] == "0" else "0") + old[place + 1 :]
    forger.run(f"UPDATE tree_heads SET {field} = ? WHERE size = ?", new, size)
    return Place(size, size)


def take_a_head_away(forger: Forger) -> Place:
    size = forger.rng.choice(forger.sizes)
    forger.run("DELETE FROM tree_heads WHERE size = ?", size)
    following = min((s for s in forger.sizes if s > size), default=forger.ledger.size)
    return Place(1 if len(forger.sizes) == 1 else size, following, needs_head=True)


def take_all_heads_away(forger: Forger) -> Place:
    forger.run("DELETE FROM tree_heads")
    return Place(1, 1)


EDITS: tuple[Callable[[Forger], Place], ...] = (
    change_a_field,
    change_and_rehash,
    rewrite_to_the_end,
    delete_one,
    delete_and_rewrite,
    insert_one,
    insert_and_rewrite,
    swap_two,
    cut_the_tail,
    cut_the_tail_and_move_the_end,
    cut_the_tail_with_its_heads,
    roll_back,
    sign_again_with_another_key,
    rewrite_and_sign_again,
    rewrite_and_replace_the_key,
    spoil_a_head,
    take_a_head_away,
    take_all_heads_away,
)
