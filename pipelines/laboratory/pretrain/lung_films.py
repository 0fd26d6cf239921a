"""Small simulated films with the outlines of lungs and opacities, and how they are disturbed.

They are of the clinic of films (`pipelines.laboratory.pretrain.films`), under a seed of their own.
The network must find the lungs of real films, so that what a real film has and a simulated one has
not is drawn at random: proportions, cut, tilt, side, exposure that changes over the film, blur,
grain, bright and dark bars and letters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample, interpolate

from clinical.modalities.radiograph.lungs import OUTLINED, SIDE
from clinical.modalities.radiograph.ranks import equalised
from pipelines.jobs.progress import track
from pipelines.jobs.workers import in_order
from pipelines.laboratory.pretrain.films import table_of_films
from pipelines.laboratory.simulate import clinic
from pipelines.laboratory.simulate.examination import RadiographSpec
from pipelines.laboratory.simulate.radiograph import render

ROWS = 256
OPAQUE = (
    "atelectasis",
    "collapse",
    "consolidation",
    "edema",
    "effusion",
    "interstitial",
    "mass",
)
"""Findings whose outlines together are "opacity"."""

_KVP = (70.0, 130.0)


@dataclass(frozen=True, eq=False)
class LungFilms:
    """Films and outlines.

    Attributes:
        films: [n, 256, 256] uint8.
        outlines: [n, 2, 256, 256] uint8, 0 or 1, in the order of `lungs.OUTLINED`.
    """

    films: Tensor
    outlines: Tensor

    def __len__(self) -> int:
        return len(self.films)

    def part(self, first: int, last: int) -> LungFilms:
        """Films `first` to before `last`."""
        return LungFilms(self.films[first:last], self.outlines[first:last])


def draw(seed: int, number: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Film `number` [256, 256] and its outlines [2, 256, 256]."""
    table = table_of_films()
    patient = clinic.draw_patient(seed, number, table=table)
    kvp = float(clinic.stream(seed, number, "file", 1).uniform(*_KVP))
    spec = replace(cast(RadiographSpec, patient.radiograph), scanner="", kvp=round(kvp, 1))
    body = clinic.body(seed, number, table=table)
    film = render(spec, clinic.stream(seed, number, "pixels"), rows=ROWS, body=body)
    low, high = np.percentile(film.pixels, [0.5, 99.5])
    plain = np.clip((film.pixels - low) / max(float(high - low), 1e-6), 0, 1)
    masks = [film.masks[name] for name in OPAQUE if name in film.masks]
    opaque = np.logical_or.reduce([np.zeros((ROWS, ROWS), bool), *masks])
    outlines = np.stack([film.masks[OUTLINED[0]], opaque])
    return (plain * 255).astype(np.uint8), outlines.astype(np.uint8)


def kept(folder: Path, number: int, seed: int, jobs: int) -> Iterator[Path]:
    """Files of the first N films; films that an earlier run has written are not drawn again."""
    folder.mkdir(parents=True, exist_ok=True)
    tasks = [(folder, seed, film) for film in range(number)]
    yield from track(in_order(_keep, tasks, jobs), "draw films", number)


def _keep(task: tuple[Path, int, int]) -> Path:
    folder, seed, number = task
    file = folder / f"{seed}-{number:06d}.npz"
    if not file.exists():
        film, outlines = draw(seed, number)
        unfinished = file.with_name(f"{file.stem}.part.npz")
        np.savez_compressed(unfinished, film=film, outlines=np.packbits(outlines))
        unfinished.replace(file)
    return file


def read(files: Sequence[Path]) -> LungFilms:
    """Read films into memory: 200 KB each."""
    films, outlines = [], []
    for file in files:
        with np.load(file, allow_pickle=False) as stored:
            films.append(stored["film"])
            bits = np.unpackbits(stored["outlines"])
            outlines.append(bits.reshape(len(OUTLINED), ROWS, ROWS))
    return LungFilms(torch.from_numpy(np.stack(films)), torch.from_numpy(np.stack(outlines)))


def plain(films: LungFilms) -> tuple[Tensor, Tensor]:
    """Films [n, 1, 128, 128] as the network sees them, and outlines [n, 2, 128, 128]."""
    small = interpolate(films.films[:, None].float(), (SIDE, SIDE), mode="area")
    outlines = interpolate(films.outlines.float(), (SIDE, SIDE), mode="area")
    return _equalised(small), (outlines > 0.5).float()


def disturbed(films: LungFilms, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """The same, disturbed at random."""
    seen, grid = disturbed_films(films.films, rng)
    outlines = grid_sample(films.outlines.float(), grid, align_corners=False)
    return seen, (outlines > 0.5).float()


def disturbed_films(
    films: Tensor, rng: np.random.Generator, *, sides: bool = True
) -> tuple[Tensor, Tensor]:
    """Films [n, 1, 128, 128] as a network sees them, disturbed, and where each pixel came from.

    Args:
        films: [n, rows, columns] uint8.
        rng: draws how.
        sides: whether left and right change places in a third of the films.
    """
    count = len(films)

    def drawn(low: float, high: float) -> Tensor:
        return torch.from_numpy(rng.uniform(low, high, count)).float()

    tilt, wide = drawn(-0.25, 0.25), drawn(0.7, 1.45)
    flip = _sides(count, rng) if sides else torch.ones(count)
    high = wide * drawn(0.8, 1.25)
    rows = [
        torch.stack([wide * tilt.cos() * flip, -high * tilt.sin(), drawn(-0.2, 0.2)], 1),
        torch.stack([wide * tilt.sin() * flip, high * tilt.cos(), drawn(-0.2, 0.2)], 1),
    ]
    grid = affine_grid(torch.stack(rows, 1), [count, 1, SIDE, SIDE], align_corners=False)
    around = "zeros" if rng.random() < 0.6 else "border"
    seen = grid_sample(films[:, None].float() / 255, grid, padding_mode=around, align_corners=False)
    exposure = torch.from_numpy(rng.normal(0, 1, (count, 1, 4, 4))).float()
    exposure = interpolate(exposure, (SIDE, SIDE), mode="bicubic", align_corners=True)
    seen = seen * torch.exp(exposure * drawn(0, 0.25)[:, None, None, None])
    for _ in range(int(rng.choice([0, 1, 2], p=[0.5, 0.3, 0.2]))):
        seen = avg_pool2d(seen, 3, 1, 1)
    grain = torch.from_numpy(rng.normal(0, 1, tuple(seen.shape))).float()
    seen = seen + grain * drawn(0, 0.05)[:, None, None, None]
    for film in seen:
        _letter(film[0], rng)
    return _equalised(seen), grid


def _sides(count: int, rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(rng.choice([1.0, 1.0, -1.0], count)).float()


def _letter(film: Tensor, rng: np.random.Generator) -> None:
    """Bars at an edge, as collimators and labels leave them, and small bright or dark spots."""
    for _ in range(int(rng.integers(0, 4))):
        bar = rng.random() < 0.6
        height, width = (int(side) for side in rng.integers(2, 30 if bar else 8, 2))
        top, left = int(rng.integers(0, SIDE - height)), int(rng.integers(0, SIDE - width))
        if bar and rng.random() < 0.5:
            top = int(rng.choice([0, SIDE - height]))
        elif bar:
            left = int(rng.choice([0, SIDE - width]))
        film[top : top + height, left : left + width] = float(rng.integers(0, 2))


def _equalised(films: Tensor) -> Tensor:
    ranks = [equalised(film) for film in films[:, 0].numpy()]
    return torch.from_numpy(np.stack(ranks))[:, None]
