"""Every modality of a case gets a place, whoever else is in the batch."""

from __future__ import annotations

import pytest
import torch

from clinical.model.fusion import Tokens
from clinical.model.space import Space


@pytest.fixture
def space() -> Space:
    torch.manual_seed(0)
    made = Space(("image", "notes"), width=6, size=4)
    torch.nn.init.normal_(made.queries)
    return made


def tokens_of(image: torch.Tensor, present: torch.Tensor) -> Tokens:
    nothing = torch.zeros(len(image), 1, 6)
    mask = torch.cat([torch.ones(len(image), 1).bool(), present], dim=1)
    return Tokens(torch.cat([nothing, image], dim=1), mask, {"image": (1, 1 + image.shape[1])})


def test_vectors_have_unit_length(space: Space) -> None:
    found = space(tokens_of(torch.randn(5, 3, 6), torch.ones(5, 3).bool()))
    assert set(found) == {"image"}
    assert found["image"].vectors.shape == (5, 4)
    assert torch.allclose(found["image"].vectors.norm(dim=-1), torch.ones(5))


def test_masked_tokens_are_not_read(space: Space) -> None:
    image = torch.randn(1, 3, 6)
    present = torch.tensor([[True, True, False]])
    changed = image.clone()
    changed[0, 2] = 99.0
    first = space(tokens_of(image, present))["image"].vectors
    assert torch.equal(first, space(tokens_of(changed, present))["image"].vectors)
    changed[0, 1] = 99.0
    assert not torch.equal(first, space(tokens_of(changed, present))["image"].vectors)


def test_a_case_without_the_modality_is_absent_and_finite(space: Space) -> None:
    present = torch.tensor([[True, True], [False, False]])
    found = space(tokens_of(torch.randn(2, 2, 6), present))["image"]
    assert found.present.tolist() == [True, False]
    assert torch.isfinite(found.vectors).all()


def test_the_temperature_stays_between_its_bounds(space: Space) -> None:
    with torch.no_grad():
        for raw, bound in ((-50.0, 0.05), (50.0, 1.0)):
            space.log_temperature.fill_(raw)
            assert float(space.temperature) == pytest.approx(bound)
