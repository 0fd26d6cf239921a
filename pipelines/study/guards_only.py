"""`triptych study check`: look for shortcuts and leaks in a cohort before anything is trained.

The same guards as in a study (`pipelines.study.guards`), on all its cases and diagnoses. Features
are kept in the folder, where `study run` with the same `--out` finds them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import MappingProxyType

import torch
from rich.console import Console
from rich.table import Table

from clinical.cohorts.sources import source
from clinical.config import CohortConfig, ModelConfig, StudyConfig, TrainingConfig
from clinical.wording import RESEARCH_USE
from clinical.workspace import own_file
from pipelines.assessing.unread import READING_THREADS, report_dataset
from pipelines.study.guards.guard import Finding, GuardResult, Skipped
from pipelines.study.guards.image_regions import region_rows
from pipelines.study.guards.out_of_fold import Judging
from pipelines.study.guards.run_all import findings_as_json, fired, run_all
from pipelines.study.read_cohort import Cohort, read_cohort
from pipelines.training.dataset import Dataset
from pipelines.training.masks import IMAGE

FORMAT = "triptych.study-guards/1"
GUARDS = "guards.json"


def find_traps(root: Path, source_name: str, out: Path) -> tuple[Finding, ...]:
    """Read a cohort, ask every guard, and write `guards.json`, `skipped.csv` and `problems.csv`.

    Args:
        root: folder of the cohort.
        source_name: of its reader.
        out: folder for the results; a killed run resumes from the features it holds.

    Raises:
        CohortError: if the cohort cannot be read, or has no outcomes or no usable case.
        ConfigError: if there is no such reader.
    """
    # No note has to be embedded: the guards read its words.
    study = StudyConfig(
        name="guards",
        cohort=CohortConfig(path=str(root), source=source_name),
        model=ModelConfig(modalities=MappingProxyType({IMAGE: "radiograph"})),
        training=TrainingConfig(augmentations=0),
    )
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(READING_THREADS)
    read = read_cohort(source(source_name), study, out / "features")
    report_dataset(read.dataset, out)
    judging = Judging(samples=study.evaluation.bootstrap, seed=study.seed)
    findings = ask(read.dataset, read, judging)
    own_file.write(out / GUARDS, _text(read, findings))
    return findings


def ask(dataset: Dataset, read: Cohort, judging: Judging) -> tuple[Finding, ...]:
    """What every guard says of the cases that were chosen from a cohort."""
    rows = region_rows([cached.case.case_id for cached in dataset.cases], read.parts)
    return run_all(dataset, facts=read.facts, rows=rows, judging=judging)


def _text(read: Cohort, findings: Sequence[Finding]) -> str:
    record = {
        "notice": RESEARCH_USE,
        "format": FORMAT,
        "cohort": read.description.name,
        "cases": len(read.dataset.cases),
        "patients": len(set(read.dataset.patients)),
        "fired": len(fired(findings)),
        "findings": findings_as_json(findings),
    }
    return json.dumps(record, indent=1, allow_nan=False) + "\n"


def show(console: Console, findings: Sequence[Finding]) -> None:
    """A table of what was asked, then what each guard that fired says."""
    grid = Table(box=None, pad_edge=False)
    for heading in ("guard", "about", "fires", "found", "limit", "measure or reason"):
        grid.add_column(heading)
    for row in _rows(findings):
        grid.add_row(*row)
    console.print(grid)
    for finding in fired(findings):
        console.print(f"{finding.guard}, {finding.subject}: {finding.sentence}")
    console.print("\n".join(_closing(findings)))


def _rows(findings: Sequence[Finding]) -> Iterator[tuple[str, ...]]:
    """One for each guard and subject; subjects that were skipped for one reason share a row."""
    skipped: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        if isinstance(finding, Skipped):
            skipped.setdefault((finding.guard, finding.reason), []).append(finding.subject)
        else:
            yield _asked(finding)
    for (guard, reason), about in skipped.items():
        what = about[0] if len(about) == 1 else f"{about[0]} and {len(about) - 1} more"
        yield guard, what, "skipped", "", "", reason


def _asked(result: GuardResult) -> tuple[str, ...]:
    found = result.estimate
    value = "" if found.value is None else f"{found.value:.3f}"
    if found.low is not None and found.high is not None:
        value += f" [{found.low:.3f}, {found.high:.3f}]"
    limit = "" if result.threshold is None else f"{result.threshold:.3f}"
    fires = "FIRES" if result.fires else "no"
    return result.guard, result.subject, fires, value, limit, result.measure


def _closing(findings: Sequence[Finding]) -> Iterator[str]:
    asked = [finding for finding in findings if isinstance(finding, GuardResult)]
    skipped = len(findings) - len(asked)
    yield f"{len(fired(findings))} of {len(asked)} fired; {skipped} could not be run."
    yield "A guard that fires says where to look; a silent one proves nothing."
    yield RESEARCH_USE
