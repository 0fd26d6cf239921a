"""One cohort is learnt from, another is tested, and nobody is taken for somebody else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clinic_of_two import make_dataset, write_cohort
from test_retrospective_study import STUDY

from clinical.cohorts.cohort import CohortDescription
from clinical.errors import CohortError, ConfigError, TriptychError
from pipelines.folds.splits import given_fold
from pipelines.study.design import load_design
from pipelines.study.external_cohort import joined
from pipelines.study.read_cohort import Cohort
from pipelines.study.run_study import run_study

TEXT = STUDY.replace("folds = 2\n", "") + '[external]\npath = "other"\nshares_patients = false\n'


def cohort(cases: int, seed: int) -> Cohort:
    dataset = replace(make_dataset(cases, seed), regions=np.ones((cases, 2, 4), dtype=np.float32))
    facts = {"view": {cached.case.case_id: f"view {seed}" for cached in dataset.cases}}
    return Cohort(CohortDescription("made up", "", "", ()), dataset, facts, (), {})


def test_the_same_id_is_another_patient_unless_the_study_says_so() -> None:
    strangers = joined(cohort(20, 1), cohort(10, 2), shares_patients=False)
    fold = given_fold(strangers.dataset.splits, strangers.dataset.patients)[0]
    assert (len(fold.train), len(fold.test), fold.removed) == (20, 10, 0)
    ids = [cached.case.case_id for cached in strangers.dataset.cases]
    assert len(set(ids)) == 30
    assert ids[20] == "external/c0000"
    assert strangers.facts["view"]["c0000"] == "view 1"
    assert strangers.facts["view"]["external/c0000"] == "view 2"
    same = joined(cohort(20, 1), cohort(10, 2), shares_patients=True)
    fold = given_fold(same.dataset.splits, same.dataset.patients)[0]
    # Five patients of the first cohort are tested in the second, so they are not learnt from.
    assert (len(fold.train), len(fold.test), fold.removed) == (10, 10, 10)


def test_regions_of_the_tested_are_never_learnt_from() -> None:
    regions = joined(cohort(4, 1), cohort(3, 2), shares_patients=False).dataset.regions
    assert regions is not None
    assert regions.shape == (7, 2, 4)
    assert regions[:4].all()
    assert not regions[4:].any()


def test_a_study_of_two_cohorts_tests_the_second(tmp_path: Path) -> None:
    write_cohort(tmp_path / "cohort", cases=160)
    write_cohort(tmp_path / "other", cases=80)
    (tmp_path / "study.toml").write_text(TEXT, encoding="utf-8")
    run_study(tmp_path / "study.toml", tmp_path / "out")
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert found["study"]["split"] == "external"
    parts = {part["name"]: part["counts"]["cases"] for part in found["flow"]["parts"]}
    assert parts["tested: external cohort"] == found["study"]["cases"]
    assert found["study"]["learnt"] == [parts["training"]]
    learnt, tested = found["flows"]["learnt from"], found["flows"]["tested"]
    assert (learnt["listed"], tested["listed"]) == (160, 80)
    assert learnt["parts"][0]["counts"]["cases"] == parts["training"]
    assert tested["parts"][0]["counts"]["cases"] == found["study"]["cases"]
    for step, one, two in zip(
        found["flow"]["steps"], learnt["steps"], tested["steps"], strict=True
    ):
        assert step["left"]["cases"] == one["left"]["cases"] + two["left"]["cases"]
        assert step["unjudged"] == one["unjudged"] + two["unjudged"]
    assert 0 < found["study"]["cases"] <= 80 < parts["training"]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "trained on one cohort, tested on another" in page
    assert f"learnt from {parts['training']} cases" in page
    assert "Retrospective data of two cohorts" in page
    assert "given split" not in page
    figures = json.loads((tmp_path / "out" / "figures.json").read_text())["figures"]
    assert {"flow.svg", "figures/flow-learnt-from.svg"} <= set(figures)
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["external"] == {
        "reader": "folder",
        "shares_patients": False,
    }


def test_nothing_else_can_be_tested(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text(TEXT.replace("[evaluation]\n", "[evaluation]\nfolds = 3\n"), encoding="utf-8")
    with pytest.raises(ConfigError, match="external cohort is tested"):
        load_design(file)
    file.write_text(TEXT.replace("shares_patients", "share_patients"), encoding="utf-8")
    with pytest.raises(ConfigError, match="shares_patients"):
        load_design(file)


ROWS = """name = "two"
diagnoses = ["appendicitis"]
[cohort]
source = "{first}"
path = "cohort"
[external]
source = "{second}"
path = "other"
"""


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ("folder", "folder", True),
        ("folder", "appendicitis", False),
        ("appendicitis",) * 2 + (False,),
    ],
)
def test_patients_that_are_row_numbers_are_nobody_in_another_cohort(
    tmp_path: Path, first: str, second: str, shared: bool
) -> None:
    file = tmp_path / "study.toml"
    file.write_text(ROWS.format(first=first, second=second), encoding="utf-8")
    external = load_design(file).external
    assert external is not None
    assert external.shares_patients is shared
    file.write_text(
        ROWS.format(first=first, second=second) + "shares_patients = true\n", encoding="utf-8"
    )
    if shared:
        assert load_design(file).external == external
    else:
        with pytest.raises(ConfigError, match="'appendicitis' are the numbers of its rows"):
            load_design(file)


FIRST_SECOND = {
    "no external folder": (
        'path = "other"',
        'path = "others"',
        "[external] path: there is no folder",
    ),
    "no cohort folder": (
        'path = "cohort"',
        'path = "cohorts"',
        "[cohort] path: there is no folder",
    ),
    "no such diagnosis": (
        'name = "two"\n',
        'name = "two"\ndiagnoses = ["inflamation"]\n',
        "no diagnosis 'inflamation'",
    ),
    "no oracle": ("[evaluation]\n", '[evaluation]\noracle = "no.csv"\n', "no file 'no.csv'"),
}


@pytest.mark.parametrize(("old", "new", "says"), FIRST_SECOND.values(), ids=FIRST_SECOND)
def test_what_a_study_names_wrongly_is_found_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, says: str
) -> None:
    from pipelines.study import retrospective_study

    write_cohort(tmp_path / "cohort", cases=8)
    write_cohort(tmp_path / "other", cases=8)
    assert old in TEXT
    (tmp_path / "study.toml").write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    monkeypatch.delattr(retrospective_study, "read_cohort")
    with pytest.raises(TriptychError, match=re.escape(says)):
        run_study(tmp_path / "study.toml", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_label_of_the_external_cohort_is_understood_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.study import retrospective_study

    write_cohort(tmp_path / "cohort", cases=8)
    write_cohort(tmp_path / "other", cases=8)
    (tmp_path / "study.toml").write_text(TEXT, encoding="utf-8")
    with (tmp_path / "other" / "outcomes.csv").open("a", encoding="utf-8") as table:
        table.write("c0000,inflammation,2\n")
    monkeypatch.delattr(retrospective_study, "read_cohort")
    with pytest.raises(CohortError, match=r"outcomes\.csv, row \d+"):
        run_study(tmp_path / "study.toml", tmp_path / "out")


def test_what_a_study_names_wrongly_is_found_before_pytorch_is_loaded(tmp_path: Path) -> None:
    # PyTorch and MONAI take six times as long to load as the whole look does.
    write_cohort(tmp_path / "cohort", cases=8)
    (tmp_path / "study.toml").write_text(
        'name = "one"\n[cohort]\npath = "cohort"\n[external]\npath = "nowhere"\n', encoding="utf-8"
    )
    script = (
        "import os, sys\n"
        "from pipelines.cli import main\n"
        "code = main(sys.argv[1:], os.environ)\n"
        "print(code, sorted({'torch', 'monai', 'transformers', 'scipy'} & set(sys.modules)))\n"
    )
    arguments = ["study", "run", str(tmp_path / "study.toml"), "--out", str(tmp_path / "out")]
    found = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
    )
    assert "[external] path: there is no folder" in found.stderr
    assert found.stdout.splitlines()[-1] == "1 []"
