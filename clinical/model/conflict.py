"""How surprising one input of a case is, given its others, as a p-value.

What the model says of an input alone is compared with what it says of all the others, and where the
input lies in the shared space with where the others lie. The comparison is a number, and the number
is compared with those of honest cases, which the model has not learnt from: the share that
disagree as much is the p-value (conformal: Vovk, Gammerman and Shafer 2005, chapter 2). Of honest
cases like those at most one in twenty is marked, whatever the model and its inputs.

How probable two pieces of evidence are together, if they are independent given a diagnosis with
prevalence q, and the model gives it p and r: p r / q + (1 - p)(1 - r) / (1 - q) times what chance
would make of them. Its logarithm is the pointwise mutual information of the two.

Training writes the rules into model.json. A checkpoint from before that keeps its digest: beside
it, conflicts.json states them for the digest that it names. Without either nothing is claimed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinical.model import beside_checkpoint

BESIDE = "conflicts.json"
MARKED = 0.05
"""Share of honest cases that are marked at most; each input of a case has an equal part of it."""

_SURELY = 6.0  # log odds beyond which more certainty is no more surprise
_LONG = 1e-9

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Rule:
    """When one input disagrees with the others.

    Attributes:
        weights: of `features`; their sum is the score, and more is more surprising.
        honest: scores of honest cases, ascending.
    """

    weights: tuple[float, ...]
    honest: tuple[float, ...]

    def p_value(self, found: Values) -> float:
        """Share of honest cases, with this one, that are at least as surprising; never 0."""
        score = self.score(found)
        at_least = len(self.honest) - bisect_left(self.honest, score)
        return (1 + at_least) / (1 + len(self.honest))

    def score(self, found: Values) -> float:
        """How surprising `features` are, rounded as `honest` is."""
        return round(float(np.dot(self.weights, found)), 4)


@dataclass(frozen=True)
class Rules:
    """Those of one model.

    Attributes:
        rules: modality to its rule; a modality without one is never said to disagree.
        cohort: where the honest cases come from.
    """

    rules: Mapping[str, Rule]
    cohort: str


@dataclass(frozen=True)
class Side:
    """What one input, or all the others, make of a case.

    Attributes:
        probabilities: [diagnoses], calibrated.
        vectors: modality to its unit vector [space]; empty where the model has no shared space.
    """

    probabilities: Values
    vectors: Mapping[str, Values]


def features(alone: Side, others: Side, prevalence: Values, modalities: Sequence[str]) -> Values:
    """What the two sides are compared by; each is larger where they agree less.

    Args:
        alone: the input by itself; at most one vector.
        others: all others.
        prevalence: [diagnoses] in training.
        modalities: that the model knows, in its order.

    Returns:
        [2 + modalities]: minus the pointwise mutual information, minus the cosine of the changes of
        log odds, and minus the cosine in the shared space with each modality, 0 for an absent one.
    """
    low = _log_odds(prevalence)
    one, two = (_log_odds(side.probabilities) - low for side in (alone, others))
    length = float(np.linalg.norm(one) * np.linalg.norm(two)) + _LONG
    p, r = alone.probabilities, others.probabilities
    together = np.log(p * r / prevalence + (1 - p) * (1 - r) / (1 - prevalence))
    vector = next(iter(alone.vectors.values()), None)
    near = [
        -float(vector @ others.vectors[name])
        if vector is not None and name in others.vectors
        else 0.0
        for name in modalities
    ]
    return np.array([-float(together.sum()), -float(one @ two) / length, *near])


def _log_odds(probabilities: Values) -> Values:
    inside = np.clip(probabilities, _LONG, 1 - _LONG)
    odds: Values = np.clip(np.log(inside / (1 - inside)), -_SURELY, _SURELY)
    return odds


def pulled(alone: Values, others: Values, prevalence: Values) -> int:
    """The diagnosis about which the two sides disagree most, of [diagnoses] each."""
    together = alone * others / prevalence + (1 - alone) * (1 - others) / (1 - prevalence)
    return int(np.argmin(together))


def described(rules: Rules) -> dict[str, Any]:
    """JSON-compatible form."""
    return {"cohort": rules.cohort, "rules": {k: asdict(v) for k, v in rules.rules.items()}}


def read(data: Mapping[str, Any]) -> Rules:
    """The other way."""
    return Rules(
        {
            name: Rule(tuple(map(float, rule["weights"])), tuple(map(float, rule["honest"])))
            for name, rule in data["rules"].items()
        },
        str(data["cohort"]),
    )


def stated(description: Mapping[str, Any], folder: Path | None = None) -> Rules | None:
    """The rules that a checkpoint states, in model.json or beside it, or None.

    Raises:
        ModelError: if the file beside it is of another checkpoint, or states no rules.
    """
    if "conflict" in description:
        return read(description["conflict"])
    if folder is None:
        return None
    digest = str(description.get("digest"))
    return beside_checkpoint.read(folder / BESIDE, digest, read, "states no rules")
