"""How surprising one input is, given the others."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from clinical.errors import ModelError
from clinical.model import conflict
from clinical.model.conflict import Rule, Rules, Side

NAMES = ("image", "notes")
RULES = Rules({"image": Rule((1.0, 0.0, 0.0, 0.0), (0.1, 0.2, 0.3))}, "a clinic")
DIGEST = "ab" * 32


def side(*probabilities: float, **vectors: list[float]) -> Side:
    return Side(np.array(probabilities), {k: np.array(v) for k, v in vectors.items()})


def test_two_inputs_that_say_the_same_are_more_probable_together_than_by_chance() -> None:
    prevalence = np.array([0.2])
    information, turned, *_ = conflict.features(side(0.8), side(0.8), prevalence, NAMES)
    assert information == pytest.approx(-math.log(0.8 * 0.8 / 0.2 + 0.2 * 0.2 / 0.8))
    assert turned == pytest.approx(-1.0)


def test_an_input_that_says_nothing_neither_agrees_nor_disagrees() -> None:
    prevalence = np.array([0.2, 0.5])
    found = conflict.features(side(0.2, 0.5), side(0.9, 0.1), prevalence, NAMES)
    assert found == pytest.approx(np.zeros(4), abs=1e-9)


def test_vectors_are_compared_with_those_of_the_other_inputs_and_absent_ones_count_nothing() -> (
    None
):
    alone, others = side(0.5, image=[1.0, 0.0]), side(0.5, notes=[0.6, 0.8])
    prevalence = np.array([0.5])
    assert conflict.features(alone, others, prevalence, NAMES)[2:] == pytest.approx([0.0, -0.6])
    assert conflict.features(side(0.5), others, prevalence, NAMES)[2:].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("score", "p"), [(0.0, 4 / 4), (0.1, 4 / 4), (0.25, 2 / 4), (0.3, 2 / 4), (9.0, 1 / 4)]
)
def test_a_p_value_counts_honest_cases_that_disagree_as_much_and_the_case_itself(
    score: float, p: float
) -> None:
    assert RULES.rules["image"].p_value(np.array([score, 5.0, 5.0, 5.0])) == pytest.approx(p)


def test_they_disagree_most_where_both_are_sure_of_the_opposite() -> None:
    prevalence = np.array([0.3, 0.3, 0.3])
    alone, others = np.array([0.9, 0.3, 0.6]), np.array([0.9, 0.01, 0.02])
    assert conflict.pulled(alone, others, prevalence) == 2


def test_rules_survive_json() -> None:
    written = json.loads(json.dumps(conflict.described(RULES)))
    assert conflict.read(written) == RULES
    assert conflict.stated({"conflict": written}) == RULES


def beside(folder: Path, text: str) -> Path:
    (folder / conflict.BESIDE).write_text(text)
    return folder


def test_a_checkpoint_from_before_has_them_in_a_file_that_names_it(tmp_path: Path) -> None:
    assert conflict.stated({"digest": DIGEST}, tmp_path) is None
    record = {"model_digest": DIGEST, **conflict.described(RULES)}
    folder = beside(tmp_path, json.dumps(record))
    assert conflict.stated({"digest": DIGEST}, folder) == RULES
    with pytest.raises(ModelError, match="another checkpoint"):
        conflict.stated({"digest": "cd" * 32}, folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"model_digest": "x", "rules": 3}'])
def test_a_broken_file_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="states no rules"):
        conflict.stated({"digest": DIGEST}, beside(tmp_path, text))
