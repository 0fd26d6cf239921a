"""What the adaptation computes with is what the network says, whatever a case has."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from clinic_of_two import STUDY, make_dataset
from cut_of_two import TEST, TRAIN

from clinical.model import calibration
from clinical.model.model import Model
from pipelines.adapting.change import NONE, PLATT, READERS, fit, unchanged
from pipelines.adapting.evidence import gather, joined, told
from pipelines.folds import plain_readers
from pipelines.folds.comparators.cut import Cut, components
from pipelines.folds.comparators.late_fusion import late_fusion
from pipelines.folds.comparators.single import single_models
from pipelines.folds.model_scores import patterns_of
from pipelines.folds.tabular import vectors
from pipelines.training.calibrated import calibrated
from pipelines.training.fit import predict, predict_patterns
from pipelines.training.train import prepare_cached


@pytest.fixture(scope="module")
def with_plain_readers(model_of_two: Model) -> Model:
    """Of one diagnosis only plain readers speak, of the other the network keeps a quarter."""
    dataset = make_dataset(200)
    rows = vectors(dataset.cases)
    reduced = components(rows, TRAIN, STUDY.seed)
    own = replace(rows, embeddings=reduced)
    people = tuple(dataset.patients)
    cut = Cut(own, reduced, dataset.labels, people, TRAIN, TEST, STUDY.seed)
    singles = single_models(cut)
    choice = plain_readers.choose(
        cut, singles, late_fusion(singles, cut), plain_readers.trees_over_tables(cut)
    )
    readers = plain_readers.fit(choice, rows, TRAIN, dataset.labels, STUDY.seed)
    network = copy.deepcopy(model_of_two.network)
    network.fusion.beside(readers, torch.tensor([0.0, 0.25]))
    return replace(model_of_two, network=network)


@pytest.mark.parametrize("fixture", ["model_of_two", "with_plain_readers"])
def test_parts_add_up_to_what_the_model_says_under_every_pattern(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    model: Model = request.getfixturevalue(fixture)
    dataset = make_dataset(12, seed=5)
    cases = [prepare_cached(case, model.specs)[0] for case in dataset.cases]
    for case in cases[::3]:
        case.pop("history")
    found = gather(model.network, cases)
    patterns = calibration.patterns(model.specs)
    said = predict_patterns(model.network, cases, patterns)
    for pattern, logits in zip(patterns, said, strict=True):
        used = [tuple(set(own) & set(pattern)) for own in patterns_of(cases)]
        wanted = calibrated(model.support, model.diagnoses, logits, used)
        for number in range(2):
            mine = told(model, found, number, pattern).logits
            assert np.allclose(1 / (1 + np.exp(-mine)), wanted[:, number], atol=1e-5)


def test_what_plain_readers_alone_say_can_be_calibrated_and_not_bent(
    with_plain_readers: Model,
) -> None:
    dataset = make_dataset(120, seed=7)
    model = with_plain_readers
    cases = [prepare_cached(case, model.specs)[0] for case in dataset.cases]
    found = gather(model.network, cases)
    alone, shared = (told(model, found, number) for number in range(2))
    assert fit(READERS, alone, dataset.labels[:, 0]).kind == NONE
    assert fit(PLATT, alone, dataset.labels[:, 0]).kind == PLATT
    bent = fit(READERS, shared, dataset.labels[:, 1])
    assert bent.kind == READERS
    assert np.isfinite(bent.logits(shared)).all()
    assert np.allclose(unchanged(3).logits(alone), alone.logits)


def test_cases_can_be_read_in_parts(model_of_two: Model) -> None:
    dataset = make_dataset(9, seed=6)
    cases = [prepare_cached(case, model_of_two.specs)[0] for case in dataset.cases]
    network = model_of_two.network
    parts = joined([gather(network, cases[:4]), gather(network, cases[4:])])
    shown = calibrated(
        model_of_two.support,
        model_of_two.diagnoses,
        predict(network, cases),
        patterns_of(cases),
    )
    logits = np.stack([told(model_of_two, parts, n).logits for n in range(2)], axis=1)
    assert np.allclose(1 / (1 + np.exp(-logits)), shown, atol=1e-5)
    assert parts.of(np.array([7])).alone.shape == (1, 3, 2)
