"""Fitting the network: epochs, modality dropout, early stopping, resumable after every epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clinical.config import StudyConfig
from clinical.modalities import devices
from clinical.modalities.encoding import Prepared
from clinical.model.fusion import Tokens, joined
from clinical.model.model import Network
from pipelines.jobs import resume
from pipelines.training.pointing_loss import pointing_loss
from pipelines.training.stacking import fit_stack, supported

TOGETHER_RATE = 0.3
"""Learning rate, relative to the first, once modalities trained alone are put together."""

_AT_ONCE = 256  # cases that are encoded together: what lies between input and tokens is larger

PreparedCase = Mapping[str, Prepared]
Report = Callable[[int, float, float], None]
"""Called after each epoch with its number, training loss and validation loss."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained network and how its training went.

    Attributes:
        network: in evaluation mode.
        epochs, best_epoch: after how many of them training stopped, and which was kept.
        validation_loss: of what was kept.
        stacked: whether it learnt more than outcomes, and began as a stack of its readers.
        correction: share of the learnt correction that is applied, for each diagnosis.
    """

    network: Network
    epochs: int
    best_epoch: int
    validation_loss: float
    stacked: bool
    correction: tuple[float, ...]


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
        alone: modality to what is learnt where only that one is shown [cases, diagnoses]; the
            labels where it is not named. Empty where outcomes alone are learnt.
        regions: where each diagnosis shows in each image [cases, diagnoses, patches], for the
            pointing loss; None does without it.
    """

    cases: Sequence[Sequence[PreparedCase]]
    labels: NDArray[np.float64]
    alone: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    regions: NDArray[np.float32] | None = None

    @property
    def taught(self) -> bool:
        """Whether what is learnt is more than outcomes, whose chance a stack would learn too."""
        return bool(self.alone)


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
    with torch.no_grad():
        network.fusion.bias.copy_(_prior_logits(lessons.labels))
    optimiser = _optimiser(network, study)
    state = resume.Progress(best=resume.snapshot(network))
    if keeping.folder is not None:
        state = resume.resume(keeping.folder, keeping.key, network, optimiser) or state
    while True:
        together = state.epoch - settings.alone_epochs
        if together == 0:
            # From here on all are trained together, from where each modality did best by itself.
            network.load_state_dict(state.best)
            if lessons.taught:
                _stack(network, lessons, settings.batch_size)
            optimiser = _optimiser(network, study)
            loss = validation_loss(network, held_out, held_out_labels, settings.batch_size)
            best = resume.snapshot(network)
            state = resume.Progress(state.epoch, state.epoch, loss, best, state.alone)
        stale = state.epoch - state.best_epoch >= settings.patience
        if together >= settings.epochs or (together > 0 and stale):
            break
        generator = np.random.default_rng([study.seed, state.epoch])
        torch.manual_seed(int(generator.integers(2**31)))
        _set_rate(optimiser, study, state.epoch)
        if together < 0:
            training_loss = _one_epoch_alone(network, optimiser, lessons, study, generator)
            losses = alone_losses(network, held_out, held_out_labels, settings.batch_size)
            state, loss = state.advanced_alone(network, losses), float(np.mean([*losses.values()]))
        else:
            training_loss = _one_epoch(network, optimiser, lessons, study, generator)
            loss = validation_loss(network, held_out, held_out_labels, settings.batch_size)
            state = state.advanced(network, loss)
        if report is not None:
            report(state.epoch, training_loss, loss)
        if keeping.folder is not None:
            resume.keep(keeping.folder, keeping.key, network, optimiser, state)
    network.load_state_dict(state.best)
    kept = _keep_supported(network, held_out, held_out_labels, settings.batch_size)
    loss = validation_loss(network, held_out, held_out_labels, settings.batch_size)
    return Fitted(network.eval(), state.epoch, state.best_epoch, loss, lessons.taught, kept)


def _stack(network: Network, lessons: Lessons, batch_size: int) -> None:
    """Start from the best weighted sum of what the readers say of the training cases."""
    fusion = network.fusion
    evidence, _ = evidence_and_logits(network, [copies[0] for copies in lessons.cases], batch_size)
    stack = fit_stack(evidence, lessons.labels, fusion.bias.detach().cpu().double().numpy())
    weights = {name: _at(network, w) for name, w in stack.weights.items()}
    fusion.stack(weights, _at(network, stack.bias))


