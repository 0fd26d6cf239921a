"""Radiograph: a grid of patch tokens from two frozen networks
(`clinical.modalities.radiograph.film_network`).

One knows photographs (ImageNet), the other learnt findings on simulated films. Of the second, which
sees finer, a patch has the mean and the maximum of its 2 x 2 cells: a nodule fills one of them. A
site may name another network, and a file of its weights, in their place
(`clinical.modalities.radiograph.backbones`); a patch is a cell of its grid of features then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from clinical.case.shapes import Array, Arrays
from clinical.config import nearest
from clinical.errors import ConfigError
from clinical.modalities import devices
from clinical.modalities.components import PrincipalComponents
from clinical.modalities.encoding import LATER, PLACE, Batch, Encoding, Prepared, TokenSource
from clinical.modalities.radiograph import backbone_file, film_network, lungs, traits
from clinical.modalities.radiograph.augmentation import augmented
from clinical.modalities.radiograph.backbones import SHIPPED, Recipe, feature_grid
from clinical.modalities.radiograph.evidence import heat_maps
from clinical.modalities.radiograph.resampling import resample
from clinical.modalities.radiograph.rows import DEFAULT_SIDE
from clinical.modalities.radiograph.sides import sides as sides_of
from clinical.modalities.radiograph.views import PROJECTIONS, projection_of, view_of

SHAPE = Arrays
EMBEDDING = "patch"
VOCABULARY = False
TOKEN_OF: Mapping[str, str] = {}
SIDES_WEIGHTS = (traits.WEIGHTS,)

REGIONS = 3
"""Means of so many regions a side are in the row of an image that comparators read."""

SQUARE = 0.005
"""A pixel counts as square up to this difference of its sides: a pixel in 200."""

LARGEST = 60_000.0
"""What half precision holds: features of a network of others may be any number."""

STRIDE = film_network.STRIDE
FINE_TUNED = OFF, LAST, ALL = "off", "last", "all"
"""Layers that are taught further: none, the third that lies nearest to the features, or each."""

CROPS = {"lungs": lungs.cropped, "coarse lungs": lungs.coarse}
PARTS = (film_network.IMAGENET_CHANNELS, 2 * film_network.FILM_CHANNELS)
CHANNELS = film_network.CHANNELS


@dataclass(frozen=True)
class Settings:
    """Sizes.

    Attributes:
        width: length of a token.
        components: principal components kept of each network's channels.
        image_size: side of the padded, resampled image in pixels, a multiple of 32 (of the stride
            of another backbone); 0 for the usual one.
        images: how many images of a case are read at most, the first ones.
        crop: "" for the whole film, or what `clinical.modalities.radiograph.lungs` makes of it:
            "lungs" or "coarse lungs".
        backbone: name of the network of others that looks in place of the two that ship, or "".
        weights: file of its weights, as `triptych weights convert` writes it.
        weights_sha256: of that file.
        normalisation: what is done to grey levels for it; follows from the backbone.
        projections: "AP", "PA": films that the model may speak of; empty for any.
        posture: whether films that seem to be turned, mirrored, inverted or no chest are refused.
        fine_tune: which layers of the backbone `triptych train` is to teach further: `LAST`, `ALL`
            or `OFF`. Afterwards it is off, and `weights` is the file of what was taught.

    Raises:
        ConfigError: for a size or number that cannot be, or a file of weights that is missing or is
            not the backbone's.
    """

    width: int = 96
    components: int = 128
    image_size: int = 0
    images: int = 1
    crop: str = field(default="", metadata={LATER: True})
    backbone: str = field(default="", metadata={LATER: True})
    weights: str = field(default="", metadata={PLACE: True})
    weights_sha256: str = field(default="", metadata={LATER: True})
    normalisation: str = field(default="", metadata={LATER: True})
    projections: tuple[str, ...] = field(default=(), metadata={LATER: True})
    posture: bool = field(default=False, metadata={LATER: True})
    fine_tune: str = field(default=OFF, metadata={LATER: True})

    def __post_init__(self) -> None:
        recipe = _recipe(self)
        usual = recipe.image_size if recipe else DEFAULT_SIDE
        object.__setattr__(self, "image_size", self.image_size or usual)
        object.__setattr__(self, "normalisation", recipe.normalisation if recipe else "")
        stride = recipe.stride if recipe else STRIDE
        wrong = recipe is not None and recipe.fixed and self.image_size != usual
        if self.image_size < 64 or self.image_size % stride or wrong:
            raise ConfigError(
                f"model.radiograph.image_size is {self.image_size}.",
                remedy=f"leave it out: this backbone reads {usual}"
                if wrong
                else f"choose a multiple of {stride}, at least 64",
            )
        if self.images < 1:
            raise ConfigError(
                f"model.radiograph.images is {self.images}.", remedy="choose 1 or more"
            )
        if not set(self.projections) <= set(PROJECTIONS):
            raise ConfigError(
                f"model.radiograph.projections is {list(self.projections)}.",
                remedy=f"name some of {', '.join(PROJECTIONS)}, or leave it out for any",
            )
        if self.crop and self.crop not in CROPS:
            raise ConfigError(
                f"model.radiograph.crop is {self.crop!r}.",
                remedy=f"choose {' or '.join(CROPS)}, or leave it out for the whole film",
            )
        if self.fine_tune not in FINE_TUNED:
            raise ConfigError(
                f"model.radiograph.fine_tune is {self.fine_tune!r}.",
                remedy=nearest(self.fine_tune, FINE_TUNED),
            )


def _recipe(settings: Settings) -> Recipe | None:
    """How the backbone that a site named is built and fed; None for the networks that ship."""
    if not settings.backbone and not settings.weights:
        return None
    for name in ("backbone", "weights"):
        if not getattr(settings, name):
            raise ConfigError(
                f"model.radiograph.{name} is missing.",
                remedy="give both: the name of a backbone and the file of its weights",
            )
    recipe = backbone_file.recipe_in(Path(settings.weights))
    if recipe.name != settings.backbone:
        raise ConfigError(
            f"model.radiograph.backbone is {settings.backbone!r}, but its file holds weights of"
            f" {recipe.name!r}.",
            remedy=f'write backbone = "{recipe.name}", or name another file',
        )
    return recipe


def cells_of(settings: Settings) -> int:
    """Patches on each side of the grid over an image."""
    recipe = _recipe(settings)
    return settings.image_size // (recipe.stride if recipe else STRIDE)


def parts_of(settings: Settings) -> tuple[int, ...]:
    """Channels of the features that lie side by side in a patch."""
    recipe = _recipe(settings)
    return (recipe.features,) if recipe and recipe.family != SHIPPED else PARTS


EXAMPLE = Arrays(
    (Array(np.linspace(0, 4095, 96 * 80, dtype=np.float32).reshape(96, 80), spacing=(1, 1)),)
)


def fit(values: Iterable[Arrays], settings: Settings) -> Settings:  # noqa: ARG001
    """Nothing to fit: the backbone is frozen and components are buffers of the encoder."""
    return settings


def prepare(
    value: Arrays,
    settings: Settings,
    *,
    decision_time: datetime | None = None,  # noqa: ARG001 - part of the contract
    rng: np.random.Generator | None = None,
) -> Prepared:
    """One row per patch, image after image.

    Features: patch [images * grid * grid, 560] float16, row by row (other backbones have other
    numbers of channels); place [.., 2] int64, the number of the image and of the cell.
    """
    images = value.items[: settings.images]
    grid = cells_of(settings)
    seen = [_seen(image, settings) for image in images]
    rows = [_patches(part, settings, rng) for part, _ in seen]
    place = [(number, cell) for number in range(len(images)) for cell in range(grid * grid)]
    return Prepared(
        {"patch": np.concatenate(rows), "place": np.asarray(place, dtype=np.int64)},
        tuple(source for number in range(len(images)) for source in grid_sources(grid**2, number)),
        boxes=tuple(box for _, box in seen),
        doubts=tuple(reason for image in images for reason in doubts_of(image, settings)),
    )


def doubts_of(image: Array, settings: Settings) -> Iterator[str]:
    """Why a model with these settings may not speak of an image."""
    if settings.projections:
        stated = image.source.get("ViewPosition", "")
        wanted = " or ".join(settings.projections)
        if not stated:
            yield f"nobody says whether this is one of the {wanted} films that the model speaks of"
        elif projection_of(stated) not in settings.projections:
            yield f"the view is {stated}, and the model speaks of {wanted} films only"
    if settings.posture:
        yield from traits.doubts(image.values)


def sides(value: Arrays) -> NDArray[np.float64] | None:
    """How the halves of the first image differ, or None where it is said to be no frontal film."""
    first = value.items[0]
    stated = first.source.get("ViewPosition", "")
    frontal = not stated or view_of(stated) == "frontal"
    return sides_of(first.values) if frontal and np.isfinite(first.values).all() else None


def _seen(image: Array, settings: Settings) -> tuple[Array, tuple[float, float, float, float]]:
    """What is looked at of an image, and where the grid of patches lies in its pixels."""
    if not settings.crop:
        return image, _box(image)
    top, left, bottom, right = lungs.place(image)
    where = (float(top), float(left), float(bottom), float(right))
    return CROPS[settings.crop](image, (top, left, bottom, right)), where


def _patches(
    image: Array, settings: Settings, rng: np.random.Generator | None
) -> NDArray[np.float16]:
    recipe, pixel = _recipe(settings), pixel_of(image)
    device = devices.current()
    with torch.inference_mode(), devices.mixed(device, learning=False):
        if recipe is None:
            square = network_input(image.values, settings.image_size, rng, pixel=pixel)
            features = features_of(square[None].to(device))[0]
        else:
            grey = grey_levels(image.values, settings.image_size, rng, pixel=pixel)
            network = backbone_file.network(Path(settings.weights)).to(device)
            found = feature_grid(recipe, network, recipe.normalised(grey[None].to(device)))[0]
            features = found.clamp(-LARGEST, LARGEST)
    rows = features.permute(1, 2, 0).reshape(-1, len(features))
    return rows.cpu().numpy().astype(np.float16)


def looks(value: Arrays, settings: Settings) -> Iterator[Tensor]:
    """What the networks see of each image that is read [1, S, S], grey levels from 0 to 1."""
    for image in value.items[: settings.images]:
        part, _ = _seen(image, settings)
        yield grey_levels(part.values, settings.image_size, pixel=pixel_of(part))


def pixel_of(image: Array) -> tuple[float, float]:
    """Height and width of a pixel, in any one unit; a square where nothing says otherwise.

    Of the spacing, else of the Pixel Aspect Ratio (PS3.3 C.7.6.3.1.7).
    """
    if image.spacing is not None:
        return image.spacing[0], image.spacing[1]
    high, _, wide = image.source.get("PixelAspectRatio", "1:1").partition(":")
    return float(high), float(wide)


def _square(shape: tuple[int, ...], pixel: tuple[float, float]) -> tuple[int, int]:
    """Rows and columns that hold the image and are as high as they are wide."""
    height, width = shape
    if abs(pixel[0] / pixel[1] - 1) < SQUARE:
        side = max(height, width)
        return side, side
    longer = max(height * pixel[0], width * pixel[1])
    return max(height, round(longer / pixel[0])), max(width, round(longer / pixel[1]))


def _box(image: Array) -> tuple[float, float, float, float]:
    height, width = image.values.shape
    rows, columns = _square(image.values.shape, pixel_of(image))
    top, left = -((rows - height) // 2), -((columns - width) // 2)
    return float(top), float(left), float(top + rows), float(left + columns)


evidence = heat_maps


def pooled(prepared: Prepared) -> NDArray[np.float64] | None:
    """The first image as one row: mean and maximum over all patches, and means over regions."""
    first = [row for row, source in enumerate(prepared.sources) if source.index == 0]
    patches = prepared.features["patch"][first].astype(np.float64)
    side = round(len(patches) ** 0.5)
    grid = patches.reshape(side, side, -1)
    bands = np.array_split(np.arange(side), min(REGIONS, side))
    regions = [grid[np.ix_(rows, columns)].mean(axis=(0, 1)) for rows in bands for columns in bands]
    return np.concatenate([patches.mean(axis=0), patches.max(axis=0), *regions])


def pooled_parts(prepared: Prepared) -> NDArray[np.float64]:
    """What each patch adds: its share of the means, and the maxima that it holds."""
    first = [row for row, source in enumerate(prepared.sources) if source.index == 0]
    patches = prepared.features["patch"][first].astype(np.float64)
    side = round(len(patches) ** 0.5)
    highest = np.zeros_like(patches)
    every = np.arange(patches.shape[1])
    highest[patches.argmax(axis=0), every] = patches.max(axis=0)
    parts = [patches / len(patches), highest]
    bands = np.array_split(np.arange(side), min(REGIONS, side))
    for rows in bands:
        for columns in bands:
            inside = np.zeros((side, side), dtype=bool)
            inside[np.ix_(rows, columns)] = True
            parts.append(patches * inside.reshape(-1, 1) / inside.sum())
    found = np.zeros((len(prepared.sources), sum(part.shape[1] for part in parts)))
    found[first] = np.concatenate(parts, axis=1)
    return found


def features_of(images: Tensor) -> Tensor:
    """Frozen features [B, 560, S / 32, S / 32] of network inputs [B, 3, S, S]."""
    stem, photographs = film_network.imagenet()
    seen = stem.to(images.device)(images)
    film = film_network.film_tail().to(images.device)
    return film_network.side_by_side(seen, photographs.to(images.device), film)


def grid_sources(cells: int, image: int = 0) -> tuple[TokenSource, ...]:
    """Sources of the square grid of patches of one image, row by row."""
    side = round(cells**0.5)
    return tuple(
        TokenSource(image, "patch", cell=(cell // side, cell % side)) for cell in range(cells)
    )


def network_input(
    values: NDArray[np.float32],
    size: int,
    rng: np.random.Generator | None = None,
    *,
    pixel: tuple[float, float] = (1.0, 1.0),
) -> Tensor:
    """Grey levels [3, size, size] as the networks that ship expect them; see `grey_levels`."""
    scaled = grey_levels(values, size, rng, pixel=pixel)
    # The lite models were trained on (pixel - 127) / 128.
    return ((scaled * 255 - 127) / 128).expand(3, -1, -1).contiguous()


def grey_levels(
    values: NDArray[np.float32],
    size: int,
    rng: np.random.Generator | None = None,
    *,
    pixel: tuple[float, float] = (1.0, 1.0),
) -> Tensor:
    """Scaled, padded and resampled image [1, size, size], from 0 to 1.

    Intensities between the 0.5 and 99.5 percentile become 0 to 1, which makes the device's own
    scale irrelevant; black pads the shorter side; with `rng` the image is augmented. What is padded
    and resampled is square on the patient: `pixel` is height and width of a pixel, in one unit.
    """
    sides = _square(values.shape, pixel)
    # NumPy's percentiles take a tenth of the time of a tensor's (4 against 55 ms at 512 x 512).
    low, high = np.percentile(values, [0.5, 99.5])
    plain = np.clip((values - low) / max(float(high - low), 1e-6), 0, 1, dtype=np.float32)
    scaled = resample(torch.from_numpy(plain)[None], sides, size)
    if rng is not None:
        scaled = augmented(scaled, rng)
    return scaled.clamp(0, 1)


def weights_files(settings: Settings) -> tuple[Path, ...]:
    """The frozen weights that these settings read with, for the digest in a checkpoint."""
    ship = film_network.weights_file(), film_network.FILM_WEIGHTS
    found = [Path(settings.weights)] if settings.backbone else [*ship]
    if settings.crop:
        found.append(lungs.WEIGHTS)
    if settings.posture:
        found.append(traits.WEIGHTS)
    return tuple(found)


class Encoder(nn.Module):
    """Principal components of the patch features, a linear map, and the patch's position."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        cells = cells_of(settings) ** 2
        self.reduce = PrincipalComponents(*parts_of(settings), components=settings.components)
        self.map = nn.Linear(self.reduce.kept, settings.width)
        self.position = nn.Parameter(torch.randn(cells, settings.width) * 0.3)
        # With one image there is nothing to tell apart, and checkpoints of that kind have no table.
        several = settings.images > 1
        self.image = nn.Embedding(settings.images, settings.width) if several else None
        self.mix = nn.Sequential(
            nn.LayerNorm(settings.width), nn.Linear(settings.width, settings.width), nn.GELU()
        )

    def adapt(self, prepared: Sequence[Prepared]) -> None:
        """Fit the principal components on training patches."""
        if prepared:
            self.reduce.fit(np.concatenate([item.features["patch"] for item in prepared]))

    def reduced(self, prepared: Prepared) -> Prepared:
        """The components of an input, taken once."""
        return self.reduce.reduced(prepared, "patch")

    def forward(self, batch: Batch) -> Encoding:
        """Tokens [cases, patches, width]."""
        tokens = self.map(self.reduce.of(batch, "patch"))
        if self.image is None:
            tokens = tokens + self.position
        else:
            number, cell = batch.features["place"].unbind(dim=-1)
            tokens = tokens + self.position[cell] + self.image(number)
        return Encoding(tokens + self.mix(tokens), batch.mask)
