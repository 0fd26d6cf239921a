"""Resource limits for reading one image."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds on reading one image; all are checked before or while the decoder runs.

    Attributes:
        pixels: rows x columns x frames x samples that a header may claim.
        file_bytes: size of the file, and of a deflated data set once inflated.
        memory_bytes: address space that the worker may add to what it starts with.
        seconds: wall time (and processor time) for one image.
    """

    pixels: int = 100_000_000
    file_bytes: int = 512 * 1024**2
    memory_bytes: int = 3 * 1024**3
    seconds: float = 30.0


DEFAULT_LIMITS = Limits()
