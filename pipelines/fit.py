"""Fitting the network: epochs, modality dropout, early stopping, resumable after every epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clinical.config import StudyConfig
from clinical.encoders.encoding import Prepared
from clinical.fusion import Tokens
from clinical.model import Network
from pipelines import checkpoint
from pipelines.contrast import alignment_loss
from pipelines.pointing_loss import pointing_loss

PreparedCase = Mapping[str, Prepared]
Report = Callable[[int, float, float], None]
"""Called after each epoch with its number, training loss and validation loss."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained network and how its training went."""

    network: Network
    epochs: int
    best_epoch: int
    validation_loss: float


@dataclass(frozen=True)
class Keeping:
    """Where an unfinished training is kept, and what it is a training of."""

    folder: Path | None
    key: str


@dataclass(frozen=True, eq=False)
class Lessons:
    """What a network learns from.

    Attributes:
        cases: of each training case the plain one, then its augmented copies.
        labels: [cases, diagnoses]; from 0 to 1 (between them: soft targets), NaN for unknown.
        patients: of every case.
        alone: modality to what is learnt where only that one is shown [cases, diagnoses]; the
            labels where it is not named.
        regions: where each diagnosis shows in each image [cases, diagnoses, patches], for the
            pointing loss; None does without it.
    """

    cases: Sequence[Sequence[PreparedCase]]
    labels: NDArray[np.float64]
    patients: Sequence[str]
    alone: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    regions: NDArray[np.float32] | None = None


