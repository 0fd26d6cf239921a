"""A backbone that learns from films: linear behind it first, then its layers.

In the first epoch only a linear map behind the frozen backbone learns, because gradients through a
random one would spoil what the backbone knows (Kumar et al. 2022, arXiv 2202.10054). Batch
normalisation and dropout stay as for reading, so that a film is seen in training as it will be in
use, and so that the number of processes does not matter. The state of the epoch with the lowest
loss on held-out patients is kept; if that is the first, the backbone stays as it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from clinical.config import CUDA
from clinical.errors import ConfigError
from clinical.fine_tuning import FineTuningConfig
from clinical.modalities import devices
from clinical.modalities.radiograph.backbones import Recipe, feature_grid
from pipelines.fine_tuning import layers
from pipelines.fine_tuning.films import PLAIN, Lessons, Stream, in_batches
from pipelines.fine_tuning.processes import Processes
from pipelines.jobs import resume

HEAD_RATE = 2e-3
"""Learning rate of the linear map."""

WEIGHT_DECAY = 0.02

Report = Callable[[int, float, float], None]
"""Called after each epoch with its number, training loss and loss on held-out patients."""


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be learnt, and how.

    Attributes:
        which: layers of the backbone that learn.
        config: how.
        seed: of every random choice.
        lessons, held: films to learn from, and films of other patients to choose the epoch by.
        device: where.
        readers: further processes that read films; 0: none.
    """

    which: str
    config: FineTuningConfig
    seed: int
    lessons: Lessons
    held: Lessons
    device: torch.device
    readers: int = 0


class Pupil(nn.Module):
    """A backbone and a linear map of the mean and the maximum of its features."""

    def __init__(self, recipe: Recipe, network: nn.Module, labels: np.ndarray) -> None:
        super().__init__()
        self.recipe, self.network = recipe, network
        self.head = nn.Linear(2 * recipe.features, labels.shape[1])
        share = (np.nansum(labels, axis=0) + 1) / ((~np.isnan(labels)).sum(axis=0) + 2)
        with torch.no_grad():
            self.head.weight.zero_()
            self.head.bias.copy_(torch.from_numpy(np.log(share / (1 - share))))

    def forward(self, grey: Tensor) -> Tensor:
        """Log odds [B, diagnoses] of grey levels from 0 to 1 [B, 1, S, S]."""
        grid = feature_grid(self.recipe, self.network, self.recipe.normalised(grey)).float()
        rows = torch.cat([grid.mean(dim=(2, 3)), grid.amax(dim=(2, 3))], dim=1)
        found: Tensor = self.head(nn.functional.layer_norm(rows, rows.shape[1:]))
        return found


def teach(
    pupil: Pupil,
    task: Task,
    together: Processes,
    folder: Path,
    key: str,
    report: Report | None = None,
) -> resume.Progress:
    """Teach a backbone in place and leave it as it was after its best epoch.

    Args:
        pupil: the same in every process.
        task: what to learn.
        together: who learns.
        folder: where the state of every epoch is kept, which all processes see; one that holds the
            state of the same training goes on with it.
        key: digest of what decides the training.
        report: called after each epoch.

    Raises:
        ConfigError: if a batch is too small to be shared.
    """
    if task.config.batch_size < 2 * together.count or len(task.lessons.files) < together.count:
        raise ConfigError(
            f"{len(task.lessons.files)} films in batches of {task.config.batch_size} are too few"
            f" for {together.count} processes.",
            remedy=f"set training.fine_tuning.batch_size to {2 * together.count} or more, or start"
            " fewer processes",
        )
    pupil.to(task.device).eval()
    learning = _reached(pupil, task, layers.taught(pupil.recipe, pupil.network, task.which))
    optimiser = _optimiser(pupil, task.config, learning)
    rates = [float(group["lr"]) for group in optimiser.param_groups]
    state = resume.resume(folder, key, pupil, optimiser) or resume.Progress()
    together.wait()  # until all have read it, before the first one writes the next
    pinned = task.device.type == CUDA
    stream, held = (
        Stream(films, task.seed, task.readers, pinned=pinned) for films in (task.lessons, task.held)
    )
    for epoch in range(state.epoch, task.config.epochs):
        _wake(pupil, learning if epoch else ())
        loss = _one_epoch(pupil, optimiser, rates, task, together, stream, epoch)
        judged = _held_out_loss(pupil, task, together, held)
        state = state.advanced(pupil, judged)
        if report is not None:
            report(state.epoch, loss, judged)
        if together.first:
            resume.keep(folder, key, pupil, optimiser, state)
        together.wait()
    pupil.load_state_dict(state.best)
    pupil.requires_grad_(False)
    return state


