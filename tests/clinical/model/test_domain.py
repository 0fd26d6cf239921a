"""Inputs unlike the training cases are marked; ordinary ones are not."""

from __future__ import annotations

import numpy as np

from clinical.model import domain
from clinical.model.domain import Envelope


def cloud(cases: int, seed: int) -> np.ndarray:
    """Embeddings of cases that vary in five ways and a little in all others."""
    generator = np.random.default_rng(seed)
    factors = generator.normal(size=(cases, 5)) @ np.random.default_rng(0).normal(size=(5, 40))
    return (factors + 0.1 * generator.normal(size=(cases, 40))).astype(np.float32)


def test_the_limit_lets_most_ordinary_cases_pass() -> None:
    envelope = domain.fit_envelope(cloud(500, 1), cloud(200, 2))
    passed = [domain.distance(envelope, case) <= envelope.limit for case in cloud(500, 3)]
    assert np.mean(passed) > 0.97


def test_a_shift_outside_of_the_subspace_is_seen() -> None:
    envelope = domain.fit_envelope(cloud(500, 1), cloud(200, 2))
    strange = cloud(20, 4) + np.random.default_rng(5).normal(size=40).astype(np.float32)
    assert all(domain.distance(envelope, case) > envelope.limit for case in strange)


def test_fewer_cases_than_dimensions_still_give_a_limit() -> None:
    envelope = domain.fit_envelope(cloud(20, 1), cloud(10, 2))
    assert np.isfinite(envelope.whitening).all()
    passed = [domain.distance(envelope, case) <= envelope.limit for case in cloud(200, 3)]
    assert np.mean(passed) > 0.5


def test_identical_training_cases_do_not_divide_by_zero() -> None:
    same = np.ones((30, 4), dtype=np.float32)
    envelope = domain.fit_envelope(same, same)
    assert domain.distance(envelope, same[0]) <= envelope.limit
    assert domain.distance(envelope, same[0] + 1) > envelope.limit


def test_a_distance_beyond_the_limit_is_a_reason() -> None:
    envelope = Envelope(np.zeros(2, np.float32), np.eye(2, dtype=np.float32), 1.0)
    near, far = np.full(2, 0.5, np.float32), np.full(2, 3.0, np.float32)
    assert not domain.judge({"image": near}, {"image": envelope}, {}).flagged
    found = domain.judge({"image": far}, {"image": envelope}, {})
    assert found.flagged
    assert found.reasons == ("image: 3.0 times as far from the training cases as allowed",)


def test_unknown_codes_are_a_reason() -> None:
    ordinary = domain.judge({}, {}, {"measurements": (1, 10)})
    assert not ordinary.flagged
    unknown = domain.judge({}, {}, {"measurements": (9, 10)})
    assert unknown.flagged
    assert "9 of 10 items" in unknown.reasons[0]


def test_a_case_that_holds_nothing_known_is_flagged() -> None:
    assert domain.judge({}, {}, {}).flagged
