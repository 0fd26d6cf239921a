"""One file of a backbone's weights: safetensors, with the recipe of its network in the header.

Nothing else is opened where cases are read: `triptych weights convert` writes such files
(`clinical.modalities.radiograph.converting`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from clinical.errors import ConfigError
from clinical.modalities.radiograph.backbones import Recipe, from_json, network_of

RECIPE, FINE_TUNING = "recipe", "fine_tuning"
"""Keys of the header."""


def write(
    file: Path,
    recipe: Recipe,
    weights: Mapping[str, Tensor],
    fine_tuning: Mapping[str, Any] | None = None,
) -> None:
    """Write the weights of a network with its recipe.

    Args:
        file: to write.
        recipe: of the network.
        weights: of all its layers.
        fine_tuning: what there is to say of how a site taught it further, JSON-compatible.
    """
    whole = {name: tensor.detach().clone().contiguous() for name, tensor in weights.items()}
    told = {RECIPE: recipe.to_json()} | ({FINE_TUNING: dict(fine_tuning)} if fine_tuning else {})
    header = {name: json.dumps(said, sort_keys=True) for name, said in told.items()}
    save_file(whole, file, metadata=header)


def fine_tuning_of(file: Path) -> dict[str, Any] | None:
    """How a site taught the network of a file further; None where it did not.

    Raises:
        ConfigError: as `recipe_in`.
    """
    recipe_in(file)
    with safe_open(file, framework="np") as opened:
        said = (opened.metadata() or {}).get(FINE_TUNING)
    found: dict[str, Any] | None = json.loads(said) if said else None
    return found


def recipe_in(file: Path) -> Recipe:
    """The recipe in the header of a file.

    Raises:
        ConfigError: if there is no such file, or it is not one that `triptych weights convert`
            wrote.
    """
    return _recipe(file, _stamp(file))


def network(file: Path) -> nn.Module:
    """The frozen network of a file, read once for each state of the file.

    Raises:
        ConfigError: as `recipe_in`.
    """
    return _network(file, _stamp(file))


def _stamp(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError:
        raise ConfigError(
            f"The file of weights {file} is missing.",
            remedy="write it with `triptych weights convert`, or correct the path",
        ) from None
    return found.st_size, found.st_mtime_ns


@lru_cache(maxsize=16)
def _recipe(file: Path, stamp: tuple[int, int]) -> Recipe:  # noqa: ARG001 - part of the key
    try:
        with safe_open(file, framework="np") as opened:
            said = (opened.metadata() or {})[RECIPE]
        return from_json(json.loads(said), file.name)
    except (SafetensorError, KeyError, ValueError, TypeError):
        raise ConfigError(
            f"{file} was not written by `triptych weights convert`.",
            remedy="convert it: triptych weights convert FILE --backbone NAME --out"
            " FILE.safetensors",
        ) from None


@lru_cache(maxsize=1)
def _network(file: Path, stamp: tuple[int, int]) -> nn.Module:
    built = network_of(_recipe(file, stamp))
    try:
        built.load_state_dict(load_file(file))
    except (RuntimeError, SafetensorError):
        raise ConfigError(
            f"{file} does not hold the weights of its own recipe.", remedy="convert them again"
        ) from None
    return built.eval().requires_grad_(False)
