"""A model with a backbone of others: the same to the last bit, whole or refused by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clinic_of_two import STUDY, make_dataset
from sqlalchemy import Engine
from tiny_backbone import NAME, with_films, write_tiny

from clinical import config
from clinical.assess import explain, installing
from clinical.assess.assess import Assessor, load_assessor
from clinical.case.assessment import as_json
from clinical.errors import ConfigError, ModelError
from clinical.model import carried
from clinical.model import model as models
from clinical.model.model import Model, prepare_case
from pipelines.folds.splits import hold_out
from pipelines.training.model_card import model_card
from pipelines.training.train import train_model


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture(scope="module")
def model(weights: Path) -> Model:
    study = config.study_of(
        {
            "name": "films",
            "cohort": {"path": "made-up"},
            "model": {
                "width": 16,
                "heads": 2,
                "components": 8,
                "radiograph": {"backbone": NAME, "weights": str(weights)},
            },
        },
        weights.parent / "study.toml",
    )
    short = replace(STUDY.training, alone_epochs=2, epochs=2)
    study = replace(study, training=short, cohort=STUDY.cohort)
    dataset = with_films(make_dataset(60), study)
    training, validation = hold_out(dataset.patients, dataset.labels, 0.3, seed=0)
    return train_model(dataset, training, validation, study).model


@pytest.fixture
def checkpoint(model: Model, tmp_path: Path) -> Path:
    models.save(model, tmp_path / "model")
    (tmp_path / "model" / "MODEL_CARD.md").write_text(model_card(model), encoding="utf-8")
    return tmp_path / "model"


def test_the_manifest_names_backbone_digest_and_normalisation(
    checkpoint: Path, weights: Path
) -> None:
    described = json.loads((checkpoint / "model.json").read_text())
    settings = described["encoders"]["image"]["settings"]
    digest = carried.digest_of((weights,))
    assert settings["backbone"] == NAME
    assert settings["weights_sha256"] == described["backbones_sha256"]["radiograph"] == digest
    assert settings["normalisation"] == "1 channel: grey from 0 to 1, less 0.5, divided by 0.25"
    assert settings["image_size"] == 64
    assert str(weights.parent) not in (checkpoint / "model.json").read_text()
    card = (checkpoint / "MODEL_CARD.md").read_text()
    assert NAME in card
    assert digest in card


def test_a_loaded_model_says_the_same_with_heat_maps_and_a_domain(
    model: Model, checkpoint: Path
) -> None:
    again = models.load(checkpoint)
    assert again.identity == model.identity
    assert models.parts(again) == models.parts(model)
    case = with_films(make_dataset(2), model.study, cached=False).cases[0].case
    assert "image" in again.envelopes
    found = Assessor(again).assess(case)
    assert as_json(found) == as_json(Assessor(model).assess(case))
    # Trained in seconds, it may not stand the test of what is shown; the map is there to be tested.
    prepared = prepare_case(case, again.specs)
    weighed = explain.weigh(again.network, Assessor(again).score(prepared).seen, prepared)
    cells = {source.cell for source in prepared["image"].sources}
    assert cells == {(row, column) for row in range(8) for column in range(8)}
    assert np.isfinite(weighed.relevance).all()
    assert all(one.heat_maps or "image" in one.held_back for one in found.explanations)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (Path.unlink, r"backbone 'tiny', whose weights backbone-\w+\.safetensors are missing"),
        (lambda file: _flip(file), r"backbone-\w+\.safetensors were changed after the training"),
    ],
)
def test_weights_that_are_missing_or_changed_are_refused_by_name(
    checkpoint: Path, spoil: Callable[[Path], None], said: str
) -> None:
    models.load(checkpoint)
    (file,) = checkpoint.glob("backbone-*")
    spoil(file)
    with pytest.raises(ModelError, match=said):
        models.load(checkpoint)


def _flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.unlink()  # it is a link to the file of the study, which stays as it was
    file.write_bytes(bytes(data))


def test_a_workspace_gets_the_weights_with_the_model(checkpoint: Path, workspace: Engine) -> None:
    added = installing.add(workspace, checkpoint, actor="dr.chief")
    shutil.rmtree(checkpoint)
    assert load_assessor(added.folder).model.identity.digest == added.digest


def test_where_the_file_lies_does_not_name_the_training(weights: Path, tmp_path: Path) -> None:
    shutil.copyfile(weights, tmp_path / "moved.safetensors")
    studies = [
        config.study_of(
            {
                "name": "films",
                "cohort": {"path": "x"},
                "model": {"radiograph": {"backbone": NAME, "weights": file.name}},
            },
            file.parent / "study.toml",
        )
        for file in (weights, tmp_path / "moved.safetensors")
    ]
    assert config.config_digest(studies[0]) == config.config_digest(studies[1])
    assert config.training_digest(studies[0]) == config.training_digest(studies[1])


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"weights": "none.safetensors"}, r"none\.safetensors does not exist"),
        ({"weights": "tiny.safetensors", "weights_sha256": "0" * 64}, "is not the file with"),
    ],
)
def test_a_study_with_another_file_is_refused(
    weights: Path, own: dict[str, str], said: str
) -> None:
    data = {"name": "films", "cohort": {"path": "x"}, "model": {"radiograph": own}}
    with pytest.raises(ConfigError, match=said):
        config.study_of(data, weights.parent / "study.toml")
