"""From a file of weights as others publish it to one that cases are read with.

Nothing in a file is run: safetensors holds numbers only, and of PyTorch's own format only what
`torch.load(weights_only=True)` allows. Names and shapes are held against the network, all of them.
"""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from clinical import canonical
from clinical.config import read_toml
from clinical.errors import ConfigError
from clinical.modalities.radiograph import backbone_file
from clinical.modalities.radiograph.backbones import (
    DENSENET,
    MONAI,
    Recipe,
    from_json,
    measured,
    network_of,
)

SUFFIX = ".safetensors"
SHOWN = 40
"""Names of one kind in an error; a file of another network has hundreds."""

_INSIDE = ("state_dict", "model_state_dict", "model", "network", "teacher")
_WRAPPERS = ("module.", "_orig_mod.")
_NOT_READ = ("num_batches_tracked", "mask_token")
"""Ends of names that matter to training alone; old files have none."""

_RENAMED: dict[str, tuple[tuple[str, str], ...]] = {
    DENSENET: ((r"^features\.", ""), (r"(denselayer\d+)\.(?=norm|conv)", r"\1.layers.")),
    MONAI: (),
}
# As published until transformers 5, and as it writes them still.
_TRANSFORMER = (
    (r"^(?:dinov2|dinov2_with_registers)\.", ""),
    (r"attention\.attention\.(query|key|value)\.", lambda m: f"attention.{m[1][0]}_proj."),
    (r"attention\.output\.dense\.", "attention.o_proj."),
)
_HEADS = re.compile(r"^(?:classifier|class_layers|head|op_threshs|lm_head)\b")


@dataclass(frozen=True)
class Converted:
    """What was written.

    Attributes:
        recipe: of the network.
        sha256: of the file.
        tensors, parameters: how many it holds.
        left_out: names in the file given that the network does not read: heads of classifiers.
    """

    recipe: Recipe
    sha256: str
    tensors: int
    parameters: int
    left_out: tuple[str, ...]


def recipe_of_file(file: Path) -> Recipe:
    """The recipe of one of MONAI's networks, from a TOML file.

    Raises:
        ConfigError: if it is no recipe, or the network cannot be built so.
    """
    said = {"family": MONAI, **read_toml(file)}
    return measured(from_json(said, file.name))


def convert(file: Path, recipe: Recipe, out: Path) -> Converted:
    """Write the weights in `file` as those of a backbone.

    Raises:
        ConfigError: if the file is absent, holds more than numbers, or they are not those of the
            network.
    """
    if out.suffix != SUFFIX:
        raise ConfigError(f"{out} does not end with {SUFFIX}.", remedy=f"name it NAME{SUFFIX}")
    found = _renamed(_tensors(file), recipe)
    wanted = network_of(recipe).state_dict()
    fitting = {name: found[name] for name in wanted if name in found}
    unread = {name: own for name, own in wanted.items() if name.endswith(_NOT_READ)}
    given = {**unread, **fitting}
    extra = [name for name in found if name not in wanted]
    heads = [name for name in extra if _HEADS.match(name)]
    _check(file, recipe, given, wanted, [name for name in extra if name not in heads])
    weights = {name: given[name].to(own.dtype) for name, own in wanted.items()}
    backbone_file.write(out, recipe, weights)
    return Converted(
        recipe,
        canonical.sha256(out.read_bytes()),
        len(weights),
        sum(tensor.numel() for tensor in weights.values()),
        tuple(sorted(heads)),
    )


def _tensors(file: Path) -> dict[str, Tensor]:
    if not file.is_file():
        raise ConfigError(f"{file} does not exist.", remedy="give a file of weights")
    try:
        if file.suffix == SUFFIX:
            return load_file(file)
        with warnings.catch_warnings():  # about pickles of other kinds, which are refused anyway
            warnings.simplefilter("ignore", UserWarning)
            opened = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"(?:GLOBAL|class|function) ([\w.]+\.[\w.]+)", str(error))
        what = f" (it names {named[1]})" if named else ""
        raise ConfigError(
            f"{file} holds code as well as numbers{what}: opening it could run anything, so it is"
            " not opened.",
            remedy="where you trust the file, open it with its authors' program and keep the"
            ' numbers alone: torch.save(model.state_dict(), "numbers.pt"); then convert that file',
        ) from None
    except (SafetensorError, RuntimeError, EOFError, ValueError, KeyError):
        raise ConfigError(
            f"{file} is no file of weights: neither safetensors nor PyTorch's.",
            remedy="copy it again",
        ) from None
    return _inside(opened, file)


def _inside(opened: object, file: Path) -> dict[str, Tensor]:
    """The names and tensors in what a training may have kept beside other things."""
    for name in _INSIDE:
        if isinstance(opened, dict) and isinstance(opened.get(name), dict):
            opened = opened[name]
            break
    found = opened if isinstance(opened, dict) else {}
    tensors = {str(name): value for name, value in found.items() if isinstance(value, Tensor)}
    if not tensors:
        raise ConfigError(
            f"{file} holds no named tensors.",
            remedy="give a state dict: torch.save(model.state_dict(), FILE)",
        )
    return tensors


def _renamed(found: Mapping[str, Tensor], recipe: Recipe) -> dict[str, Tensor]:
    """Under the names that the network of this program has."""
    named: dict[str, Tensor] = {}
    for name, tensor in found.items():
        for wrapper in _WRAPPERS:
            name = name.removeprefix(wrapper)
        for pattern, new in _RENAMED.get(recipe.family, _TRANSFORMER):
            name = re.sub(pattern, new, name)
        named[name] = tensor
    return named


def _check(
    file: Path,
    recipe: Recipe,
    found: Mapping[str, Tensor],
    wanted: Mapping[str, Tensor],
    extra: list[str],
) -> None:
    missing = [f"{name} {list(own.shape)}" for name, own in wanted.items() if name not in found]
    shaped = [
        f"{name} {list(found[name].shape)} instead of {list(own.shape)}"
        for name, own in wanted.items()
        if name in found and found[name].shape != own.shape
    ]
    faults = {"missing": missing, "of another shape": shaped, "not of this network": extra}
    told = [f"{what}: {_listed(names)}" for what, names in faults.items() if names]
    if told:
        raise ConfigError(
            f"{file} does not hold the weights of {recipe.name}. {'. '.join(told)}.",
            remedy="name the backbone that the file is of",
        )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
