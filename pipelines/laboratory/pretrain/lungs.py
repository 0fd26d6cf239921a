"""`triptych films teach-lungs`: fit the network that finds the lungs, and write it with its card.

Losses, summed over what is outlined: cross-entropy of every pixel, and one less Dice's coefficient
of the film (Milletari et al. 2016, arXiv 1606.04797).
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from clinical import canonical
from clinical.modalities.radiograph.lungs import OUTLINED, WEIGHTS, LungNetwork
from clinical.wording import RESEARCH_USE
from pipelines.jobs import resume
from pipelines.jobs.progress import bar, console
from pipelines.laboratory.pretrain import lung_films
from pipelines.laboratory.pretrain.lung_films import LungFilms
from pipelines.laboratory.simulate import likelihoods

SEED = 777
HELD_OUT = 60
STEPS_IN_EPOCH = 50
EPOCHS = 10
_BATCH = 12
_RATE, _WEIGHT_DECAY, _WARM_STEPS = 2e-3, 1e-3, 50
_SMOOTH = 50.0
"""Pixels added to both sides of Dice's ratio, so that a film without an opacity has one."""


def teach(out: Path, number: int, *, epochs: int = EPOCHS, seed: int = SEED, jobs: int) -> None:
    """Write the weights of the network and their card into `out`.

    Args:
        out: folder; a killed run resumes from what it holds.
        number: of films, of which `HELD_OUT` are kept for the card.
        epochs: of `STEPS_IN_EPOCH` steps each.
        seed: of the films and of the fit.
        jobs: processes that draw films.
    """
    films = lung_films.read(list(lung_films.kept(out / "films", number, seed, jobs)))
    held_out, lessons = films.part(0, HELD_OUT), films.part(HELD_OUT, number)
    key = canonical.digest([number, seed, epochs, likelihoods.load().digest])
    network = fit(lessons, out / "unfinished", key, epochs=epochs, seed=seed)
    weights = {name: value.half().contiguous() for name, value in network.state_dict().items()}
    save_file(weights, out / WEIGHTS.name)
    overlap = dice(network, held_out)
    (out / f"{WEIGHTS.stem}.md").write_text(card(overlap, len(lessons), seed), encoding="utf-8")
    resume.discard(out / "unfinished")
    named = ", ".join(f"{name} {value:.3f}" for name, value in overlap.items())
    console.print(f"lung network in {out}; Dice on {HELD_OUT} other films: {named}")


def fit(lessons: LungFilms, folder: Path, key: str, *, epochs: int, seed: int) -> LungNetwork:
    """Fit a network; a killed run resumes at its last whole epoch if `key` is the same."""
    torch.manual_seed(seed)
    network = LungNetwork()
    optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=_WEIGHT_DECAY)
    done = resume.resume(folder, key, network, optimiser) or resume.Progress()
    steps = epochs * STEPS_IN_EPOCH
    with bar() as progress:
        task = progress.add_task("teach lungs", total=steps, note="")
        for epoch in range(done.epoch, epochs):
            rng = np.random.default_rng([seed, epoch])
            network.train()
            for step in range(epoch * STEPS_IN_EPOCH, (epoch + 1) * STEPS_IN_EPOCH):
                _set_rate(optimiser, step, steps)
                chosen = torch.from_numpy(rng.integers(0, len(lessons), _BATCH))
                batch = LungFilms(lessons.films[chosen], lessons.outlines[chosen])
                loss = _loss(network, *lung_films.disturbed(batch, rng))
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                progress.update(task, completed=step + 1, note=f"loss {float(loss.detach()):.3f}")
            resume.keep(folder, key, network, optimiser, resume.Progress(epoch + 1))
    return network.eval()


def _set_rate(optimiser: torch.optim.Optimizer, step: int, steps: int) -> None:
    """A short warm-up, then a half cosine down to a fiftieth."""
    warm = min(1.0, (step + 1) / _WARM_STEPS)
    rate = warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))
    for group in optimiser.param_groups:
        group["lr"] = _RATE * rate


def _loss(network: LungNetwork, films: Tensor, outlines: Tensor) -> Tensor:
    logits = network(films)
    chances = logits.sigmoid()
    common = 2 * (chances * outlines).sum(dim=(2, 3)) + _SMOOTH
    ratio = common / (chances.sum(dim=(2, 3)) + outlines.sum(dim=(2, 3)) + _SMOOTH)
    entropy: Tensor = binary_cross_entropy_with_logits(logits, outlines)
    missed: Tensor = (1 - ratio).sum(dim=1).mean()
    return len(OUTLINED) * entropy + missed


def dice(network: LungNetwork, films: LungFilms) -> dict[str, float]:
    """Dice's coefficient of each outline: twice the common area over both areas, mean of films.

    A film on which there is nothing to outline does not count.
    """
    seen, outlines = lung_films.plain(films)
    with torch.inference_mode():
        found = network.eval()(seen) > 0
    return {
        name: _dice(found[:, place].numpy(), outlines[:, place].numpy() > 0)
        for place, name in enumerate(OUTLINED)
    }


def _dice(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    both, sizes = (found & truth).sum(axis=(1, 2)), found.sum(axis=(1, 2)) + truth.sum(axis=(1, 2))
    there = truth.any(axis=(1, 2))
    return float((2 * both[there] / sizes[there]).mean()) if there.any() else math.nan


def card(overlap: dict[str, float], learnt: int, seed: int) -> str:
    """What the weights are and how well they outline, in Markdown."""
    rows = [f"| {name} | {value:.3f} |" for name, value in overlap.items()]
    return "\n".join(
        [
            "# Lung network: a U-Net that outlines lungs on frontal films",
            "",
            f"**{RESEARCH_USE}** MONAI's U-Net, taught on {learnt:,} simulated films (seed {seed}),"
            " disturbed at random. It has seen no real film.",
            "",
            f"Dice's coefficient on {HELD_OUT} other simulated films:",
            "",
            "| outline | Dice |",
            "| --- | --- |",
            *rows,
            "",
        ]
    )
