"""The AutoML comparator: as good as its inputs, the same again, and gone without a trace."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clinic_of_two import STUDY, make_dataset
from cut_of_two import TEST, TRAIN, cut_of, with_images

from clinical.config import load_study
from clinical.errors import ConfigError
from clinical.model.calibration import auroc
from pipelines.folds.comparators import automl_extra
from pipelines.folds.comparators.automl import automl
from pipelines.folds.comparators.automl_extra import PACKAGES, automl_versions
from pipelines.folds.comparators.cut import Cut, Scores
from pipelines.folds.compare import judge
from pipelines.folds.cross_validate import cross_validate
from pipelines.folds.methods import AUTOML
from pipelines.folds.tasks import Asks
from pipelines.study.run_study import run_study

TRIALS = 15
STUDY_FILE = """
name = "asks for AutoML"
[cohort]
path = "nowhere"
[evaluation]
folds = 2
automl = {trials}
"""

ALONE = """
import os, socket, warnings

def refuse(*_):
    raise AssertionError("it calls a host")

socket.socket.connect = refuse
from clinic_of_two import make_dataset
from cut_of_two import cut_of
from pipelines.folds.comparators.automl import automl

cut = cut_of(make_dataset(200))
before = dict(os.environ), list(warnings.filters)
automl(cut, 5)
print("the same" if before == (dict(os.environ), warnings.filters) else dict(os.environ))
"""

needs_automl = pytest.mark.skipif(
    any(find_spec(name) is None for name in PACKAGES),
    reason="the extra automl is not installed",
)


@pytest.fixture(scope="module")
def cut() -> Cut:
    return cut_of(with_images(make_dataset(200)))


@pytest.fixture(scope="module")
def scores(cut: Cut) -> Scores:
    return automl(cut, TRIALS)


@needs_automl
def test_it_knows_both_diagnoses(cut: Cut, scores: Scores) -> None:
    for found, rows in ((scores.test, TEST), (scores.inside, TRAIN)):
        assert found.shape == (len(rows), 2)
        assert not np.isnan(found).any()
        assert min(auroc(found[:, j], cut.labels[rows, j]) for j in range(2)) > 0.9


@needs_automl
def test_it_learns_nothing_from_test_patients(cut: Cut, scores: Scores) -> None:
    spoiled = cut.labels.copy()
    spoiled[TEST] = 1 - spoiled[TEST]
    np.testing.assert_array_equal(automl(replace(cut, labels=spoiled), TRIALS).test, scores.test)


@needs_automl
def test_a_machine_that_stalls_finds_the_same(cut: Cut, monkeypatch: pytest.MonkeyPatch) -> None:
    # Labels that are nearly noise, so that nothing but the way of the search decides.
    luck = np.random.default_rng(99).random(cut.labels.shape) < 0.4
    hard = replace(cut, labels=np.where(luck, 1 - cut.labels, cut.labels))
    first = automl(hard, TRIALS)
    stalls = np.random.default_rng(0).exponential(5, size=100_000).cumsum()
    clock: Iterator[float] = iter(time.time() + stalls)
    monkeypatch.setattr(time, "time", lambda: float(next(clock)))
    again = automl(hard, TRIALS)
    np.testing.assert_array_equal(again.test, first.test)
    np.testing.assert_array_equal(again.inside, first.inside)


@needs_automl
def test_no_patient_is_on_both_sides_of_its_validation(
    cut: Cut, scores: Scores, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flaml.automl import AutoML  # as `scores` has imported it

    asked: list[dict[str, Any]] = []
    plain = AutoML.fit

    def fit(self: Any, rows: Any, labels: Any, **settings: Any) -> None:
        asked.append(settings)
        plain(self, rows, labels, **settings)

    monkeypatch.setattr(AutoML, "fit", fit)
    unknown = cut.labels.copy()
    unknown[TRAIN[:7], 0] = np.nan
    automl(replace(cut, labels=unknown), 5)
    for column, settings in enumerate(asked):
        known = TRAIN[~np.isnan(unknown[TRAIN, column])]
        folds = list(settings["split_type"].split())
        assert sorted(np.concatenate([held for _, held in folds])) == list(range(len(known)))
        for learnt, held in folds:
            there = [{cut.patients[i] for i in known[rows]} for rows in (learnt, held)]
            assert there[0].isdisjoint(there[1])
    assert len(asked) == 2


@needs_automl
def test_it_leaves_no_file_asks_no_host_and_changes_no_setting(tmp_path: Path) -> None:
    # In a process of its own, since what is imported once does nothing the second time.
    paths = {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", ALONE],
        cwd=tmp_path,
        env=os.environ | paths,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "the same\n"), done.stderr
    assert not list(tmp_path.iterdir())


@needs_automl
def test_too_few_cases_for_its_validation_give_their_share(cut: Cut) -> None:
    rare = np.zeros_like(cut.labels)
    rare[TRAIN[::25], 0] = 1  # 6 of 150: enough for one fit, too few for two thirds of them
    found = automl(replace(cut, labels=rare), 5)
    assert found.test[:, 0] == pytest.approx(np.full(50, 7 / 152))
    assert found.inside[:, 1] == pytest.approx(np.full(150, 1 / 152))


@needs_automl
def test_a_study_that_asks_later_does_nothing_else_again(tmp_path: Path) -> None:
    dataset = make_dataset(100)
    short = replace(
        STUDY,
        training=replace(STUDY.training, alone_epochs=1, epochs=1),
        evaluation=replace(STUDY.evaluation, folds=2, bootstrap=50),
    )
    asks, lines = Asks(thresholds=True), list[str]()

    def report(line: str, done: int, total: int) -> None:
        lines.append(line)

    cross_validate(dataset, short, tmp_path, report, asks=asks)
    assert not any(AUTOML in line for line in lines)
    lines.clear()
    asking = replace(short, evaluation=replace(short.evaluation, automl=5))
    tested = cross_validate(dataset, asking, tmp_path, report, asks=asks)
    assert sum("kept" in line for line in lines) == 4
    assert [line.rsplit(", ")[-1] for line in lines if "kept" not in line] == [AUTOML, AUTOML]
    # Where thresholds are chosen, and in the verdict, it stands as the others do.
    assert sum(AUTOML in shown.scores for shown in tested.validation) == 2
    result = judge(tested, asking)
    assert [c.second for c in result.comparisons][1:] == [
        "late fusion",
        "ridge regression",
        "boosting",
        AUTOML,
    ]
    assert (result.macro[AUTOML].value or 0) > 0.8


@needs_automl
def test_its_versions_can_be_written_down() -> None:
    found = automl_versions()
    assert {"flaml", "lightgbm"} < {name.lower() for name in found}
    assert len(found) == len(PACKAGES)


def test_without_the_extra_there_is_a_remedy_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(automl_extra, "find_spec", lambda name: None if name == "flaml" else name)
    file = tmp_path / "study.toml"
    file.write_text(STUDY_FILE.format(trials=20))
    with pytest.raises(ConfigError, match="automl is 20, and flaml cannot") as caught:
        run_study(file, tmp_path / "out")
    assert caught.value.remedy == 'pip install "triptych[automl]"'
    assert not (tmp_path / "out").exists()


def test_it_is_off_unless_asked_for(tmp_path: Path) -> None:
    assert STUDY.evaluation.automl == 0
    file = tmp_path / "study.toml"
    file.write_text(STUDY_FILE.format(trials=-1))
    with pytest.raises(ConfigError, match=r"evaluation\.automl is -1"):
        load_study(file)
