"""Plain readers beside a trained network: how much they count, and which ones stay.

The rule, and why: docs/decisions/0024-simple-rivals-are-inside.md.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from clinical.model import model as models
from clinical.model.model import Model, Network
from clinical.model.plain_readers import PlainReaders
from pipelines.training.fit import PreparedCase, predict
from pipelines.training.stacking import leaning


@dataclass(frozen=True, eq=False)
class Plain:
    """Plain readers of a training: by them validation patients are judged, and those that stay.

    Attributes:
        judged: have not seen the validation patients.
        kept: the same models, fitted to training and validation patients.
    """

    judged: PlainReaders
    kept: PlainReaders


@dataclass(frozen=True, eq=False)
class Trained:
    """A finished model, and the same one as its validation patients were judged by.

    Attributes:
        model: to be used and saved.
        judged: differs in its plain readers alone, which have not seen the validation patients.
    """

    model: Model
    judged: Model


def put_beside(
    network: Network,
    plain: PlainReaders,
    held_out: Sequence[PreparedCase],
    labels: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Put plain readers beside the network's; returns the network's share [diagnoses]."""
    learnt = predict(network, held_out)
    network.fusion.plain = plain
    shares = leaning(predict(network, held_out) - learnt, learnt, labels)
    # Where plain readers could not be fitted they say the same of everybody.
    shares[plain.mute.numpy()] = 1.0
    network.fusion.beside(plain, torch.from_numpy(shares).float())
    return shares


def with_plain(model: Model, plain: PlainReaders) -> Model:
    """The same model with other plain readers."""
    network = copy.deepcopy(model.network)
    network.fusion.plain = plain
    return models.build(
        name=model.name,
        diagnoses=model.diagnoses,
        specs=model.specs,
        network=network,
        support=model.support,
        thresholds=model.thresholds,
        prevalence=model.prevalence,
        envelopes=model.envelopes,
        set_rules=model.set_rules,
        study=model.study,
        facts=model.facts,
        conflict=model.conflict,
    )
