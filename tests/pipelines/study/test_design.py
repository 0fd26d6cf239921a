"""A study file: what training reads, and who is in the study and how it is judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinical.config import load_study, training_digest
from clinical.errors import ConfigError
from clinical.evaluation import EvaluationConfig
from pipelines.study.design import load_design

STUDIES = Path(__file__).parents[3] / "sample_data" / "studies"
PLAIN = 'name = "x"\n[cohort]\npath = "data"\n[evaluation]\nfolds = 3\n'


def write(folder: Path, more: str = "", text: str = PLAIN) -> Path:
    file = folder / "study.toml"
    file.write_text(text + more, encoding="utf-8")
    return file


NOT_PLAIN = {"first-light", "two-sites", "changed-missingness"}
"""Studies that test nobody, or that say more than `triptych train` reads."""


@pytest.mark.parametrize(
    "file",
    [f for f in sorted(STUDIES.glob("*.toml")) if f.stem not in NOT_PLAIN],
    ids=lambda file: file.stem,
)
def test_existing_studies_are_studies_as_they_are(file: Path) -> None:
    found = load_design(file)
    assert training_digest(found.study) == training_digest(load_study(file))
    assert found.study == load_study(file)
    assert found.rules == ()


@pytest.mark.parametrize("name", sorted(NOT_PLAIN - {"first-light"}))
def test_studies_that_say_more_can_be_read_too(name: str) -> None:
    found = load_design(STUDIES / f"{name}.toml")
    assert found.study.name == name
    assert found.rules or found.external


def test_rules_and_how_it_is_judged_do_not_change_what_keys_a_training(tmp_path: Path) -> None:
    plain = load_study(write(tmp_path))
    more = '[[include]]\nname = "adults"\nage = [18, 120]\n'
    judged = "sensitivity = 0.8\nage_edges = [50]\n"
    found = load_design(write(tmp_path, judged + more))
    assert training_digest(found.study) == training_digest(plain)
    assert [rule.name for rule in found.rules] == ["adults"]
    wanted = EvaluationConfig(folds=3, sensitivity=0.8, age_edges=(50,))
    assert found.evaluation == wanted


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("[judgement]\nguards = true\n", "'judgement' is now called 'evaluation'"),
        ("learnt_share = 0.5\n", "'learnt_share' is now called 'train_fraction'"),
        ("sensitivty = 0.8\n", "'sensitivity'"),
        ("sensitivity = 0\n", "above 0"),
        ("age_edges = [65, 40]\n", "not in ascending order"),
        ('age_edges = ["40"]\n', "type str"),
        ("curve_from = 0.6\n", "lower one first"),
        ("learning_curve = [1.5]\n", "between 0 and 1"),
        ('[[include]]\nname = "a"\nhas_image = "image"\n', "unknown key"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_design(write(tmp_path, more))


def test_a_study_that_tests_nobody_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="tests no case"):
        load_design(write(tmp_path, text='name = "x"\n[cohort]\npath = "data"\n'))


def test_thresholds_of_the_decision_curve_are_round() -> None:
    assert EvaluationConfig(curve_from=0.05, curve_to=0.08).thresholds == (0.05, 0.06, 0.07, 0.08)
    assert len(EvaluationConfig().thresholds) == 50
