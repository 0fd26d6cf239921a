"""What memory a process has while it fine-tunes on films that it streams from disk.

    python -m pipelines.benchmarks.fine_tuning FOLDER

Some hundred made-up films are kept in FOLDER and looked at again and again, so that the networks
that ship, all layers of them, are taught by 20,000 films in 20 parts. Nothing is learnt but noise.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from clinical.config import CPU
from clinical.fine_tuning import FineTuningConfig
from clinical.modalities.radiograph.backbones import OWN, network_of
from clinical.modalities.radiograph.encoder import ALL
from pipelines.fine_tuning.films import Lessons
from pipelines.fine_tuning.learning import Pupil, Task, teach
from pipelines.fine_tuning.processes import Processes

FILMS, PARTS = 20_000, 20
DIFFERENT = 300
SIDE = 96
"""Pixels of a film; the smaller, the sooner 20,000 are through."""


def films(folder: Path, count: int, side: int = SIDE, different: int = DIFFERENT) -> Lessons:
    """So many films, of which `different` differ, with a label that says nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    files = []
    for number in range(different):
        files.append(str(folder / f"{number}.npy"))
        np.save(files[-1], rng.integers(0, 256, size=(side, side), dtype=np.uint8))
    labels = (rng.random((count, 1)) < 0.5).astype(np.float32)
    return Lessons(tuple(files[n % different] for n in range(count)), labels)


def stream(
    folder: Path,
    lessons: Lessons,
    parts: int,
    report: Callable[[int, float], None],
    *,
    pupil: Pupil | None = None,
) -> None:
    """Teach a backbone in so many looks at some films.

    Args:
        folder: where its state is kept.
        lessons: films.
        parts: looks at each.
        report: called after each with the number of films that have gone by and the MB of memory
            that the process has.
        pupil: that learns; None for the networks that ship.
    """
    held = Lessons(lessons.files[:8], lessons.labels[:8])
    config = FineTuningConfig(epochs=parts, batch_size=16)
    task = Task(ALL, config, 0, lessons, held, torch.device(CPU))

    def told(epoch: int, loss: float, held_out_loss: float) -> None:  # noqa: ARG001
        report(epoch * len(lessons.files), megabytes())

    pupil = pupil or Pupil(OWN, network_of(OWN), lessons.labels)
    teach(pupil, task, Processes(), folder / "unfinished", f"memory {time.time_ns()}", told)


def megabytes() -> float:
    """Memory of this process that is in use now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def _say(seen: int, used: float) -> None:
    sys.stdout.write(f"{seen:>6} films: {used:.0f} MB\n")
    sys.stdout.flush()


if __name__ == "__main__":
    torch.set_num_threads(1)
    place = Path(sys.argv[1])
    stream(place, films(place / "films", FILMS // PARTS), PARTS, _say)
