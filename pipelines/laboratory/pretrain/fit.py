"""Fit the film tail: outline every finding, and name it.

Losses, summed: cross-entropy of the outline of each finding on the 24 x 24 grid, where patches with
a finding weigh three times (they are few); of what the film shows, from the mean and the strongest
feature of the whole film; and, with less weight, of what the strongest patch of each outline says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from clinical.modalities.radiograph.film_network import FILM_CHANNELS, FilmTail
from clinical.model.calibration import auroc
from pipelines.jobs import resume
from pipelines.laboratory.pretrain import films

EPOCHS = 6
_BATCH = 24
_TAIL_RATE, _HEAD_RATE, _WEIGHT_DECAY = 3e-4, 1e-3, 0.02
_WARM_STEPS = 60
_OUTLINE_WEIGHT = 3.0
_STRONGEST = 0.3

Report = Callable[[int, int, float], None]
"""Called after each step with its number, the number of all steps, and the loss."""


class Teacher(nn.Module):
    """The tail with what it is taught by; only the tail is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.tail = FilmTail()
        self.outline = nn.Conv2d(FILM_CHANNELS, len(films.OUTLINED), 1)
        nn.init.constant_(self.outline.bias, -3.0)  # type: ignore[arg-type]
        self.present = nn.Linear(2 * FILM_CHANNELS, len(films.named()))

    def forward(self, stem: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of outlines [B, findings, 24, 24] and of what is shown [B, findings]."""
        found = self.tail(stem)
        whole = torch.cat([found.mean(dim=(2, 3)), found.amax(dim=(2, 3))], dim=1)
        return self.outline(found), self.present(whole)


@dataclass(frozen=True, eq=False)
class Lessons:
    """Films as tensors: stem [n, 40, 48, 48] float16, outlines [n, findings, 576], present."""

    stem: Tensor
    outlines: Tensor
    present: Tensor

    def __len__(self) -> int:
        return len(self.stem)


def read(files: Sequence[Path]) -> Lessons:
    """Read films into memory: 200 KB each."""
    read = [films.load(file) for file in files]
    outlines = torch.from_numpy(np.stack([film.outlines for film in read])).float()
    return Lessons(
        torch.from_numpy(np.stack([film.stem for film in read])),
        # 1 at the patch that is covered most: a thin finding covers no patch whole.
        outlines / outlines.amax(dim=-1, keepdim=True).clamp(min=1e-6),
        torch.from_numpy(np.stack([film.present for film in read])).float(),
    )


def fit(
    lessons: Lessons, seed: int, folder: Path, key: str, report: Report, epochs: int = EPOCHS
) -> Teacher:
    """Fit a teacher; a killed run resumes at its last whole epoch if `key` is the same."""
    torch.manual_seed(seed)
    teacher = Teacher()
    teacher.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    heads = [p for name, p in teacher.named_parameters() if not name.startswith("tail.blocks")]
    optimiser = torch.optim.AdamW(
        [
            {"params": list(teacher.tail.blocks.parameters()), "lr": _TAIL_RATE},
            {"params": heads, "lr": _HEAD_RATE},
        ],
        weight_decay=_WEIGHT_DECAY,
    )
    done = resume.resume(folder, key, teacher, optimiser) or resume.Progress()
    steps = math.ceil(len(lessons) / _BATCH)
    for epoch in range(done.epoch, epochs):
        order = np.random.default_rng([seed, epoch]).permutation(len(lessons))
        teacher.train()
        for number in range(steps):
            chosen = torch.from_numpy(order[number * _BATCH : (number + 1) * _BATCH])
            step = epoch * steps + number
            _set_rates(optimiser, step, epochs * steps)
            loss = _loss(teacher, lessons, chosen)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(teacher.parameters(), 1.0)
            optimiser.step()
            report(step + 1, epochs * steps, float(loss.detach()))
        done = resume.Progress(epoch + 1)
        resume.keep(folder, key, teacher, optimiser, done)
    teacher.eval()
    return teacher


def _set_rates(optimiser: torch.optim.Optimizer, step: int, steps: int) -> None:
    """A short warm-up, then a half cosine down to a thirtieth."""
    warm = min(1.0, (step + 1) / max(1, min(_WARM_STEPS, steps // 10)))
    rate = warm * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * step / steps)))
    for group, full in zip(optimiser.param_groups, (_TAIL_RATE, _HEAD_RATE), strict=True):
        group["lr"] = full * rate


def _loss(teacher: Teacher, lessons: Lessons, chosen: Tensor) -> Tensor:
    stem = lessons.stem[chosen].float().contiguous(memory_format=torch.channels_last)
    outlines, present = teacher(stem)
    outlines = outlines.flatten(2)
    wanted = lessons.outlines[chosen]
    entropy = nn.functional.binary_cross_entropy_with_logits
    weight = torch.tensor(_OUTLINE_WEIGHT)
    loss: Tensor = entropy(outlines, wanted, pos_weight=weight)
    loss = loss + entropy(present, lessons.present[chosen])
    return loss + _STRONGEST * entropy(outlines.amax(dim=-1), wanted.amax(dim=-1))


def judge(teacher: Teacher, lessons: Lessons) -> dict[str, float]:
    """AUROC of every finding on held-out films; NaN where all or none show it."""
    rows: list[NDArray[np.float64]] = []
    with torch.inference_mode():
        for start in range(0, len(lessons), _BATCH):
            stem = lessons.stem[start : start + _BATCH].float()
            _, present = teacher(stem.contiguous(memory_format=torch.channels_last))
            rows.append(present.double().numpy())
    scores, truth = np.concatenate(rows), lessons.present.double().numpy()
    return {
        name: auroc(scores[:, column], shown)
        if (shown := truth[:, column]).any() and not shown.all()
        else math.nan
        for column, name in enumerate(films.named())
    }
