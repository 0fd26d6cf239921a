"""What a study keeps of a case: what its assessment says, and the model among other cases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from clinic_of_two import make_dataset

from clinical.assess.assess import Assessor
from clinical.case.withheld import unlike_training
from clinical.model.model import Model, prepare_case
from pipelines.folds.methods import AS_THEY_ARE, OURS, alone, hidden
from pipelines.folds.model_scores import scores_and_sets, validated
from pipelines.study.case_scores import told
from pipelines.training.train import prepare_cached


@pytest.fixture(scope="module")
def assessor(model_of_two: Model) -> Assessor:
    return Assessor(model_of_two)


def test_a_case_by_itself_is_told_what_it_is_told_among_others(assessor: Assessor) -> None:
    cached = make_dataset(20, seed=5).cases
    prepared = [prepare_cached(case, assessor.model.specs)[0] for case in cached]
    for part, found in zip(
        ("scores", "in_set"), scores_and_sets(assessor.model, prepared), strict=True
    ):
        for number, case in enumerate(prepared):
            own = told(assessor, assessor.score(case))[part]
            assert own.keys() == found.keys()
            # All notes are alike, and the cut lies a hair below what all of them are given.
            for name in found.keys() - {"notes"}:
                mine = np.array(own[name], dtype=float)
                np.testing.assert_allclose(mine, found[name][number], atol=1e-6)


@pytest.mark.parametrize("left", [("history",), ("history", "measurements"), ("notes",), ()])
def test_what_a_case_does_not_have_says_nothing(assessor: Assessor, left: tuple[str, ...]) -> None:
    case = make_dataset(1, seed=5).cases[0].case
    some = replace(case, inputs={name: case.inputs[name] for name in left})
    own = told(assessor, assessor.score(prepare_case(some, assessor.model.specs)))
    scores, sets = own["scores"], own["in_set"]
    gone = set(assessor.model.specs) - set(left)
    for name in gone:
        assert scores[alone(name)] == [None, None]
        assert scores[hidden(name)] == scores[OURS]
        assert sets[name] == [None, None]
    if left:
        assert sets[AS_THEY_ARE] == sets["+".join(sorted(left))]
    else:
        assert sets[AS_THEY_ARE] == [None, None]


def test_a_case_that_is_marked_has_no_set_and_is_withheld(assessor: Assessor) -> None:
    case = make_dataset(1, seed=5).cases[0].case
    found = assessor.score(prepare_case(case, assessor.model.specs))
    outside = replace(found.outside, flagged=True, reasons=("it is a hand",))
    used, because = found.used, unlike_training(("it is a hand",))
    marked = replace(
        found,
        outside=outside,
        too_far=because,
        suggestions=assessor._suggestions(found.seen.logits.tolist(), used, because),
        prediction_set=assessor._prediction_set(used, because),
    )
    own = told(assessor, marked)
    assert own["outside"] == ["it is a hand"]
    assert all("hand" in because for because in own["withheld"])
    assert set(map(tuple, own["in_set"].values())) == {(None, None)}
    assert own["scores"].keys() == told(assessor, found)["scores"].keys()


def test_single_modalities_were_validated_when_the_model_was_made(model_of_two: Model) -> None:
    found = validated(model_of_two)
    assert set(found) == {alone(name) for name in model_of_two.specs}
    assert found[alone("measurements")] > found[alone("notes")]
