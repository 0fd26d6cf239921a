"""Image networks that others have taught, as a site may use them in place of the ones that ship.

Only how a network is built and fed stands here; its weights are a file of the site's own, written
by `triptych weights convert` (`clinical.modalities.radiograph.backbone_file`). Each `Recipe` keeps
to its authors:

- torchxrayvision's DenseNet121 (Cohen et al. 2022, arXiv 2111.00595; Apache-2.0): one channel,
  white 1024 and black -1024 (`torchxrayvision.utils.normalize`), 224 pixels; features after the
  last ReLU, as `DenseNet.features2` pools them. Built from MONAI's DenseNet121.
- DINOv2 (Oquab et al. 2023, arXiv 2304.07193): mean and standard deviation of ImageNet, as in
  preprocessor_config.json of facebook/dinov2-base; patches of 14 pixels, 224 pixels there, position
  embeddings for 518. The last layer's patch tokens after its LayerNorm; the class token and
  registers are left out. Built by transformers.
- RAD-DINO (Perez-Garcia et al. 2025, Nat Mach Intell 7:119): the same network as DINOv2's ViT-B/14;
  mean 0.5307 and standard deviation 0.2583 in each channel, 518 pixels (preprocessor_config.json of
  microsoft/rad-dino). Microsoft's research licence: not for clinical use.
- any network of MONAI, by a recipe of one's own.

One thing is not as theirs: torchxrayvision and RAD-DINO cut the longer side of a film to a square,
and here the shorter side is padded, as for every image, so that no part of a patient is unseen.
EVA-X (github.com/hustvl/EVA-X) is not among them: its network is timm's `Eva`, and timm does not
install beside the PyTorch that this program runs on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from clinical.config import build, nearest
from clinical.errors import ConfigError
from clinical.modalities.radiograph import film_network
from clinical.modalities.radiograph.rows import DEFAULT_SIDE

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
RAD_DINO_MEAN, RAD_DINO_STD = (0.5307,) * 3, (0.2583,) * 3
XRV_MEAN, XRV_STD = (0.5,), (1 / 2048,)
"""Of grey levels from 0 to 1, which become -1024 to 1024."""

LITE_MEAN, LITE_STD = (127 / 255,) * 3, (128 / 255,) * 3
"""The lite models were trained on (pixel - 127) / 128."""

SHIPPED = "triptych"
DENSENET, DINOV2, REGISTERS, MONAI = "densenet", "dinov2", "dinov2-with-registers", "monai"
PATCH = 14
FETCHES = "pretrained"
"""Argument of some of MONAI's networks that makes them download weights."""


@dataclass(frozen=True)
class Recipe:
    """How a network is built and what it reads and gives.

    Attributes:
        name: as a study file says it.
        family: which of the ways of this module builds it.
        mean, std: of each channel of the input; grey levels from 0 to 1 become (grey - mean) / std.
        image_size: pixels of the side of its input, as its authors use it.
        stride: pixels of the side of one cell of its features; other sizes are multiples of it.
        features: channels of a cell.
        fixed: it reads `image_size` only.
        network: of MONAI: name of the class in monai.networks.nets.
        layer: of MONAI: name of the module inside the network whose output is read; "" for its own.
        arguments: of the class.
        licence: what its authors say about use, in a few words.
    """

    name: str
    family: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    image_size: int
    stride: int = PATCH
    features: int = 0
    fixed: bool = False
    network: str = ""
    layer: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""

    def __post_init__(self) -> None:
        if not self.mean or len(self.mean) != len(self.std) or min(self.std) <= 0:
            raise ConfigError(
                f"The recipe of {self.name!r} has {len(self.mean)} means and {len(self.std)}"
                " standard deviations.",
                remedy="give one of each for every channel, standard deviations above 0",
            )

    @property
    def normalisation(self) -> str:
        """What is done to grey levels, in words."""
        channels = "1 channel" if len(self.mean) == 1 else f"{len(self.mean)} channels"
        mean, std = (", ".join(f"{x:.6g}" for x in _once(part)) for part in (self.mean, self.std))
        return f"{channels}: grey from 0 to 1, less {mean}, divided by {std}"

    def normalised(self, grey: Tensor) -> Tensor:
        """Network input [B, channels, S, S] of grey levels from 0 to 1 [B, 1, S, S]."""
        mean, std = (grey.new_tensor(part)[:, None, None] for part in (self.mean, self.std))
        return (grey - mean) / std

    def to_json(self) -> dict[str, Any]:
        """As JSON-compatible values."""
        return {**asdict(replace(self, arguments={})), "arguments": dict(self.arguments)}


