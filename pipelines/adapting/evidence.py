"""What a network finds in cases, computed once: all that a change of its last layers depends on.

Tokens are read by the frozen part of the readers. What comes after is a sum in log odds, so every
adaptation, every fold and every point of a learning curve is computed from these arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from clinical.model import calibration
from clinical.model.calibration import Pattern, Support
from clinical.model.fusion import Findings, Reader, Tokens
from clinical.model.model import Model, Network
from pipelines.training.fit import PreparedCase

Values = NDArray[np.float64]

AT_ONCE = 64
"""Cases whose tokens are held at a time."""

_BY_PATTERN = ("corrections", "plain")


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the readers of a network found in some cases.

    Attributes:
        patterns: every availability pattern, in the order of `corrections`.
        present: whether a case has a modality [cases, modalities], 1 or 0.
        alone: evidence of each modality in log odds [cases, modalities, diagnoses]; 0 where absent.
        states: what was read, as the last layer takes it [cases, modalities, diagnoses, width].
        corrections: what the attention over modalities adds, had a case only those of a pattern
            [patterns, cases, diagnoses].
        plain: what plain readers say beside all that, under each pattern and, last, without any
            input [patterns + 1, cases, diagnoses]; 0 where the model has none.
    """

    patterns: tuple[Pattern, ...]
    present: Values
    alone: Values
    states: NDArray[np.float32]
    corrections: Values
    plain: Values

    def of(self, rows: NDArray[np.intp]) -> Evidence:
        """That of some cases only."""
        return Evidence(
            self.patterns,
            self.present[rows],
            self.alone[rows],
            self.states[rows],
            self.corrections[:, rows],
            self.plain[:, rows],
        )


def joined(parts: Sequence[Evidence]) -> Evidence:
    """The evidence of several groups of cases as that of one."""
    names = [field.name for field in fields(Evidence)][1:]
    stacked = {
        name: np.concatenate(
            [getattr(part, name) for part in parts], axis=1 if name in _BY_PATTERN else 0
        )
        for name in names
    }
    return Evidence(parts[0].patterns, **stacked)


def gather(network: Network, cases: Sequence[PreparedCase]) -> Evidence:
    """Let a network read some cases, each with every subset of what it has.

    Args:
        network: of a model; put into evaluation mode.
        cases: prepared for it; held at once, so give at most some dozens (`AT_ONCE`).
    """
    network.eval()
    fusion = network.fusion
    names, size = fusion.modalities, len(cases)
    patterns = tuple(calibration.patterns(names))
    diagnoses = len(fusion.bias)
    present = np.zeros((size, len(names)))
    alone = np.zeros((size, len(names), diagnoses))
    states = np.zeros((size, len(names), diagnoses, fusion.width), dtype=np.float32)
    corrections = np.zeros((len(patterns), size, diagnoses))
    with torch.inference_mode():
        tokens = network.encode(cases)
        found = fusion.find(tokens)
        for column, name in enumerate(names):
            if name not in found.states:
                continue
            here = found.present[name]
            reader = cast(Reader, fusion.readers[name])
            present[:, column] = here.numpy()
            alone[:, column] = found.evidence[name].double().numpy()
            states[:, column] = (reader.norm(found.states[name]) * here[:, None, None]).numpy()
        for number, pattern in enumerate(patterns):
            corrections[number] = _correction(network, found, pattern, size)
        plain = np.stack([_plain(network, tokens, pattern) for pattern in (*patterns, ())])
    return Evidence(patterns, present, alone, states, corrections, plain)


def _plain(network: Network, tokens: Tokens, pattern: Pattern) -> Values:
    """What plain readers say where only the modalities of a pattern are there."""
    readers = network.fusion.plain
    if readers is None or tokens.plain is None:
        return np.zeros((len(tokens.mask), len(network.fusion.bias)))
    shown = tokens.keep([name for name in tokens.spans if name not in pattern])
    said = readers.find(tokens.plain, shown.mask, shown.spans)
    return np.asarray(sum(said.evidence.values(), said.bias).numpy())


def _correction(network: Network, found: Findings, pattern: Pattern, size: int) -> Values:
    """What the attention adds where only the modalities of a pattern are there."""
    left = [name for name in found.states if name in pattern]
    part = Findings(
        {name: torch.zeros_like(found.evidence[name]) for name in left},
        {name: found.states[name] for name in left},
        {name: found.present[name] for name in left},
        [],
    )
    bias = network.fusion.bias
    return np.asarray((network.fusion.combine(part, size) - bias).double().numpy())


@dataclass(frozen=True, eq=False)
class Told:
    """The parts of one diagnosis' log odds, for cases with some of their modalities.

    Calibrated log odds are slopes * (bias + alone summed + correction + plain) + intercepts.

    Attributes:
        present: [cases, modalities]; 0 where absent or hidden.
        alone: evidence [cases, modalities].
        states: [cases, modalities, width].
        correction: [cases].
        plain: what plain readers say, which no adaptation changes [cases].
        slopes, intercepts: of the model's own calibration for what each case has [cases].
        bias: log odds of the network without any evidence.
    """

    present: Values
    alone: Values
    states: NDArray[np.float32]
    correction: Values
    plain: Values
    slopes: Values
    intercepts: Values
    bias: float

    @property
    def logits(self) -> Values:
        """Calibrated log odds, as the model says them [cases]."""
        raw = self.bias + self.alone.sum(axis=1) + self.correction + self.plain
        return np.asarray(self.slopes * raw + self.intercepts)

    def of(self, rows: NDArray[np.intp]) -> Told:
        """Those of some cases."""
        return Told(
            self.present[rows],
            self.alone[rows],
            self.states[rows],
            self.correction[rows],
            self.plain[rows],
            self.slopes[rows],
            self.intercepts[rows],
            self.bias,
        )


def told(model: Model, found: Evidence, diagnosis: int, pattern: Pattern | None = None) -> Told:
    """The parts of one diagnosis' log odds.

    Args:
        model: whose evidence and calibration it is.
        found: what its network found.
        diagnosis: number of the diagnosis.
        pattern: hide all other modalities; None: each case with what it has.
    """
    names = tuple(model.specs)
    shown = np.array([pattern is None or name in pattern for name in names], dtype=float)
    present = found.present * shown
    owned = [tuple(n for n, here in zip(names, row, strict=True) if here) for row in present]
    number = {pattern: place for place, pattern in enumerate(map(frozenset, found.patterns))}
    correction, plain, slopes, intercepts = np.zeros((4, len(owned)))
    for row, own in enumerate(owned):
        kept = support_of(model.support, own, model.diagnoses[diagnosis])
        slopes[row], intercepts[row] = kept.slope, kept.intercept
        at = number.get(frozenset(own), len(found.patterns))
        plain[row] = found.plain[at, row, diagnosis]
        if own:
            correction[row] = found.corrections[at, row, diagnosis]
    return Told(
        present,
        found.alone[:, :, diagnosis] * shown,
        found.states[:, :, diagnosis] * shown[:, None].astype(np.float32),
        correction,
        plain,
        slopes,
        intercepts,
        float(model.network.fusion.bias.detach()[diagnosis]),
    )


def support_of(
    support: Mapping[str, Mapping[str, Support]], pattern: Pattern, diagnosis: str
) -> Support:
    """What the validation says of a diagnosis under a pattern; nothing where it is unknown."""
    return support.get(calibration.pattern_key(pattern), {}).get(diagnosis, Support())
