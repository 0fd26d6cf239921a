"""Simulated films for pretraining: every finding is frequent, and no two films share a scanner.

They are of a clinic of their own (another seed and other prevalences than any cohort), and every
film has a scanner that is drawn for it alone. So a network trained on them has met no patient
and no scanner of the simulated hospitals, and leaving one of those out still means something.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from clinical.modalities.radiograph import film_network
from clinical.modalities.radiograph.encoder import network_input
from pipelines.jobs.progress import track
from pipelines.jobs.workers import in_order
from pipelines.laboratory.simulate import clinic, likelihoods
from pipelines.laboratory.simulate.examination import RadiographSpec
from pipelines.laboratory.simulate.likelihoods import Likelihoods
from pipelines.laboratory.simulate.radiograph import render
from pipelines.training.masks import on_grid

IMAGE_SIZE = 384
CELLS = IMAGE_SIZE // film_network.FILM_STRIDE
OUTLINED = (
    "atelectasis",
    "cardiomegaly",
    "collapse",
    "consolidation",
    "edema",
    "effusion",
    "interstitial",
    "lungs",
    "mass",
    "pneumothorax",
)
"""What has an outline; the lungs, which every film has, teach where to look."""

# Log odds added so that rare findings are met often enough to be learnt.
_OFTEN = {
    "lung_mass": 1.6,
    "pneumothorax": 1.1,
    "lobar_collapse": 1.2,
    "pleural_effusion": 0.4,
    "pulmonary_embolism": 0.4,
    "copd_exacerbation": 0.3,
}
_KVP = (90.0, 130.0)
_ROWS = 512


@dataclass(frozen=True, eq=False)
class Film:
    """One film, looked at by the frozen first layers.

    Attributes:
        stem: [40, 48, 48] float16 (`clinical.modalities.radiograph.film_network.Stem`).
        outlines: [findings, 24 * 24] float16, share of each patch that is covered, in the order of
            `OUTLINED`.
        present: [findings] bool, in the order of `named`.
    """

    stem: NDArray[np.float16]
    outlines: NDArray[np.float16]
    present: NDArray[np.bool_]


def named() -> tuple[str, ...]:
    """Every finding of the clinic, with an outline or without."""
    return tuple(likelihoods.load().image)


def draw(seed: int, number: int) -> Film:
    """Film `number` of the clinic of films with this seed."""
    table = table_of_films()
    patient = clinic.draw_patient(seed, number, table=table)
    kvp = float(clinic.stream(seed, number, "file", 1).uniform(*_KVP))
    spec = replace(cast(RadiographSpec, patient.radiograph), scanner="", kvp=round(kvp, 1))
    pixels = clinic.stream(seed, number, "pixels")
    film = render(spec, pixels, rows=_ROWS, body=clinic.body(seed, number, table=table))
    outlines = np.zeros((len(OUTLINED), CELLS * CELLS), np.float16)
    for row, name in enumerate(OUTLINED):
        if name in film.masks:
            outlines[row] = on_grid(film.masks[name], CELLS).ravel()
    image = network_input(film.pixels.astype(np.float32), IMAGE_SIZE)
    stem, _ = film_network.imagenet()
    with torch.inference_mode():
        seen = stem(image[None])[0].numpy().astype(np.float16)
    present = np.array([name in patient.image_findings for name in named()])
    return Film(seen, outlines, present)


@lru_cache(maxsize=1)
def table_of_films() -> Likelihoods:
    """The clinic's table with one hospital, in which rare findings are common."""
    table = likelihoods.load()
    hospital = replace(next(iter(table.sites.values())), share=1.0, bedside=0.35, prevalence=_OFTEN)
    return replace(table, sites={"films": hospital}, visit=replace(table.visit, absent_image=0.0))


def kept(folder: Path, films: int, seed: int, jobs: int) -> Iterator[Path]:
    """Files of the first N films; films that an earlier run has written are not drawn again."""
    folder.mkdir(parents=True, exist_ok=True)
    tasks = [(folder, seed, number) for number in range(films)]
    yield from track(in_order(_keep, tasks, jobs), "draw films", films)


def _keep(task: tuple[Path, int, int]) -> Path:
    folder, seed, number = task
    file = folder / f"{seed}-{number:06d}.npz"
    if not file.exists():
        torch.set_num_threads(1)
        film = draw(seed, number)
        unfinished = file.with_name(f"{file.stem}.part.npz")
        np.savez(unfinished, stem=film.stem, outlines=film.outlines, present=film.present)
        unfinished.replace(file)
    return file


def load(file: Path) -> Film:
    """A film that `kept` has written."""
    with np.load(file, allow_pickle=False) as stored:
        return Film(stored["stem"], stored["outlines"], stored["present"])
