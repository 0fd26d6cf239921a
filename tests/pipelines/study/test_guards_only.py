"""`triptych study check`: traps of a cohort, before anything is trained."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from clinic_of_shortcuts import QUICK, dataset_of, labels_of
from clinic_of_two import write_cohort

from clinical.cohorts.cohort import CohortDescription
from clinical.modalities.notes import encoder
from pipelines.cli import main
from pipelines.study.guards.image_parts import Parts
from pipelines.study.guards.run_all import fired
from pipelines.study.guards_only import ask
from pipelines.study.read_cohort import Cohort


def test_traps_are_told_and_written_without_training_or_embedding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "_embed_one", None)
    cohort, out = write_cohort(tmp_path / "cohort", cases=120), tmp_path / "out"
    assert main(["study", "check", str(cohort), "--out", str(out)], {}) == 0
    shown = capsys.readouterr().out
    assert "FIRES" in shown
    assert "5 more" in shown
    assert "120 of 120 items of notes have no time" in shown
    assert "Research use only" in shown
    first = (out / "guards.json").read_bytes()
    found = json.loads(first)
    assert (found["notice"], found["cases"], found["patients"]) == (
        "Research use only. Not a medical device.",
        120,
        60,
    )
    warned = [(f["guard"], f["subject"]) for f in found["findings"] if f.get("fires")]
    assert warned == [("afterwards", "notes")]
    assert found["fired"] == 1
    assert {f["guard"] for f in found["findings"] if f["skipped"]} >= {"image_regions", "identity"}
    main(["study", "check", str(cohort), "--out", str(out)], {})
    assert (out / "guards.json").read_bytes() == first
    assert sorted(path.name for path in out.iterdir()) == [
        "guards.json",
        "problems.csv",
        "skipped.csv",
    ]


def test_parts_that_were_looked_at_reach_their_guard() -> None:
    labels, generator = labels_of(), np.random.default_rng(4)
    dataset = dataset_of(labels)
    # The whole image and its border tell the label; what is outside the lungs and corners do not.
    told = np.stack([3 * labels, 3 * labels, 0 * labels, 0 * labels])
    rows = told + generator.normal(size=told.shape)
    parts = {
        cached.case.case_id: Parts(row[:, None].astype(np.float32), False)
        for cached, row in zip(dataset.cases, rows.T, strict=True)
    }
    read = Cohort(CohortDescription("x", "made up", "CC0", ()), dataset, {}, (), parts)
    warned = [(finding.guard, finding.subject) for finding in fired(ask(dataset, read, QUICK))]
    assert warned == [("image_regions", "gout, border alone")]


def test_an_unknown_source_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["study", "check", str(tmp_path), "--source", "hanover", "--out", str(tmp_path)]
    assert main(command, {}) == 1
    assert "did you mean 'hannover'" in " ".join(capsys.readouterr().err.split())
