"""What a study needs to know about a case once its inputs are gone: a small row of facts.

Rules, subgroups and predictions ask who, where, when, and how many usable items there are. A hollow
case answers that with the same shapes, filled with stand-ins that all cases share, so that a cohort
of any size fits into memory: about 1 kB a case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from sys import intern
from types import MappingProxyType
from typing import Any

from clinical.case.case import Case, input_digest
from clinical.case.shapes import Shape
from clinical.modalities.kit import kits, read_by
from pipelines.study.guards.acquisition import facts_of
from pipelines.training.dataset import CachedCase


@dataclass(frozen=True, eq=False)
class Known:
    """A hollow case, and how its image was made (`guards.acquisition.facts_of`)."""

    cached: CachedCase
    acquired: Mapping[str, str]


def facts(case: Case, images: frozenset[str]) -> dict[str, Any]:
    """The row of a whole case, JSON-compatible.

    Args:
        case: with its arrays.
        images: modalities of its arrays that the model sees.
    """
    acquired = {name: group for name, of in facts_of([case]).items() for group in of.values()}
    return {
        "case_id": case.case_id,
        "patient_id": case.patient_id,
        "decided": case.decision_time and case.decision_time.isoformat(),
        "site": case.site,
        "inputs": {
            name: [kit.name, *summary]
            for kit, name, value in sorted(read_by(case), key=lambda read: read[1])
            if (summary := kit.summary(value)) is not None
        },
        "images": sorted(images),
        "acquired": acquired,
        "digest": input_digest(case),
    }


def known(row: Mapping[str, Any]) -> Known:
    """The hollow case of a row."""
    decided = row["decided"]
    inputs = {intern(name): _hollow(*summary) for name, summary in row["inputs"].items()}
    case = Case(
        row["case_id"],
        row["patient_id"],
        datetime.fromisoformat(decided) if decided else None,
        inputs,
        intern(row["site"]),
    )
    acquired = {intern(name): intern(group) for name, group in row["acquired"].items()}
    return Known(CachedCase(case, _images(tuple(row["images"])), row["digest"]), acquired)


@lru_cache(maxsize=1024)
def _images(names: tuple[str, ...]) -> Mapping[str, tuple[()]]:
    return MappingProxyType({intern(name): () for name in names})


@lru_cache(maxsize=65536)
def _hollow(modality: str, *summary: Any) -> Shape:
    found: Shape = kits()[modality].stand_in(*summary)
    return found
