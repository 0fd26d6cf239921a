"""One TOML in; an unknown key names itself and the nearest known one."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinical import config
from clinical.errors import ConfigError

STUDIES = Path(__file__).parents[2] / "sample_data" / "studies"

GOOD = """
name = "demo"
seed = 5
diagnoses = ["a", "b"]

[cohort]
path = "data"

[training]
epochs = 3
learning_rate = 1
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "study.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_study_is_read_with_defaults(tmp_path: Path) -> None:
    study = config.load_study(write(tmp_path, GOOD))
    assert study.diagnoses == ("a", "b")
    assert study.training.epochs == 3
    assert study.training.learning_rate == 1.0
    assert study.cohort.path == str(tmp_path / "data")
    assert study.model == config.ModelConfig()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("epochs = 3", "epoch = 3"), "unknown key 'epoch'.*did you mean 'epochs'"),
        (("[training]", "[trainig]"), "unknown key 'trainig'.*did you mean 'training'"),
        (("epochs = 3", "epochs = 'three'"), "epochs has a value of type str.*expected int"),
        (("seed = 5", "seed = true"), "seed has a value of type bool"),
        (('name = "demo"', ""), "key 'name' is missing"),
        (("epochs = 3", "modality_dropout = 1.5"), "modality_dropout is 1.5.*0 to 1"),
        (("epochs = 3", "validation = 0"), "calibration needs cases"),
        (('[cohort]\npath = "data"', "cohort = 3"), "cohort must be a table"),
        (("[training]", "[training"), "is not TOML"),
        (("[training]", "[evaluation]\nsplit = 'sites'\n[training]"), "did you mean 'site'"),
        (("[training]", "[evaluation]\nmargin = 0\n[training]"), "margin is 0.0"),
        (("[training]", "[evaluation]\nfolds = 1\n[training]"), "folds is 1.*2 or more"),
        (("[training]", "[evaluation]\nlearnt_share = 0.6\n[training]"), "write train_fraction"),
        (("[training]", "[judgement]\nguards = false\n[training]"), r"under \[evaluation\]"),
        (("epochs = 3", "soft_targets = true"), "soft_targets needs an oracle"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config.load_study(write(tmp_path, GOOD.replace(*change)))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        config.load_study(tmp_path / "none.toml")


def test_json_round_trip_and_digest(tmp_path: Path) -> None:
    study = config.load_study(write(tmp_path, GOOD))
    again = config.from_json(config.to_json(study))
    assert again == study
    other = config.load_study(write(tmp_path, GOOD.replace("epochs = 3", "epochs = 4")))
    assert config.config_digest(other) != config.config_digest(study)


def test_a_study_judges_when_it_has_folds_or_leaves_sites_out() -> None:
    assert not config.EvaluationConfig().judges
    assert config.EvaluationConfig(folds=5).judges
    assert config.EvaluationConfig(split="site").judges


FOR_STUDIES_ONLY = {"include", "exclude", "external", "checkpoint"}
"""Parts that `triptych study run` reads and training does not (pipelines.study.design)."""


@pytest.mark.parametrize("file", sorted(STUDIES.glob("*.toml")), ids=lambda file: file.stem)
def test_every_study_that_ships_can_be_read(file: Path) -> None:
    data = config.read_toml(file)
    study = config.study_of({k: v for k, v in data.items() if k not in FOR_STUDIES_ONLY}, file)
    assert study.name == file.stem or file.stem in {"hannover"}


def test_settings_of_an_encoder_are_its_own(tmp_path: Path) -> None:
    text = GOOD + "[model.radiograph]\nimage_size = 256\n[model.notes]\nlongest = 8\n"
    model = config.load_study(write(tmp_path, text)).model
    assert dict(model.encoders["radiograph"]) == {"image_size": 256}
    assert dict(model.encoders["notes"]) == {"longest": 8}
    with pytest.raises(ConfigError) as refused:
        config.load_study(write(tmp_path, GOOD + "[model]\nimage_size = 256\n"))
    assert "[model.radiograph]" in refused.value.remedy


def test_a_checkpoint_from_before_is_read_with_its_image_size() -> None:
    data = config.to_json(config.StudyConfig("old", config.CohortConfig("somewhere")))
    del data["model"]["encoders"]
    data["model"]["image_size"] = 320
    assert config.from_json(data).model.encoders == {"radiograph": {"image_size": 320}}
