"""The rule of films that seem to be mirrored, and the file beside a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from clinical.errors import ModelError
from clinical.model import mirrored
from clinical.model.card import SHIPPED_MODEL
from clinical.model.mirrored import MARKED, Rule
from clinical.model.model import load, parts

RULE = Rule(
    "image", "radiograph", (1.0, -0.5), 999, tuple(0.1 * n for n in range(1, 51)), "a clinic"
)


@pytest.mark.parametrize(
    ("score", "p"),
    [(-9.0, 0.051), (0.1, 0.051), (4.55, 0.006), (5.0, 0.002), (5.1, 0.001)],
)
def test_the_p_value_is_the_share_of_films_that_look_mirrored_as_much(
    score: float, p: float
) -> None:
    assert RULE.p_value(score) == pytest.approx(p)


def test_of_films_like_those_asked_at_most_the_stated_share_is_marked() -> None:
    scores = np.random.default_rng(0).normal(size=4000)
    asked, others = np.sort(scores[:2000]), scores[2000:]
    rule = Rule("image", "radiograph", (1.0,), 2000, tuple(asked[-100:].tolist()), "a clinic")
    marked = np.mean([rule.p_value(score) <= MARKED for score in others])
    assert 0 < marked <= MARKED + 0.005


def test_a_score_adds_the_sides_up() -> None:
    assert RULE.score(np.array([2.0, 1.0])) == 1.5
    assert RULE.score(np.array([-2.0, -1.0])) == -1.5


def test_the_file_gives_the_rule_back(tmp_path: Path) -> None:
    (tmp_path / mirrored.BESIDE).write_text(json.dumps(mirrored.record(RULE, "this")))
    assert mirrored.stated(tmp_path, "this") == RULE


def test_without_a_file_there_is_no_rule(tmp_path: Path) -> None:
    assert mirrored.stated(tmp_path, "this") is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_digest": "an-other"}, "of another checkpoint"),
        ({"network_sha256": "0" * 64}, "another network of film traits"),
        ({"weights": None}, "states no rule"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    held = {**mirrored.record(RULE, "this"), **change}
    (tmp_path / mirrored.BESIDE).write_text(json.dumps(held))
    with pytest.raises(ModelError, match=message):
        mirrored.stated(tmp_path, "this")


def test_the_shipped_model_has_a_rule_which_its_records_name() -> None:
    model = load(SHIPPED_MODEL)
    assert model.mirror is not None
    assert model.mirror.films >= 2000
    assert parts(model)["mirrored"] == mirrored.digest(model.mirror)
