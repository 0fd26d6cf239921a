"""One line in a study file, and the backbone is fine-tuned, carried and told of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from clinic_of_two import STUDY, make_dataset, write_cohort
from PIL import Image
from tiny_backbone import film, with_films, write_tiny

from clinical.assess.assess import Assessor
from clinical.cohorts import folder
from clinical.config import load_study
from clinical.errors import ConfigError
from clinical.modalities.radiograph import backbone_file, encoder
from clinical.modalities.radiograph.backbones import OWN, feature_grid, network_of
from clinical.model import carried
from clinical.model import model as models
from pipelines.commands.train import train_study
from pipelines.fine_tuning.fine_tuned import for_readers, layers_asked, teaching
from pipelines.folds.splits import hold_out
from pipelines.training import train as training
from pipelines.training.dataset import Dataset, read_dataset

STUDY_FILE = """
name = "films"
seed = 3
[cohort]
path = "cohort"
[model]
width = 16
heads = 2
components = 8
[model.radiograph]
backbone = "tiny"
weights = "tiny.safetensors"
fine_tune = "all"
[training]
alone_epochs = 1
epochs = 1
space_epochs = 1
augmentations = 0
teachers = false
[training.fine_tuning]
epochs = 2
batch_size = 8
"""


def write_study(root: Path, cases: int = 80) -> Path:
    cohort = write_cohort(root / "cohort", cases)
    rows = ["case_id,path,photometric,view"]
    for number, (cached, labels) in enumerate(
        zip(make_dataset(cases, seed=9).cases, make_dataset(cases, seed=9).labels, strict=True)
    ):
        (image,) = film(number, bright=bool(labels[0])).items
        grey = (image.values.clip(0, 1.2) / 1.2 * 255).astype(np.uint8)
        name = f"{cached.case.case_id}.png"
        Image.fromarray(grey).save(cohort / name)
        rows.append(f"{cached.case.case_id},{name},MONOCHROME2,PA")
    (cohort / "images.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    write_tiny(root / "tiny.safetensors")
    (root / "study.toml").write_text(STUDY_FILE, encoding="utf-8")
    return root / "study.toml"


@dataclass(frozen=True)
class Made:
    study: Path
    out: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    root = tmp_path_factory.mktemp("fine-tuned")
    study = write_study(root)
    train_study(study, root / "out")
    return Made(study, root / "out")


def test_the_model_has_the_fine_tuned_backbone_and_says_how_it_came_to_be(made: Made) -> None:
    file = made.out / "fine-tuned.safetensors"
    described = json.loads((made.out / "model" / "model.json").read_text())
    settings = described["encoders"]["image"]["settings"]
    digest = carried.digest_of((file,))
    assert settings["weights_sha256"] == described["backbones_sha256"]["radiograph"] == digest
    assert "fine_tune" not in settings
    assert carried.digest_of((made.out / "model" / carried.file_name(digest),)) == digest
    told = described["facts"]["fine_tuned"]["image"]
    assert told["layers"] == "all"
    assert told["begun_with_sha256"] == carried.digest_of((made.study.parent / "tiny.safetensors",))
    assert told["films"] + told["films_that_chose_the_epoch"] == 2 * told["patients"]
    assert "weights that were fine-tuned (all layers" in (
        made.out / "model" / "MODEL_CARD.md"
    ).read_text(encoding="utf-8")
    assert not (made.out / "unfinished-backbone").exists() or not list(
        (made.out / "unfinished-backbone").iterdir()
    )


def test_it_is_assessed_as_any_other(made: Made) -> None:
    model = models.load(made.out / "model")
    reading = next(iter(folder.read(made.study.parent / "cohort")))
    assessment = Assessor(model).assess(reading)
    assert {one.diagnosis for one in assessment.suggestions} == set(model.diagnoses)
    assert "image" in assessment.used


def test_a_second_run_finds_the_backbone_done_and_gives_the_same_model(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.fine_tuning import fine_tuned

    def never(*_: object) -> None:
        raise AssertionError("the backbone was there")

    before = models.load(made.out / "model").identity
    monkeypatch.setattr(fine_tuned, "teach", never)
    train_study(made.study, made.out)
    assert models.load(made.out / "model").identity == before


def test_readers_see_no_film_of_who_taught_the_backbone(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.commands import train as command

    seen: list[tuple[Dataset, Sequence[int]]] = []

    def spied(dataset: Dataset, learnt: Sequence[int], *rest: object, **more: object) -> object:
        seen.append((dataset, learnt))
        return training.train_model(dataset, learnt, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(command, "train_model", spied)
    train_study(made.study, made.out)
    ((dataset, learnt),) = seen
    patients = {bool(dataset.cases[n].images): set() for n in learnt}
    for n in learnt:
        patients[bool(dataset.cases[n].images)].add(dataset.patients[n])
    assert not patients[True] & patients[False]
    told = models.load(made.out / "model").facts["fine_tuned"]["image"]
    assert len(patients[False]) == told["patients"]
    validation = set(range(len(dataset.cases))) - set(map(int, learnt))
    assert all(dataset.cases[n].images for n in validation)


def test_a_case_of_who_taught_that_has_nothing_but_a_film_is_left_out() -> None:
    dataset = with_films(make_dataset(8), replace(STUDY, model=replace(STUDY.model, width=16)))
    bare = replace(dataset.cases[0], case=replace(dataset.cases[0].case, inputs={}))
    dataset = replace(dataset, cases=(bare, *dataset.cases[1:]))
    left, places = for_readers(
        dataset, np.arange(8), frozenset({dataset.patients[0], dataset.patients[2]})
    )
    assert places.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert [bool(one.images) for one in left.cases] == [False] * 4 + [True] * 4


@pytest.mark.parametrize(("share", "most"), [(0.2, 0.3), (0.5, 0.6), (0.8, 0.9)])
def test_about_a_share_of_the_patients_teach(share: float, most: float) -> None:
    dataset = make_dataset(200)
    learnt, _ = hold_out(dataset.patients, dataset.labels, 0.2, seed=0)
    chosen = teaching(dataset, learnt, share, seed=3)
    assert share - 0.1 < len(chosen) / len(learnt) < most
    others = set(learnt.tolist()) - set(chosen.tolist())
    assert not {dataset.patients[n] for n in chosen} & {dataset.patients[n] for n in others}


def test_a_study_by_folds_says_where_fine_tuning_is_done(tmp_path: Path) -> None:
    study = load_study(write_study(tmp_path, 12))
    assert layers_asked(study) == "all"
    with pytest.raises(ConfigError, match="only `triptych train` teaches a backbone further"):
        read_dataset(folder, Path(study.cohort.path), study, None, 0)


def test_layers_that_there_are_not_are_named(tmp_path: Path) -> None:
    file = write_study(tmp_path, 12)
    file.write_text(STUDY_FILE.replace('"all"', '"most"'), encoding="utf-8")
    with pytest.raises(ConfigError, match="fine_tune is 'most'") as refused:
        train_study(file, tmp_path / "out")
    assert "last" in refused.value.remedy


def test_several_processes_without_anything_to_share_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_study(tmp_path, 12)
    file.write_text(STUDY_FILE.replace('fine_tune = "all"', ""), encoding="utf-8")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "one")
    with pytest.raises(ConfigError, match="torchrun has started several processes"):
        train_study(file, tmp_path / "out")


def test_the_networks_that_ship_are_the_same_as_one_file(tmp_path: Path) -> None:
    """Before anything is taught, what is read from the file is what is read without it."""
    network = network_of(OWN)
    file = tmp_path / "own.safetensors"
    backbone_file.write(file, OWN, network.state_dict(), {"layers": "last"})
    grey = torch.rand(1, 1, 64, 64)
    with torch.inference_mode():
        found = feature_grid(OWN, backbone_file.network(file), OWN.normalised(grey))
        wanted = encoder.features_of(((grey * 255 - 127) / 128).expand(-1, 3, -1, -1))
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    plain = encoder.Settings(image_size=64)
    taught = encoder.Settings(image_size=64, backbone=OWN.name, weights=str(file))
    assert encoder.parts_of(plain) == encoder.parts_of(taught)
    assert encoder.cells_of(plain) == encoder.cells_of(taught)
