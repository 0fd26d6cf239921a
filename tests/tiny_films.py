"""Small films on disk as fine-tuning streams them, and a backbone of a few thousand numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tiny_backbone import TINY

from clinical.config import CPU
from clinical.fine_tuning import FineTuningConfig
from clinical.modalities.radiograph.backbones import measured, network_of
from pipelines.fine_tuning.films import Lessons
from pipelines.fine_tuning.learning import Pupil, Task

SHORT = FineTuningConfig(epochs=3, batch_size=8, learning_rate=1e-3)


def write_films(folder: Path, count: int, seed: int = 0, side: int = 64) -> Lessons:
    """Grey films; those with the first diagnosis have a bright spot."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    labels = (rng.random((count, 2)) < 0.5).astype(np.float32)
    labels[:: count // 4, 1] = np.nan
    files = []
    for number, row in enumerate(labels):
        levels = rng.normal(90, 25, size=(side, side))
        if row[0]:
            levels[20:34, 20:34] += 90
        file = folder / f"{seed}-{number}.npy"
        np.save(file, levels.clip(0, 255).astype(np.uint8))
        files.append(str(file))
    return Lessons(tuple(files), labels)


def task_of(
    folder: Path, which: str = "all", config: FineTuningConfig = SHORT, side: int = 64
) -> Task:
    """36 films to learn from, 12 to choose the epoch by."""
    lessons, held = (write_films(folder, count, seed, side) for seed, count in enumerate((36, 12)))
    return Task(which, config, 5, lessons, held, torch.device(CPU))


def tiny_pupil(task: Task) -> Pupil:
    """The same each time."""
    torch.manual_seed(5)
    recipe = measured(TINY)
    return Pupil(recipe, network_of(recipe), task.lessons.labels)


def channels_last_pupil(task: Task) -> Pupil:
    """The same, its numbers in the order in memory of the networks that ship."""
    found: Pupil = tiny_pupil(task).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return found
