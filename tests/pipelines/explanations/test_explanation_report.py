"""`triptych check-explanations` from a cohort to its files, untrained: run, not win."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from clinical.config import CohortConfig, ModelConfig, StudyConfig, TrainingConfig
from clinical.errors import CohortError
from clinical.modalities.radiograph import encoder
from clinical.model import model as models
from clinical.model.calibration import Support
from clinical.model.model import EncoderSpec, Network
from pipelines.cli import main
from pipelines.explanations import pointing, report
from pipelines.explanations.pointing import MACRO, MEAN_MASK, Point
from pipelines.explanations.saliency import OURS
from pipelines.laboratory.simulate.cohort import simulate
from pipelines.training.dataset import read_dataset

DIAGNOSES = ("bacterial_pneumonia", "heart_failure", "pleural_effusion")
SHAPE = ModelConfig(
    modalities={"image": "radiograph"},
    width=16,
    heads=2,
    layers=1,
    components=4,
    encoders={"radiograph": {"image_size": 96}},
)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pointing") / "cohort"
    simulate(12, 5, out, rows=128)
    return out


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    settings = encoder.Settings(width=16, components=4, image_size=96)
    specs = {"image": EncoderSpec("radiograph", settings)}
    network = Network(specs, len(DIAGNOSES), SHAPE)
    torch.nn.init.normal_(network.encoders["image"].reduce.basis)  # type: ignore[union-attr, arg-type]
    untrained = models.build(
        name="untrained",
        diagnoses=DIAGNOSES,
        specs=specs,
        network=network,
        support={"image": dict.fromkeys(DIAGNOSES, Support())},
        thresholds=dict.fromkeys(DIAGNOSES, 0.5),
        prevalence=dict.fromkeys(DIAGNOSES, 0.2),
        envelopes={},
        set_rules={},
        study=StudyConfig("untrained", CohortConfig("none"), model=SHAPE),
        facts={},
    )
    folder = tmp_path_factory.mktemp("checkpoint")
    models.save(untrained, folder)
    return folder


def test_the_command_writes_numbers_tables_and_examples(
    cohort: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out")
    options = ["--model", str(checkpoint), "--prior", str(cohort), "--samples", "50", "--out", out]
    assert main(["check-explanations", str(cohort), *options], {}) == 0
    assert "Pointing game" in capsys.readouterr().out
    found = json.loads((tmp_path / "out" / "pointing.json").read_text())
    scores = {(s["diagnosis"], s["method"]): s for s in found["pointing"]["scores"]}
    assert 0 <= scores[MACRO, OURS]["hit"]["value"] <= 1
    assert scores[MACRO, MEAN_MASK]["energy"]["value"] > 0
    assert {fall["part"] for fall in found["faithfulness"]} == {"image"}
    # It reads films only, and the worth of what a film shows is not compared.
    assert found["truth"] == "No suggestion rests on a piece whose worth is known."
    text = (tmp_path / "out" / "pointing.md").read_text()
    assert "| minus | hit rate | energy |" in text
    assert "nan" not in text.lower().replace("nance", "")
    with Image.open(tmp_path / "out" / "examples.png") as sheet:
        assert sheet.width == 4 * 192
        assert sheet.height > 192


def test_a_diagnosis_without_a_prior_has_no_rate_for_it(checkpoint: Path) -> None:
    made = []
    for number, name in enumerate(DIAGNOSES):
        made.append(Point(f"c{number}", f"p{number}", name, OURS, 1.0, 0.5))
        if number:
            made.append(Point(f"c{number}", f"p{number}", name, MEAN_MASK, 0.0, 0.5))
    game = pointing.summarise(made, samples=20)
    text = report.markdown(models.load(checkpoint), game, [], [], "no simulated cohort")
    assert f"| {MEAN_MASK} | - | 0.000 | 0.000 | 0.000 [0.000, 0.000] |" in text


def test_a_cohort_without_masks_is_refused(cohort: Path, checkpoint: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for file in cohort.iterdir():
        if file.name != "masks.csv":
            (bare / file.name).symlink_to(file)
    with pytest.raises(CohortError, match=r"no masks\.csv"):
        report.judge(bare, checkpoint, tmp_path / "out")


def test_a_study_that_wants_masks_gets_them_or_an_error(cohort: Path, tmp_path: Path) -> None:
    from clinical.cohorts import folder

    study = StudyConfig("x", CohortConfig(str(cohort)), DIAGNOSES, model=SHAPE)
    assert read_dataset(folder, cohort, study, tmp_path, 0).regions is None
    wanting = replace(study, training=TrainingConfig(mask_weight=1.0))
    dataset = read_dataset(folder, cohort, wanting, tmp_path, 0)
    assert dataset.regions is not None
    assert dataset.regions.shape == (len(dataset.cases), len(DIAGNOSES), 9)
    shown = dataset.regions.max(axis=2) > 0
    assert shown.any()
    assert (dataset.labels[shown] == 1).all()
    (tmp_path / "bare").mkdir()
    for file in cohort.iterdir():
        if file.name != "masks.csv":
            (tmp_path / "bare" / file.name).symlink_to(file)
    with pytest.raises(CohortError, match="mask_weight"):
        read_dataset(folder, tmp_path / "bare", wanting, tmp_path, 0)
