"""Saliency maps over the patches of a radiograph: ours and the ones it is compared with.

Every map is [patches], not negative; which patch a diagnosis rests on, by

- OURS: what the page shows (`clinical.assess.explain`);
- Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391): channel weights are the mean gradient of the
  diagnosis's logit over the grid, then the positive part of the weighted sum; once on the frozen
  backbone's last feature map and once on the image's tokens as the fusion reads them;
- raw attention: mean over layers and heads. Tokens do not attend to each other here, so attention
  rollout (Abnar and Zuidema 2020) is the same up to the residual's constant and is not listed;
- input x gradient of the tokens (Shrikumar et al. 2016, arXiv 1605.01713), the positive part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clinical.assess import explain
from clinical.modalities.catalogue import TokenEncoder
from clinical.modalities.encoding import Batch, Encoding, Prepared, collate
from clinical.model.fusion import Tokens
from clinical.model.model import Network
from pipelines.training.masks import IMAGE

Scores = NDArray[np.float64]

OURS = "what is shown"
ATTENTION_GRADIENT = "attention x gradient"
"""Of images what is shown; of measurements, history and sentences its rival."""
GRAD_CAM_BACKBONE = "Grad-CAM, backbone"
GRAD_CAM_TOKENS = "Grad-CAM, tokens"
RAW_ATTENTION = "raw attention"
INPUT_GRADIENT = "input x gradient"
MODEL_METHODS = (OURS, GRAD_CAM_BACKBONE, GRAD_CAM_TOKENS, RAW_ATTENTION, INPUT_GRADIENT)


@dataclass(frozen=True, eq=False)
class Read:
    """One case read by a network, with the graph that gradients need.

    Attributes:
        features: the image's frozen features [1, patches, channels], a leaf.
        values: all tokens [1, tokens, width], not a leaf.
        tokens: the same as the fusion takes them.
        logits: [diagnoses].
        attentions: of each layer [1, heads, diagnoses, tokens].
    """

    features: Tensor
    values: Tensor
    tokens: Tokens
    logits: Tensor
    attentions: list[Tensor]


def read(network: Network, case: Mapping[str, Prepared]) -> Read:
    """Encode and fuse one case that has an image, keeping the graph."""
    network.eval()
    encodings: dict[str, Encoding] = {}
    features = torch.empty(0)
    for name, module in network.encoders.items():
        batch = collate([case.get(name)])
        if batch is None:
            continue
        if name == IMAGE:
            features = batch.features["patch"].float().requires_grad_(True)
            batch = Batch({**batch.features, "patch": features}, batch.mask)
        encodings[name] = cast(TokenEncoder, module)(batch)
    tokens = network.join(encodings, [case])
    logits, attentions = network(tokens)
    return Read(features, tokens.values, tokens, logits[0], attentions)


def model_maps(network: Network, found: Read, diagnosis: int) -> dict[str, Scores]:
    """The map of each of `MODEL_METHODS` for one diagnosis of a case that has an image."""
    span = slice(*found.tokens.spans[IMAGE])
    on_features, on_tokens = torch.autograd.grad(
        found.logits[diagnosis], [found.features, found.values], retain_graph=True
    )
    relevance = explain.relevance(network, explain.read(network, found.tokens))
    attention = torch.stack([layer[0, :, diagnosis, span].mean(0) for layer in found.attentions])
    patches = found.values[0, span].detach()
    maps = {
        OURS: relevance[diagnosis, span].clamp(min=0),
        GRAD_CAM_BACKBONE: _grad_cam(found.features[0].detach(), on_features[0]),
        GRAD_CAM_TOKENS: _grad_cam(patches, on_tokens[0, span]),
        RAW_ATTENTION: attention.mean(0).detach(),
        INPUT_GRADIENT: (patches * on_tokens[0, span]).sum(-1).clamp(min=0),
    }
    return {name: values.double().numpy() for name, values in maps.items()}


def _grad_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Positive part of the channels' weighted sum [patches]; both arguments [patches, channels]."""
    return (activations @ gradients.mean(dim=0)).clamp(min=0)


def centre_map(cells: int) -> Scores:
    """A wide bell in the middle of the image [cells * cells]: no model, no image."""
    place = (np.arange(cells) + 0.5) / cells - 0.5
    bell = np.exp(-0.5 * (place / 0.25) ** 2)
    return np.asarray(np.outer(bell, bell).ravel())
