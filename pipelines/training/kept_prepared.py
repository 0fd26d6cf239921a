"""Prepared inputs kept on disk: features and sources in one table of bytes, never pickle."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from clinical.modalities.encoding import Prepared, TokenSource
from pipelines.jobs.cache import kept

_FACTS = "facts"


def kept_prepared(file: Path | None, make: Callable[[], Prepared]) -> Prepared:
    """What is kept in a file, or what `make` makes, which is kept there then.

    Args:
        file: from `pipelines.jobs.cache.place`; None keeps nothing.
        make: gives the same for the same file.
    """
    if file is None:
        return make()
    made: list[Prepared] = []

    def packed() -> np.ndarray:
        made.append(make())
        return _packed(made[0])

    found = kept(file, packed)
    return made[0] if made else _unpacked(found)


def _packed(prepared: Prepared) -> np.ndarray:
    facts = {
        "sources": [asdict(source) for source in prepared.sources],
        "unknown": prepared.unknown,
        "boxes": prepared.boxes,
        "doubts": prepared.doubts,
    }
    held = io.BytesIO()
    text = np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8)
    np.savez(held, allow_pickle=False, **prepared.features, **{_FACTS: text})
    return np.frombuffer(held.getvalue(), dtype=np.uint8)


def _unpacked(data: np.ndarray) -> Prepared:
    with np.load(io.BytesIO(data.tobytes()), allow_pickle=False) as held:
        features = {name: held[name] for name in held.files if name != _FACTS}
        facts = json.loads(held[_FACTS].tobytes())
    sources = tuple(
        TokenSource(**{**source, "cell": tuple(source["cell"]) if source["cell"] else None})
        for source in facts["sources"]
    )
    boxes = tuple((box[0], box[1], box[2], box[3]) for box in facts["boxes"])
    doubts = tuple(facts.get("doubts", ()))
    return Prepared(features, sources, facts["unknown"], boxes, doubts=doubts)
