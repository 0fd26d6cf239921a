"""Changes of log odds: what they find, how they are held back, and that a network can hold them."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from clinic_of_two import make_dataset
from made_told import make_told

from clinical.model.model import Model
from pipelines.adapting import change
from pipelines.adapting.adapted_model import apply
from pipelines.adapting.change import INTERCEPT, LAYERS, NONE, PLATT, READERS, Change, fit
from pipelines.adapting.evidence import gather, told
from pipelines.training.fit import predict
from pipelines.training.train import prepare_cached


def test_a_tenth_of_the_prevalence_is_an_intercept() -> None:
    found, labels, _ = make_told(4000, shift=-np.log(10))
    fitted = fit(INTERCEPT, found, labels)
    assert fitted.intercept == pytest.approx(-np.log(10), abs=0.2)
    assert fitted.slope == 1
    shown = 1 / (1 + np.exp(-fitted.logits(found)))
    assert shown.mean() == pytest.approx(labels.mean(), abs=0.01)


def test_few_cases_move_little() -> None:
    found, labels, _ = make_told(4000, shift=-np.log(10))
    few = np.flatnonzero(labels)[:5].tolist() + np.flatnonzero(labels == 0)[:45].tolist()
    held = fit(INTERCEPT, found.of(np.array(few)), labels[few]).intercept
    assert fit(INTERCEPT, found, labels).intercept < held < 0


def test_readers_find_that_one_modality_counts_less() -> None:
    found, labels, _ = make_told(3000, factors=(0.2, 1.0))
    fitted = fit(READERS, found, labels)
    assert fitted.factors[0] + 0.2 * fitted.correction == pytest.approx(0.4, abs=0.2)
    assert fitted.factors[1] == pytest.approx(1, abs=0.15)


def test_a_reader_is_never_turned_round() -> None:
    found, labels, _ = make_told(2000, factors=(-2.0, 1.0))
    assert fit(READERS, found, labels).factors[0] > 0


@pytest.mark.parametrize("kind", [INTERCEPT, PLATT, READERS, LAYERS])
def test_too_few_of_an_outcome_change_nothing(kind: str) -> None:
    found, _, _ = make_told(200)
    labels = np.zeros(200)
    labels[: change.LEAST[kind] - 1] = 1
    assert fit(kind, found, labels).kind == NONE
    labels[change.LEAST[kind] - 1] = 1
    assert fit(kind, found, labels).kind == kind


def test_calibration_carries_a_threshold_with_its_cases() -> None:
    found, labels, _ = make_told(400, shift=1.0)
    fitted = fit(PLATT, found, labels)
    before, after = found.logits, fitted.logits(found)
    cut = float(1 / (1 + np.exp(-np.quantile(before, 0.7))))
    moved = fitted.carried(cut)
    assert ((before >= np.log(cut / (1 - cut))) == (after >= np.log(moved / (1 - moved)))).all()


def test_a_network_holds_what_was_fitted(model_of_two: Model) -> None:
    dataset = make_dataset(10, seed=7)
    cases = [prepare_cached(case, model_of_two.specs)[0] for case in dataset.cases]
    for case in cases[::2]:
        case.pop("notes")
    found = gather(model_of_two.network, cases)
    generator = np.random.default_rng(3)
    width = found.states.shape[-1]
    changes = [
        Change(
            LAYERS,
            generator.uniform(0.3, 2, 3),
            generator.normal(0, 0.5, 3),
            bias=0.4 - number,
            correction=0.5 + number,
            weights=generator.normal(0, 0.1, (3, width)),
        )
        for number in range(2)
    ]
    network = copy.deepcopy(model_of_two.network)
    apply(network, changes)
    said = predict(network, cases)
    for number, one in enumerate(changes):
        parts = told(model_of_two, found, number)
        mine = (one.logits(parts) - parts.intercepts) / parts.slopes
        assert np.allclose(said[:, number], mine, atol=1e-3)
    assert not np.allclose(said, predict(model_of_two.network, cases), atol=0.1)
