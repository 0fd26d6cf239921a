"""A cross-validation as a person reads it: a Markdown page, and a few lines in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from clinical.model.calibration import COVERAGE
from clinical.wording import RESEARCH_USE
from pipelines.folds.compare import Comparison, CrossValidation
from pipelines.folds.methods import AS_THEY_ARE, OURS
from pipelines.statistics.metrics import Interval

_SPLITS = {
    "patient": "by patient",
    "site": "each site left out in turn",
    "given": "on the cohort's own split",
}


def show(console: Console, result: CrossValidation) -> None:
    """Every method's macro AUROC, and the verdicts."""
    table = Table(
        title=f"Macro AUROC [95% patient bootstrap], {_how(result)}", title_justify="left"
    )
    table.add_column("method")
    table.add_column("macro AUROC", justify="right")
    table.add_column("seeds", justify="right")
    for method, area in result.macro.items():
        table.add_row(method, str(area), _spread(result, method))
    console.print(table)
    for line in _verdicts(result):
        console.print(line)


def markdown(result: CrossValidation) -> str:
    """The whole comparison, with all intervals."""
    lines = [f"{_how(result)}. Brackets: 95% interval, patient bootstrap. {RESEARCH_USE}", ""]
    lines += ["## AUROC", "", *_areas(result), ""]
    lines += ["## What it says", "", *(f"- {line}" for line in _verdicts(result)), ""]
    lines += ["## Differences in AUROC", "", *_differences(result.comparisons), ""]
    if result.removal:
        lines += ["## A modality missing", "", *_differences([*result.removal.values()]), ""]
    lines += ["## Calibration", "", *_calibration(result), ""]
    if result.coverage:
        lines += ["## Prediction sets", "", *_coverage(result), ""]
    lines += ["## Folds", "", *_folds(result), "", "## Time", "", *_seconds(result)]
    return "\n".join(lines) + "\n"


def _how(result: CrossValidation) -> str:
    seeds = f"{result.repeats} seed{'s' if result.repeats > 1 else ''}"
    return (
        f"{result.cases} cases of {result.patients} patients, {len(result.folds)}"
        f" fold{'s' if len(result.folds) > 1 else ''} {_SPLITS[result.split]}, {seeds}"
    )


def _spread(result: CrossValidation, method: str) -> str:
    seeds = result.seeds.get(method)
    return f"SD {seeds.spread:.3f}" if seeds else ""


def _areas(result: CrossValidation) -> Iterator[str]:
    diagnoses = list(result.auroc[OURS])
    yield "| method | macro | seeds | " + " | ".join(diagnoses) + " |"
    yield "|---" * (3 + len(diagnoses)) + "|"
    yield from (
        f"| {method} | {result.macro[method]} | {_spread(result, method)} | "
        + " | ".join(str(row[name]) for name in diagnoses)
        + " |"
        for method, row in result.auroc.items()
    )
    counts = [
        f"{result.auroc[OURS][n].positives} of {result.auroc[OURS][n].cases}" for n in diagnoses
    ]
    yield "| positive | | | " + " | ".join(counts) + " |"


def _verdicts(result: CrossValidation) -> Iterator[str]:
    if result.best_single is not None:
        yield (
            f"Best single modality, chosen on validation patients: {result.best_single}"
            f" (macro AUROC there {result.validated[result.best_single]:.3f})."
        )
    for comparison in result.comparisons:
        yield _sentence(comparison)
    if result.gap_closed is not None:
        yield f"Share of the gap from there to the oracle that is closed: {result.gap_closed}."
    if result.repeats > 1:
        yield f"Mean probability of all {result.repeats} seeds: macro AUROC {result.ensemble}."
    for name, comparison in result.removal.items():
        yield f"Without {name} in half the patients: {_sentence(comparison)}"
    worst = max(result.calibration.items(), key=lambda item: item[1].error, default=None)
    if worst is not None:
        yield (
            f"Largest calibration error (ECE, 15 bins): {worst[1].error:.3f} ({worst[0]}; perfect"
            f" calibration would show {worst[1].floor:.3f} with so few cases)."
        )
    if AS_THEY_ARE in result.coverage:
        covered = result.coverage[AS_THEY_ARE]
        yield (
            f"All true diagnoses of a case lie in its prediction set: {covered.share}"
            f" (promised {COVERAGE:.0%})."
        )


def _sentence(comparison: Comparison) -> str:
    return (
        f"{comparison.first} minus {comparison.second}: {_signed(comparison.macro)}:"
        f" {comparison.verdict}."
    )


def _signed(area: Interval) -> str:
    if area.value is None:
        return "not defined"
    return f"{area.value:+.3f} [{area.low:+.3f}, {area.high:+.3f}]"


def _differences(comparisons: Sequence[Comparison]) -> Iterator[str]:
    diagnoses = list(comparisons[0].labels) if comparisons else []
    yield "| difference | macro | verdict | " + " | ".join(diagnoses) + " |"
    yield "|---" * (3 + len(diagnoses)) + "|"
    for c in comparisons:
        cells = [_signed(c.macro), c.verdict, *(_signed(c.labels[name]) for name in diagnoses)]
        yield f"| {c.first} minus {c.second} | " + " | ".join(cells) + " |"


def _calibration(result: CrossValidation) -> Iterator[str]:
    methods = list(result.log_loss)
    yield (
        "| diagnosis | ECE (15 bins) | floor | "
        + " | ".join(f"log loss, {m}" for m in methods)
        + " |"
    )
    yield "|---" * (3 + len(methods)) + "|"
    for name, found in result.calibration.items():
        losses = [f"{result.log_loss[method][name]:.3f}" for method in methods]
        yield f"| {name} | {found.error:.3f} | {found.floor:.3f} | " + " | ".join(losses) + " |"


def _coverage(result: CrossValidation) -> Iterator[str]:
    yield "| inputs | cases | all true diagnoses in the set | mean size |"
    yield "|---|---|---|---|"
    for name, covered in result.coverage.items():
        yield f"| {name} | {covered.share.cases} | {covered.share} | {covered.size:.2f} |"


def _folds(result: CrossValidation) -> Iterator[str]:
    methods = list(result.macro)
    yield "| left out | learnt from | tested | removed | " + " | ".join(methods) + " |"
    yield "|---" * (4 + len(methods)) + "|"
    for fold in result.folds:
        areas = [fold.macro[method] for method in methods]
        cells = ["-" if area is None else f"{area:.3f}" for area in areas]
        counts = f"{fold.learnt} | {fold.tested} | {fold.removed}"
        yield f"| {fold.name} | {counts} | " + " | ".join(cells) + " |"


def _seconds(result: CrossValidation) -> Iterator[str]:
    yield "| part | seconds |"
    yield "|---|---|"
    yield from (f"| {part} | {took:.0f} |" for part, took in result.seconds.items())
