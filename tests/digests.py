"""What is said beside digests and UUIDs, which hold any few digits by chance."""

from __future__ import annotations

import re

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_DRAWN = re.compile(rf"(?<![0-9a-f])(?:{_UUID}|[0-9a-f]{{12,}})(?![0-9a-f])")


def without_digests(text: str) -> str:
    """A text without its UUIDs and its runs of twelve and more hexadecimal digits."""
    return _DRAWN.sub("", text)
