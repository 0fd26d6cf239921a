"""The ledger of a study: what was found of each case, under a key of all that it was made from.

Cases are written in shards, each one file that appears by rename, so that a process that is killed
leaves whole shards only. A case is looked up by its key, whichever shard it is in: one whose
inputs, model or preparation has changed has another key, and what the old one found is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import clinical
from clinical import canonical
from pipelines.folds import records

Row = dict[str, Any]
"""`key`, `case_id`, `problems`, and one of: `facts`, `scores` and `in_set`; `skipped`; `died`."""

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


def place(folder: Path, keys: Sequence[str]) -> Path:
    """The file of the shard that holds these cases."""
    return folder / f"{canonical.digest(list(keys))[:32]}.json"


def commit(folder: Path, rows: Sequence[Row]) -> None:
    """Write a shard, all of it or nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    records.write(place(folder, [row["key"] for row in rows]), {"rows": list(rows)})


def rows(folder: Path) -> Iterator[Row]:
    """The rows of all shards; only one shard is held at a time."""
    for file in sorted(folder.glob("*.json")):
        yield from json.loads(file.read_text(encoding="utf-8"))["rows"]
