"""Films on disk, as a network sees them, and how they are streamed from there.

A film is decoded, cropped and scaled once, and kept as one small file of grey levels in 256 steps.
What is learnt from is read from there again for every look, by PyTorch's loader, and augmented
then: memory holds a few batches, however many films there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from clinical import canonical
from clinical.case.case import Case, input_digest
from clinical.case.shapes import Arrays
from clinical.modalities.kit import read_by
from clinical.modalities.radiograph import encoder as radiograph
from clinical.modalities.radiograph import lungs
from clinical.modalities.radiograph.augmentation import augmented
from clinical.modalities.radiograph.rows import IMAGE
from clinical.model import carried
from pipelines.jobs import cache
from pipelines.training.dataset import CachedCase

LEVELS = 255
PLAIN = -1
"""Number of an epoch in which films are looked at as they are."""

Look = tuple[int, int]
"""Epoch, and place of a film."""


@dataclass(frozen=True, eq=False)
class Lessons:
    """Films to learn from or to judge by.

    Attributes:
        files: of each film.
        labels: [films, diagnoses]; 1, 0 or NaN for unknown.
    """

    files: tuple[str, ...]
    labels: NDArray[np.float32]


def keeper(
    settings: radiograph.Settings, folder: Path, files: dict[str, tuple[str, ...]]
) -> Callable[[Case], CachedCase]:
    """A way to read a cohort that keeps its films and notes where.

    Args:
        settings: what of a film is seen, and how large.
        folder: to keep them in.
        files: case to the files of its films; is filled.
    """
    seen = [settings.image_size, settings.images, settings.crop]
    if settings.crop:
        seen.append(carried.digest_of((lungs.WEIGHTS,)))

    def keep(case: Case) -> CachedCase:
        digest, small = input_digest(case), {}
        for _, name, value in read_by(case):
            if not value.arrays:
                small[name] = value
            elif name == IMAGE:
                files[case.case_id] = _kept(value, settings, folder, seen)
        return CachedCase(replace(case, inputs=small), {}, digest)

    return keep


def _kept(
    value: Arrays, settings: radiograph.Settings, folder: Path, seen: Sequence[object]
) -> tuple[str, ...]:
    found = []
    for number, image in enumerate(value.items[: settings.images]):
        key = canonical.digest(["film", *seen, image.digest])
        file = folder / key[:2] / f"{key}.npy"
        one = replace(value, items=value.items[number : number + 1])

        def make(one: Arrays = one) -> NDArray[np.uint8]:
            (grey,) = radiograph.looks(one, settings)
            return np.asarray((grey[0] * LEVELS).round().numpy().astype(np.uint8))

        cache.kept(file, make)
        found.append(str(file))
    return tuple(found)


class Films(Dataset[tuple[Tensor, Tensor]]):
    """What is seen of a film in an epoch [1, S, S], and its labels [diagnoses].

    How it is augmented follows from the seed, the epoch and the film: it is the same whichever
    process looks.
    """

    def __init__(self, lessons: Lessons, seed: int) -> None:
        self._lessons, self._seed = lessons, seed

    def __getitem__(self, look: Look) -> tuple[Tensor, Tensor]:
        epoch, place = look
        levels = np.load(self._lessons.files[place], allow_pickle=False)
        grey = torch.from_numpy(levels.astype(np.float32) / LEVELS)[None]
        if epoch != PLAIN:
            # A film that comes more than once among the lessons looks different each time.
            rng = np.random.default_rng([self._seed, epoch, place])
            grey = augmented(grey, rng).clamp(0, 1)
        return grey, torch.from_numpy(self._lessons.labels[place])


class Turns:
    """The batches of one process, epoch after epoch: `turn` says of which."""

    def __init__(self) -> None:
        self.turn: list[list[Look]] = []

    def __iter__(self) -> Iterator[list[Look]]:
        return iter(self.turn)

    def __len__(self) -> int:
        return len(self.turn)


class Stream:
    """Films from disk, read by so many further processes; 0 reads them here."""

    def __init__(self, lessons: Lessons, seed: int, readers: int, *, pinned: bool) -> None:
        self._turns = Turns()
        self._loader = DataLoader(
            Films(lessons, seed),
            batch_sampler=self._turns,
            num_workers=readers,
            persistent_workers=readers > 0,
            # Forked, a process that already has threads may hang.
            multiprocessing_context="spawn" if readers else None,
            pin_memory=pinned,
        )

    def epoch(self, number: int, batches: Sequence[Sequence[int]]) -> Iterator[list[Tensor]]:
        """Grey levels [B, 1, S, S] and labels [B, diagnoses] of each batch of places."""
        self._turns.turn = [[(number, place) for place in batch] for batch in batches]
        yield from self._loader


def in_batches(count: int, size: int, seed: int, epoch: int) -> list[list[int]]:
    """Places of films in random order; a last batch of less than half the size is left out."""
    order = np.random.default_rng([seed, epoch]).permutation(count).tolist()
    batches = [order[start : start + size] for start in range(0, count, size)]
    return batches[:-1] if len(batches) > 1 and 2 * len(batches[-1]) < size else batches


def lessons_of(
    places: NDArray[np.intp],
    names: Sequence[str],
    labels: NDArray[np.float64],
    files: Mapping[str, tuple[str, ...]],
) -> Lessons:
    """The films of some cases.

    Args:
        places: of the cases; one may come more than once.
        names: of every case.
        labels: [cases, diagnoses].
        files: case to its films.
    """
    rows = [(file, place) for place in places for file in files.get(names[place], ())]
    own = labels[[place for _, place in rows]].astype(np.float32)
    return Lessons(tuple(file for file, _ in rows), own.reshape(-1, labels.shape[1]))
