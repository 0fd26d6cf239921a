"""The one file that a command was told to write."""

from __future__ import annotations

from pathlib import Path

from clinical.workspace import own_file


def write(out: Path, content: str | bytes) -> None:
    """Write `content`, text as UTF-8, in place of what may be there.

    Raises:
        StoreError: if it cannot be written.
    """
    try:
        if out.exists() and not out.is_file():  # a terminal or a pipe
            out.write_bytes(content.encode() if isinstance(content, str) else content)
            return
    except OSError as error:
        raise own_file.unwritable(out, error) from None
    own_file.write(out, content)
