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
        seconds: processor time for one image. Wall time would depend on whatever else runs.
        wall_seconds: after which a worker that does not answer is given up, whatever it does.
        side: pixels of the longer side.
        aspect: of the longer side to the shorter one.
        pixel_aspect: of the longer side of a pixel to the shorter one.
    """

    pixels: int = 100_000_000
    file_bytes: int = 512 * 1024**2
    memory_bytes: int = 3 * 1024**3
    seconds: float = 30.0
    wall_seconds: float = 900.0
    side: int = 10_000
    aspect: int = 8
    pixel_aspect: float = 3.0


DEFAULT_LIMITS = Limits()