def fit(
    network: Network,
    lessons: Lessons,
    held_out: Sequence[PreparedCase],
    held_out_labels: NDArray[np.float64],
    study: StudyConfig,
    keeping: Keeping,
    report: Report | None,
) -> Fitted:
    """Fit a network in place and leave it in the state of its best epoch, in evaluation mode.

    Args:
        network: with adapted encoders.
        lessons: training cases and what is to be said of them.
        held_out, held_out_labels: validation cases, for early stopping.
        study: configuration and seed.
        keeping: where to keep the state of every epoch, or nowhere.
        report: called after each epoch.
    """
    settings = study.training
    parameters = [p for p in network.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    with torch.no_grad():
        network.fusion.bias.copy_(_prior_logits(lessons.labels))
    state = checkpoint.Progress(best=checkpoint.snapshot(network))
    if keeping.folder is not None:
        state = checkpoint.resume(keeping.folder, keeping.key, network, optimiser) or state
    while state.epoch < settings.epochs and state.epoch - state.best_epoch < settings.patience:
        generator = np.random.default_rng([study.seed, state.epoch])
        torch.manual_seed(int(generator.integers(2**31)))
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * _schedule(state.epoch, settings.epochs)
        training_loss = _one_epoch(network, optimiser, lessons, study, generator)
        loss = validation_loss(network, held_out, held_out_labels, settings.batch_size)
        state = state.advanced(network, loss)
        if report is not None:
            report(state.epoch, training_loss, loss)
        if keeping.folder is not None:
            checkpoint.keep(keeping.folder, keeping.key, network, optimiser, state)
    network.load_state_dict(state.best)
    network.eval()
    return Fitted(network, state.epoch, state.best_epoch, state.best_loss)


def _schedule(epoch: int, epochs: int) -> float:
    """Two warm-up epochs, then a half cosine down to a twentieth."""
    warm = min(1.0, (epoch + 1) / 3)
    return float(warm * (0.05 + 0.95 * 0.5 * (1 + np.cos(np.pi * epoch / max(epochs, 1)))))


def _prior_logits(labels: NDArray[np.float64]) -> Tensor:
    share = (np.nansum(labels, axis=0) + 1) / ((~np.isnan(labels)).sum(axis=0) + 2)
    return torch.from_numpy(np.log(share / (1 - share))).float()


def _one_epoch(
    network: Network,
    optimiser: torch.optim.Optimizer,
    lessons: Lessons,
    study: StudyConfig,
    generator: np.random.Generator,
) -> float:
    network.train()
    cases = lessons.cases
    targets = torch.from_numpy(lessons.labels).float()
    targets_alone = {name: torch.from_numpy(y).float() for name, y in lessons.alone.items()}
    people = torch.from_numpy(np.unique(np.asarray(lessons.patients), return_inverse=True)[1])
    order = generator.permutation(len(cases))
    size = study.training.batch_size
    total = 0.0
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        copies = [int(generator.integers(len(cases[i]))) for i in chosen]
        batch = [cases[i][copy] for i, copy in zip(chosen, copies, strict=True)]
        tokens = network.encode(batch)
        seen = hide(tokens, study, generator)
        logits, attentions = network(seen)
        loss = _loss(logits, targets[chosen])
        if study.training.auxiliary and tokens.spans:
            # Each modality alone, in turn, so that none is carried by the others.
            name = tuple(tokens.spans)[int(generator.integers(len(tokens.spans)))]
            wanted = targets_alone.get(name, targets)[chosen]
            alone = _loss(network(tokens.alone(name))[0], wanted)
            loss = loss + study.training.auxiliary * alone
        if lessons.regions is not None:
            pointing = pointing_loss(attentions, seen, lessons.regions[chosen], copies)
            loss = loss + study.training.mask_weight * pointing
        if study.training.contrastive and network.space is not None:
            aligned = alignment_loss(network.space, tokens, people[chosen])
            loss = loss + study.training.contrastive * aligned
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        total += float(loss.detach()) * len(chosen)
    return total / len(order)


def _loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean binary cross-entropy over known labels."""
    known = ~torch.isnan(targets)
    losses = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, torch.nan_to_num(targets), reduction="none"
    )
    return (losses * known).sum() / known.sum().clamp(min=1)


def hide(tokens: Tokens, study: StudyConfig, generator: np.random.Generator) -> Tokens:
    """Hide modalities and single tokens at random; a case keeps at least one present modality."""
    settings = study.training
    mask = tokens.mask.clone()
    names = list(tokens.spans)
    for row in range(mask.shape[0]):
        present = [n for n in names if bool(mask[row, slice(*tokens.spans[n])].any())]
        if len(present) > 1:
            if generator.random() < settings.alone_probability:
                kept = {present[int(generator.integers(len(present)))]}
            else:
                kept = {n for n in present if generator.random() >= settings.modality_dropout}
            kept = kept or {present[int(generator.integers(len(present)))]}
            for name in set(present) - kept:
                mask[row, slice(*tokens.spans[name])] = False
    keep = torch.from_numpy(generator.random(mask.shape) >= settings.token_dropout)
    keep[:, 0] = True
    return Tokens(tokens.values, mask & keep, tokens.spans)


def predict(
    network: Network,
    cases: Sequence[PreparedCase],
    *,
    only: Sequence[str] | None = None,
    batch_size: int = 64,
) -> NDArray[np.float64]:
    """Logits [cases, diagnoses], with all modalities or with `only` some."""
    return predict_patterns(network, cases, [only], batch_size=batch_size)[0]


def predict_patterns(
    network: Network,
    cases: Sequence[PreparedCase],
    patterns: Sequence[Sequence[str] | None],
    *,
    batch_size: int = 64,
) -> list[NDArray[np.float64]]:
    """For each pattern (None = all modalities) logits [cases, diagnoses]; encodes only once."""
    network.eval()
    rows: list[list[NDArray[np.float64]]] = [[] for _ in patterns]
    with torch.inference_mode():
        for start in range(0, len(cases), batch_size):
            tokens = network.encode(cases[start : start + batch_size])
            for found, only in zip(rows, patterns, strict=True):
                shown = tokens
                if only is not None:
                    shown = tokens.keep([name for name in tokens.spans if name not in only])
                found.append(network(shown)[0].double().numpy())
    return [np.concatenate(found) for found in rows]


def validation_loss(
    network: Network,
    cases: Sequence[PreparedCase],
    labels: NDArray[np.float64],
    batch_size: int,
) -> float:
    """Mean binary cross-entropy over known labels with all inputs there are."""
    logits = torch.from_numpy(predict(network, cases, batch_size=batch_size))
    targets = torch.from_numpy(labels)
    known = ~torch.isnan(targets)
    losses = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, torch.nan_to_num(targets), reduction="none"
    )
    return float((losses * known).sum() / known.sum().clamp(min=1))
