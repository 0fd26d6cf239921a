"""The command line is a function: arguments in, exit code and words out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from clinic_of_two import write_cohort

from clinical.audit import verifier
from clinical.model import model as models
from clinical.model.model import Model
from pipelines.cli import main

STUDY = """
name = "two"
[cohort]
path = "cohort"
[model]
width = 16
heads = 2
layers = 1
[training]
alone_epochs = 2
epochs = 1
augmentations = 0
validation = 0.34
"""


def test_no_arguments_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    main([], {})
    shown = capsys.readouterr()
    text = shown.out + shown.err
    for command in ("simulate", "compute-oracle", "train", "assess", "serve", "demo", "audit"):
        assert command in text
    assert "Research use only" in text


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["assess", "nowhere", "--out", "out"], 1, "does not exist"),
        (["assess", "nowhere", "--out", "out", "--source", "hanover"], 1, "hannover"),
        (["train", "none.toml", "--out", "out"], 1, "does not exist"),
        (["audit", "verify", "--workspace", "nowhere"], 1, "nowhere"),
        (["serve", "--workspace", "nowhere"], 1, "nowhere"),
        (["demo", "--no-ui", "--out", "a-file/demo"], 1, "Not a directory"),
        (["assess", "--foo"], 2, "--foo"),
        (["simulate", "--cases", "0", "--out", "out"], 2, "--cases"),
    ],
)
def test_a_mistake_is_one_message_without_a_traceback(
    arguments: list[str],
    code: int,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a-file").touch()
    assert main(arguments, {}) == code
    shown = capsys.readouterr()
    assert words in " ".join((shown.out + shown.err).split())
    assert "Traceback" not in shown.err


def test_from_files_to_a_verified_and_exported_record(
    model_of_two: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models.save(model_of_two, tmp_path / "model")
    cohort, out, workspace = (tmp_path / name for name in ("cohort", "out", "workspace"))
    write_cohort(cohort, cases=12)
    arguments = ["--model", str(tmp_path / "model"), "--workspace", str(workspace)]
    assert main(["assess", str(cohort), "--out", str(out), *arguments], {}) == 0
    assert "12 cases = 12 assessed + 0 skipped" in capsys.readouterr().out
    assert main(["evaluate", str(out), "--cohort", str(cohort), "--samples", "50"], {}) == 0
    assert json.loads((out / "evaluation.json").read_text())["cases"] == 12
    assert "AUROC, 12 cases of 6 patients" in capsys.readouterr().out
    assert main(["audit", "verify", "--workspace", str(workspace)], {}) == 0
    assert "intact: 12 events" in capsys.readouterr().out
    record = tmp_path / "record.zip"
    chosen = ["--study", "no such model", "--since", "2020-01-01"]
    place = ["audit", "export", "--workspace", str(workspace), "--out", str(record)]
    assert main([*place, *chosen], {}) == 0
    assert "0 cases" in capsys.readouterr().out
    assert main(place, {}) == 0
    assert "12 cases" in capsys.readouterr().out
    assert verifier.main([str(record)]) == 0


def test_train_writes_a_model_and_its_card(tmp_path: Path) -> None:
    write_cohort(tmp_path / "cohort", cases=40)
    (tmp_path / "study.toml").write_text(STUDY)
    assert main(["train", str(tmp_path / "study.toml"), "--out", str(tmp_path / "out")], {}) == 0
    assert models.load(tmp_path / "out" / "model").diagnoses == ("inflammation", "failure")
    card = (tmp_path / "out" / "model" / "MODEL_CARD.md").read_text()
    assert "not a test result" in card


def test_train_tests_nobody_and_names_what_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "study.toml"
    for split in ("folds = 2", 'split = "site"'):
        file.write_text(STUDY.replace("[model]", f"[evaluation]\n{split}\n[model]"))
        assert main(["train", str(file), "--out", str(tmp_path / "out")], {}) == 1
        assert "triptych study run" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('name = "two"', 'name = "two"\ndiagnoses = ["falure"]'), "did you mean 'failure'?"),
        (("[model]", "[model]\nmodalities = { note = 'notes' }"), "did you mean 'notes'?"),
    ],
)
def test_a_misspelt_name_in_a_study_is_named(
    change: tuple[str, str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_cohort(tmp_path / "cohort", cases=40)
    (tmp_path / "study.toml").write_text(STUDY.replace(*change))
    assert main(["train", str(tmp_path / "study.toml"), "--out", str(tmp_path / "out")], {}) == 1
    assert words in capsys.readouterr().err


def test_brackets_in_a_remedy_are_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study.toml").write_text('name = "x"\ncohort = 3\n')
    assert main(["train", str(tmp_path / "study.toml"), "--out", str(tmp_path / "out")], {}) == 1
    assert "write it as [section]" in capsys.readouterr().err


def test_ctrl_c_says_that_the_command_can_be_resumed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.commands.train.train_study", interrupt)
    assert main(["train", "x.toml", "--out", str(tmp_path)], {}) == 130
    assert "Run it again to resume" in capsys.readouterr().err
