"""A model that is there already, tested on a cohort: resumed, poisoned, changed, in any way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from clinic_of_two import STUDY, make_dataset, write_cohort
from waiting import until, until_ended

from clinical.case.case import Case
from clinical.errors import CohortError, ConfigError
from clinical.model import model as models
from pipelines.assessing import runner
from pipelines.folds.splits import hold_out
from pipelines.jobs.executors import Workers
from pipelines.study import case_scores
from pipelines.study.run_study import run_study
from pipelines.training.dataset import CachedCase, cache_images
from pipelines.training.train import train_model

pytestmark = pytest.mark.long

DESIGN = """
name = "two"
checkpoint = "model"
seed = 3
[cohort]
path = "cohort"
[[exclude]]
name = "too old"
age = [85, 120]
[evaluation]
bootstrap = 20
guards = false
subgroups = ["age"]
age_edges = [60]
curve_from = 0.1
curve_to = 0.2
"""
SAME = ("metrics.json", "predictions.parquet", "report.html", "flow.svg", "flow.md")
CASES = 120

Bytes = dict[str, bytes]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cohort, a model that reads its tables, a study of both, and the study run once."""
    folder = tmp_path_factory.mktemp("loaded")
    modalities = {"history": "history", "measurements": "measurements"}
    study = replace(STUDY, model=replace(STUDY.model, modalities=modalities))
    dataset = make_dataset()
    training, validation = hold_out(dataset.patients, dataset.labels, 0.3, seed=0)
    models.save(train_model(dataset, training, validation, study).model, folder / "model")
    write_cohort(folder / "cohort", cases=CASES)
    (folder / "study.toml").write_text(DESIGN, encoding="utf-8")
    run_study(folder / "study.toml", folder / "out", workers=Workers("serial"))
    return folder


@pytest.fixture(autouse=True)
def small_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "SPAN", 32)


def files(out: Path) -> Bytes:
    return {name: (out / name).read_bytes() for name in SAME}


def metrics(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "metrics.json").read_text())
    return found


def said(capsys: pytest.CaptureFixture[str], cases: str) -> bool:
    return cases in " ".join(capsys.readouterr().err.split())


def test_nothing_is_trained_and_the_best_single_modality_is_the_rival(made: Path) -> None:
    found = metrics(made / "out")
    assert not (made / "out" / "folds").exists()
    assert found["best_single"] in found["macro"]
    assert set(found["macro"]) == {
        "triptych",
        "triptych: history alone",
        "triptych: measurements alone",
    }
    assert [c["second"] for c in found["comparisons"]] == [found["best_single"]]
    assert found["macro"]["triptych"]["auroc"]["value"] > 0.8


def test_the_report_says_what_was_not_done(made: Path) -> None:
    because = {one["what"]: one["because"] for one in metrics(made / "out")["not_done"]}
    assert "no validation patients" in because["recalibration maps"]
    assert "not checked" in because["patients that the model was trained on"]
    page = (made / "out" / "report.html").read_text()
    assert "It was not checked whether any of them is among" in page
    assert "an existing model" in page
    assert "At thresholds that come with the checkpoint" in page


def test_thresholds_are_those_of_the_checkpoint(made: Path) -> None:
    model = models.load(made / "model")
    rows = pd.read_parquet(made / "out" / "predictions.parquet")
    ours = rows[rows["method"] == "triptych"]
    for name, own in ours.groupby("label"):
        alerts = own["predicted_boolean_probability"] >= model.thresholds[str(name)]
        assert (alerts == own["predicted_boolean_value"]).all()
    assert ours["recalibrated_probability"].isna().all()


def test_the_rules_count_and_everybody_else_is_tested_once(made: Path) -> None:
    flow = metrics(made / "out")["flow"]
    assert flow["listed"] == CASES
    assert 0 < flow["steps"][0]["removed"]["cases"] < CASES
    assert flow["parts"][0]["counts"] == flow["chosen"]
    manifest = json.loads((made / "out" / "manifest.json").read_text())
    assert manifest["model"]["digest"] == models.load(made / "model").identity.digest


def test_the_same_case_gives_the_same_bits_whoever_is_beside_it(made: Path, tmp_path: Path) -> None:
    # The first run had one span in this process; here there are four, in two processes.
    run_study(made / "study.toml", tmp_path / "out", workers=Workers("processes", 2))
    assert len(list((tmp_path / "out" / "shards").iterdir())) == 4
    assert files(tmp_path / "out") == files(made / "out")


