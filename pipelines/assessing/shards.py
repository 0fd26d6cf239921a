"""The ledger of a run: what was found of each case, under a key of all that it was made from.

Every worker writes a shard of its own, a line as soon as a case is done, so that one that is killed
loses the case that it was at and no other; a line that was torn is passed over. A case is looked up
by its key, whichever shard it is in: one whose inputs, model or preparation has changed has another
key, and what the old one found is passed over, too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any

import clinical
from clinical import canonical
from clinical.workspace import own_file

Row = dict[str, Any]
"""`key`, `case_id`, `problems`, and one of: what was found; `skipped`; `died`."""

_PREPARATION = ("*.py", "*.csv")


def case_keys(case_ids: Sequence[str], digests: Sequence[str], model: str) -> list[str]:
    """Keys of cases from the digest of what each is read from, and that of the model."""
    pairs = zip(case_ids, digests, strict=True)
    return [canonical.digest([*pair, model, preparation()])[:32] for pair in pairs]


@cache
def preparation() -> str:
    """Digest of the code and tables of `clinical`, which reads and encodes, and of what it uses."""
    root = Path(clinical.__path__[0])
    files = sorted(file for kind in _PREPARATION for file in root.rglob(kind))
    own = [
        [file.relative_to(root).as_posix(), canonical.sha256(file.read_bytes())] for file in files
    ]
    return canonical.digest([own, {package: version(package) for package in ("numpy", "torch")}])


@contextmanager
def writing(shard: Path) -> Iterator[Callable[[Row], None]]:
    """A new shard, which takes row after row."""
    shard.parent.mkdir(parents=True, exist_ok=True)
    with own_file.growing(shard) as lines:

        def keep(row: Row) -> None:
            lines.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            lines.flush()

        yield keep


def rows(shard: Path) -> Iterator[Row]:
    """The rows of one shard; of none, if it was not begun."""
    if shard.exists():
        for _, line in _lines(shard):
            yield json.loads(line)


@dataclass(frozen=True)
class Place:
    """Where a row stands: in which shard, at which byte."""

    shard: Path
    start: int


def index(folder: Path) -> dict[str, Place]:
    """Key to place of every row of all shards; the first place, should a row stand in two."""
    found: dict[str, Place] = {}
    for shard in sorted(folder.glob("*.jsonl")):
        for start, line in _lines(shard):
            found.setdefault(json.loads(line)["key"], Place(shard, start))
    return found


def in_order(places: Mapping[str, Place], keys: Sequence[str]) -> Iterator[Row]:
    """The rows of these cases that are there, in this order; only one is held at a time."""
    wanted = (places[key] for key in keys if key in places)
    for shard, group in groupby(wanted, key=lambda place: place.shard):
        with shard.open("rb") as lines:
            for place in group:
                lines.seek(place.start)
                yield json.loads(lines.readline())


def _lines(shard: Path) -> Iterator[tuple[int, bytes]]:
    """Start and content of the whole lines of a shard."""
    start = 0
    with shard.open("rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                yield start, line
            start += len(line)
