"""Is an explanation true of the model? What fails is held back.

An explanation says: this is what the suggestion rests on. If it is, taking that away moves the
suggestion, and moves it more than taking away as much of anything else. For every suggestion and
every input the tenth that is ranked first is taken away, and as much drawn blindly, `DRAWS` times;
where a tenth is one piece, every other piece in its turn (comprehensiveness of DeYoung et al. 2020,
arXiv 1911.03429, against random rationales). What is said of the input is shown only if the first

- moves the log odds by at least `LEAST` more than the others do on average, and
- stands out among them by at least `APART` of their standard deviations.

A heat map shows what speaks for a suggestion, so where the image as a whole speaks against it there
is none. How many right explanations are held back by this, and how many wrong ones pass, is
measured: docs/decisions/0025-an-explanation-is-tested.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from clinical.assess import without
from clinical.assess.without import Pieces, Places, Values
from clinical.case.held_back import AGAINST, AS_A_WHOLE, LITTLE, NO_MORE
from clinical.model.fusion import Tokens
from clinical.model.model import Network

SHARE = 0.1
DRAWS = 19
LEAST = 0.2
APART = 2.0
FEW = 3
"""With fewer pieces there is nothing to draw from; only `LEAST` counts, against nothing."""

_SEED = 2026


def held_back(
    network: Network,
    tokens: Tokens,
    inputs: Mapping[str, Pieces],
    relevance: Values,
    whole: Values,
) -> list[dict[str, str]]:
    """Why what is said of an input must not be shown, for each diagnosis.

    Args:
        network: that made the suggestions.
        tokens: of the case.
        inputs: pieces of every input.
        relevance: signed, of every token [diagnoses, tokens].
        whole: log odds of the whole case [diagnoses], before calibration.

    Returns:
        Of each diagnosis, name of an input to the reason; what may be shown is not there.
    """
    names, diagnoses = list(inputs), len(whole)
    sets = {name: _others(inputs[name]) for name in names}
    taken = [inputs[name].places for name in names]
    taken += [places for name in names for places in sets[name]]
    falls = whole - without.log_odds(network, tokens, taken)
    without_input = dict(zip(names, falls[: len(names)], strict=True))
    signs = {
        name: np.ones(diagnoses) if inputs[name].drawn else np.where(without_input[name] < 0, -1, 1)
        for name in names
    }
    firsts = {
        name: [
            _first(inputs[name], sign * row)
            for sign, row in zip(signs[name], relevance, strict=True)
        ]
        for name in names
    }
    every = [inputs[name].tokens(first) for name in names for first in firsts[name]]
    named = whole - _own(without.log_odds(network, tokens, every), diagnoses)
    found: list[dict[str, str]] = [{} for _ in range(diagnoses)]
    at = len(names)
    for number, name in enumerate(names):
        others = falls[at : at + len(sets[name])] * signs[name]
        at += len(sets[name])
        for d in range(diagnoses):
            speaks_against = inputs[name].drawn and without_input[name][d] <= 0
            beside = others[:, d]
            if len(firsts[name][d]) == 1 and len(others):
                beside = np.delete(beside, firsts[name][d])
            fall = float(named[number, d] * signs[name][d])
            reason = AGAINST if speaks_against else _reason(fall, beside)
            if reason and reason != AGAINST and abs(without_input[name][d]) >= LEAST:
                reason = AS_A_WHOLE
            if reason:
                found[d][name] = reason
    return found


def _reason(fall: float, drawn: NDArray[np.float64]) -> str:
    """Why a fall of the log odds is not enough beside those of the draws, or ""."""
    average = float(drawn.mean()) if len(drawn) else 0.0
    if fall < LEAST:
        return LITTLE
    if fall - average < LEAST:
        return NO_MORE
    return NO_MORE if len(drawn) and fall - average < APART * float(drawn.std()) else ""


def _own(logits: Values, diagnoses: int) -> Values:
    """Of each row its own diagnosis [inputs, diagnoses]."""
    rows = logits.reshape(-1, diagnoses, diagnoses)
    return np.asarray(rows[:, np.arange(diagnoses), np.arange(diagnoses)])


def _size(pieces: Pieces) -> int:
    return max(1, math.floor(SHARE * len(pieces.members)))


def _first(pieces: Pieces, scores: Values) -> NDArray[np.intp]:
    """Which pieces have the highest scores."""
    sums = np.array([scores[places].sum() for places in pieces.members])
    return np.argsort(-sums, kind="stable")[: _size(pieces)]


def _others(pieces: Pieces) -> list[Places]:
    """What else could be taken away: each piece, or sets drawn blindly, the same for every case."""
    count, size = len(pieces.members), _size(pieces)
    if count < FEW:
        return []
    if size == 1:
        return list(pieces.members)
    generator = np.random.default_rng([_SEED, count])
    return [pieces.tokens(generator.permutation(count)[:size]) for _ in range(DRAWS)]
