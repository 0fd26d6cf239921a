"""`triptych study run`: one study file and one cohort to a study that a reviewer can check.

Select by rules, check the splits, train and test, choose thresholds on validation patients, judge
on the tested ones, write. A killed run goes on where it was: features and finished trainings are
kept in the folder, and all that is written comes from them and is written again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from clinical.cohorts.sources import source
from clinical.config import StudyConfig
from clinical.errors import CohortError
from pipelines import results
from pipelines.crossvalidate import OutOfFold
from pipelines.features import Dataset
from pipelines.progress import console
from pipelines.splits import Fold, Indices
from pipelines.study import applied_model_card, diagram, predictions, report, same_images
from pipelines.study import chosen as choosing
from pipelines.study.checklists import pages as checklists
from pipelines.study.checks import check_folds
from pipelines.study.design import StudyDesign, load_design
from pipelines.study.fairness import SUPPRESSED, Fairness
from pipelines.study.flow import Flow, flow, markdown
from pipelines.study.guards.guard import Finding
from pipelines.study.guards.out_of_fold import Judging
from pipelines.study.guards.run_all import run_all
from pipelines.study.judging import Gathered, judge
from pipelines.study.manifest import manifest
from pipelines.study.reading import Cohort, read_cohort
from pipelines.study.selection import Selection, select_from, selected
from pipelines.training_run import READING_THREADS, cross_validated, oracle_of, report_dataset

METRICS, MANIFEST = "metrics.json", "manifest.json"


@dataclass
class _Watch:
    """Seconds that each part of the work took."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        console.print(f"{name} ...")
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started


def run_study(study_file: Path, out: Path, cohort: Path | None = None, *, jobs: int = 1) -> str:
    """Run a study and write it into `out`.

    Args:
        study_file: see `pipelines.study.design`.
        out: folder for the results; a killed run goes on from what it holds.
        cohort: folder of the cohort, if not as in the study.
        jobs: trainings at a time; the results do not depend on it.

    Returns:
        The verdict, one sentence.

    Raises:
        ConfigError: if the study cannot be read, or names what the cohort does not have.
        CohortError: if the cohort cannot be read, or no case is left to learn from or to test.
    """
    design = load_design(study_file, cohort)
    study, watch = design.study, _Watch()
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(READING_THREADS)
    with watch.part("read and encode"):
        read = read_cohort(source(study.cohort.source), study, out / "features")
    report_dataset(read.dataset, out)
    selection = select_from(read.dataset, design.rules)
    dataset = selected(read.dataset, selection)
    if not dataset.cases:
        raise CohortError("The rules leave no case.", remedy="see their conditions, and loosen one")
    with watch.part("train and test"):
        tested = cross_validated(
            dataset, study, out, jobs, oracle_of(dataset, study), thresholds=True
        )
    way = _flow(read.dataset, selection, tested.folds[0], study)
    gathered = _gather(way, tested, design, read, watch)
    with watch.part("judge"):
        files, fair = _files(design, tested, gathered)
    rows = gathered.images.rows if gathered.images else ()
    results.write_table(out / "suppressed.csv", SUPPRESSED, fair.suppressed)
    results.write_table(out / "same_images.csv", same_images.COLUMNS, rows)
    times = {**watch.seconds, **{f"train: {k}": v for k, v in tested.seconds.items()}}
    facts = manifest(design, study_file.read_bytes(), read, dataset, files, times)
    written = {**files, MANIFEST: (json.dumps(facts, indent=1) + "\n").encode()}
    write_files(out, {**written, **derived(json.loads(files[METRICS]), facts)})
    return str(read_metrics(out)["verdict"]["sentence"])


def _gather(
    way: Flow, tested: OutOfFold, design: StudyDesign, read: Cohort, watch: _Watch
) -> Gathered:
    dataset, folds = tested.dataset, tested.folds[0]
    with watch.part("check splits and images"):
        checks = tuple(check_folds(folds, dataset.patients))
        images = same_images.same_images(dataset, folds, read.prints)
    with watch.part("guards"):
        findings = _guards(dataset, design, read)
    return Gathered(way, checks, images, findings, read.facts)


def _files(
    design: StudyDesign, tested: OutOfFold, gathered: Gathered
) -> tuple[dict[str, bytes], Fairness]:
    """Everything that is the same in a rerun: name to content."""
    chosen = choosing.choose(tested, design.judgement.sensitivity, design.study.seed)
    metrics, fair = judge(design, tested, chosen, gathered)
    files = {
        METRICS: (json.dumps(metrics, indent=1, allow_nan=False) + "\n").encode(),
        "predictions.parquet": predictions.to_bytes(predictions.table(tested, chosen)),
        "flow.svg": diagram.svg(gathered.flow).encode(),
        "flow.md": markdown(gathered.flow).encode(),
        **report.files(metrics),
    }
    return files, fair


def derived(metrics: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """What is written from the metrics and the manifest: name to content (`manifest.DERIVED`)."""
    card = applied_model_card.model_card_xml(metrics, manifest)
    return {**checklists.files(metrics, manifest), applied_model_card.FILE: card}


def write_files(out: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, each by rename."""
    for name, content in files.items():
        file = out / name
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_name(file.name + ".part")
        unfinished.write_bytes(content)
        unfinished.replace(file)


def _guards(dataset: Dataset, design: StudyDesign, read: Cohort) -> tuple[Finding, ...]:
    if not design.judgement.guards:
        return ()
    study = design.study
    judging = Judging(samples=study.evaluation.bootstrap, seed=study.seed)
    return run_all(dataset, facts=read.facts, judging=judging)


def _flow(
    dataset: Dataset, selection: Selection, folds: Sequence[Fold], study: StudyConfig
) -> Flow:
    """With a given split its two parts; otherwise what each fold tests."""
    if study.evaluation.split == "given":
        parts: dict[str, Indices] = {"learnt from": folds[0].train, "tested": folds[0].test}
        unused = {"another case of the patient is tested": folds[0].removed}
        return flow(dataset, selection, parts, unused)
    return flow(dataset, selection, {f"{fold.name}, tested": fold.test for fold in folds})


def read_metrics(out: Path) -> dict[str, Any]:
    """The figures of a finished study.

    Raises:
        CohortError: if the folder holds none.
    """
    return _read(out, METRICS)


def read_manifest(out: Path) -> dict[str, Any]:
    """What a finished study was made from.

    Raises:
        CohortError: if the folder does not say.
    """
    return _read(out, MANIFEST)


def _read(out: Path, name: str) -> dict[str, Any]:
    file = out / name
    if not file.exists():
        raise CohortError(
            f"{out} holds no {name}.", remedy="run `triptych study run` with this --out"
        )
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found
