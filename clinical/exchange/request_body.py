"""What a request carries, and nothing of one that is too large."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request


async def body_of(request: Request, longest: int) -> bytes | None:
    """The body of a request, or None as soon as it has more than `longest` bytes."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > longest:
            return None
        parts.append(part)
    return b"".join(parts)


async def object_of(request: Request, longest: int) -> dict[str, Any] | None:
    """The JSON object that a request carries; None for anything else, and for a longer body."""
    body = await body_of(request, longest)
    if body is None:
        return None
    try:
        told = json.loads(body)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None
