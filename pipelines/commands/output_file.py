"""The one file that a command was told to write."""

from __future__ import annotations

from pathlib import Path

from clinical.errors import StoreError


def write(out: Path, content: str | bytes) -> None:
    """Write `content`, text as UTF-8, in place of what may be there.

    Raises:
        StoreError: if it cannot be written.
    """
    try:
        out.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise StoreError(
            f"{out} cannot be written: {error.strerror}.", remedy="choose another file."
        ) from None
