"""The contrastive loss: modalities of one case lie together, those of other patients apart.

The space is learnt last, on the tokens of the finished network, so it takes nothing from diagnosis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from clinical.config import StudyConfig
from clinical.model.fusion import Tokens
from clinical.model.model import Network
from clinical.model.space import Space
from pipelines.jobs.resume import snapshot
from pipelines.training.fit import PreparedCase, predict_tokens

_LEAST = 2  # one case alone has nothing to be told from


def alignment_loss(space: Space, tokens: Tokens, patients: Tensor) -> Tensor:
    """Symmetric InfoNCE (van den Oord et al. 2018, arXiv 1807.03748), mean over modality pairs.

    Each pair of modalities is compared on the cases that have both. Another case of the same
    patient is neither the match nor a negative.

    Args:
        space: the projection heads.
        tokens: of a batch.
        patients: [cases] integer, equal for cases of one patient.

    Returns:
        a scalar; 0 where no two cases share a pair of modalities.
    """
    located = space(tokens)
    losses = []
    for one, other in combinations(located.values(), 2):
        rows = (one.present & other.present).nonzero()[:, 0]
        if len(rows) < _LEAST:
            continue
        logits = one.vectors[rows] @ other.vectors[rows].T / space.temperature
        people = patients[rows]
        own = torch.eye(len(rows), dtype=torch.bool, device=rows.device)
        logits = logits.masked_fill((people[:, None] == people[None, :]) & ~own, -torch.inf)
        match = torch.arange(len(rows), device=rows.device)
        for view in (logits, logits.T):
            losses.append(torch.nn.functional.cross_entropy(view, match))
    return torch.stack(losses).mean() if losses else tokens.values.new_zeros(())


def fit_space(
    network: Network,
    cases: Sequence[PreparedCase],
    patients: Sequence[str],
    held_out: Sequence[PreparedCase],
    held_out_patients: Sequence[str],
    study: StudyConfig,
) -> float:
    """Learn the projection heads in place, and leave them in the state of their best epoch.

    Args:
        network: finished; its tokens are not changed.
        cases, patients: to learn from.
        held_out, held_out_patients: validation cases, for early stopping.
        study: configuration and seed.

    Returns:
        the alignment loss of the validation cases; NaN where there is no space to learn.
    """
    if network.space is None or not study.training.space_epochs:
        return math.nan
    space, settings = network.space, study.training
    optimiser = torch.optim.AdamW(
        space.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    # The tokens are finished, so every case is encoded once and not in every epoch.
    tokens = predict_tokens(network, cases)
    unseen, device = predict_tokens(network, held_out), network.fusion.bias.device
    unseen_people, people = (_numbered(p).to(device) for p in (held_out_patients, patients))
    best, state = math.inf, snapshot(space)
    for epoch in range(settings.space_epochs):
        generator = np.random.default_rng([study.seed, 1, epoch])
        order = generator.permutation(len(cases))
        for start in range(0, len(order), 2 * settings.batch_size):
            rows = torch.from_numpy(order[start : start + 2 * settings.batch_size]).to(device)
            loss = alignment_loss(space, tokens.of(rows), people[rows])
            if loss.requires_grad:
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
        with torch.no_grad():
            known = float(alignment_loss(space, unseen, unseen_people))
        if known < best:
            best, state = known, snapshot(space)
    space.load_state_dict(state)
    return best


def _numbered(patients: Sequence[str]) -> Tensor:
    """[cases] integer, equal for cases of one patient."""
    return torch.from_numpy(np.unique(np.asarray(patients), return_inverse=True)[1])
