"""How the reader and its worker talk: length-prefixed JSON, then raw bytes, over two pipes.

A message is 4 bytes of header length, 8 bytes of body length (both big-endian), the header as
UTF-8 JSON, the body. Requests have no body; the body of an answer is float32 pixels.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from typing import Any

PREFIX = struct.Struct(">LQ")
LONGEST_HEADER = 1 << 20


def write(descriptor: int, header: Mapping[str, Any], body: memoryview | bytes = b"") -> None:
    """Write one message.

    Raises:
        OSError: if the other end is gone.
    """
    text = json.dumps(header).encode()
    for part in (PREFIX.pack(len(text), len(body)) + text, body):
        left = memoryview(part)
        while left:
            left = left[os.write(descriptor, left) :]