def _once(numbers: tuple[float, ...]) -> tuple[float, ...]:
    return numbers[:1] if len(set(numbers)) == 1 else numbers


def from_json(data: Mapping[str, Any], where: str) -> Recipe:
    """The recipe that `Recipe.to_json` or a TOML file says.

    Raises:
        ConfigError: for an unknown key, a missing one or a wrong type.
    """
    recipe: Recipe = build(Recipe, data, where)
    if recipe.family not in FAMILIES:
        raise ConfigError(
            f"{where}: there is no family {recipe.family!r}.",
            remedy=nearest(recipe.family, FAMILIES),
        )
    return recipe


def _densenet(recipe: Recipe) -> nn.Module:
    from monai.networks.nets.densenet import DenseNet121

    whole = DenseNet121(spatial_dims=2, in_channels=len(recipe.mean), out_channels=1)
    network: nn.Module = whole.features
    return network


def _dinov2(recipe: Recipe) -> nn.Module:
    from transformers import Dinov2Config, Dinov2Model

    network: nn.Module = Dinov2Model(Dinov2Config(**recipe.arguments))
    return network


def _registers(recipe: Recipe) -> nn.Module:
    from transformers import Dinov2WithRegistersConfig, Dinov2WithRegistersModel

    network: nn.Module = Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**recipe.arguments))
    return network


def _monai(recipe: Recipe) -> nn.Module:
    from monai.networks import nets

    kind = getattr(nets, recipe.network, None)
    if not (isinstance(kind, type) and issubclass(kind, nn.Module)):
        known = [name for name in dir(nets) if isinstance(getattr(nets, name), type)]
        raise ConfigError(
            f"MONAI has no network {recipe.network!r}.", remedy=nearest(recipe.network, known)
        )
    if recipe.arguments.get(FETCHES):
        raise ConfigError(
            f"The recipe of {recipe.name!r} has {FETCHES} = true, which would download weights.",
            remedy="leave it out; weights come from the file",
        )
    try:
        return kind(**recipe.arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"monai.networks.nets.{recipe.network} cannot be built so: {error}.",
            remedy="correct the table [arguments] of the recipe",
        ) from None


def _shipped(recipe: Recipe) -> nn.Module:  # noqa: ARG001 - there is one
    return film_network.BothNetworks()


FAMILIES = {
    SHIPPED: _shipped,
    DENSENET: _densenet,
    DINOV2: _dinov2,
    REGISTERS: _registers,
    MONAI: _monai,
}


def _vision_transformer(width: int, layers: int, heads: int) -> dict[str, int]:
    return {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "patch_size": PATCH,
        "image_size": 518,
    }


_SIZES = {"small": (384, 12, 6), "base": (768, 12, 12), "large": (1024, 24, 16)}


def _of_dinov2(size: str, *, registers: bool = False) -> Recipe:
    return Recipe(
        f"{REGISTERS if registers else DINOV2}-{size}",
        REGISTERS if registers else DINOV2,
        IMAGENET_MEAN,
        IMAGENET_STD,
        image_size=224,
        features=_SIZES[size][0],
        arguments=_vision_transformer(*_SIZES[size]),
        licence="Apache-2.0",
    )


_NAMED = [
    Recipe(
        "torchxrayvision-densenet121",
        DENSENET,
        XRV_MEAN,
        XRV_STD,
        image_size=224,
        stride=32,
        features=1024,
        licence="Apache-2.0",
    ),
    Recipe(
        "rad-dino",
        DINOV2,
        RAD_DINO_MEAN,
        RAD_DINO_STD,
        image_size=518,
        features=768,
        arguments=_vision_transformer(*_SIZES["base"]),
        licence="Microsoft research licence (MSRLA): not for clinical use",
    ),
    *(_of_dinov2(size, registers=more) for size in _SIZES for more in (False, True)),
]
RECIPES = {recipe.name: recipe for recipe in _NAMED}
"""Name to recipe, of those that need no file."""

OWN = Recipe(
    SHIPPED,
    SHIPPED,
    LITE_MEAN,
    LITE_STD,
    image_size=DEFAULT_SIDE,
    stride=film_network.STRIDE,
    features=film_network.CHANNELS,
    licence="Apache-2.0",
)
"""The two networks that ship, as one that may be taught further; nobody else publishes its file."""

