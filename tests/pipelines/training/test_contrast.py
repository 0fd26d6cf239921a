"""The contrastive loss is low where partners lie together, and never parts one patient's cases."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from clinical.model.fusion import Tokens
from clinical.model.space import Located, Space
from pipelines.training.contrast import alignment_loss

EYE = torch.eye(4)
PEOPLE = torch.arange(4)


class Placed(Space):
    """A space whose vectors are given."""

    def __init__(self, vectors: dict[str, Tensor], present: dict[str, Tensor]) -> None:
        super().__init__(tuple(vectors), 4, 4)
        self.placed = {
            n: Located(v, present.get(n, torch.ones(4).bool())) for n, v in vectors.items()
        }
        with torch.no_grad():
            self.log_temperature.fill_(math.log(0.1))

    def forward(self, tokens: Tokens) -> dict[str, Located]:
        return self.placed


TOKENS = Tokens(torch.zeros(4, 1, 4), torch.ones(4, 1).bool(), {})


def loss(vectors: dict[str, Tensor], people: Tensor = PEOPLE, **present: Tensor) -> float:
    return float(alignment_loss(Placed(vectors, present), TOKENS, people).detach())


def test_partners_together_cost_little_and_apart_much() -> None:
    together = loss({"image": EYE, "notes": EYE})
    # Own similarity 1, that of the three others 0, at temperature 0.1.
    assert together == pytest.approx(math.log(1 + 3 * math.exp(-10)), abs=1e-6)
    assert loss({"image": EYE, "notes": EYE.roll(1, 0)}) > 5


def test_knowing_nothing_costs_the_logarithm_of_the_batch() -> None:
    same = EYE[:1].expand(4, 4)
    assert loss({"image": same, "notes": same}) == pytest.approx(math.log(4))


def test_another_case_of_the_patient_is_no_negative() -> None:
    notes = EYE[[0, 0, 2, 3]]
    image = EYE[[0, 0, 2, 3]]
    assert loss({"image": image, "notes": notes}) > 0.3
    assert loss({"image": image, "notes": notes}, torch.tensor([0, 0, 1, 2])) < 0.001


def test_only_cases_with_both_are_compared() -> None:
    wrong = EYE.clone()
    wrong[3] = EYE[0]
    absent = torch.tensor([True, True, True, False])
    assert loss({"image": EYE, "notes": wrong}) > 1
    assert loss({"image": EYE, "notes": wrong}, notes=absent) < 0.001


def test_nothing_to_compare_costs_nothing() -> None:
    one = torch.tensor([True, False, False, False])
    assert loss({"image": EYE, "notes": EYE}, notes=one) == 0
    assert loss({"image": EYE}) == 0
