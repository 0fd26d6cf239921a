"""One case at a time, a model says what it says of many."""

from __future__ import annotations

import numpy as np
from clinic_of_two import make_dataset

from clinical.model import Model
from pipelines.crossvalidate import AS_THEY_ARE, OURS, alone, hidden
from pipelines.fit import predict
from pipelines.model_scores import scores_and_sets, validated
from pipelines.train import calibrated, prepare_cached


def test_a_case_by_itself_is_told_what_it_is_told_among_others(model_of_two: Model) -> None:
    model, dataset = model_of_two, make_dataset(20, seed=5)
    prepared = [prepare_cached(cached, model.specs)[0] for cached in dataset.cases]
    used = [tuple(name for name in case if case[name].sources) for case in prepared]
    among = calibrated(model.support, model.diagnoses, predict(model.network, prepared), used)
    for case, row in zip(prepared, among, strict=True):
        np.testing.assert_allclose(scores_and_sets(model, case)[0][OURS], row, atol=1e-6)


def test_what_a_case_does_not_have_says_nothing(model_of_two: Model) -> None:
    cached = make_dataset(1, seed=5).cases[0]
    case = prepare_cached(cached, model_of_two.specs)[0]
    del case["notes"]
    scores, sets = scores_and_sets(model_of_two, case)
    assert np.isnan(scores[alone("notes")]).all()
    np.testing.assert_array_equal(scores[hidden("notes")], scores[OURS])
    assert np.isnan(sets["notes"]).all()
    np.testing.assert_array_equal(sets[AS_THEY_ARE], sets["history+measurements"])


def test_single_modalities_were_validated_when_the_model_was_made(model_of_two: Model) -> None:
    found = validated(model_of_two)
    assert set(found) == {alone(name) for name in model_of_two.specs}
    assert found[alone("measurements")] > found[alone("notes")]
