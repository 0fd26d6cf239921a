"""The adapted model: another network with other last layers, and the record of where it is from.

The old model is not touched. A checkpoint needs no new format: factors and weights go into the
heads of the readers, in which evidence is linear, and offsets into the bias before them.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch

from clinical.errors import ModelError
from clinical.model import model as models
from clinical.model.ages import ANY_AGE
from clinical.model.fusion import Fusion, Reader
from clinical.model.model import Model, Network
from pipelines.adapting.adaptation import Adapted
from pipelines.adapting.change import Change
from pipelines.adapting.site import Site
from pipelines.adapting.thresholds import Goal

ADAPTED = "adapted"
"""In the facts of a model: every adaptation that it went through, the first one first."""

_CLOSE = 1e-3


def history(model: Model) -> list[dict[str, Any]]:
    """The adaptations that a model went through, the first one first."""
    return list(model.facts.get(ADAPTED, []))


def check_new(model: Model, site: Site) -> None:
    """Whether the model was not adapted on these same cases before.

    Raises:
        ModelError: if it was: it would be judged on what it was fitted on.
    """
    if any(one["site"]["inputs_sha256"] == site.inputs_digest for one in history(model)):
        raise ModelError(
            f"{model.name} was adapted on these same cases before: they cannot judge it any more.",
            remedy="adapt it on other cases, or its parent on all that you have",
        )


def built(model: Model, adapted: Adapted, record: Mapping[str, Any], name: str) -> Model:
    """The model with everything that was adapted.

    Args:
        model: as it was.
        adapted: what is different.
        record: of this adaptation (`record_of`).
        name: of the new model.
    """
    network = copy.deepcopy(model.network)
    apply(network, [adapted.changes[name] for name in model.diagnoses])
    ages = {} if model.ages == ANY_AGE else {"from": model.ages.low, "to": model.ages.high}
    return models.build(
        name=name,
        diagnoses=model.diagnoses,
        specs=model.specs,
        network=network,
        support=adapted.support,
        thresholds={name: chosen.value for name, chosen in adapted.thresholds.items()},
        prevalence=adapted.prevalence,
        envelopes={name: one.envelope for name, one in adapted.domains.items()},
        set_rules=adapted.set_rules,
        study=model.study,
        facts={
            **model.facts,
            **({"ages": ages} if ages else {}),
            ADAPTED: [*history(model), dict(record)],
        },
    )


@torch.no_grad()
def apply(network: Network, changes: Sequence[Change]) -> None:
    """Put the changes of all diagnoses, in their order, into the last layers of a network."""
    fusion: Fusion = network.fusion
    for column, name in enumerate(fusion.modalities):
        reader = cast(Reader, fusion.readers[name])
        reader.scale(_row([change.factors[column] for change in changes]))
        for number, change in enumerate(changes):
            if change.weights is not None:
                reader.head[number] += _row(change.weights[column])
        _offset(reader, np.array([change.offsets[column] for change in changes]))
    fusion.together.scale(_row([change.correction for change in changes]))
    fusion.bias.add_(_row([change.bias for change in changes]))


def _offset(reader: Reader, offsets: np.ndarray) -> None:
    """Add so much to the evidence of each diagnosis [diagnoses], wherever the modality is there."""
    if not offsets.any():
        return
    head = reader.head.double().numpy()
    # Fewer diagnoses than columns: of all biases that do it, the smallest.
    added, *_ = np.linalg.lstsq(head, offsets, rcond=None)
    if np.abs(head @ added - offsets).max() > _CLOSE:
        raise ModelError(
            "The readers of this model cannot be shifted apart: two diagnoses share one.",
            remedy="adapt a model that was trained with a larger model.width",
        )
    reader.norm.bias.add_(torch.from_numpy(added).to(reader.norm.bias.dtype))


def _row(values: Any) -> torch.Tensor:
    return torch.tensor(np.asarray(values), dtype=torch.float32)


def record_of(model: Model, site: Site, adapted: Adapted, goal: Goal, seed: int) -> dict[str, Any]:
    """What the manifest of the new model says of its making; JSON-compatible."""
    labelled = site.labelled
    return {
        "parent": {"name": model.name, "digest": model.identity.digest},
        "site": {
            "cohort": site.name,
            "inputs_sha256": site.inputs_digest,
            "labels_sha256": site.labels_digest if len(labelled) else None,
            "cases": len(site.people),
            "patients": len(set(site.people)),
            "labelled_cases": len(labelled),
            "labelled_patients": len({site.people[i] for i in labelled}),
        },
        "seed": seed,
        "sensitivity": goal.sensitivity,
        "alert_rate": goal.alert_rate,
        "diagnoses": {
            name: _of_diagnosis(site, adapted, n, name) for n, name in enumerate(model.diagnoses)
        },
        "domain": {
            name: {
                "fitted": one.fitted,
                "inputs": one.cases,
                "outside_before": one.outside,
                "because": one.because,
            }
            for name, one in adapted.domains.items()
        },
        "local_sets": adapted.local_sets,
        "local_support": adapted.local,
    }


def _of_diagnosis(site: Site, adapted: Adapted, number: int, name: str) -> dict[str, Any]:
    labels = site.labels[:, number]
    choice, chosen = adapted.choices[name], adapted.thresholds[name]
    return {
        "change": choice.change.kind,
        "because": choice.because,
        "positives": int(np.nansum(labels)),
        "negatives": int((labels == 0).sum()),
        "trials": [
            {"change": one.kind, "gain": one.gain, "error": one.error, "kept": one.kept}
            for one in choice.trials
        ],
        "threshold": {"value": chosen.value, "rule": chosen.rule},
    }
