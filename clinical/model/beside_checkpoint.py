"""JSON files beside a checkpoint, made after it, that name by its digest which one they are of."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from clinical.errors import ModelError

Found = TypeVar("Found")


def read(
    file: Path, model_digest: str, read_as: Callable[[Mapping[str, Any]], Found], trouble: str
) -> Found | None:
    """What a file beside a checkpoint holds, or None where there is no such file.

    Args:
        file: with "model_digest", the digest of the checkpoint that it is of.
        model_digest: of the checkpoint that it stands beside.
        read_as: makes of its content what is wanted; may raise ValueError, KeyError, TypeError and
            AttributeError where that is not in it.
        trouble: what is said of a file that holds something else: "states no range of ages".

    Raises:
        ModelError: if it holds something else, or is of another checkpoint.
    """
    if not file.is_file():
        return None
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        of, found = data["model_digest"], read_as(data)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ModelError(f"{file} {trouble}.", remedy="copy it again") from None
    if of != model_digest:
        raise ModelError(
            f"{file} is of another checkpoint.", remedy="copy the whole checkpoint again"
        )
    return found
