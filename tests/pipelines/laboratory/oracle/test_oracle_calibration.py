"""What the oracle gives a probability of p happens p of the time, on cases of the clinic."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.laboratory.oracle import evidence
from pipelines.laboratory.oracle import posterior as module
from pipelines.laboratory.oracle.posterior import Oracle, posterior, prepare
from pipelines.laboratory.simulate import likelihoods
from pipelines.laboratory.simulate.clinic import LABELS, SimulatedPatient, draw_patient

CASES = 120
EVERYTHING = frozenset(evidence.KINDS)

Floats = NDArray[np.float64]


@lru_cache(maxsize=1)
def oracle() -> Oracle:
    return prepare(likelihoods.load())


@lru_cache(maxsize=1)
def patients() -> tuple[SimulatedPatient, ...]:
    return tuple(draw_patient(77, number) for number in range(CASES))


@lru_cache(maxsize=8)
def asked(kind: str) -> tuple[Floats, Floats]:
    """Probabilities and truth, cases by labels, of the cases that have everything."""
    kinds = EVERYTHING if kind == "all" else frozenset({kind})
    probabilities, truth = [], []
    for patient in patients():
        if evidence.present(patient) == EVERYTHING:
            found = posterior(patient, oracle(), kinds)
            probabilities.append([found.probabilities[label] for label in LABELS])
            truth.append([label in patient.diagnoses for label in LABELS])
    return np.array(probabilities), np.array(truth, float)


@pytest.fixture(autouse=True)
def fewer_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less exact and twice as fast."""
    monkeypatch.setattr(module, "POINTS", {True: 512, False: 256})
    monkeypatch.setattr(module, "ENOUGH", 40.0)


@pytest.mark.parametrize("kind", [*evidence.KINDS, "all"])
def test_what_is_expected_happens(kind: str) -> None:
    probabilities, truth = asked(kind)
    # Each label: as many as expected, within 3.5 standard deviations of that number.
    deviation = np.sqrt((probabilities * (1 - probabilities)).sum(axis=0))
    surprise = (truth - probabilities).sum(axis=0) / deviation
    assert np.abs(surprise).max() < 3.5
    # Each range of probability, over all labels.
    for low, high in ((0, 0.05), (0.05, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.01)):
        inside = (probabilities >= low) & (probabilities < high)
        expected = probabilities[inside]
        error = np.sqrt((expected * (1 - expected)).sum() + 1)
        assert abs((truth[inside] - expected).sum()) < 3.5 * error


@pytest.mark.parametrize("kind", [*evidence.KINDS, "all"])
def test_the_loss_is_what_the_probabilities_expect(kind: str) -> None:
    """The mean log loss of honest probabilities is their mean entropy."""
    probabilities, truth = asked(kind)
    p = np.clip(probabilities, 1e-6, 1 - 1e-6)
    loss = -(truth * np.log(p) + (1 - truth) * np.log(1 - p)).sum(axis=1)
    entropy = -(p * np.log(p) + (1 - p) * np.log(1 - p)).sum(axis=1)
    error = (loss - entropy).std() / np.sqrt(len(loss))
    assert abs((loss - entropy).mean()) < 3.5 * error


def test_all_evidence_loses_less_than_any_part_of_it() -> None:
    def loss(kind: str) -> float:
        probabilities, truth = asked(kind)
        p = np.clip(probabilities, 1e-6, 1 - 1e-6)
        return float(-(truth * np.log(p) + (1 - truth) * np.log(1 - p)).mean())

    best = min(loss(kind) for kind in evidence.KINDS)
    assert loss("all") < 0.8 * best
    base = asked("notes")[1].mean(axis=0)
    prior = float(-(base * np.log(base) + (1 - base) * np.log(1 - base)).mean())
    assert all(loss(kind) < prior for kind in evidence.KINDS)


def test_labels_that_exclude_each_other_add_up() -> None:
    """None of these is what is left when no diagnosis holds."""
    for kind in ("notes", "all"):
        probabilities, _ = asked(kind)
        none = probabilities[:, LABELS.index("none_of_these")]
        others = np.delete(probabilities, LABELS.index("none_of_these"), axis=1)
        assert (none <= 1 - others.max(axis=1) + 1e-6).all()
        assert (none >= 1 - others.sum(axis=1) - 1e-3).all()
