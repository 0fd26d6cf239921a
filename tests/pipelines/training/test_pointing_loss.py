"""The loss that draws attention into masks, and that it is not there where nobody asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from clinic_of_two import DIAGNOSES, STUDY

from clinical.config import ModelConfig
from clinical.modalities.encoding import Prepared
from clinical.modalities.radiograph import encoder
from clinical.model.fusion import Tokens
from clinical.model.model import EncoderSpec, Network
from pipelines.training.fit import Keeping, Lessons, fit
from pipelines.training.masks import IMAGE
from pipelines.training.pointing_loss import pointing_loss

pytestmark = pytest.mark.long

SETTINGS = encoder.Settings(width=16, components=6, image_size=96)
CELLS = 9
MODEL = ModelConfig(
    width=16,
    heads=2,
    layers=2,
    dropout=0.0,
    components=6,
    encoders={"radiograph": {"image_size": 96}},
)


def network() -> Network:
    torch.manual_seed(0)
    made = Network({IMAGE: EncoderSpec("radiograph", SETTINGS)}, len(DIAGNOSES), MODEL)
    made.encoders[IMAGE].adapt(cases(20))  # type: ignore[operator]
    return made


def cases(count: int, seed: int = 0) -> list[Prepared]:
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(count, CELLS, encoder.CHANNELS)).astype(np.float16)
    return [Prepared({"patch": row}, encoder.grid_sources(CELLS)) for row in rows]


def batch(count: int) -> list[Mapping[str, Prepared]]:
    return [{IMAGE: case} for case in cases(count)]


def in_cell(cell: int, count: int) -> np.ndarray:
    regions = np.zeros((count, len(DIAGNOSES), CELLS), np.float32)
    regions[:, 0, cell] = 1
    return regions


def attention_at(made: Network, cell: int) -> float:
    tokens = made.encode(batch(8))
    _, attentions = made(tokens)
    patches = torch.stack(attentions)[..., 0, slice(*tokens.spans[IMAGE])]
    return float((patches[..., cell] / patches.sum(-1)).mean().detach())


def loss_of(
    made: Network, tokens: Tokens, regions: np.ndarray, copies: Sequence[int]
) -> torch.Tensor:
    return pointing_loss(made(tokens)[1], tokens, regions, copies)


def test_it_moves_attention_into_the_mask() -> None:
    made = network()
    optimiser = torch.optim.Adam(made.parameters(), lr=0.01)
    before = attention_at(made, 4)
    for _ in range(40):
        loss = loss_of(made, made.encode(batch(8)), in_cell(4, 8), [0] * 8)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert before < 0.3
    assert attention_at(made, 4) > 0.9


def test_it_is_the_log_of_the_share_outside_nothing() -> None:
    made = network()
    everywhere = np.zeros((3, len(DIAGNOSES), CELLS), np.float32)
    everywhere[:, 1] = 1
    loss = loss_of(made, made.encode(batch(3)), everywhere, [0, 0, 0])
    assert float(loss.detach()) == pytest.approx(0, abs=1e-3)


def test_augmented_copies_and_empty_masks_teach_nothing() -> None:
    made = network()
    tokens = made.encode(batch(3))
    assert loss_of(made, tokens, in_cell(4, 3), [1, 1, 2]).item() == 0
    assert loss_of(made, tokens, in_cell(4, 3) * 0, [0, 0, 0]).item() == 0
    mixed = loss_of(made, tokens, in_cell(4, 3), [0, 1, 1])
    first = loss_of(made, made.encode(batch(1)), in_cell(4, 1), [0])
    torch.testing.assert_close(mixed, first)


def test_a_case_whose_image_was_hidden_teaches_nothing() -> None:
    made = network()
    tokens = made.encode(batch(2))
    mask = tokens.mask.clone()
    mask[1, slice(*tokens.spans[IMAGE])] = False
    hidden = Tokens(tokens.values, mask, tokens.spans)
    first = loss_of(made, made.encode(batch(1)), in_cell(4, 1), [0])
    torch.testing.assert_close(loss_of(made, hidden, in_cell(4, 2), [0, 0]), first)


def test_a_batch_without_an_image_is_survived() -> None:
    made = network()
    none: list[Mapping[str, Prepared]] = [{}, {}]
    assert loss_of(made, made.encode(none), in_cell(0, 2), [0, 0]).item() == 0


def fitted(weight: float, regions: np.ndarray | None) -> dict[str, torch.Tensor]:
    training = replace(STUDY.training, alone_epochs=1, epochs=2, mask_weight=weight, batch_size=8)
    study = replace(STUDY, model=MODEL, training=training)
    labels = np.tile([[1.0, 0.0], [0.0, 1.0]], (8, 1))
    variants = [[case, case] for case in batch(16)]
    made = network()
    lessons = Lessons(variants, labels, regions=regions)
    fit(made, lessons, batch(8), labels[:8], study, Keeping(None, ""), None)
    return made.state_dict()


def test_without_weight_the_bits_are_the_same() -> None:
    plain = fitted(0.0, None)
    weightless = fitted(0.0, in_cell(4, 16))
    assert all(torch.equal(plain[name], weightless[name]) for name in plain)
    weighted = fitted(1.0, in_cell(4, 16))
    assert not all(torch.equal(plain[name], weighted[name]) for name in plain)
