"""What a checkpoint keeps to compare with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from clinical.errors import ModelError
from clinical.model import card
from clinical.model.card import DESCRIPTION
from pipelines.agreement.reference import AGE, measurement_words, references


def test_the_shipped_model_is_known_without_being_asked_for() -> None:
    digest = card.installed()[0].digest
    kept = references()[digest]
    assert kept.validation_cases == 900
    # History is readable in 850 of the 900 validation cases.
    assert kept.missing["history"] == pytest.approx(1 - 850 / 900)
    assert kept.placed == ("image", "notes")
    assert kept.measured_in == "measurements"
    assert kept.edges["1988-5"][0] == 0.3
    assert kept.edges[AGE][4] == 62


def test_a_description_that_was_changed_is_no_reference(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    shipped = card.installed()[0].folder / DESCRIPTION
    shutil.copy(shipped, folder)
    assert references([folder]).keys() == references().keys()
    described = json.loads(shipped.read_text(encoding="utf-8"))
    described["facts"]["validation_cases"] = 9000
    (folder / DESCRIPTION).write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(ModelError, match="a different model from the one its digest names"):
        references([folder])


def test_a_measurement_in_words() -> None:
    assert measurement_words("2823-3") == "Potassium"
    assert measurement_words(AGE) == "age"
    assert measurement_words("local:unheard-of") == "local:unheard-of"
