"""Made-up findings of a network with two modalities, and outcomes with a known relation to them."""

from __future__ import annotations

import numpy as np

from pipelines.adapting.evidence import Told, Values


def make_told(
    cases: int, *, seed: int = 0, shift: float = 0.0, factors: tuple[float, float] = (1.0, 1.0)
) -> tuple[Told, Values, list[str]]:
    """Findings, outcomes and patients; the truth is shifted, and counts evidence otherwise.

    Args:
        cases: of which every two are of one patient.
        seed: of chance.
        shift: added to the log odds that the model states.
        factors: of each modality's evidence in the truth.
    """
    generator = np.random.default_rng(seed)
    alone = generator.normal(0, 1.5, (cases, 2))
    states = generator.normal(0, 1, (cases, 2, 4)).astype(np.float32)
    ones = np.ones(cases)
    found = Told(
        np.ones((cases, 2)), alone, states, 0.2 * alone[:, 0], 0 * ones, ones, 0 * ones, -1.0
    )
    truth = found.logits + alone @ (np.array(factors) - 1) + shift
    labels = (generator.random(cases) < 1 / (1 + np.exp(-truth))).astype(float)
    return found, labels, [f"p{i // 2}" for i in range(cases)]
