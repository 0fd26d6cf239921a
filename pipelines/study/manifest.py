"""`manifest.json`: what a study was made from, so that somebody else can reproduce it.

It names no path of the machine and no patient. Everything but `times` is the same in a rerun.
"""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from clinical import config
from clinical.canonical import sha256
from clinical.wording import RESEARCH_USE
from pipelines.folds.comparators.automl_extra import automl_versions
from pipelines.study.design import StudyDesign
from pipelines.study.read_cohort import Cohort
from pipelines.training.dataset import Dataset

FORMAT = "triptych.study/1"
DERIVED = ("checklists.html", "checklists.json", "model_card.xml")
"""Written from the manifest and the metrics, so the manifest cannot hold their digests."""

_ROOT = Path(__file__).parents[2]
_PACKAGES = ("numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "torch", "monai")


def manifest(
    design: StudyDesign,
    study_file: bytes,
    cohort: Cohort,
    chosen: Dataset,
    files: Mapping[str, bytes],
    times: Mapping[str, float],
) -> dict[str, Any]:
    """Digests, versions, seeds, counts and times of a study.

    Args:
        design: of the study.
        study_file: its bytes.
        cohort: as read.
        chosen: cases that the rules have left.
        files: name to content of what was written.
        times: part of the work to seconds.
    """
    study = design.study
    return {
        "notice": RESEARCH_USE,
        "format": FORMAT,
        "study": {
            "name": study.name,
            "file_sha256": sha256(study_file),
            "config_sha256": config.config_digest(study),
            "settings": _settings(design),
        },
        "cohort": {
            "name": cohort.description.name,
            "source": cohort.description.source,
            "licence": cohort.description.licence,
            "reader": study.cohort.source,
            "read_sha256": cohort.dataset.digest(range(len(cohort.dataset.cases))),
            "selected_sha256": chosen.digest(range(len(chosen.cases))),
        },
        "external": _external(design),
        "code": code(),
        "environment": environment() | (automl_versions() if study.evaluation.automl else {}),
        "seeds": {"study": study.seed, "repeats": study.evaluation.repeats},
        "inputs": _inputs(chosen, design),
        "counts": _counts(cohort.dataset, chosen),
        "files": {name: {"sha256": sha256(content)} for name, content in sorted(files.items())},
        "derived": list(DERIVED),
        "times": {part: round(seconds, 1) for part, seconds in times.items()},
    }


def _counts(read: Dataset, chosen: Dataset) -> dict[str, int]:
    """Cases on their way into the study."""
    return {
        "read": len(read.cases),
        "skipped": len(read.skipped),
        "set aside": len(read.problems),
        "selected cases": len(chosen.cases),
        "selected patients": len(set(chosen.patients)),
    }


def _settings(design: StudyDesign) -> dict[str, Any]:
    """Model and training as configured; what else a configuration holds may name a path."""
    if design.checkpoint is not None:
        return {}
    found = config.to_json(design.study)
    return {part: found[part] for part in ("model", "training")}


def _inputs(chosen: Dataset, design: StudyDesign) -> dict[str, int]:
    """Modality that the model reads to the number of cases that have it."""
    if design.checkpoint is not None:
        return {}
    wanted = design.study.model.modalities
    there = Counter(
        name
        for cached in chosen.cases
        for name in (*cached.case.inputs, *cached.images)
        if not wanted or name in wanted
    )
    return dict(sorted(there.items()))


def _external(design: StudyDesign) -> dict[str, Any] | None:
    """How the tested cohort was read, where it is another one; its cases are in the digests."""
    if design.external is None:
        return None
    found = design.external
    return {"reader": found.source, "shares_patients": found.shares_patients}


def code() -> dict[str, Any]:
    """Version and digest of the code, and its commit where it lies in a git repository."""
    state = hashlib.sha256()
    for file in _sources():
        state.update(file.relative_to(_ROOT).as_posix().encode() + b"\0" + file.read_bytes())
    found: dict[str, Any] = {"version": version("triptych"), "sha256": state.hexdigest()}
    commit = _git("rev-parse", "HEAD")
    if commit:
        found |= {"commit": commit, "modified": bool(_git("status", "--porcelain"))}
    return found


def environment() -> dict[str, str]:
    """Python, machine and the packages that numbers depend on."""
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        **{package: version(package) for package in _PACKAGES},
    }


def _sources() -> Iterator[Path]:
    for room in ("clinical", "pipelines"):
        yield from sorted((_ROOT / room).rglob("*.py"))


def _git(*arguments: str) -> str:
    if not (_ROOT / ".git").exists():
        return ""
    try:
        done = subprocess.run(
            ["git", "-C", str(_ROOT), *arguments], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
