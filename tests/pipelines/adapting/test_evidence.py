"""What the adaptation computes with is what the network says, whatever a case has."""

from __future__ import annotations

import numpy as np
from clinic_of_two import make_dataset

from clinical.model import calibration
from clinical.model.model import Model
from pipelines.adapting.evidence import gather, joined, told
from pipelines.folds.model_scores import patterns_of
from pipelines.training.calibrated import calibrated
from pipelines.training.fit import predict, predict_patterns
from pipelines.training.train import prepare_cached


def test_parts_add_up_to_what_the_network_says_under_every_pattern(model_of_two: Model) -> None:
    dataset = make_dataset(12, seed=5)
    cases = [prepare_cached(case, model_of_two.specs)[0] for case in dataset.cases]
    for case in cases[::3]:
        case.pop("history")
    found = gather(model_of_two.network, cases)
    patterns = calibration.patterns(model_of_two.specs)
    said = predict_patterns(model_of_two.network, cases, patterns)
    for pattern, logits in zip(patterns, said, strict=True):
        used = [tuple(set(own) & set(pattern)) for own in patterns_of(cases)]
        wanted = calibrated(model_of_two.support, model_of_two.diagnoses, logits, used)
        for number in range(2):
            mine = told(model_of_two, found, number, pattern).logits
            assert np.allclose(1 / (1 + np.exp(-mine)), wanted[:, number], atol=1e-5)


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
