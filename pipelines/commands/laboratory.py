"""What makes the demonstration: simulated cohorts, their oracle, the pretrained image layers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from pipelines.commands.options import Jobs, Out, screen


def simulate(
    out: Out,
    cases: Annotated[int, typer.Option("--cases", min=1, help="Number of cases.")] = 400,
    seed: Annotated[int, typer.Option("--seed", help="Random seed.")] = 0,
    rows: Annotated[
        int, typer.Option("--rows", min=128, help="Height of a radiograph in pixels.")
    ] = 512,
    jobs: Jobs = 1,
    missing: Annotated[
        str,
        typer.Option(
            "--missing",
            help="How values go missing: none, mcar, mar, or mnar (sicker patients are tested more"
            " often).",
        ),
    ] = "mnar",
    shortcut: Annotated[
        str,
        typer.Option(
            "--shortcut",
            help="Plant a shortcut for this diagnosis: a lead marker on most of its films.",
        ),
    ] = "",
    further: Annotated[
        list[str] | None,
        typer.Option("--with", help="Also simulate this input, such as ecg (may be repeated)."),
    ] = None,
) -> None:
    """Simulate a cohort in the folder format, with DICOM radiographs and masks."""
    from pipelines.jobs import progress
    from pipelines.laboratory.simulate.clinic import LABELS
    from pipelines.laboratory.simulate.cohort import simulate as simulate_cohort
    from pipelines.laboratory.simulate.design import design
    from pipelines.laboratory.simulate.senses import chosen

    switches = design(missing, shortcut, LABELS, chosen(further or ()))
    with progress.bar() as display:
        task = display.add_task("simulate", total=cases, note="")
        simulate_cohort(
            cases,
            seed,
            out,
            rows=rows,
            jobs=jobs,
            design=switches,
            progress=lambda done: display.update(task, completed=done),
        )
    screen.print(f"{cases} simulated cases (seed {seed}) in {out}")


def check_realism(
    simulated: Annotated[
        Path, typer.Argument(metavar="SIMULATED", help="Folder of a simulated cohort.")
    ],
    real: Annotated[
        Path, typer.Argument(metavar="REAL", help="Folder of a cohort of real radiographs.")
    ],
    source: Annotated[
        str, typer.Option("--source", help="Format of the real cohort, as in `assess --source`.")
    ] = "nih_chestxray",
    limit: Annotated[
        int,
        typer.Option("--limit", metavar="N", min=20, help="Use at most N films of each cohort."),
    ] = 200,
) -> None:
    """Measure how far simulated films are from real ones, and real ones apart."""
    from pipelines.laboratory.simulate import realism as films

    found = films.compare(simulated, real, real_source=source, limit=limit)
    table = Table("", "simulated to real", "real to real")
    for row in films.table(found):
        table.add_row(*row)
    screen.print(table)


def compute_oracle(
    cohort: Annotated[
        Path, typer.Argument(metavar="COHORT", help="Folder written by `triptych simulate`.")
    ],
    out: Annotated[Path, typer.Option("--out", help="CSV file to write.")],
    jobs: Jobs = 1,
    leave_one_out: Annotated[
        bool, typer.Option("--leave-one-out", help="Also leave out each modality in turn.")
    ] = False,
) -> None:
    """Compute the Bayes-optimal posterior, per modality and combined."""
    from pipelines.jobs import progress
    from pipelines.laboratory.oracle.posterior_table import write_posteriors
    from pipelines.laboratory.oracle.score import markdown, score

    with progress.bar() as display:
        task = display.add_task("oracle", total=None, note="")
        count = write_posteriors(
            cohort,
            out,
            jobs=jobs,
            leave_one_out=leave_one_out,
            progress=lambda done, total: display.update(task, completed=done, total=total),
        )
    table = out.with_suffix(".md")
    table.write_text(markdown(score(out, cohort)), encoding="utf-8")
    screen.print(f"{count} cases: posteriors in {out}, best possible AUROC in {table}")


def pretrain(
    out: Out,
    films: Annotated[
        int, typer.Option("--films", min=50, help="Number of films to train on.")
    ] = 4500,
    jobs: Jobs = 1,
) -> None:
    """Pretrain the image layers to outline and name findings on simulated films."""
    from pipelines.laboratory.pretrain.film_tail import pretrain as pretrain_tail

    pretrain_tail(out, films, jobs=jobs)
