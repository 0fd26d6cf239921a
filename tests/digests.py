"""What is said beside digests, UUIDs and fractions of a second, which hold any digits by chance."""

from __future__ import annotations

import re

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_FRACTION = r"(?<=:\d\d)\.\d+"
_CHANCE = re.compile(rf"(?<![0-9a-f])(?:{_UUID}|[0-9a-f]{{12,}})(?![0-9a-f])|{_FRACTION}")


def without_digests(text: str) -> str:
    """A text without UUIDs, runs of twelve and more hexadecimal digits, and parts of a second."""
    return _CHANCE.sub("", text)