REFUSED = {
    "eva-x": "its network is timm's, which does not install beside the PyTorch of this program"
}
"""Name to why it cannot be used."""


def recipe_named(name: str) -> Recipe:
    """The recipe that comes with the program.

    Raises:
        ConfigError: if there is none.
    """
    if name in RECIPES:
        return RECIPES[name]
    for refused, why in REFUSED.items():
        if name.lower().replace("_", "-").startswith(refused):
            raise ConfigError(
                f"The backbone {name!r} cannot be used: {why}.",
                remedy=f"choose from: {', '.join(RECIPES)}",
            )
    raise ConfigError(f"There is no backbone {name!r}.", remedy=nearest(name, RECIPES))


def network_of(recipe: Recipe) -> nn.Module:
    """The network, with random weights (those that ship: with theirs), in evaluation mode.

    Raises:
        ConfigError: if MONAI has none of that name, or not with these arguments.
    """
    return FAMILIES[recipe.family](recipe).eval()


def feature_grid(recipe: Recipe, network: nn.Module, images: Tensor) -> Tensor:
    """Features [B, C, rows, columns] of network inputs [B, channels, S, S].

    Raises:
        ConfigError: if what the network gives is no grid.
    """
    if recipe.family == MONAI:
        return _as_grid(recipe, _layer_output(recipe, network, images))
    if recipe.family == SHIPPED:
        found: Tensor = network(images)
        return found
    if recipe.family == DENSENET:
        features: Tensor = network(images)
        return features.relu()
    side = images.shape[-1] // recipe.stride
    patches: Tensor = network(images).last_hidden_state[:, -(side**2) :]
    return patches.transpose(1, 2).reshape(len(images), recipe.features, side, side)


def _layer_output(recipe: Recipe, network: nn.Module, images: Tensor) -> object:
    if not recipe.layer:
        return network(images)
    known = dict(network.named_modules())
    if recipe.layer not in known:
        raise ConfigError(
            f"{recipe.network} has no layer {recipe.layer!r}.", remedy=nearest(recipe.layer, known)
        )
    seen: list[object] = []
    hook = known[recipe.layer].register_forward_hook(lambda *call: seen.append(call[2]))
    try:
        network(images)
    finally:
        hook.remove()
    return seen[-1] if seen else None


def _as_grid(recipe: Recipe, found: object) -> Tensor:
    """Maps [B, C, rows, columns] as they are, tokens [B, cells, C] as the square that they are."""
    if isinstance(found, Tensor) and found.ndim == 4 and found.shape[2] == found.shape[3]:
        return found
    if isinstance(found, Tensor) and found.ndim == 3:
        side = int(found.shape[1] ** 0.5)
        tokens = found[:, -(side**2) :]  # what stands in front of the patches is a class token
        return tokens.transpose(1, 2).reshape(len(tokens), -1, side, side)
    shape = list(found.shape) if isinstance(found, Tensor) else type(found).__name__
    raise ConfigError(
        f"The layer {recipe.layer!r} of {recipe.network} gives no square grid of features"
        f" ({shape}).",
        remedy="name a layer that gives [1, channels, rows, columns] or [1, cells, channels]",
    )


def measured(recipe: Recipe) -> Recipe:
    """A recipe of MONAI with its stride and channels as one blank image shows them.

    Raises:
        ConfigError: if the network cannot be built or gives no grid at that size.
    """
    blank = torch.zeros(1, len(recipe.mean), recipe.image_size, recipe.image_size)
    try:
        with torch.inference_mode():
            grid = feature_grid(recipe, network_of(recipe), blank)
    except (RuntimeError, ValueError, AssertionError) as error:
        raise ConfigError(
            f"{recipe.network} does not read images of {recipe.image_size} pixels and"
            f" {len(recipe.mean)} channels: {error}",
            remedy="correct image_size, mean and std, or [arguments] of the recipe",
        ) from None
    side = grid.shape[-1]
    if recipe.image_size % side:
        raise ConfigError(
            f"{recipe.network} gives {side} cells a side, which do not divide"
            f" {recipe.image_size} pixels.",
            remedy="choose another image_size",
        )
    return replace(recipe, stride=recipe.image_size // side, features=grid.shape[1], fixed=True)
