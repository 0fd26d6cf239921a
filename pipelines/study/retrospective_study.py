"""`triptych study run`: one study file and one cohort to a study that a reviewer can check.

Select by rules, check the splits, train and test (or test a model that already exists), choose
thresholds on validation patients, judge on the tested ones, write. A killed run resumes where it
was: features, finished trainings and assessed cases are kept in the folder, and all that is written
comes from them and is written again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from clinical.cohorts.sources import source
from clinical.config import CohortConfig, StudyConfig
from clinical.errors import CohortError
from clinical.workspace import own_file
from pipelines.assessing import results
from pipelines.assessing.unread import READING_THREADS, report_dataset
from pipelines.folds import cross_validate
from pipelines.folds.cross_validate import OutOfFold
from pipelines.folds.splits import Fold, Indices, given_fold
from pipelines.folds.tasks import Asks
from pipelines.folds.temporal import day
from pipelines.jobs.executors import Workers
from pipelines.jobs.progress import bar, console
from pipelines.reports.formatting import counted
from pipelines.study import (
    applied_model_card,
    checkpoint_study,
    examples,
    image_overlap_check,
    predictions,
)
from pipelines.study import thresholds as choosing
from pipelines.study.characteristics import predictors_table
from pipelines.study.checklists import pages as checklists
from pipelines.study.checks import check_folds
from pipelines.study.design import StudyDesign
from pipelines.study.document import report_files
from pipelines.study.external_cohort import FOLD, PREFIX, joined
from pipelines.study.external_cohort import ways as ways_of_two
from pipelines.study.fairness import SUPPRESSED, Fairness
from pipelines.study.flow import Flow, both_in_markdown, flow, markdown
from pipelines.study.guards.guard import Finding
from pipelines.study.guards.out_of_fold import Judging
from pipelines.study.guards_only import ask
from pipelines.study.manifest import manifest
from pipelines.study.metrics_json import Gathered, judge
from pipelines.study.own_columns import named_columns
from pipelines.study.read_cohort import Cohort, read_cohort
from pipelines.study.selection import Selection, select_from, selected
from pipelines.study.thresholds import Chosen
from pipelines.training import soft_targets
from pipelines.training.dataset import Dataset

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


@dataclass(frozen=True, eq=False)
class _Made:
    """Everything that is judged.

    Attributes:
        read: the cohort, before any rule.
        tested: what the model says of the cases that the rules have left.
        chosen: thresholds and maps of every label.
        gathered: what is known besides.
        model: what the manifest says of a model that already existed.
    """

    read: Cohort
    tested: OutOfFold
    chosen: tuple[Chosen, ...]
    gathered: Gathered
    model: Mapping[str, Any] = field(default_factory=dict)


def carry_out(design: StudyDesign, file: bytes, out: Path, workers: Workers) -> str:
    """Carry out a study that has been looked at (`pipelines.study.run_study`).

    Args:
        design: the study.
        file: what its study file holds.
        out: folder for the results; a killed run resumes from what it holds.
        workers: who does the trainings, or parts of the cohort.

    Returns:
        The verdict, one sentence.

    Raises:
        ConfigError: if the study names a column that the cohort does not have.
        CohortError: if the cohort cannot be read, or no case is left to learn from or to test.
        ModelError: if the study names a checkpoint that cannot be used.
    """
    watch, named = _Watch(), named_columns(design)
    out.mkdir(parents=True, exist_ok=True)
    checkpoint = design.checkpoint
    if checkpoint is not None:
        design = checkpoint_study.with_settings_of(design, checkpoint)
        made = _loaded(design, checkpoint, out, workers, watch)
    else:
        made = _trained(design, out, workers, watch)
    made = replace(made, gathered=replace(made.gathered, named=named))
    with watch.part("judge"):
        files, fair = _files(design, made)
    images = made.gathered.images
    results.write_table(out / "suppressed.csv", SUPPRESSED, fair.suppressed)
    results.write_table(
        out / "same_images.csv", image_overlap_check.COLUMNS, images.rows if images else ()
    )
    parts = {f"train: {name}": seconds for name, seconds in made.tested.seconds.items()}
    times = {**watch.seconds, **parts}
    facts = manifest(design, file, made.read, made.tested.dataset, files, times)
    facts |= {"model": dict(made.model)} if made.model else {}
    written = {**files, MANIFEST: (json.dumps(facts, indent=1) + "\n").encode()}
    write_files(out, written)
    metrics = json.loads(files[METRICS])
    write_files(out, derived(metrics, facts))
    return str(metrics["verdict"]["sentence"])


def _trained(design: StudyDesign, out: Path, workers: Workers, watch: _Watch) -> _Made:
    study = design.study
    torch.set_num_threads(READING_THREADS)
    with watch.part("read and encode"):
        read = _cohort(design, out / "features")
    selection, dataset = _select(read, design, out)
    if design.external is not None:
        console.print(_parts(dataset))
    with watch.part("train and test"):
        tested = _cross_validated(dataset, study, out / "folds", workers)
    if design.external is not None:
        tested = _renamed(tested)
    way = _flow(read.dataset, selection, tested.folds[0], study)
    ways = ways_of_two(read, design.rules, selection, tested.folds[0][0])
    chosen = choosing.choose(tested, study.evaluation.sensitivity, study.seed)
    return _Made(read, tested, chosen, _gather(way, ways, tested, design, read, watch))


def _renamed(tested: OutOfFold) -> OutOfFold:
    """The one fold of two cohorts by its own name."""
    return replace(tested, folds=tuple((replace(fold, name=FOLD),) for (fold,) in tested.folds))


def _parts(dataset: Dataset) -> str:
    """How many are learnt from and tested; nobody leaves a study without a word."""
    (fold,) = given_fold(dataset.splits, dataset.patients)
    learnt, tested = counted(len(fold.train), "case"), counted(len(fold.test), "case")
    both = counted(fold.removed, "case")
    return f"learnt from: {learnt}; tested: {tested}; left out, as the patient is tested: {both}"


def _cross_validated(
    dataset: Dataset, study: StudyConfig, folder: Path, workers: Workers
) -> OutOfFold:
    settings = study.evaluation
    with bar() as progress:
        task = progress.add_task("cross-validate", total=None, note="")

        def report(line: str, done: int, total: int) -> None:
            progress.update(task, completed=done, total=total, note=line)

        return cross_validate.cross_validate(
            dataset,
            study,
            folder,
            report,
            workers=workers,
            oracle=soft_targets.posteriors_of(dataset, study),
            asks=Asks(thresholds=True, stress=settings.stress, shares=settings.learning_curve),
        )


def _loaded(
    design: StudyDesign, checkpoint: Path, out: Path, workers: Workers, watch: _Watch
) -> _Made:
    run, jobs = workers.contained, workers.jobs
    with watch.part("read and assess"):
        found = checkpoint_study.assess(design, checkpoint, out, run, jobs)
    console.print(str(found.done))
    selection, dataset = _select(found.read, design, out)
    tested = checkpoint_study.selected(found.tested, dataset, selection)
    with watch.part("guards"):
        findings, sampled = checkpoint_study.look_for_shortcuts(
            found, tested, design, out, run, jobs
        )
    gathered = Gathered(
        _flow(found.read.dataset, selection, tested.folds[0], design.study),
        checkpoint_study.checks(found, dataset, selection),
        None,
        findings,
        found.read.facts,
        checkpoint_study.left_out(found, sampled),
    )
    chosen = checkpoint_study.thresholds(tested, found.model)
    return _Made(found.read, tested, chosen, gathered, asdict(found.model.identity))


def _select(read: Cohort, design: StudyDesign, out: Path) -> tuple[Selection, Dataset]:
    report_dataset(read.dataset, out)
    selection = select_from(read.dataset, design.rules)
    dataset = selected(read.dataset, selection)
    if not dataset.cases:
        raise CohortError(
            "The rules leave no case.", remedy="look at their conditions, and relax one"
        )
    return selection, dataset


def _cohort(design: StudyDesign, cache: Path) -> Cohort:
    """The cohort of a study, and its external one where it has one."""
    study, external = design.study, design.external
    guards = design.evaluation.guards
    cohort = read_cohort(source(study.cohort.source), study, cache, guards=guards)
    if external is None:
        return cohort
    config = CohortConfig(external.path, external.source, study.cohort.limit)
    # Masks and augmented copies are for learning, and nothing here is used for training.
    training = replace(study.training, mask_weight=0.0, augmentations=0)
    known = cohort.dataset.diagnoses
    other = replace(study, cohort=config, training=training, diagnoses=known)
    tested = read_cohort(source(external.source), other, cache, guards=guards)
    return joined(cohort, tested, shares_patients=external.shares_patients)


def _gather(
    way: Flow,
    ways: Mapping[str, Flow],
    tested: OutOfFold,
    design: StudyDesign,
    read: Cohort,
    watch: _Watch,
) -> Gathered:
    dataset, folds = tested.dataset, tested.folds[0]
    with watch.part("check splits and images"):
        checks = tuple(check_folds(folds, dataset.patients))
        images = image_overlap_check.same_images(dataset, folds, read.prints)
    with watch.part("guards"):
        findings = _guards(dataset, design, read)
    return Gathered(way, checks, images, findings, read.facts, ways=ways)


def _files(design: StudyDesign, made: _Made) -> tuple[dict[str, bytes], Fairness]:
    """Everything that is the same in a rerun: name to content."""
    tested, chosen, gathered = made.tested, made.chosen, made.gathered
    metrics, fair = judge(design, tested, chosen, gathered)
    files = {
        METRICS: (json.dumps(metrics, indent=1, allow_nan=False) + "\n").encode(),
        "predictions.parquet": predictions.to_bytes(tested, chosen),
        "flow.md": _flow_text(gathered).encode(),
        "predictors.csv": predictors_table(metrics["characteristics"]).encode(),
        **report_files(metrics),
        examples.FILE: _examples(design, tested, chosen),
    }
    return files, fair


def _flow_text(gathered: Gathered) -> str:
    return both_in_markdown(gathered.ways) if gathered.ways else markdown(gathered.flow)


def _examples(design: StudyDesign, tested: OutOfFold, chosen: Sequence[Chosen]) -> bytes:
    """Single cases with their images, whose pixels are read once more."""
    cohort = design.external or design.study.cohort
    picked = examples.pick(tested, chosen)
    # Where two cohorts were joined, cases may go by another name than in their own.
    names = {case_id.removeprefix(PREFIX): case_id for case_id in examples.case_ids(picked, tested)}
    found = examples.films(source(cohort.source), Path(cohort.path), names)
    films = {names[case_id]: own for case_id, own in found.items()}
    return examples.page(design.study.name, picked, tested, films)


def derived(metrics: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """What is written from the metrics and the manifest: name to content (`manifest.DERIVED`)."""
    card = applied_model_card.model_card_xml(metrics, manifest)
    return {**checklists.files(metrics, manifest), applied_model_card.FILE: card}


def write_files(out: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, each by rename."""
    for name, content in files.items():
        file = out / name
        file.parent.mkdir(parents=True, exist_ok=True)
        own_file.write(file, content)


def _guards(dataset: Dataset, design: StudyDesign, read: Cohort) -> tuple[Finding, ...]:
    if not design.evaluation.guards:
        return ()
    study = design.study
    return ask(dataset, read, Judging(samples=study.evaluation.bootstrap, seed=study.seed))


def _flow(
    dataset: Dataset, selection: Selection, folds: Sequence[Fold], study: StudyConfig
) -> Flow:
    """With one cut into two parts, both of them; otherwise what each fold tests."""
    if study.evaluation.split not in ("given", "time"):
        return flow(dataset, selection, {f"{fold.name}, tested": fold.test for fold in folds})
    (fold,) = folds
    parts: dict[str, Indices] = {"training": fold.train, f"tested: {fold.name}": fold.test}
    unused = {"another case of the patient is tested": fold.removed}
    if study.evaluation.split == "time":
        kept = [dataset.cases[i].case for i in selection.kept]
        unused["no decision date"] = sum(day(case) is None for case in kept)
    return flow(dataset, selection, parts, unused)


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
