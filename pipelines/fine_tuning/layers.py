"""The layers of a backbone from its input to its features, and how fast each of them learns.

A layer is what a network repeats or names: a block, or what stands before and behind the blocks.
Rates fall from the features to the input by a constant factor (Clark et al. 2020, arXiv
2003.10555), because edges are the same in photographs and films, and findings are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from clinical.modalities.radiograph.backbones import MONAI, SHIPPED, Recipe
from clinical.modalities.radiograph.encoder import ALL

LAST_SHARE = 1 / 3


def layers(recipe: Recipe, network: nn.Module) -> list[list[nn.Parameter]]:
    """Parameters of each layer, those nearest to the input first."""
    found: dict[str, list[nn.Parameter]] = {}
    for name, parameter in _read(recipe, network):
        found.setdefault(_layer(recipe, name), []).append(parameter)
    return list(found.values())


def taught(recipe: Recipe, network: nn.Module, which: str) -> list[list[nn.Parameter]]:
    """Layers that learn, those nearest to the input first: the last third, or all."""
    found = layers(recipe, network)
    return found if which == ALL else found[-max(1, round(len(found) * LAST_SHARE)) :]


def groups(parts: Sequence[Sequence[nn.Parameter]], rate: float, decay: float) -> list[Any]:
    """Groups of an optimiser, one a layer, each with its own rate."""
    return [
        {"params": list(part), "lr": rate * decay ** (len(parts) - 1 - depth)}
        for depth, part in enumerate(parts)
    ]


def _read(recipe: Recipe, network: nn.Module) -> list[tuple[str, nn.Parameter]]:
    """Parameters that features depend on; behind the layer that is read there may be a head."""
    named = list(network.named_parameters())
    if recipe.family != MONAI or not recipe.layer:
        return named
    within = [n for n, (name, _) in enumerate(named) if name.startswith(f"{recipe.layer}.")]
    return named[: within[-1] + 1] if within else named


def _layer(recipe: Recipe, name: str) -> str:
    """Name of the layer of a parameter: up to the first part of it that has a number."""
    if recipe.family == SHIPPED:
        # Both tails begin at the same depth; what joins the depths of one lies behind their blocks.
        name = name.removeprefix("photographs.")
        if name.startswith("film."):
            name = name.removeprefix("film.") if name.startswith("film.blocks.") else "joined"
    parts = name.split(".")
    numbered = [n for n, part in enumerate(parts) if part[-1:].isdigit()]
    return ".".join(parts[: numbered[0] + 1]) if numbered else parts[0]
