"""One byte string for one value: canonical JSON and the SHA-256 digests built on it.

Digests of cases, configurations, assessments and audit events all use these bytes, so an auditor
can recompute each of them from the exported JSON. The form is a subset of RFC 8785: keys sorted,
no white space, UTF-8, no NaN or infinity. Numbers use Python's shortest round-trip form.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

# Made once: for a small value, making it would take as long as using it.
text = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode
"""The characters of `dumps`; raises as it does, but for a lone surrogate, which is no UTF-8."""


def dumps(value: Any) -> bytes:
    """Serialise JSON-compatible `value` to its canonical bytes.

    Raises:
        ValueError: if `value` holds NaN or an infinity.
        TypeError: if `value` holds something that JSON has no form for.
    """
    return text(value).encode()


def sha256(data: bytes) -> str:
    """Hexadecimal SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def digest(value: Any) -> str:
    """Hexadecimal SHA-256 of the canonical JSON of `value`."""
    return sha256(dumps(value))
