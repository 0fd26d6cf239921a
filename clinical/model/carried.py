"""Files of frozen weights that are a site's own: a checkpoint carries them, so that it stays whole.

They are named after their digest, which model.json has (`weights_sha256` of an encoder's settings);
where they lay when the model was trained is nobody's business.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from clinical import canonical
from clinical.errors import ModelError

WEIGHTS, DIGEST, BACKBONE = "weights", "weights_sha256", "backbone"


def file_name(digest: str) -> str:
    """Name in a checkpoint of the file with this SHA-256."""
    return f"backbone-{digest[:16]}.safetensors"


def names(description: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the files that a model needs beside its own, from model.json."""
    return tuple(file_name(settings[DIGEST]) for settings in _own(description))


def _own(description: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for spec in description.get("encoders", {}).values():
        if spec["settings"].get(DIGEST):
            yield spec["settings"]


def carry(settings: Any, folder: Path) -> None:
    """Put the weights that an encoder's settings name into a checkpoint, if they name any."""
    digest = getattr(settings, DIGEST, "")
    if not digest:
        return
    source, target = Path(getattr(settings, WEIGHTS)), folder / file_name(digest)
    if target.exists() and source.samefile(target):
        return
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)  # hundreds of megabytes, which several models may share
    except OSError:
        shutil.copyfile(source, target)


def placed(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Settings of an encoder with the file that lies in the folder of the checkpoint.

    Raises:
        ModelError: if the file is missing or is not the one that the model learnt with.
    """
    digest = settings.get(DIGEST)
    if not digest:
        return dict(settings)
    file = folder / file_name(digest)
    what = f"{folder} reads images with the backbone {settings[BACKBONE]!r}, whose weights"
    if not file.is_file():
        raise ModelError(
            f"{what} {file.name} are missing.", remedy="copy the whole folder of the checkpoint"
        )
    if digest_of((file,)) != digest:
        raise ModelError(
            f"{what} {file.name} were changed after the training (SHA-256 differs).",
            remedy="copy the checkpoint again",
        )
    return {**settings, WEIGHTS: str(file)}


def study_placed(study: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The configuration of a study in a checkpoint, its encoders with their files."""
    encoders = study["model"].get("encoders", {})
    found = {name: placed(own, folder) for name, own in encoders.items()}
    model = {**study["model"], "encoders": found} if encoders else study["model"]
    return {**study, "model": model}


def digest_of(files: tuple[Path, ...]) -> str:
    """SHA-256 of files, one after the other; counted once for each state of them."""
    states = [file.stat() for file in files]
    return _digest(files, tuple((state.st_size, state.st_mtime_ns) for state in states))


# Up to hundreds of MB are read and hashed: not for each image that is encoded.
@lru_cache(maxsize=16)
def _digest(files: tuple[Path, ...], states: tuple[tuple[int, int], ...]) -> str:  # noqa: ARG001
    return canonical.sha256(b"".join(file.read_bytes() for file in files))
