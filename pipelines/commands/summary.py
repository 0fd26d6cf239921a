"""What a person reads in the terminal after a job."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from clinical.cohorts.sources import notes
from clinical.model.calibration import COVERAGE
from clinical.wording import RESEARCH_USE
from pipelines.assessing.results import Counts
from pipelines.commands.demo import Demonstration
from pipelines.explanations.conflicts import Measured
from pipelines.explanations.mirrored import Line as Sides
from pipelines.explanations.pointing import MACRO
from pipelines.explanations.report import Judged
from pipelines.folds.methods import OURS
from pipelines.statistics.metrics import Interval
from pipelines.study.judged_assessments import Evaluation

NOTHING = Interval(None, None, None, 0, 0)


def show_notes(console: Console, source: str, cohort: Path) -> None:
    """How the tables of a cohort were read, where they are not written as the format has it."""
    for note in notes(source, cohort):
        console.print(f"note: {note}")


def show_counts(console: Console, counts: Counts, out: Path) -> None:
    """What became of every case."""
    console.print(
        f"{counts.cases} cases = {counts.assessed} assessed + {counts.skipped} skipped"
        f" (reasons in {out / 'skipped.csv'})"
    )
    if counts.ended_worker:
        console.print(
            f"{counts.ended_worker} of the skipped ended the process that assessed them; each was"
            f" tried again by itself. To try them once more, delete {out / 'manifest.json'}"
        )
    if counts.problems:
        console.print(
            f"{counts.problems} rows or files set aside (reasons in {out / 'problems.csv'})"
        )
    if counts.flagged:
        console.print(
            f"{counts.flagged} of {counts.assessed} are unlike the training cases: their"
            " suggestions are withheld"
        )
    for name, cases in counts.led_by.items():
        console.print(
            f"{cases} of {counts.assessed}: readers begin with {name}"
            if name
            else f"{cases} of {counts.assessed}: no model suggests anything"
        )
    console.print(f"results: {out / 'assessments.jsonl'}   {RESEARCH_USE}")


def show_evaluation(console: Console, evaluation: Evaluation) -> None:
    """AUROC of each modality alone and of all together; the intervals are on disk."""
    figures = evaluation.figures
    methods = {**evaluation.inputs, "all": OURS}
    table = Table(
        title=f"AUROC, {figures.cases} cases of {figures.patients} patients",
        title_justify="left",
    )
    table.add_column("diagnosis", no_wrap=True)
    for name in methods:
        table.add_column("meas." if name == "measurements" else name, justify="right", no_wrap=True)
    for diagnosis in figures.auroc[OURS]:
        areas = [figures.auroc[method][diagnosis] for method in methods.values()]
        table.add_row(diagnosis, *(_short(area) for area in areas))
    console.print(table)
    singles = [figures.macro[method] for method in evaluation.inputs.values()]
    best = max(singles, key=lambda area: area.value or 0.0, default=NOTHING)
    console.print(f"mean of all: {_short(figures.macro[OURS])}; best single input: {_short(best)}")
    if figures.calibration:
        worst = max(figures.calibration.values(), key=lambda found: found.error)
        console.print(
            f"largest calibration error of all (ECE, 15 bins): {worst.error:.3f}; exact"
            f" probabilities would show {worst.floor:.3f} by chance with this many cases"
        )
    for sets in figures.coverage.values():
        console.print(
            f"prediction sets: {sets.share} of cases covered ({COVERAGE:.0%} promised),"
            f" {sets.size:.1f} diagnoses in a set"
        )
    console.print(f"out of distribution: {evaluation.flagged:.1%} of cases")


def _short(area: Interval) -> str:
    return "-" if area.value is None else f"{area.value:.3f}"


def show_demonstration(console: Console, made: Demonstration) -> None:
    """The demonstration in a few lines."""
    show_evaluation(console, made.evaluation)
    console.print(
        f"{made.counts.assessed} of {made.counts.cases} simulated cases assessed,"
        f" {made.counts.skipped} skipped, {made.counts.flagged} unlike the training cases"
    )
    for name, reasons in made.refused.items():
        most_first = sorted(reasons.items(), key=lambda one: -one[1])
        told = ", ".join(f"{reason} {number}" for reason, number in most_first)
        console.print(
            f"{name}, which ships and is asked where it was added, would refuse"
            f" {sum(reasons.values())} of {made.counts.cases}: {told}"
        )
    console.print(f"ledger intact: {made.verdict.events} events, head {made.verdict.head[:16]}...")
    console.print(f"record: {made.record}")
    console.print(f"workspace: {made.workspace}   ({made.seconds:.0f} s)")
    console.print(RESEARCH_USE, style="bold")


def show_pointing(console: Console, judged: Judged) -> None:
    """Hit rates on average, and what ours gains; the rest is on disk."""
    table = Table(
        title=f"Pointing game, {judged.game.cases} cases of {judged.game.patients} patients,"
        " mean over diagnoses",
        title_justify="left",
    )
    for name in ("map", "hit rate", "energy", "ours minus it, hit rate"):
        table.add_column(name)
    gains = {g.method: g.hit for g in judged.game.gains if g.diagnosis == MACRO}
    for score in judged.game.scores:
        if score.diagnosis == MACRO:
            gain = str(gains.get(score.method, ""))
            table.add_row(score.method, str(score.hit), str(score.energy), gain)
    console.print(table)
    console.print(f"with every diagnosis, faithfulness and examples: {judged.report}")


def show_conflicts(console: Console, found: Measured) -> None:
    """How well exchanged inputs are found out, and how many honest cases are marked."""
    title = "Inputs of another patient with other diagnoses"
    table = Table(title=title, title_justify="left")
    for name in ("input", "honest cases", "AUROC", "found", "honest ones marked"):
        table.add_column(name)
    for line in found.lines:
        shares = (f"{share:.3f}" for share in (line.found, line.marked))
        table.add_row(line.modality, str(line.cases), str(line.auroc), *shares)
    console.print(table)
    groups = "; ".join(
        f"{name} {share:.3f} of {count}"
        for shown in (
            {f"site {site}": row for site, row in found.by_site.items() if site},
            {f"{number} inputs": row for number, row in found.by_inputs.items()},
        )
        for name, (count, share) in shown.items()
    )
    console.print(f"The page marks {found.marked:.3f} of {found.cases} honest cases ({groups}).")


def show_mirrored(console: Console, lines: Sequence[Sides]) -> None:
    """How many films are called mirrored, all together and by site."""
    table = Table(title="Called mirrored", title_justify="left")
    for name in ("films", "number", "of mirrored ones", "as they stand"):
        table.add_column(name)
    for line in lines:
        table.add_row(line.site or "all", str(line.found.cases), str(line.found), str(line.marked))
    console.print(table)
