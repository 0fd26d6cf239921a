"""A checkpoint comes back as it was, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from clinic_of_two import make_case

from clinical import canonical, config
from clinical.assess.assess import Assessor
from clinical.case.assessment import as_json
from clinical.errors import ModelError
from clinical.model import model as models
from clinical.model.card import SHIPPED_MODEL
from clinical.model.model import Model


@pytest.fixture
def checkpoint(model_of_two: Model, tmp_path: Path) -> Path:
    models.save(model_of_two, tmp_path / "model")
    return tmp_path / "model"


def test_a_loaded_model_says_the_same_to_the_last_bit(
    model_of_two: Model, checkpoint: Path
) -> None:
    case = make_case(1, True, False, np.random.default_rng(0))
    again = models.load(checkpoint)
    assert again.identity == model_of_two.identity
    assert as_json(Assessor(again).assess(case)) == as_json(Assessor(model_of_two).assess(case))


def test_the_checkpoint_holds_no_pickle(checkpoint: Path) -> None:
    assert sorted(file.name for file in checkpoint.iterdir()) == [
        "model.json",
        "weights.safetensors",
    ]
    assert json.loads((checkpoint / "model.json").read_text())["study"]["cohort"]["path"] == (
        "made-up"
    )


def test_altered_weights_are_refused(checkpoint: Path) -> None:
    file = checkpoint / "weights.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(ModelError, match="SHA-256 differs"):
        models.load(checkpoint)


def change(checkpoint: Path, **values: object) -> None:
    file = checkpoint / "model.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def test_another_backbone_is_refused(checkpoint: Path) -> None:
    change(checkpoint, backbones_sha256={"notes": "0" * 64})
    with pytest.raises(ModelError, match="other frozen weights"):
        models.load(checkpoint)


def test_another_format_is_refused(checkpoint: Path) -> None:
    change(checkpoint, format=99)
    with pytest.raises(ModelError, match="format 99"):
        models.load(checkpoint)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.json is missing"):
        models.load(tmp_path)


def test_broken_json_is_named(checkpoint: Path) -> None:
    (checkpoint / "model.json").write_text("{")
    with pytest.raises(ModelError, match="is not JSON"):
        models.load(checkpoint)


def test_an_edited_description_is_refused(model_of_two: Model, checkpoint: Path) -> None:
    change(checkpoint, thresholds={**model_of_two.thresholds, "failure": 0.001})
    with pytest.raises(ModelError, match="changed after training"):
        models.load(checkpoint)


def test_a_checkpoint_with_earlier_names_is_read_and_keeps_its_name(checkpoint: Path) -> None:
    file = checkpoint / "model.json"
    data = json.loads(file.read_text())
    stated = data["study"]["evaluation"]
    data["study"]["evaluation"] = {"learnt_share": 0.6, "margin": stated["margin"]}
    del data["study"]["training"]["teachers"]
    data["digest"] = canonical.digest({key: data[key] for key in data.keys() - {"digest"}})
    file.write_text(json.dumps(data))
    model = models.load(checkpoint)
    assert model.study.evaluation.train_fraction == 0.6
    assert not model.study.training.teachers
    assert model.identity.digest == data["digest"]
    assert model.identity.configuration_digest == config.json_digest(data["study"])


def test_the_shipped_checkpoint_is_who_it_was() -> None:
    stated = json.loads((SHIPPED_MODEL / "model.json").read_text())
    identity = models.load(SHIPPED_MODEL).identity
    assert identity.digest == stated["digest"]
    assert identity.configuration_digest == config.json_digest(stated["study"])


def test_a_description_of_other_weights_is_refused(checkpoint: Path) -> None:
    change(checkpoint, diagnoses=["only one"])
    with pytest.raises(ModelError, match="does not describe these weights"):
        models.load(checkpoint)