def _keep_supported(
    network: Network,
    held_out: Sequence[PreparedCase],
    labels: NDArray[np.float64],
    batch_size: int,
) -> tuple[float, ...]:
    """Leave of the correction what validation supports: its share for each diagnosis."""
    fusion = network.fusion
    evidence, logits = evidence_and_logits(network, held_out, batch_size)
    plain = fusion.bias.detach().cpu().double().numpy() + np.sum([*evidence.values()], axis=0)
    shares = supported(plain, logits - plain, labels)
    fusion.together.scale(_at(network, shares))
    return tuple(shares.tolist())


def _at(network: Network, values: NDArray[np.float64]) -> Tensor:
    """Numbers as a tensor where the network is."""
    return torch.from_numpy(values).float().to(network.fusion.bias.device)


def _optimiser(network: Network, study: StudyConfig) -> torch.optim.Optimizer:
    settings = study.training
    return torch.optim.AdamW(
        [p for p in network.parameters() if p.requires_grad],
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=True,
    )


def _set_rate(optimiser: torch.optim.Optimizer, study: StudyConfig, epoch: int) -> None:
    """One schedule while modalities are trained alone, then a gentler one for all together."""
    settings = study.training
    together = epoch - settings.alone_epochs
    if together < 0:
        rate = _schedule(epoch, settings.alone_epochs)
    else:
        rate = TOGETHER_RATE * _schedule(together, settings.epochs)
    for group in optimiser.param_groups:
        group["lr"] = settings.learning_rate * rate


def _schedule(epoch: int, epochs: int) -> float:
    """Two warm-up epochs, then a half cosine down to a twentieth."""
    warm = min(1.0, (epoch + 1) / 3)
    return float(warm * (0.05 + 0.95 * 0.5 * (1 + np.cos(np.pi * epoch / max(epochs, 1)))))


def _prior_logits(labels: NDArray[np.float64]) -> Tensor:
    share = (np.nansum(labels, axis=0) + 1) / ((~np.isnan(labels)).sum(axis=0) + 2)
    return torch.from_numpy(np.log(share / (1 - share))).float()


def _batches(
    lessons: Lessons, study: StudyConfig, generator: np.random.Generator
) -> Iterator[tuple[NDArray[np.intp], list[int], list[PreparedCase]]]:
    """Cases in random order: their numbers, which copy of each was drawn, and the copies."""
    order = generator.permutation(len(lessons.cases))
    size = study.training.batch_size
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        copies = [int(generator.integers(len(lessons.cases[i]))) for i in chosen]
        drawn = [lessons.cases[i][copy] for i, copy in zip(chosen, copies, strict=True)]
        yield chosen, copies, drawn


def _step(network: Network, optimiser: torch.optim.Optimizer, loss: Tensor) -> float:
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimiser.step()
    return float(loss.detach())


def _one_epoch_alone(
    network: Network,
    optimiser: torch.optim.Optimizer,
    lessons: Lessons,
    study: StudyConfig,
    generator: np.random.Generator,
) -> float:
    """Every modality by itself: their readers share nothing, so none is carried by another."""
    network.train()
    total = 0.0
    prior = network.fusion.bias.detach()
    for chosen, copies, batch in _batches(lessons, study, generator):
        with devices.mixed(prior.device, learning=True):
            tokens = drop_tokens(network.encode(batch), study, generator)
            found = network.fusion.find(tokens)
        loss = torch.zeros((), device=prior.device)
        for name, evidence in found.evidence.items():
            wanted = _at(network, lessons.alone.get(name, lessons.labels)[chosen])
            here = found.present[name]
            loss = loss + _loss(prior + evidence[here], wanted[here])
        if lessons.regions is not None:
            pointing = pointing_loss(found.attentions, tokens, lessons.regions[chosen], copies)
            loss = loss + study.training.mask_weight * pointing
        if loss.requires_grad:
            total += _step(network, optimiser, loss) * len(chosen)
    return total / len(lessons.cases)


