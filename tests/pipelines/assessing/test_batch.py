"""A batch run: resumable, the same in any number of processes, and every case accounted for."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clinic_of_two import write_cohort
from full_disk import room

from clinical.assess import memory
from clinical.assess.assess import Assessor
from clinical.audit import ledger
from clinical.audit.verify import verify
from clinical.case.assessment import Assessment, from_json
from clinical.case.case import Case
from clinical.errors import CohortError, ConfigError, StoreError
from clinical.model import model as models
from clinical.model.model import Model
from clinical.workspace.database import open_workspace
from clinical.workspace.place import Place
from pipelines.assessing import runner
from pipelines.assessing.batch import Run, assess_cohort
from pipelines.cli import main
from pipelines.commands.cohort import WITHOUT_SOME
from pipelines.jobs.executors import Workers

pytestmark = pytest.mark.long

HERE = Workers("serial")
FILES = ("assessments.jsonl", "skipped.csv", "problems.csv", "manifest.json")


@pytest.fixture(scope="module")
def healthy(
    model_of_two: Model, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Assessment, ...]:
    """What is found of the cohort where no case ends its worker."""
    folder = tmp_path_factory.mktemp("healthy")
    models.save(model_of_two, folder / "model")
    cohort = write_cohort(folder / "cohort")
    assess_cohort(Run(cohort, "folder", folder / "model", folder / "out", workers=HERE))
    return tuple(assessed(folder / "out"))


@pytest.fixture
def run(model_of_two: Model, tmp_path: Path) -> Run:
    models.save(model_of_two, tmp_path / "model")
    cohort = write_cohort(tmp_path / "cohort")
    return Run(cohort, "folder", tmp_path / "model", tmp_path / "out", workers=HERE)


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def assessed(out: Path) -> list[Assessment]:
    lines = (out / "assessments.jsonl").read_text(encoding="utf-8").splitlines()
    return [from_json(json.loads(line)) for line in lines]


def add_bad_rows(cohort: Path) -> None:
    with (cohort / "cases.csv").open("a") as lines:
        lines.write("empty,p-empty,2026-01-01T12:00:00+00:00,,\n")
    with (cohort / "measurements.csv").open("a") as lines:
        lines.write("c0000,1988-5,5,furlong,2026-01-01T11:00:00+00:00\n")
        lines.write("nobody,1988-5,5,mg/L,2026-01-01T11:00:00+00:00\n")


def test_every_case_is_assessed_or_skipped_with_a_reason(run: Run) -> None:
    add_bad_rows(run.path)
    counts = assess_cohort(run)
    assert (counts.cases, counts.assessed, counts.skipped) == (13, 12, 1)
    assert [a.case_id for a in assessed(run.out)] == [f"c{n:04d}" for n in range(12)]
    (skipped,) = rows(run.out / "skipped.csv")
    assert skipped["case_id"] == "empty"
    assert skipped["reason"]
    problems = rows(run.out / "problems.csv")
    assert {p["case_id"] for p in problems} >= {"c0000"}
    assert all(p["file"] and p["reason"] and p["remedy"] for p in problems)
    manifest = json.loads((run.out / "manifest.json").read_text())
    assert manifest["counts"]["assessed"] == 12
    assert manifest["notice"] == "Research use only. Not a medical device."
    assert not (run.out / "unfinished").exists()


@pytest.mark.parametrize("workers", [HERE, Workers("processes", 2)])
def test_a_full_disk_is_named_and_what_was_finished_is_kept(
    run: Run, healthy: tuple[Assessment, ...], workers: Workers
) -> None:
    run = replace(run, workers=workers)
    with room(8_000), pytest.raises(StoreError, match=f"{run.out}.* its disk is full"):
        assess_cohort(run)
    assert assess_cohort(run).assessed == len(healthy)
    assert tuple(assessed(run.out)) == healthy
    assert {stat.S_IMODE(file.stat().st_mode) for file in run.out.iterdir()} == {0o600}


def test_no_case_id_is_a_formula_in_the_tables(run: Run) -> None:
    with (run.path / "cases.csv").open("a") as lines:
        lines.write("=1+1,p-empty,2026-01-01T12:00:00+00:00,,\n")
    assess_cohort(run)
    (skipped,) = rows(run.out / "skipped.csv")
    assert skipped["case_id"] == "'=1+1"


def test_outcomes_are_never_read(run: Run) -> None:
    first = assess_cohort(run)
    (run.path / "outcomes.csv").unlink()
    before = (run.out / "assessments.jsonl").read_bytes()
    again = replace(run, out=run.out / "again")
    assert assess_cohort(again) == first
    assert (again.out / "assessments.jsonl").read_bytes() == before


def test_a_finished_run_is_not_repeated(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = assess_cohort(run)
    before = {name: (run.out / name).stat().st_mtime_ns for name in FILES}

    def never(self: Assessor, case: Case) -> Assessment:
        raise AssertionError(f"{case.case_id} was assessed again")

    monkeypatch.setattr(Assessor, "assess", never)
    assert assess_cohort(run) == first
    assert "holds the finished run" in " ".join(capsys.readouterr().err.split())
    assert before == {name: (run.out / name).stat().st_mtime_ns for name in FILES}
    assert not (run.out / "unfinished").exists()


def test_a_lost_file_or_workspace_is_made_again(run: Run, tmp_path: Path) -> None:
    assess_cohort(run)
    before = {name: (run.out / name).read_bytes() for name in FILES}
    (run.out / "assessments.jsonl").unlink()
    assess_cohort(run)
    assert before == {name: (run.out / name).read_bytes() for name in FILES}
    with_workspace = replace(run, out=tmp_path / "other", workspace=tmp_path / "workspace")
    assess_cohort(with_workspace)
    shutil.rmtree(tmp_path / "workspace")
    assess_cohort(with_workspace)
    assert (tmp_path / "workspace").exists()


def test_the_finished_run_of_something_else_is_not_written_over(run: Run) -> None:
    assess_cohort(run)
    before = {name: (run.out / name).read_bytes() for name in FILES}
    add_bad_rows(run.path)
    with pytest.raises(ConfigError, match=r"finished run of another.*choose another --out"):
        assess_cohort(run)
    assert before == {name: (run.out / name).read_bytes() for name in FILES}
    assert not (run.out / "unfinished").exists()
    (run.out / "manifest.json").unlink()
    assert assess_cohort(run).cases == 13


def test_a_killed_run_goes_on_and_repeats_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = replace(run, out=tmp_path / "whole")
    assess_cohort(whole)
    seen: list[str] = []
    original = Assessor.assess

    def count(self: Assessor, case: Case) -> Assessment:
        if len(seen) == 5:
            raise KeyboardInterrupt
        seen.append(case.case_id)
        return original(self, case)

    monkeypatch.setattr(Assessor, "assess", count)
    with pytest.raises(KeyboardInterrupt):
        assess_cohort(run)
    # A kill can also tear the last line.
    (shard,) = (run.out / "unfinished").glob("*.jsonl")
    with shard.open("a") as lines:
        lines.write('{"key": "c0005", "case_id": "c00')
    again: list[str] = []

    def go_on(self: Assessor, case: Case) -> Assessment:
        again.append(case.case_id)
        return original(self, case)

    monkeypatch.setattr(Assessor, "assess", go_on)
    assess_cohort(run)
    assert len(again) == 7
    assert not set(seen) & set(again)
    for name in FILES:
        assert (run.out / name).read_bytes() == (whole.out / name).read_bytes()


def test_an_unfinished_run_of_something_else_is_not_taken_up(run: Run) -> None:
    (run.out / "unfinished").mkdir(parents=True)
    (run.out / "unfinished" / "run.json").write_text('{"model": "other"}')
    with pytest.raises(ConfigError, match="unfinished run of another"):
        assess_cohort(run)


def test_processes_do_not_change_a_byte(run: Run, tmp_path: Path) -> None:
    add_bad_rows(run.path)
    alone = replace(run, out=tmp_path / "alone")
    assess_cohort(alone)
    for jobs in (1, 2):
        out = run.out / str(jobs)
        assess_cohort(replace(run, out=out, workers=Workers(jobs=jobs)))
        for name in FILES:
            assert (out / name).read_bytes() == (alone.out / name).read_bytes()


@pytest.mark.parametrize("kind", ["folder", "server"])
def test_the_workspace_takes_each_assessment_once(
    run: Run, tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    place: Place = tmp_path / "workspace"
    if kind == "server":
        place = request.getfixturevalue("server").empty_workspace(tmp_path)
    kept = replace(run, workspace=place, workers=Workers(jobs=2))
    assess_cohort(kept)
    assess_cohort(kept)
    engine = open_workspace(place)
    with engine.connect() as connection:
        kinds = [event.kind for event in ledger.events(connection)]
        assert verify(connection).intact
    engine.dispose()
    assert kinds == ["ASSESSED"] * 12


def test_only_the_first_cases_with_a_limit(run: Run) -> None:
    assert assess_cohort(replace(run, limit=3)).cases == 3


def raises(case: Case) -> None:
    raise ValueError(f"cannot think about {case.patient_id}")


def kills(case: Case) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def eats_memory(case: Case) -> None:
    held = [np.empty(2**23) for _ in range(32)]  # 2 GB to write to, if they could be had
    assert held


POISON = [
    (raises, "ValueError in test_batch.py"),
    (kills, "ended by SIGKILL"),
    (eats_memory, "MemoryError in "),
]


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(("poison", "reason"), POISON, ids=["raises", "kills", "eats memory"])
def test_a_case_that_ends_its_worker_is_set_aside(
    poison: Callable[[Case], None],
    reason: str,
    jobs: int,
    healthy: tuple[Assessment, ...],
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    original = Assessor.assess

    def assess(self: Assessor, case: Case) -> Assessment:
        if case.case_id in ("c0002", "c0007"):
            poison(case)
        return original(self, case)

    monkeypatch.setattr(Assessor, "assess", assess)
    monkeypatch.setattr(memory, "memory_here", lambda: 2**30)
    arguments = ["assess", str(run.path), "--model", str(run.model), "--out", str(run.out)]
    arguments += ["--workspace", str(tmp_path / "workspace"), "--jobs", str(jobs)]
    assert main(arguments, {}) == WITHOUT_SOME
    said = " ".join(capsys.readouterr().out.split())
    assert "12 cases = 10 assessed + 2 skipped" in said
    assert "2 of the skipped ended the process that assessed them" in said
    skipped = rows(run.out / "skipped.csv")
    assert [row["case_id"] for row in skipped] == ["c0002", "c0007"]
    assert all(reason in row["reason"] and row["remedy"] for row in skipped)
    counts = json.loads((run.out / "manifest.json").read_text())["counts"]
    assert (counts["assessed"], counts["skipped"], counts["ended_worker"]) == (10, 2, 2)
    assert "cannot think" not in "".join((run.out / name).read_text() for name in FILES)
    wanted = [a for a in healthy if a.case_id not in ("c0002", "c0007")]
    assert assessed(run.out) == wanted
    engine = open_workspace(tmp_path / "workspace")
    with engine.connect() as connection:
        recorded = {event.case_id for event in ledger.events(connection)}
    engine.dispose()
    assert recorded == {a.case_id for a in wanted}


def test_a_run_in_which_nothing_works_ends(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "MOST_POISON", 3)
    monkeypatch.setattr(Assessor, "assess", lambda self, case: raises(case))
    with pytest.raises(CohortError, match="ended their workers"):
        assess_cohort(replace(run, workers=Workers(jobs=2)))
