"""What is said beside digests, which hold any few digits by chance."""

from __future__ import annotations

import re

_DIGEST = re.compile(r"(?<![0-9a-f])[0-9a-f]{12,}(?![0-9a-f])")


def without_digests(text: str) -> str:
    """A text without its runs of twelve and more hexadecimal digits."""
    return _DIGEST.sub("", text)
