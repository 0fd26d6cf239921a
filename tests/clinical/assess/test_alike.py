"""Cases that are alike by what a model makes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from clinical.assess import alike
from clinical.assess.alike import BESIDE, Measured
from clinical.errors import ModelError
from clinical.model import card

QUERY = {"heart_failure": 0.8, "pneumonia": 0.1}
FIGURES = Measured(40, "clinic", 5, 3.2, 2.9, 3.5, 0.7, 1.1)


def ids(others: dict[str, dict[str, float]], query: dict[str, float] = QUERY) -> str:
    return "".join(found.case_id for found in alike.nearest(query, others))


def test_the_nearest_differs_least_in_log_odds() -> None:
    others = {
        "a": {"heart_failure": 0.2, "pneumonia": 0.1},
        "b": {"heart_failure": 0.8, "pneumonia": 0.1},
        "c": {"heart_failure": 0.7, "pneumonia": 0.1},
    }
    assert ids(others) == "bca"
    assert alike.nearest(QUERY, others)[0].distance == 0


def test_what_is_withheld_of_a_case_is_not_compared_and_too_little_is_not_enough() -> None:
    others = {"half": {"heart_failure": 0.8}, "none": {"gout": 0.8}}
    assert ids(others) == "half"
    three = QUERY | {"pneumothorax": 0.02}
    assert ids({"one": {"heart_failure": 0.8}}, three) == ""
    assert ids(others, {}) == ""
    assert ids({}) == ""


def test_how_small_a_probability_is_makes_no_difference() -> None:
    others = {"a": {"heart_failure": 0.8, "pneumonia": 0.0}, "b": {"heart_failure": 0.79}}
    assert alike.nearest({"heart_failure": 0.8, "pneumonia": 1e-9}, others)[0].case_id == "a"


def test_equally_near_ones_are_in_order_of_their_names() -> None:
    assert ids({"b": dict(QUERY), "a": dict(QUERY)}) == "ab"


def figures(folder: Path, **changes: Any) -> Path:
    written = {"model_digest": "d", "measured": FIGURES.__dict__} | changes
    (folder / BESIDE).write_text(json.dumps(written))
    return folder


def test_what_was_measured_is_read_for_the_checkpoint_it_is_of(tmp_path: Path) -> None:
    assert alike.measured(tmp_path, "d") is None
    assert alike.measured(figures(tmp_path), "d") == FIGURES
    with pytest.raises(ModelError, match="another checkpoint"):
        alike.measured(tmp_path, "e")
    with pytest.raises(ModelError, match="holds no figures"):
        alike.measured(figures(tmp_path, measured={"share": 1}), "d")


@pytest.mark.parametrize("shipped", card.installed(), ids=lambda found: found.name)
def test_the_models_that_ship_have_their_figures(shipped: card.Card) -> None:
    found = alike.measured(shipped.folder, shipped.digest)
    assert found is not None
    assert found.chance < found.low < found.share < found.high <= found.first
    assert found.space is not None
    assert found.space < found.low, "the reason why the page does not search in the shared space"
