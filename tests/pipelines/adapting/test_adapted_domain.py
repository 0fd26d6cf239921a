"""The domain of a site: fitted again on its inputs, and not where the model cannot read them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from clinical.model import domain
from clinical.model.domain import Envelope
from pipelines.adapting.domain import refit

SIZE = 6


def inputs(count: int, *, shift: float, seed: int) -> NDArray[np.float32]:
    found = np.random.default_rng(seed).normal(0, 1, (count, SIZE))
    found[:, 0] += shift
    return found.astype(np.float32)


def people(count: int) -> list[str]:
    return [f"p{i}" for i in range(count)]


@pytest.fixture(scope="module")
def envelope() -> Envelope:
    return domain.fit_envelope(inputs(400, shift=0, seed=1), inputs(200, shift=0, seed=2))


def test_inputs_like_those_of_training_change_nothing(envelope: Envelope) -> None:
    found = refit(envelope, inputs(100, shift=0, seed=3), people(100), tells=False, seed=0)
    assert found.envelope is envelope
    assert "by construction" in found.because


def test_a_shifted_site_is_let_in_and_the_foreign_still_kept_out(envelope: Envelope) -> None:
    local = inputs(150, shift=3, seed=4)
    found = refit(envelope, local, people(150), tells=False, seed=0)
    assert found.fitted
    assert 0.05 < found.outside / 150 < 0.5
    new = inputs(200, shift=3, seed=5)
    outside = [domain.distance(found.envelope, row) > found.envelope.limit for row in new]
    before = [domain.distance(envelope, row) > envelope.limit for row in new]
    assert np.mean(outside) < 0.04 < np.mean(before)
    foreign = inputs(50, shift=-8, seed=6)
    assert all(domain.distance(found.envelope, row) > found.envelope.limit for row in foreign)


def test_a_site_with_everything_outside_needs_outcomes(envelope: Envelope) -> None:
    local = inputs(100, shift=9, seed=7)
    left = refit(envelope, local, people(100), tells=False, seed=0)
    assert (left.fitted, left.outside) == (False, 100)
    assert "no local outcomes show" in left.because
    assert refit(envelope, local, people(100), tells=True, seed=0).fitted


def test_a_few_patients_are_no_domain(envelope: Envelope) -> None:
    local = inputs(100, shift=3, seed=8)
    found = refit(envelope, local, ["a", "b", "c", "a"] * 25, tells=True, seed=0)
    assert not found.fitted
    assert found.because == "fewer than 20 patients have it"
