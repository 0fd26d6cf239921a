"""Arrays cached on disk under the digest of what they were made from. Plain `.npy`, never pickle.

A file is written beside its place and renamed, so that a killed run leaves none behind that looks
whole, and two runs that share a folder do not meet. One that is broken all the same (a full disk,
a power cut) is made again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinical.workspace import own_file


def place(cache: Path | None, weights: str, key: str) -> Path | None:
    """File of an array, or None without a folder.

    Args:
        cache: folder of all arrays.
        weights: digest of the network that makes them.
        key: digest of what this one is made from.
    """
    return cache / weights[:12] / key[:2] / f"{key}.npy" if cache else None


def kept(file: Path | None, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """The array in a file; if there is none, or it cannot be read, what `make` makes, kept there.

    Args:
        file: from `place`; None keeps nothing.
        make: gives the same array for the same file.
    """
    if file is None:
        return make()
    try:
        found: NDArray[Any] = np.load(file, allow_pickle=False)
        return found
    except (FileNotFoundError, ValueError, EOFError):
        made = make()
    file.parent.mkdir(parents=True, exist_ok=True)
    # Others may make the same one meanwhile: each has a name of its own until it is whole.
    own = file.with_name(f"{file.stem}.{os.getpid()}.npy")
    with own_file.writing(own) as stream:
        np.save(stream, made, allow_pickle=False)
    own.replace(file)
    return made
