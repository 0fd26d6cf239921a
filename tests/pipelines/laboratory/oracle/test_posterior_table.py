"""`triptych compute-oracle`: one CSV for a simulated cohort, the same however it was made."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clinical.errors import ConfigError
from pipelines.cli import main
from pipelines.laboratory.oracle import posterior_table as module
from pipelines.laboratory.oracle.posterior_table import COLUMNS, write_posteriors
from pipelines.laboratory.simulate import likelihoods
from pipelines.laboratory.simulate.clinic import LABELS, draw_patient

CASES, FIRST, SEED = 4, 2, 8


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    """What the oracle reads of a cohort."""
    folder = tmp_path / "clinic"
    folder.mkdir()
    record = {"cases": CASES, "seed": SEED, "first": FIRST, "missing": "mar", "shortcut": ""}
    record["likelihoods"] = likelihoods.load().digest
    (folder / "simulation.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_case_and_evidence_it_has_is_asked_about(cohort: Path, tmp_path: Path) -> None:
    out = tmp_path / "oracle.csv"
    assert write_posteriors(cohort, out, leave_one_out=True) == CASES
    found = rows(out)
    assert tuple(found[0]) == COLUMNS
    patients = [draw_patient(SEED, FIRST + n) for n in range(CASES)]
    assert list(dict.fromkeys(row["case_id"] for row in found)) == [p.case_id for p in patients]
    for patient in patients:
        own = [row for row in found if row["case_id"] == patient.case_id]
        asked = {row["evidence"] for row in own}
        assert "all" in asked
        assert ("image" in asked) == (patient.radiograph is not None)
        assert ("without_notes" in asked) == (patient.report is not None)
        assert len(own) == len(asked) * len(LABELS)
        assert all(0 <= float(row["probability"]) <= 1 for row in own)


def test_the_bytes_do_not_depend_on_the_processes_or_on_a_stop(
    cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole.csv"
    write_posteriors(cohort, whole, jobs=2)
    stopped = tmp_path / "stopped.csv"
    ask: Callable[[Any], Any] = module._rows
    asked: list[int] = []

    def stop_at_the_third(task: Any) -> Any:
        asked.append(task.number)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return ask(task)

    monkeypatch.setattr(module, "_rows", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        write_posteriors(cohort, stopped)
    assert not stopped.exists()
    write_posteriors(cohort, stopped)
    # The second case may have been cut off, so it is asked about again, and no more than that.
    assert asked == [2, 3, 4, 3, 4, 5]
    assert stopped.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "clinic",
        "stopped.csv",
        "whole.csv",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"likelihoods": "0" * 64}, "another table"),
        ({"seed": None}, "not a simulated cohort"),
        ({"missing": "sometimes"}, "no missingness"),
    ],
)
def test_what_is_not_this_clinic_is_refused(
    cohort: Path, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    file = cohort / "simulation.json"
    record = {**json.loads(file.read_text(encoding="utf-8")), **change}
    if record["seed"] is None:
        del record["seed"]
    file.write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        write_posteriors(cohort, tmp_path / "oracle.csv")


def test_a_file_is_never_overwritten(
    cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "oracle.csv"
    out.write_text("mine", encoding="utf-8")
    assert main(["compute-oracle", str(cohort), "--out", str(out)], {}) == 1
    assert "already there" in capsys.readouterr().err
    assert out.read_text(encoding="utf-8") == "mine"
