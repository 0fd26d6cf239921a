"""Inputs unlike the training cases are marked; ordinary ones are not."""

from __future__ import annotations

import numpy as np

from clinical import domain


def cloud(cases: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    factors = generator.normal(size=(cases, 5)) @ np.random.default_rng(0).normal(size=(5, 40))
    return (factors + 0.1 * generator.normal(size=(cases, 40))).astype(np.float32)


def test_the_limit_lets_most_ordinary_cases_pass() -> None:
    envelope = domain.fit_envelope(cloud(500, 1), cloud(200, 2))
    passed = [domain.distance(envelope, row) <= envelope.limit for row in cloud(500, 3)]
    assert np.mean(passed) > 0.97


def test_a_shift_outside_of_the_subspace_is_seen() -> None:
    envelope = domain.fit_envelope(cloud(500, 1), cloud(200, 2))
    strange = cloud(20, 4) + np.random.default_rng(5).normal(size=40).astype(np.float32)
    assert all(domain.distance(envelope, row) > envelope.limit for row in strange)


def test_unknown_codes_are_a_reason() -> None:
    ordinary = domain.judge({}, {}, {"measurements": (1, 10)})
    assert not ordinary.flagged
    unknown = domain.judge({}, {}, {"measurements": (9, 10)})
    assert unknown.flagged
    assert "9 of 10 items" in unknown.reasons[0]


def test_a_case_that_holds_nothing_known_is_flagged() -> None:
    assert domain.judge({}, {}, {}).flagged
