"""The commands `triptych retrieval ...` on a made-up cohort in the folder format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from clinic_of_two import write_cohort

from clinical.cohorts import folder
from clinical.model import model as models
from clinical.model.model import Model
from pipelines.cli import main
from pipelines.retrieval.index import true_diagnoses


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cohort(tmp_path_factory.mktemp("similar") / "cohort")


@pytest.fixture(scope="module")
def checkpoint(model_of_two: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("similar") / "model"
    models.save(model_of_two, path)
    return path


@pytest.fixture(scope="module")
def index(cohort: Path, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("similar") / "index"
    made = ["retrieval", "index", str(cohort), "--out", str(out), "--model", str(checkpoint)]
    assert main(made, {}) == 0
    return out


def test_the_index_is_two_files_and_what_could_not_be_used(index: Path) -> None:
    assert sorted(file.name for file in index.iterdir()) == [
        "index.json",
        "problems.csv",
        "skipped.csv",
        "vectors.safetensors",
    ]
    described = json.loads((index / "index.json").read_text())
    assert len(described["case_ids"]) == 12


def test_nearest_shows_other_patients(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["retrieval", "find", str(index), "--case", "c0000", "-k", "4"]
    assert main([*asked, "--from", "notes", "--to", "measurements"], {}) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    # c0000 and c0001 are one patient.
    assert not [line for line in lines if "c0000" in line or "c0001" in line]


def test_search_takes_words(
    index: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["retrieval", "search", str(index), "Unwell since yesterday.", "-k", "3"]
    assert main([*asked, "--model", str(checkpoint)], {}) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_recall_takes_one_case_of_each_patient(
    cohort: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["retrieval", "evaluate", str(cohort), "--out", str(tmp_path), "--patients", "5"]
    assert main([*asked, "--model", str(checkpoint), "--samples", "20"], {}) == 0
    assert "own, 10" in capsys.readouterr().out
    pairs = json.loads((tmp_path / "recall.json").read_text())["pairs"]
    assert len(pairs) == 6
    assert {pair["patients"] for pair in pairs} == {5}
    assert (tmp_path / "recall.md").read_text().count("| exact |") == 6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["find", "INDEX", "--case", "c9999"], "no case 'c9999'"),
        (["find", "INDEX", "--case", "c0000", "--to", "imago"], "no 'imago'"),
        (["find", "nowhere", "--case", "c0000"], "holds no index"),
        (["index", "COHORT", "--out", "out", "--source", "hanover"], "hannover"),
    ],
)
def test_a_mistake_is_named(
    arguments: list[str],
    words: str,
    index: Path,
    cohort: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    places = {"INDEX": str(index), "COHORT": str(cohort)}
    assert main(["retrieval", *(places.get(a, a) for a in arguments)], {}) == 1
    assert words in capsys.readouterr().err


def test_a_case_with_an_unknown_diagnosis_has_no_known_set(cohort: Path) -> None:
    known = true_diagnoses(folder, cohort, ["c0000", "c0001", "elsewhere"])
    assert known[0] is not None
    assert known[0] <= {"inflammation", "failure"}
    assert known[2] is None
