from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_films import films_of

from clinical.config import TrainingConfig
from clinical.errors import CohortError
from clinical.model.model import load
from pipelines.laboratory.real_films import judge, reader_model
from pipelines.laboratory.real_films.judge import Films
from pipelines.laboratory.real_films.reader_model import CROP, left_out_odds, teach

BOTH = [
    ("nih", "AP", 1.0, 40),
    ("nih", "AP", 0.0, 40),
    ("kermany", "AP", 1.0, 40),
    ("kermany", "AP", 0.0, 40),
]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few epochs: enough for what is made to be easy."""
    study_of = judge.study_of
    few = TrainingConfig(alone_epochs=6, epochs=2, patience=2, augmentations=0, batch_size=16)
    monkeypatch.setattr(judge, "study_of", lambda crop: replace(study_of(crop), training=few))


def made(**how: Any) -> Films:
    return films_of(BOTH, crop=CROP, side=3, channels=560, **how)


@pytest.mark.long
@pytest.mark.usefixtures("quick")
def test_the_model_is_judged_by_the_source_where_it_is_worst(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    films = made(upside_down="kermany")
    monkeypatch.setattr(reader_model, "read_films", lambda *_: films)
    support = teach(tmp_path, tmp_path / "out").support["image"]["opacity"]
    assert support.auroc is not None
    assert support.auroc < 0.5
    model = load(tmp_path / "out" / "model")
    assert model.specs["image"].settings.crop == CROP
    assert model.facts["calibrated_on"] == {"nih": 80, "kermany": 80}
    card = (tmp_path / "out" / "model" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "| kermany | 80 |" in card
    assert "CC BY 4.0" in card


@pytest.mark.usefixtures("quick")
def test_one_source_alone_leaves_nothing_out() -> None:
    one = films_of(BOTH[:2], crop=CROP, side=3, channels=560)
    with pytest.raises(CohortError, match="Fewer than two sources"):
        left_out_odds(one, one)