def _reached(
    pupil: Pupil, task: Task, learning: Sequence[Sequence[nn.Parameter]]
) -> list[list[nn.Parameter]]:
    """The parameters that a look at a film depends on.

    Some backbones have one for their own pretraining; processes would wait for its gradient.
    """
    _wake(pupil, learning)
    side = len(np.load(task.lessons.files[0], allow_pickle=False))
    pupil(torch.zeros(1, 1, side, side, device=task.device)).sum().backward()
    found = [[one for one in part if one.grad is not None] for part in learning]
    pupil.zero_grad()
    return [part for part in found if part]


def _optimiser(
    pupil: Pupil, config: FineTuningConfig, learning: Sequence[Sequence[nn.Parameter]]
) -> torch.optim.Optimizer:
    parts = layers.groups(learning, config.learning_rate, config.layer_decay)
    head = {"params": list(pupil.head.parameters()), "lr": HEAD_RATE}
    return torch.optim.AdamW([head, *parts], weight_decay=WEIGHT_DECAY)


def _wake(pupil: Pupil, learning: Sequence[Sequence[nn.Parameter]]) -> None:
    """Let these layers learn, and the linear map."""
    pupil.requires_grad_(False)
    pupil.head.requires_grad_(True)
    for part in learning:
        for parameter in part:
            parameter.requires_grad_(True)


def _one_epoch(
    pupil: Pupil,
    optimiser: torch.optim.Optimizer,
    rates: Sequence[float],
    task: Task,
    together: Processes,
    stream: Stream,
    epoch: int,
) -> float:
    network = together.together(pupil)
    batches = in_batches(len(task.lessons.files), task.config.batch_size, task.seed, epoch)
    mine = [batch[together.rank :: together.count] for batch in batches]
    total = torch.zeros((), dtype=torch.float64)
    for step, (grey, labels) in enumerate(stream.epoch(epoch, mine)):
        _set_rates(optimiser, rates, (epoch + step / len(batches)) / task.config.epochs)
        known = int((~np.isnan(task.lessons.labels[batches[step]])).sum())
        # Each has the sum over its films; gradients are averaged over processes, so that the step
        # is that of the mean over all films of the batch.
        loss = _summed_loss(network, task, grey, labels) / max(known, 1)
        optimiser.zero_grad()
        (loss * together.count).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(pupil.parameters(), 1.0)
        optimiser.step()
        total += loss.detach().cpu().double() / len(batches)
    return float(together.summed(total))


def _summed_loss(network: nn.Module, task: Task, grey: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy summed over known labels."""
    grey, labels = (part.to(task.device, non_blocking=True) for part in (grey, labels))
    with devices.mixed(task.device, learning=True, asked=task.config.bfloat16):
        logits = network(grey)
    known = ~torch.isnan(labels)
    losses = nn.functional.binary_cross_entropy_with_logits(
        logits.float(), torch.nan_to_num(labels), reduction="none"
    )
    return (losses * known).sum()


def _held_out_loss(pupil: Pupil, task: Task, together: Processes, held: Stream) -> float:
    """Mean binary cross-entropy over known labels, of films as they are."""
    size, places = task.config.batch_size, range(len(task.held.files))
    mine = places[together.rank :: together.count]
    batches = [mine[start : start + size] for start in range(0, len(mine), size)]
    total = torch.zeros((), dtype=torch.float64)
    with torch.no_grad():
        for grey, labels in held.epoch(PLAIN, batches):
            total += _summed_loss(pupil, task, grey, labels).cpu().double()
    known = int((~np.isnan(task.held.labels)).sum())
    return float(together.summed(total)) / max(known, 1)


def _set_rates(optimiser: torch.optim.Optimizer, rates: Sequence[float], done: float) -> None:
    """Half a cosine from the full rates down to nothing."""
    for group, rate in zip(optimiser.param_groups, rates, strict=True):
        group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * done))
