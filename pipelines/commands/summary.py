"""What a person reads in the terminal after a job."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from clinical.wording import RESEARCH_USE
from pipelines.assessing.evaluate import ALL, Evaluation
from pipelines.assessing.results import Counts
from pipelines.commands.demo import Demonstration
from pipelines.explanations.pointing import MACRO
from pipelines.explanations.report import Judged
from pipelines.statistics.metrics import Interval


def show_counts(console: Console, counts: Counts, out: Path) -> None:
    """What became of every case."""
    console.print(
        f"{counts.cases} cases = {counts.assessed} assessed + {counts.skipped} skipped"
        f" (reasons in {out / 'skipped.csv'})"
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
    console.print(f"results: {out / 'assessments.jsonl'}   {RESEARCH_USE}")


def show_evaluation(console: Console, evaluation: Evaluation) -> None:
    """AUROC of each modality alone and of all together; the intervals are on disk."""
    inputs = list(dict.fromkeys(r.inputs for r in evaluation.results))
    table = Table(
        title=f"AUROC, {evaluation.cases} cases of {evaluation.patients} patients",
        title_justify="left",
    )
    table.add_column("diagnosis", no_wrap=True)
    for name in inputs:
        table.add_column("meas." if name == "measurements" else name, justify="right", no_wrap=True)
    found = {(r.diagnosis, r.inputs): r.auroc for r in evaluation.results}
    for diagnosis in dict.fromkeys(r.diagnosis for r in evaluation.results):
        areas = [found[diagnosis, name] for name in inputs]
        table.add_row(diagnosis, *(_short(area) for area in areas))
    console.print(table)
    console.print(
        f"mean of all: {evaluation.macro:.3f}; best single input: {evaluation.macro_single:.3f}"
    )
    errors = [
        (r.calibration_error, r.calibration_floor or 0.0)
        for r in evaluation.results
        if r.inputs == ALL and r.calibration_error is not None
    ]
    if errors:
        worst, floor = max(errors)
        console.print(
            f"largest calibration error of all (ECE, 15 bins): {worst:.3f}; exact probabilities"
            f" would show {floor:.3f} on so many cases by chance"
        )
    for overall in evaluation.sets[:1]:
        console.print(
            f"prediction sets: {overall.achieved} of cases covered ({overall.promised:.0%}"
            f" promised), {overall.size:.1f} diagnoses in a set"
        )
    console.print(f"out of distribution: {evaluation.flagged:.1%} of cases")


def _short(area: Interval) -> str:
    return "-" if area.value is None else f"{area.value:.3f}"


def evaluation_table(evaluation: Evaluation) -> str:
    """The same with all intervals, as Markdown."""
    inputs = list(dict.fromkeys(r.inputs for r in evaluation.results))
    found = {(r.diagnosis, r.inputs): r.auroc for r in evaluation.results}
    gains = {gain.diagnosis: gain for gain in evaluation.gains}
    lines = [
        f"AUROC [95% interval, patient bootstrap], {evaluation.cases} cases of"
        f" {evaluation.patients} patients.",
        "",
        "| diagnosis | positive | " + " | ".join(inputs) + " | all minus best single |",
        "|---" * (3 + len(inputs)) + "|",
    ]
    for diagnosis in dict.fromkeys(r.diagnosis for r in evaluation.results):
        cells = [str(found[diagnosis, name]) for name in inputs]
        gain = gains.get(diagnosis)
        cells.append(f"{gain.difference} over {gain.best_single}" if gain else "")
        positives = found[diagnosis, ALL].positives
        lines.append(f"| {diagnosis} | {positives} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, *_error_lines(evaluation), *_set_lines(evaluation)]) + "\n"


def _error_lines(evaluation: Evaluation) -> list[str]:
    rows = [r for r in evaluation.results if r.inputs == ALL and r.calibration_error is not None]
    return [
        "",
        "Calibration of all inputs together (ECE, 15 bins), beside what exact probabilities would"
        " show on so many cases by chance.",
        "",
        "| diagnosis | error | by chance |",
        "|---|---|---|",
        *(
            f"| {r.diagnosis} | {r.calibration_error:.3f} | {r.calibration_floor or 0:.3f} |"
            for r in rows
        ),
    ]


def _set_lines(evaluation: Evaluation) -> list[str]:
    if not evaluation.sets:
        return ["", "No prediction sets: the model was trained without them."]
    return [
        "",
        "Prediction sets: share of cases whose true diagnoses are all in the set [95% interval,"
        " patient bootstrap].",
        "",
        "| inputs | cases | promised | achieved | mean size | empty |",
        "|---|---|---|---|---|---|",
        *(
            f"| {found.inputs} | {found.achieved.cases} | {found.promised:.0%} | {found.achieved}"
            f" | {found.size:.2f} | {found.empty:.1%} |"
            for found in evaluation.sets
        ),
    ]


def show_demonstration(console: Console, made: Demonstration) -> None:
    """The demonstration in a few lines."""
    show_evaluation(console, made.evaluation)
    console.print(
        f"{made.counts.assessed} of {made.counts.cases} simulated cases assessed,"
        f" {made.counts.skipped} skipped, {made.counts.flagged} unlike the training cases"
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