def _one_epoch(
    network: Network,
    optimiser: torch.optim.Optimizer,
    lessons: Lessons,
    study: StudyConfig,
    generator: np.random.Generator,
) -> float:
    network.train()
    targets = _at(network, lessons.labels)
    targets_alone = {name: _at(network, y) for name, y in lessons.alone.items()}
    total = 0.0
    for chosen, copies, batch in _batches(lessons, study, generator):
        with devices.mixed(targets.device, learning=True):
            tokens = network.encode(batch)
            seen = hide(tokens, study, generator)
            logits, attentions = network(seen)
        loss = _loss(logits, targets[chosen])
        if study.training.auxiliary and tokens.spans:
            # Each modality alone, in turn, so that none is carried by the others.
            name = tuple(tokens.spans)[int(generator.integers(len(tokens.spans)))]
            wanted = targets_alone.get(name, targets)[chosen]
            with devices.mixed(targets.device, learning=True):
                shown = network(tokens.alone(name))[0]
            alone = _loss(shown, wanted)
            loss = loss + study.training.auxiliary * alone
        if lessons.regions is not None:
            pointing = pointing_loss(attentions, seen, lessons.regions[chosen], copies)
            loss = loss + study.training.mask_weight * pointing
        total += _step(network, optimiser, loss) * len(chosen)
    return total / len(lessons.cases)


def _loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean binary cross-entropy over known labels."""
    known = ~torch.isnan(targets)
    losses = torch.nn.functional.binary_cross_entropy_with_logits(
        logits.to(targets.dtype), torch.nan_to_num(targets), reduction="none"
    )
    return (losses * known).sum() / known.sum().clamp(min=1)


def hide(tokens: Tokens, study: StudyConfig, generator: np.random.Generator) -> Tokens:
    """Hide modalities and single tokens at random; a case keeps at least one present modality."""
    settings = study.training
    mask = tokens.mask.cpu().clone()
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
    shown = Tokens(tokens.values, mask.to(tokens.mask.device), tokens.spans)
    return drop_tokens(shown, study, generator)


def drop_tokens(tokens: Tokens, study: StudyConfig, generator: np.random.Generator) -> Tokens:
    """Hide single tokens at random."""
    shape = tuple(tokens.mask.shape)
    keep = torch.from_numpy(generator.random(shape) >= study.training.token_dropout)
    return Tokens(tokens.values, tokens.mask & keep.to(tokens.mask.device), tokens.spans)


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
                found.append(network(shown)[0].cpu().double().numpy())
    return [np.concatenate(found) for found in rows]


def evidence_and_logits(
    network: Network, cases: Sequence[PreparedCase], batch_size: int
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """Modality to its evidence, 0 where it is absent, and the logits [cases, diagnoses]."""
    network.eval()
    logits = np.zeros((len(cases), len(network.fusion.bias)))
    evidence = {name: np.zeros_like(logits) for name in network.fusion.modalities}
    with torch.inference_mode():
        for start in range(0, len(cases), batch_size):
            tokens = network.encode(cases[start : start + batch_size])
            found, rows = network.fusion.find(tokens), slice(start, start + batch_size)
            for name, said in found.evidence.items():
                evidence[name][rows] = said.cpu().double().numpy()
            whole = network.fusion.combine(found, len(tokens.mask))
            logits[rows] = whole.cpu().double().numpy()
    return evidence, logits


def predict_tokens(network: Network, cases: Sequence[PreparedCase]) -> Tokens:
    """Tokens of a finished network, to learn on but not to change."""
    network.eval()
    with torch.no_grad():
        return joined(
            [network.encode(cases[n : n + _AT_ONCE]) for n in range(0, len(cases), _AT_ONCE)]
        )


def alone_losses(
    network: Network,
    cases: Sequence[PreparedCase],
    labels: NDArray[np.float64],
    batch_size: int,
) -> dict[str, float]:
    """Modality to its mean binary cross-entropy by itself, over the cases that have it."""
    network.eval()
    sums: dict[str, float] = {}
    counts: dict[str, int] = {}
    with torch.inference_mode():
        for start in range(0, len(cases), batch_size):
            found = network.fusion.find(network.encode(cases[start : start + batch_size]))
            wanted = _at(network, labels[start : start + batch_size])
            for name, evidence in found.evidence.items():
                here = found.present[name]
                number = int((~torch.isnan(wanted[here])).sum())
                loss = float(_loss(network.fusion.bias + evidence[here], wanted[here]))
                sums[name] = sums.get(name, 0.0) + loss * number
                counts[name] = counts.get(name, 0) + number
    return {name: total / max(counts[name], 1) for name, total in sums.items()}


def validation_loss(
    network: Network,
    cases: Sequence[PreparedCase],
    labels: NDArray[np.float64],
    batch_size: int,
) -> float:
    """Mean binary cross-entropy over known labels with all inputs there are."""
    logits = torch.from_numpy(predict(network, cases, batch_size=batch_size))
    return float(_loss(logits, torch.from_numpy(labels)))
