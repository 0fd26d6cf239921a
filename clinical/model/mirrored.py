"""Whether a film may be mirrored, as a p-value among films of the model's own hospital.

Which side of a film is brighter where is added up with weights (`sides` of an encoder); how films
look that are mirrored is known from those that are not. The sum is compared with those of films
that stand as they should and had no part in the weights: the share of them that look mirrored as
much is the p-value (conformal, as in `clinical.model.calibration`). A heart on the right looks so,
too, and no model can tell which it is.

Films of another hospital look otherwise, so the rule belongs to a checkpoint: mirrored.json beside
it, for the digest that it names. Without it nothing is claimed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinical import canonical
from clinical.errors import ModelError
from clinical.modalities.catalogue import encoder
from clinical.model import beside_checkpoint, carried

BESIDE = "mirrored.json"
MARKED = 0.01
"""Share of the films that stand as they should that are marked at most."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Rule:
    """When an image seems to be mirrored.

    Attributes:
        modality: the input.
        encoder: that looks at it.
        weights: of its `sides`; their sum is the score, and a mirrored film has more.
        films: how many films that stand as they should were asked.
        highest: the highest scores among theirs, ascending; at least 1 in 20 of them.
        cohort: where they come from.
    """

    modality: str
    encoder: str
    weights: tuple[float, ...]
    films: int
    highest: tuple[float, ...]
    cohort: str

    def score(self, found: Values) -> float:
        """How much `sides` look mirrored, rounded as `highest` is."""
        return round(float(np.dot(self.weights, found)), 4)

    def as_much(self, score: float) -> int:
        """How many of the films asked look mirrored as much; of many, at least so many."""
        return len(self.highest) - bisect_left(self.highest, score)

    def p_value(self, score: float) -> float:
        """Share of the films asked, with this one, that look mirrored as much; never 0."""
        return (1 + self.as_much(score)) / (1 + self.films)


def record(rule: Rule, model_digest: str) -> dict[str, Any]:
    """What mirrored.json holds."""
    return {"model_digest": model_digest, "network_sha256": _network(rule.encoder), **asdict(rule)}


def digest(rule: Rule) -> str:
    """Names the rule in the conditions of a record."""
    return canonical.digest(asdict(rule))


def stated(folder: Path, model_digest: str) -> Rule | None:
    """The rule beside a checkpoint, or None.

    Raises:
        ModelError: if it is of another checkpoint, states no rule, or rests on a network that is
            not the one that is installed.
    """
    file = folder / BESIDE
    found = beside_checkpoint.read(file, model_digest, _read, "states no rule")
    if found is None:
        return None
    network, rule = found
    if network != _network(rule.encoder):
        raise ModelError(
            f"{file} rests on another network of film traits than the installed one.",
            remedy="make it again with `triptych films teach-sides`",
        )
    return rule


def _read(data: Mapping[str, Any]) -> tuple[str, Rule]:
    """SHA-256 of the network that it rests on, and the rule."""
    rule = Rule(
        str(data["modality"]),
        str(data["encoder"]),
        tuple(map(float, data["weights"])),
        int(data["films"]),
        tuple(map(float, data["highest"])),
        str(data["cohort"]),
    )
    return str(data["network_sha256"]), rule


def _network(name: str) -> str:
    return carried.digest_of(getattr(encoder(name), "SIDES_WEIGHTS", ()))
