"""Files that may hold patient data: for their owner only, and whole or as they were before.

A file is written beside its place and takes it by rename. Where there is no room the place that is
full is named, which the error of the operating system does not do for a file that is open.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from clinical.errors import StoreError

MODE = 0o600
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def write(file: Path, content: str | bytes) -> None:
    """Write a whole file, text as UTF-8, in place of what may be there.

    Raises:
        StoreError: if it cannot be written; what was there is untouched then.
    """
    with writing(file) as stream:
        stream.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def writing(file: Path) -> Iterator[BinaryIO]:
    """A stream whose content takes the place of `file` at the end of the block, if that does not
    raise.

    Raises:
        StoreError: as `write`.
    """
    part = file.with_name(f"{file.name}.part")
    with named(file):
        try:
            with _opened(part, os.O_TRUNC) as stream:
                os.fchmod(stream.fileno(), MODE)  # one that a killed run left may have another
                yield stream
            part.replace(file)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


@contextmanager
def growing(file: Path) -> Iterator[BinaryIO]:
    """A new file that keeps each line that was flushed, however the block ends.

    Raises:
        FileExistsError: if it is there already.
        StoreError: if it cannot be written.
    """
    with named(file), _opened(file, os.O_EXCL) as stream:
        yield stream


@contextmanager
def named(place: Path) -> Iterator[None]:
    """Name this file or folder where there is no room for what the block writes into it.

    Raises:
        StoreError: in place of the error of the operating system, if it is about this place.
    """
    try:
        yield
    except FileExistsError:
        raise  # nobody's disk is at fault
    except OSError as error:
        full = error.filename is None and error.errno in _FULL
        if not full and not _is_of(error.filename, place):
            raise  # of something else, which the block reads
        raise unwritable(place, error) from None


def unwritable(place: Path | str, error: OSError) -> StoreError:
    """What to say where a file or its folder cannot be written."""
    if error.errno in _FULL:
        return StoreError(
            f"{place} cannot be written: its disk is full ({error.strerror}).",
            remedy="make room there, then run the same again; what was finished before is kept.",
        )
    return StoreError(
        f"{place} cannot be written: {error.strerror}.", remedy="choose another place."
    )


def _is_of(name: object, place: Path) -> bool:
    """Whether an error names this place, what is in it, or what is written beside it."""
    if not isinstance(name, str | os.PathLike):
        return False
    path = Path(name)
    return path.is_relative_to(place) or path == place.with_name(f"{place.name}.part")


def _opened(file: Path, how: int) -> BinaryIO:
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | how, MODE), "wb")
