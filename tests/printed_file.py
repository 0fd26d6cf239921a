"""A PDF as bytes that a test can search."""

from __future__ import annotations

import re
import zlib


def unpacked(made: bytes) -> bytes:
    """The file with its compressed streams beside it."""
    found = [made]
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", made, re.DOTALL):
        try:
            found.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return b"\n".join(found)
