"""One case at a time, a model says what it says of many."""

from __future__ import annotations

import numpy as np
from clinic_of_two import make_dataset

from clinical.model.model import Model
from pipelines.folds.methods import AS_THEY_ARE, OURS, alone, hidden
from pipelines.folds.model_scores import of_one, scores_and_sets, validated
from pipelines.training.train import prepare_cached


def test_a_case_by_itself_is_told_what_it_is_told_among_others(model_of_two: Model) -> None:
    cached = make_dataset(20, seed=5).cases
    prepared = [prepare_cached(case, model_of_two.specs)[0] for case in cached]
    for part, found in enumerate(scores_and_sets(model_of_two, prepared)):
        for number, case in enumerate(prepared):
            own = of_one(model_of_two, case)[part]
            assert own.keys() == found.keys()
            # All notes are alike, and the cut lies a hair below what all of them are given.
            for name in found.keys() - {"notes"}:
                np.testing.assert_allclose(own[name][0], found[name][number], atol=1e-6)


def test_what_a_case_does_not_have_says_nothing(model_of_two: Model) -> None:
    cached = make_dataset(1, seed=5).cases[0]
    case = prepare_cached(cached, model_of_two.specs)[0]
    del case["notes"]
    scores, sets = of_one(model_of_two, case)
    assert np.isnan(scores[alone("notes")]).all()
    np.testing.assert_allclose(scores[hidden("notes")], scores[OURS])
    assert np.isnan(sets["notes"]).all()
    np.testing.assert_array_equal(sets[AS_THEY_ARE], sets["history+measurements"])


def test_single_modalities_were_validated_when_the_model_was_made(model_of_two: Model) -> None:
    found = validated(model_of_two)
    assert set(found) == {alone(name) for name in model_of_two.specs}
    assert found[alone("measurements")] > found[alone("notes")]
