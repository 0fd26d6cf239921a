"""A further sense for tests: a finger on the pulse, which is full in heart failure."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from pipelines.laboratory.simulate.likelihoods import Likelihoods
from pipelines.laboratory.simulate.senses import Owner, Sense, Visit

FULL, ELSE = 0.9, 0.1


def draw(visit: Visit, rng: np.random.Generator, body: np.random.Generator) -> str | None:
    missed = rng.random() < 0.3
    full = rng.random() < (FULL if "heart_failure" in visit.physiology.causes else ELSE)
    arm = "left" if body.random() < 0.5 else "right"
    return None if missed and not visit.complete else f"{'full' if full else 'flat'} {arm}"


def write(path: Path, shown: str, owner: Owner, rng: np.random.Generator) -> datetime:
    text = f"{owner.patient_id} {shown} {rng.integers(10)}"
    path.with_name(f"{path.name}.txt").write_text(text, encoding="utf-8")
    return owner.decision_time - timedelta(hours=1)


def check(table: Likelihoods) -> None:
    assert "heart_failure" in table.conditions


SENSE = Sense("pulse", "pulses", ".txt", draw, write, check, lambda: "0" * 64)
