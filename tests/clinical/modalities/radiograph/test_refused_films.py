"""Films that a model may not speak of, by its settings: prepared as ever, with a doubt in words."""

from __future__ import annotations

import numpy as np
import pytest

from clinical.case.shapes import Array, Arrays
from clinical.errors import ConfigError
from clinical.modalities.radiograph import encoder, traits
from clinical.modalities.radiograph.encoder import Settings


def film(view: str) -> Array:
    rng = np.random.default_rng(3)
    return Array(rng.random((70, 60), dtype=np.float32), source={"ViewPosition": view})


@pytest.mark.parametrize(
    ("view", "doubt"),
    [
        ("AP", ""),
        ("AP Supine", ""),
        ("PA", "the view is PA, and the model speaks of AP films only"),
        ("LATERAL", "the view is LATERAL, and the model speaks of AP films only"),
        ("", "nobody says whether this is one of the AP films that the model speaks of"),
    ],
)
def test_a_model_of_one_view_doubts_the_others(view: str, doubt: str) -> None:
    prepared = encoder.prepare(Arrays((film(view),)), Settings(image_size=64, projections=("AP",)))
    assert prepared.doubts == ((doubt,) if doubt else ())
    assert len(prepared.features["patch"]) == 4


def test_a_film_that_stands_wrong_is_doubted_where_the_model_asks_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(traits, "limits", lambda: dict.fromkeys(traits.DOUBTS, -1.0))
    asked = encoder.prepare(Arrays((film("AP"),)), Settings(image_size=64, posture=True))
    assert asked.doubts == (traits.DOUBTS[traits.NO_CHEST],)
    assert encoder.prepare(Arrays((film("AP"),)), Settings(image_size=64)).doubts == ()


def test_a_view_that_nobody_knows_is_no_setting() -> None:
    with pytest.raises(ConfigError, match="projections"):
        Settings(projections=("LATERAL",))


def test_the_weights_that_judge_the_posture_are_in_the_digest() -> None:
    assert traits.WEIGHTS in encoder.weights_files(Settings(posture=True))
    assert traits.WEIGHTS not in encoder.weights_files(Settings())