def test_a_rerun_assesses_nothing(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(made / "out")
    run_study(made / "study.toml", made / "out", workers=Workers("serial"))
    assert said(capsys, f"{CASES} cases kept from an earlier run, 0 computed")
    assert files(made / "out") == before


def test_only_a_case_that_changed_is_assessed_again(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_cohort(tmp_path / "cohort", cases=CASES)
    run_study(made / "study.toml", tmp_path / "out", tmp_path / "cohort", workers=Workers("serial"))
    table = tmp_path / "cohort" / "measurements.csv"
    lines = table.read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("c0007,1988-5"))
    lines[at] = "c0007,1988-5,311,mg/L,2026-01-01T10:00:00+00:00"
    table.write_text("\n".join(lines) + "\n")
    capsys.readouterr()
    run_study(made / "study.toml", tmp_path / "out", tmp_path / "cohort", workers=Workers("serial"))
    assert said(capsys, f"{CASES - 1} cases kept from an earlier run, 1 computed")
    fresh = tmp_path / "fresh"
    run_study(made / "study.toml", fresh, tmp_path / "cohort", workers=Workers("serial"))
    assert files(tmp_path / "out") == files(fresh)


def raises(case: Case) -> None:
    raise RuntimeError(f"cannot think about {case.patient_id}")


def kills(case: Case) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("poison", "executor", "reason"),
    [
        (raises, "serial", "RuntimeError in test_checkpoint_study.py"),
        (raises, "processes", "RuntimeError in test_checkpoint_study.py"),
        (kills, "processes", "ended by SIGKILL"),
    ],
)
def test_a_poison_case_is_set_aside_and_counted(
    poison: Callable[[Case], None],
    executor: str,
    reason: str,
    made: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def taken(case: Case, *others: Any) -> CachedCase:
        if case.case_id in ("c0003", "c0050"):
            poison(case)
        return cache_images(case, *others)

    monkeypatch.setattr(case_scores, "cache_images", taken)
    run_study(made / "study.toml", tmp_path / "out", workers=Workers(executor, 2))
    assert said(capsys, f"{CASES - 2} computed, 2 set aside")
    found = metrics(tmp_path / "out")
    assert found["flow"]["read"]["cases"] == CASES - 2
    assert sum(found["flow"]["skipped"].values()) == 2
    assert reason in next(iter(found["flow"]["skipped"]))
    written = [path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert not [content for content in written if b"cannot think" in content]
    run_study(made / "study.toml", tmp_path / "out", workers=Workers(executor, 2))
    assert said(capsys, f"{CASES} cases kept from an earlier run, 0 computed")


def test_a_run_in_which_nothing_works_ends(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "MOST_POISON", 10)
    monkeypatch.setattr(case_scores, "cache_images", lambda case, *others: raises(case))
    with pytest.raises(CohortError, match="ended their workers"):
        run_study(made / "study.toml", tmp_path / "out", workers=Workers("serial"))


def test_a_label_that_the_cohort_does_not_know_is_not_judged(made: Path, tmp_path: Path) -> None:
    cohort = write_cohort(tmp_path / "cohort", cases=40)
    settings = cohort / "cohort.toml"
    settings.write_text(settings.read_text().replace('name = "failure"', 'name = "fatigue"'))
    table = cohort / "outcomes.csv"
    table.write_text(table.read_text().replace("failure", "fatigue"))
    run_study(made / "study.toml", tmp_path / "out", cohort, workers=Workers("serial"))
    found = metrics(tmp_path / "out")
    because = {one["what"]: one["because"] for one in found["not_done"]}
    assert because["labels without outcomes in the cohort"] == "not evaluated: failure"
    assert found["labels"]["failure"]["methods"]["triptych"]["auroc"]["value"] is None
    assert found["labels"]["inflammation"]["methods"]["triptych"]["auroc"]["value"] is not None


def test_a_study_of_a_checkpoint_states_nothing_that_the_checkpoint_brings(made: Path) -> None:
    for words, what in (("[training]\nepochs = 3", "training"), ("[model]\nwidth = 8", "model")):
        file = made / "wrong.toml"
        file.write_text(DESIGN + words, encoding="utf-8")
        with pytest.raises(ConfigError, match=f"{what} is given as well as checkpoint"):
            run_study(file, made / "nowhere")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.jsonl")}


SCRIPT = """
import os, signal, sys
from pathlib import Path
from pipelines.jobs.executors import Workers
from pipelines.assessing import runner
from pipelines.study.run_study import run_study

folder, out, executor, held = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
do_span = runner.do_span

def first_half(work, span):
    if span.cases[0].case_id >= sys.argv[5]:
        (held / str(os.getpid())).touch()
        signal.pause()
    return do_span(work, span)

runner.SPAN, runner.do_span = 30, first_half
run_study(folder / "study.toml", out, workers=Workers(executor, 2))
"""
RAY = pytest.param(
    "ray",
    2,
    marks=[
        pytest.mark.server,
        pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed"),
    ],
)


@pytest.mark.parametrize(("executor", "workers"), [("serial", 1), ("processes", 2), RAY])
def test_a_run_that_is_killed_goes_on_where_it_was(
    executor: str, workers: int, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its workers do the first half of the cases and then stand still, until they are gone."""
    script, out, held = tmp_path / "run.py", tmp_path / "out", tmp_path / "held"
    script.write_text(SCRIPT, encoding="utf-8")
    held.mkdir()
    # Ray's workers are nice, and would wait for everything else that the machine does.
    paths = {"PYTHONPATH": str(Path(__file__).parents[3]), "RAY_worker_niceness": "0"}
    command = [
        sys.executable,
        str(script),
        str(made),
        str(out),
        executor,
        str(held),
        f"c{CASES // 2:04}",
    ]
    running = subprocess.Popen(command, env=os.environ | paths, stderr=subprocess.DEVNULL)

    def still() -> bool:
        assert running.poll() is None, "it was over before it could be killed"
        return len(list(held.iterdir())) == workers

    try:
        until(still, "workers that have done the first half")
    finally:
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
    for worker in held.iterdir():
        until_ended(int(worker.name))  # it has noticed that who started it is gone
    kept = CASES // 2
    finished = contents(out / "shards")
    capsys.readouterr()
    # Ray would stay in this process and be in the way of others; who resumes does not matter.
    run_study(made / "study.toml", out, workers=Workers("serial"))
    assert said(capsys, f"{kept} cases kept from an earlier run, {CASES - kept} computed")
    assert finished.items() <= contents(out / "shards").items()
    assert files(out) == files(made / "out")
