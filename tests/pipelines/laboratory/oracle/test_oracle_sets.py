"""Sets of conditions: all that can be drawn are there, as often as they are drawn."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from pipelines.laboratory.oracle.importance_sampling import Known, Tilt, draw
from pipelines.laboratory.oracle.posterior import log_prior
from pipelines.laboratory.oracle.sets import LOST, enumerate_sets, pruned
from pipelines.laboratory.simulate import likelihoods
from pipelines.laboratory.simulate.person import Person, draw_conditions

TABLE = likelihoods.load()
SETS = enumerate_sets(TABLE)


def people(points: int = 64):
    nothing = Known(illnesses=np.zeros((2, len(TABLE.background))))
    return draw(TABLE, nothing, Tilt(), points, np.random.default_rng(0), {})


@pytest.mark.parametrize("site", TABLE.sites)
def test_the_sets_of_every_person_have_probability_one(site: str) -> None:
    total = np.exp(log_prior(SETS, people(), site, TABLE)).sum(axis=0)
    assert total == pytest.approx(np.ones(64), abs=1e-6)


@pytest.mark.parametrize("background", [frozenset(), frozenset({"copd", "diabetes"})])
def test_the_prior_is_the_share_of_draws(background: frozenset[str]) -> None:
    person = Person("male", 71.0, 26.0, 30.0, background, 0.0)
    rng = np.random.default_rng(5)
    draws = 6000
    site = TABLE.sites["B"]
    counts = Counter(
        frozenset(draw_conditions(rng, person, 0.0, site, TABLE)) for _ in range(draws)
    )
    known = Known(illnesses=stated(background), sex="male", age=71.0, bmi=26.0)
    drawn = draw(TABLE, known, Tilt(), 2, np.random.default_rng(0), {})
    drawn.pack_years[:] = 30.0
    prior = np.exp(log_prior(SETS, drawn, "B", TABLE))[:, 0]
    for row in np.argsort(prior)[::-1][:25]:
        names = frozenset(np.array(SETS.names)[SETS.members[row]])
        error = np.sqrt(prior[row] / draws)
        assert counts[names] / draws == pytest.approx(prior[row], abs=4.5 * error)


def stated(background: frozenset[str]):
    """Likelihoods that leave no doubt about the background."""
    likelihood = np.zeros((2, len(TABLE.background)))
    for row, name in enumerate(TABLE.background):
        likelihood[int(name not in background), row] = -np.inf
    return likelihood


def test_few_sets_hold_nearly_all_of_the_probability() -> None:
    prior = log_prior(SETS, people(256), "A", TABLE)
    kept = pruned(SETS, prior)
    assert 0 <= kept.lost <= LOST
    assert len(kept.members) < len(SETS.members)
    assert np.exp(log_prior(kept, people(256), "A", TABLE)).sum(axis=0).mean() > 1 - 2 * LOST


def test_none_of_these_is_a_set_without_a_diagnosis() -> None:
    none = SETS.with_label("none_of_these", TABLE.diagnoses)
    for label in TABLE.diagnoses:
        assert not (none & SETS.with_label(label, TABLE.diagnoses)).any()
    assert none.any()
