"""`triptych models` and a cohort of adults and children, from the folder to the replay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from clinic_of_two import write_cohort
from models_of_two_ages import ADULTS, CHILDREN, named, write

from clinical.audit import ledger
from clinical.model.model import Model
from clinical.workspace.database import opened
from pipelines.cli import main

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def ward(model_of_two: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which two models were asked about adults and children; the shipped is not."""
    root = tmp_path_factory.mktemp("ward")
    cohort = write_cohort(root / "cohort", cases=4)
    table = (cohort / "cases.csv").read_text().splitlines()
    heads, ages = table[0].split(","), ("70", "9", "33", "1")
    rows = [[*line.split(",")[:-1], age] for line, age in zip(table[1:], ages, strict=True)]
    (cohort / "cases.csv").write_text("\n".join(map(",".join, [heads, *rows])) + "\n")
    place = f"--workspace={root / 'workspace'}"
    for name, ages_of in (("adults", ADULTS), ("children", CHILDREN)):
        folder = write(root / name, named(model_of_two, name, ages_of))
        assert main(["models", "add", str(folder), place], {}) == 0
    assert main(["models", "remove", "first-light", "--retire", place], {}) == 0
    assert main(["assess", str(cohort), f"--out={root / 'out'}", place], {}) == 0
    return root


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def model_of(row: dict[str, object]) -> str:
    named_model = row["model"]
    assert isinstance(named_model, dict)
    return str(named_model["name"])


def test_each_case_goes_to_the_model_that_knows_its_patient(ward: Path) -> None:
    leading = lines(ward / "out" / "assessments.jsonl")
    assert [model_of(row) for row in leading] == ["adults", "children", "adults", "children"]
    others = lines(ward / "out" / "others.jsonl")
    assert [model_of(row) for row in others] == ["children", "adults", "children", "adults"]
    manifest = json.loads((ward / "out" / "manifest.json").read_text())
    assert [one["name"] for one in manifest["models"]] == ["children", "adults"]
    assert manifest["counts"]["led_by"] == {"": 1, "adults": 2, "children": 1}
    assert set(manifest["files"]) >= {"assessments.jsonl", "others.jsonl"}


def test_a_run_that_is_finished_is_not_repeated(
    ward: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = ["assess", str(ward / "cohort"), f"--out={ward / 'out'}"]
    assert main([*again, f"--workspace={ward / 'workspace'}"], {}) == 0
    assert "holds the finished run" in " ".join(capsys.readouterr().err.split())
    with opened(ward / "workspace") as engine, engine.connect() as connection:
        assert len(list(ledger.events(connection, kind="ASSESSED"))) == 8


def test_replay_finds_every_model(ward: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "replay", "--all", f"--workspace={ward / 'workspace'}"], {}) == 0
    assert "8 replayed: 8 identical" in capsys.readouterr().out


def test_the_list_says_who_is_asked_and_what_each_has_made(
    ward: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "list", f"--workspace={ward / 'workspace'}"], {}) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if "│" in line]
    told = [[cell.strip() for cell in row.strip("│").split("│")] for row in rows]
    assert [(row[0], row[1], row[-1]) for row in told if row[1]] == [
        ("1", "children", "4"),
        ("2", "adults", "4"),
        ("retired", "first-light", "0"),
    ]


def test_what_replay_needs_is_not_removed(ward: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = f"--workspace={ward / 'workspace'}"
    assert main(["models", "remove", "children", place], {}) == 1
    assert "made 4 assessments of this workspace" in capsys.readouterr().err
    assert main(["models", "remove", "children", "--retire", "--force", place], {}) == 1
    assert "retired or removed, not both" in capsys.readouterr().err


def test_several_models_are_not_judged_as_one(
    ward: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(ward / "out"), f"--cohort={ward / 'cohort'}"], {}) == 1
    assert "several models made" in capsys.readouterr().err
